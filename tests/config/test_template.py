import re
import tomllib
from pathlib import Path

import pytest

from rainbow_exchange import config
from rainbow_exchange.config import Settings
from rainbow_exchange.config.sources import SECRETS
from rainbow_exchange.config.template import default_of, template, written

LINES = template().splitlines()
GROUPS = ["exchange", "rainbow", "rainbow_fields", "bridge", "web", "state", "log"]


def offered() -> dict[str, str]:
    """Give each `#name = value` of the template by its dotted key."""
    group, found = "", {}
    for line in LINES:
        if line.startswith("["):
            group = line.strip("[]")
        elif match := re.match(r"#([a-z_]+) = ", line):
            found[f"{group}.{match[1]}"] = line[1:]
    return found


def shown() -> dict[str, str]:
    """Give each line that stands there as an example, since something else has to be there first."""
    group, found = "", {}
    for line in LINES:
        if line.startswith("["):
            group = line.strip("[]")
        elif match := re.match(r"# Example, [^:]*: (([a-z_]+) = .*)", line):
            found[f"{group}.{match[2]}"] = match[1]
    return found


OFFERED, SHOWN = offered(), shown()


def load(folder: Path, text: str) -> Settings:
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    return config.load(file)


def test_every_setting_stands_there_with_its_variable_and_no_secret_with_a_value() -> None:
    assert OFFERED.keys() | SHOWN.keys() == set(config.known()) - set(SECRETS)
    assert [line.strip("[]") for line in LINES if line.startswith("[")] == GROUPS
    for key in config.known():
        assert "RAINBOW_EXCHANGE_" + key.replace(".", "__").upper() in template()


def test_as_it_stands_it_sets_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, template()).model_dump() == Settings().model_dump()


@pytest.mark.parametrize("key", sorted(OFFERED))
def test_each_line_is_accepted_without_its_sign(tmp_path: Path, key: str) -> None:
    line = OFFERED[key]
    settings = load(tmp_path, "\n".join(line if each == f"#{line}" else each for each in LINES))

    assert settings.value(key) is not None
    assert settings.origin(key) == str(tmp_path / "config.toml")


def test_all_lines_are_accepted_together(tmp_path: Path) -> None:
    text = re.sub(r"^#([a-z_]+ = )", r"\1", template(), flags=re.MULTILINE)
    settings = load(tmp_path, text)

    assert {key for key in OFFERED if settings.origin(key) == "default"} == set()


def test_lines_that_show_a_default_change_nothing(tmp_path: Path) -> None:
    changed = {
        key
        for key, line in OFFERED.items()
        if load(tmp_path, f"[{key.split('.')[0]}]\n{line}").model_dump() != Settings().model_dump()
    }
    examples = {
        *("exchange.url", "exchange.autodiscover_url", "exchange.username", "exchange.client_id"),
        *("exchange.token_url", "exchange.token_scope", "exchange.token_resource", "exchange.proxy_url"),
        *("exchange.fallback_username", "rainbow.login", "rainbow.app_id", "rainbow.company_id"),
        *("rainbow.trusted_askers", "rainbow.proxy_url", "bridge.privacy_exceptions", "bridge.domains"),
        *("state.path", "log.file"),
        # their defaults are assumed where Rainbow is spoken to
        *("rainbow.escape_texts_twice", "rainbow.notify_header", "rainbow.notify_with_token"),
    }
    assert changed == examples


def test_examples_are_accepted_once_what_they_need_is_there(tmp_path: Path) -> None:
    groups: dict[str, list[str]] = {"exchange": [OFFERED["exchange.fallback_username"]], "web": []}
    groups["rainbow"] = ['link = "s2s"']
    groups["rainbow"].append(OFFERED["rainbow.proxy_url"])
    for key, line in SHOWN.items():
        group, _, _ = key.partition(".")
        groups[group].append(line)
        for name in tomllib.loads(line).values():
            if str(name).endswith((".txt", ".pem")):
                (tmp_path / name).write_text("x")
    settings = load(tmp_path, "\n".join(f"[{group}]\n" + "\n".join(lines) for group, lines in groups.items()))

    assert settings.exchange.ca_file == tmp_path / "company-ca.pem"
    assert settings.rainbow.callback_url == "https://connector.company.com/rainbow"


def test_no_line_is_longer_than_a_window_is_wide() -> None:
    assert [line for line in LINES if len(line) > 130] == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (3, "3"),
        ("a", '"a"'),
        ('a"b', '"a\\"b"'),
        ("A\\b", "'A\\b'"),
        ("A\\b'c", '"A\\\\b\'c"'),
        (("é", "b"), '["é", "b"]'),
        ((), "[]"),
        ({}, "{}"),
        ({"*@b.test": "busy-only"}, '{ "*@b.test" = "busy-only" }'),
        (Path("x"), '"x"'),
    ],
)
def test_values_are_written_as_toml_has_them(value: object, text: str) -> None:
    assert written(value) == text
    read = tomllib.loads(f"x = {text}")["x"]
    assert read == (list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("exchange.url", ""),
        ("exchange.impersonation", "`true`"),
        ("exchange.allowed_hosts", "`[]`"),
        ("exchange.token_scope", "the host of `exchange.url`"),
        ("rainbow_fields.url", "`settings.company.url`, `exchangeUrl`, `customData.exchangeUrl`"),
        ("web.port", "`3001`"),
        ("bridge.privacy", "`private-masked`"),
    ],
)
def test_what_stands_for_a_setting_is_said(key: str, said: str) -> None:
    assert default_of(key) == said
