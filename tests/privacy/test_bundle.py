"""The support's bundle of the whole product, after all kinds of trouble: no mark, no secret, and nobody's name."""

import asyncio
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner

from rainbow_exchange.cli.main import commands
from rainbow_exchange.lab.exchange.mailbox import Right
from rainbow_exchange.web import runtime
from tests.house import House, until, virtually
from tests.privacy.company import MARKS, SUBJECT, TEXT, Watch, fill, stir

FAULTS = {"FindItem": "ErrorInternalServerError", "GetUserOofSettings": "ErrorAccessDenied"}


def names_of(house: House) -> Iterator[str]:
    """Give everything by which somebody could tell who is meant, as it is and as it is written elsewhere."""
    names = {"svc-rainbow", house.rainbow.login}
    for user in house.people:
        names |= {user.login_email, user.id, user.jid, user.display_name, user.external_uid or user.login_email}
        names |= {address for address, _ in user.emails}
        if user.mailbox is not None:
            names |= {user.mailbox.address, *user.mailbox.aliases}
    for name in names:
        yield from {name, quote(name, safe=""), json.dumps(name)[1:-1]}
        if name != house.rainbow.login:  # "connector" is a word of every status
            yield name.partition("@")[0]


def secrets_of(house: House) -> Iterator[str]:
    found = runtime.read(house.folder)
    assert found is not None
    yield from (found.nonce, runtime.read_token(house.folder), str(house.password), house.rainbow_password)
    yield from (house.rainbow.app_secret, *(user.jid_password for user in house.people))


async def bundle_of(house: House, monkeypatch: pytest.MonkeyPatch, *options: str) -> dict[str, str]:
    """Have the command make one, of the running daemon and of a log that says everything; give its members."""
    for name, value in {
        "STATE__PATH": str(house.folder),
        "LOG__FILE": str(house.folder / "log.json"),
        "EXCHANGE__URL": house.exchange.url,
        "EXCHANGE__USERNAME": "svc-rainbow",
        "EXCHANGE__PASSWORD": str(house.password),
        "RAINBOW__URL": house.rainbow.url,
        "RAINBOW__LOGIN": house.rainbow.login,
        "RAINBOW__PASSWORD": house.rainbow_password,
        "RAINBOW__APP_ID": house.rainbow.app_id,
        "RAINBOW__APP_SECRET": house.rainbow.app_secret,
    }.items():
        monkeypatch.setenv(f"RAINBOW_EXCHANGE_{name}", value)
    file = house.folder / f"bundle{len(options)}.zip"
    arguments = ["support-bundle", "--output", str(file), *options]
    result = await asyncio.to_thread(CliRunner().invoke, commands, arguments)
    assert result.exit_code == 0, result.output
    with zipfile.ZipFile(io.BytesIO(file.read_bytes())) as packed:
        return {name: packed.read(name).decode() for name in packed.namelist()}


def test_a_bundle_shows_no_mark_no_secret_and_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        house = House(tmp_path, 9, right=Right.REVIEWER)
        house.bridge = {"privacy": "full", "privacy_exceptions": {house.people[0].login_email: "busy-only"}}
        someone = house.people[0]
        words = f"{SUBJECT} {TEXT} of {someone.login_email}, {someone.display_name}: {house.password}"
        watch = Watch()
        async with house.open():
            fill(house)
            with watch.watching():
                house.start()
                await until(lambda: house.status()["state"] == "healthy", within=120)
                house.rainbow.dials.set({"echo_answers": True, "refusal_words": words})
                house.exchange.dials.turn({"error_words": words, "faults": FAULTS})
                for address in [each.login_email for each in house.people]:
                    await house.rainbow.questions.ask("events", address)
                stir(house)
                await asyncio.sleep(60)
                (house.folder / "log.json").write_text("\n".join(each.replace("\n", " ") for each in watch.seen))
                members = await bundle_of(house, monkeypatch)
                open_members = await bundle_of(house, monkeypatch, "--include-addresses")
                secrets = set(secrets_of(house))
        assert set(members) >= {
            "manifest.json", "versions.json", "state.json", "status.json", "daemon.json", "metrics.txt", "daemon.log",
            "log-file.log", "mailboxes.json", "explain.json", "settings.json", "check.json",
        }  # fmt: skip
        missing = {each["name"] for each in json.loads(members["manifest.json"])["missing"]}
        assert missing <= {"service.json", "journal.log"}, "which are the system's"
        assert json.loads(members["explain.json"])["people"]
        steps = {each["step"]: each["verdict"] for each in json.loads(members["check.json"])["steps"]}
        assert steps["exchange-authentication"] == "pass", members["check.json"]
        assert members["daemon.log"].count("\n") > 100
        for name, text in members.items():
            for hidden in {*MARKS, *secrets, *names_of(house)}:
                assert hidden.lower() not in text.lower(), f"{hidden} in {name}: {around(text, hidden)}"
        for name, text in open_members.items():
            for hidden in {*MARKS, *secrets}:
                assert hidden not in text, f"{hidden} in {name}: {around(text, hidden)}"
        assert house.people[1].login_email in open_members["explain.json"] + open_members["mailboxes.json"]
        assert members["mailboxes.json"].count("hash-") > 9

    virtually(test)


def around(text: str, hidden: str) -> str:
    at = text.lower().find(hidden.lower())
    return text[max(0, at - 200) : at + 200]
