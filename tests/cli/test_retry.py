import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from rainbow_exchange.cli.main import commands

if TYPE_CHECKING:
    from tests.cli.conftest import Page
else:
    Page = Any


def retry(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(commands, ["retry", *arguments])
    return result.exit_code, result.output


def test_named_users_are_tried_and_told_of(page: Page) -> None:
    page.retried = {"retried": ["ada@acme.test"], "streamed": ["ben@acme.test"], "unknown": []}
    page.retried["read"] = ["eve@acme.test"]

    code, text = retry("ada@acme.test", "ben@acme.test")

    assert code == 0
    assert page.retries == [["ada@acme.test", "ben@acme.test"]]
    assert text.splitlines() == [
        "ada@acme.test: tried now; see rainbow-exchange status",
        "eve@acme.test: streamed already; its calendar, which could not be read, is read again now",
        "ben@acme.test: streamed already",
    ]


def test_an_address_that_nobody_has_is_1(page: Page) -> None:
    page.retried["unknown"] = ["nobody@acme.test"]

    assert retry("nobody@acme.test") == (1, "nobody@acme.test: no user of the company has this address\n")


def test_an_address_that_several_have_is_not_said_to_be_nobodys(page: Page) -> None:
    page.retried["several"] = ["info@acme.test"]

    code, text = retry("info@acme.test")

    assert code == 1
    assert text == (
        "info@acme.test: several users have this address, and none as login; write the login of the one who is meant\n"
    )


def test_nobody_is_said_to_be_unknown_while_nobody_is_known(page: Page) -> None:
    page.retried["reason"] = "Exchange is looked for."

    code, text = retry("ada@acme.test")
    assert code == 1
    assert text.splitlines() == [
        "It is not known yet who has an address: Exchange is looked for.",
        "Whatever Exchange or Rainbow had refused is tried now: see rainbow-exchange status.",
    ]
    code, text = retry()
    assert (code, text.splitlines()[0]) == (0, "There is no mailbox to try yet: Exchange is looked for.")


def test_as_json(page: Page) -> None:
    page.retried["streamed"] = ["ada@acme.test"]

    code, text = retry("--json", "ada@acme.test")

    assert (code, json.loads(text)) == (0, {"schema_version": 1} | page.retried)


@pytest.mark.parametrize("arguments", [(), ("--all",)])
def test_everybody(page: Page, arguments: tuple[str, ...]) -> None:
    code, text = retry(*arguments)

    assert code == 0
    assert text.startswith("No mailbox waits for a try. Whatever Exchange or Rainbow had refused is tried now")
    assert page.retries == [None]


def test_who_is_meant_is_said_once(page: Page) -> None:
    code, text = retry("--all", "ada@acme.test")

    assert code == 2
    assert "Name the users' addresses, or --all." in text
    assert page.retries == []


def test_without_a_daemon_it_is_3_with_the_next_step() -> None:
    code, text = retry("--all")

    assert code == 3
    assert text.startswith("Not running: ")
    assert "Next step: start it" in text
