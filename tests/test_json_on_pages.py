"""What commands print as JSON has the fields that the reference lists, no more and no fewer, and examples have them."""

import json
import re
import shlex
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rainbow_exchange import config
from rainbow_exchange.cli import main
from rainbow_exchange.diagnosis.explained import explained
from rainbow_exchange.diagnosis.mailboxes import Mailboxes
from tests.house import House, now, until, virtually
from tests.pages import DOCS, blocks, read
from tests.test_help import RUNNABLE

REFERENCE = DOCS / "reference"


def listed(text: str) -> list[dict[str, set[str]]]:
    """Give the fields of each table that begins with `field`: "" → those on top, `users` → those that it holds."""
    tables = []
    for table in re.findall(r"^\| field \|[^\n]*\n\| --- [^\n]*\n((?:\|[^\n]*\n?)+)", text, re.MULTILINE):
        fields: dict[str, set[str]] = {"": set()}
        for row in table.splitlines():
            parent = ""
            for name in re.findall(r"`([\w.\[\]]+)`", row.split("|")[1]):
                parent = parent if name.startswith(".") else name.rpartition(".")[0]
                *above, last = f"{parent}.{name.lstrip('.').rpartition('.')[2]}".removeprefix(".").split(".")
                for depth, each in enumerate(above):
                    fields.setdefault(".".join(above[:depth]), set()).add(each.removesuffix("[]"))
                fields.setdefault(".".join(above), set()).add(last.removesuffix("[]"))
        tables.append(fields)
    return tables


def found(answer: Any, path: str) -> Any:
    """Give what stands at a path of an answer, of a list the first; None where there is nothing."""
    for name in filter(None, path.split(".")):
        answer = answer.get(name.removesuffix("[]")) if isinstance(answer, dict) else None
        if name.endswith("[]"):
            answer = answer[0] if answer else None
    return answer


def differing(fields: Mapping[str, set[str]], answer: Any) -> dict[str, set[str]]:
    """Give for each path whose fields are listed those that are only listed, or only there."""
    held = {path: found(answer, path) for path in fields}
    return {
        path: fields[path] ^ set(value)
        for path, value in held.items()
        if isinstance(value, dict) and set(value) != fields[path]
    }


def section(name: str) -> str:
    return read(REFERENCE / "commands.md").partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def test_the_fields_of_the_reference_are_those_of_the_answers(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 3)
        somebody = house.people[0].login_email
        async with house.at_work() as daemon:
            await until(lambda: house.status()["mailboxes"]["streamed"] == 3, within=60)
            house.appointment(somebody, start=now() + timedelta(hours=1))
            await until(lambda: house.status()["last_hour"]["minutes"], within=120)
            status = house.status()
            people = await Mailboxes(daemon.sides.bridge, daemon.sides.why_no_bridge).answer({})
            chain = await explained(daemon.sides, {"address": somebody})
            past = await explained(daemon.sides, {"address": somebody, "at": now().isoformat()})
            told = await daemon.preview(somebody)

        [of_status] = listed(read(REFERENCE / "status.md"))
        assert differing(of_status, status) == {}
        [of_mailboxes] = listed(section("mailboxes"))
        # the command asks for page after page, and prints them as one
        assert differing(of_mailboxes, people) == {"": {"offset", "next_offset"}}
        [of_preview] = listed(section("preview"))
        assert differing(of_preview, told) == {}
        [of_explain, of_past] = listed(section("explain"))
        assert differing(of_explain, chain) == {}
        always = {"schema_version", "address", "user", "state"}
        assert differing({"": of_past[""] | always}, past) == {}

    virtually(test)


@pytest.mark.parametrize("name", sorted(RUNNABLE.keys() - {"status"}))
def test_what_the_reference_says_of_json_names_every_field(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of those commands that print JSON without a daemon; what is said at `secret list` is said of `where`, too."""
    monkeypatch.setattr(config, "default_folder", lambda: tmp_path)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    ran = CliRunner().invoke(main.commands, shlex.split(RUNNABLE[name]), prog_name="rainbow-exchange")
    if name == "check":
        text = read(REFERENCE / "check.md").partition("--json")[2]
    else:
        part = (
            read(REFERENCE / "commands.md").partition(f"### {name.replace('where', 'list')}\n")[2].partition("\n##")[0]
        )
        [text] = re.findall(r"^`--json`.*$", part, re.MULTILINE)

    assert set(json.loads(ran.stdout)) - set(re.findall(r"`(\w+)(?:\[\])?[`.]", text)) == set()


def test_the_example_of_a_status_has_every_field() -> None:
    [example] = [json.loads(block) for block in blocks(REFERENCE / "status.md", "json")]
    [fields] = listed(read(REFERENCE / "status.md"))

    assert differing(fields, example) == {}


def test_fields_are_read_from_a_table() -> None:
    table = "| field | |\n| --- | --- |\n| `at`, `users.being.done`, `.total` | x `no` |\n| `people[].user` | |\n"

    [fields] = listed(table)
    assert fields == {
        "": {"at", "users", "people"},
        "users": {"being"},
        "users.being": {"done", "total"},
        "people[]": {"user"},
    }
    assert differing({"": {"at"}}, {"at": 1, "more": 2}) == {"": {"more"}}
    assert found({"people": [{"user": 1}]}, "people[].user") == 1
