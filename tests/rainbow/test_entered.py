"""What stands in Rainbow's documents, found by paths; what is not understood changes nothing."""

from typing import Any

import pytest

from rainbow_exchange.rainbow.entered import Entered, Value, read

PATHS = {"switch": ["sync"], "url": ["settings.company.url", "customData.url"], "password": ["secret"]}


def fine(_name: str, _value: str) -> str:
    return ""


def entered(*documents: dict[str, Any], before: Entered | None = None) -> Entered:
    return read(documents, PATHS, before=before or Entered(), check=fine)


@pytest.mark.parametrize(
    ("value", "switch"),
    [
        ("enabled", True),
        (" On ", True),
        (True, True),
        (1, True),
        ("disabled", False),
        ("FALSE", False),
        (False, False),
        (0, False),
        ("no", False),
        (None, None),
        ("", None),
    ],
)
def test_the_switch_in_every_wording(value: object, switch: bool | None) -> None:
    found = entered({"sync": value})
    assert (found.switch, found.faults) == (switch, ())


@pytest.mark.parametrize("value", ["perhaps", 2, {}, ["enabled"], {"value": "enabled"}, 0.5])
def test_a_switch_that_is_not_understood_stays_as_it_was(value: object) -> None:
    before = Entered(switch=False, switch_path="sync")
    found = entered({"sync": value}, before=before)
    assert (found.switch, found.switch_path) == (False, "sync")
    assert found.faults == ("sync says neither enabled nor disabled",)


def test_the_first_path_that_leads_to_something_counts_and_the_first_document() -> None:
    first = {"settings": {"company": {"url": " one "}}, "secret": ""}
    second = {"settings": {"company": {"url": "two"}}, "customData": {"url": "three"}, "secret": "hush"}
    found = entered(first, second)
    assert found.values == {"url": Value("one", "settings.company.url"), "password": Value("hush", "secret")}
    assert entered({"settings": "text", "customData": {"url": "three"}}).values == {
        "url": Value("three", "customData.url")
    }
    assert "hush" not in repr(found)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (7, "secret is no text"),
        ([], "secret is no text"),
        ("x" * 4097, "secret has more than 4096 characters"),
        ("a\x00b", "secret holds a character that is none"),
        ("a\r\nb", "secret holds a character that is none"),
    ],
)
def test_a_value_of_another_kind_changes_nothing_and_is_not_shown(value: object, fault: str) -> None:
    before = Entered(values={"password": Value("hush", "secret")})
    found = entered({"secret": value}, before=before)
    assert found.values == before.values
    assert found.faults == (fault,)


def test_what_the_check_refuses_changes_nothing() -> None:
    found = read([{"secret": "x"}], PATHS, before=Entered(), check=lambda name, _: f"is no {name}")
    assert (found.values, found.faults) == ({}, ("secret is no password",))


def test_what_is_gone_is_gone() -> None:
    assert entered({}, before=Entered(values={"password": Value("hush", "secret")})).values == {}
