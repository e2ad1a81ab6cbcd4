"""The search of the built documentation finds what explains each message, whatever an administrator pastes of it."""

import re

import pytest

from rainbow_exchange.ews.treatment import TABLE
from tests.messages.filled import questions
from tests.messages.gathering import ROOT
from tests.messages.pages import sections
from tests.peers.browser.documentation import Documentation, folder, open_documentation
from tests.peers.browser.window import Browser

pytestmark = [pytest.mark.peer]

#: asked in one go
_AT_ONCE = 200
#: among so many results an administrator looks
FIRST = 3


@pytest.fixture
def documentation(browser: Browser) -> Documentation:
    return open_documentation(browser, folder().as_uri())


def test_every_message_finds_the_page_that_explains_it_with_anybodys_values_in_it(documentation: Documentation) -> None:
    asked = questions(sections())
    assert len(asked) > 2000
    lost = []
    for begin in range(0, len(asked), _AT_ONCE):
        some = asked[begin : begin + _AT_ONCE]
        for (query, page), found in zip(some, documentation.all_pages([query for query, _ in some]), strict=True):
            if f"reference/messages/{page}" not in found[:FIRST]:
                lost.append((query, page, found[:FIRST]))
    assert lost == []


def test_a_message_leads_to_the_part_of_the_page_that_explains_it(documentation: Documentation) -> None:
    for query, place in {
        "Exchange at mail.acme.test refuses the user name or password by NTLM (HTTP 401; it offers Negotiate).": (
            "exchange-sign-in#exchange-refuses-the-user-name-or-password"
        ),
        "There is no service rbx. Make it: rainbow-exchange service install": (
            "service#the-service-is-not-there-or-does-not-start"
        ),
        "forbids EWS to this account": "exchange-sign-in#ews-is-forbidden-to-the-account",
        "conflict: another connector signed in under our\n   name and took our place": (
            "rainbow-link#another-connector-took-the-place-conflict"
        ),
    }.items():
        assert documentation.ask(query)[0][0] == f"reference/messages/{place}"


def test_every_response_code_finds_what_is_said_of_it(documentation: Documentation) -> None:
    codes = sorted(TABLE.keys() - {"NoError"})
    found = dict(zip(codes, documentation.all_pages(codes), strict=True))

    assert [code for code in codes if "reference/messages/response-codes" not in found[code][:FIRST]] == []


def test_every_problem_and_every_cause_of_the_check_is_found_by_its_id(documentation: Documentation) -> None:
    for page, pattern in {"problems": r"^### ([a-z-]+)$", "check": r"^\| `([a-z-]+)` \| [`a]"}.items():
        text = (ROOT / "docs" / "reference" / f"{page}.md").read_text(encoding="utf-8").rpartition("## Causes")[2]
        names = re.findall(pattern, text, re.MULTILINE)
        assert len(names) > 15
        found = dict(zip(names, documentation.all_pages(names), strict=True))
        assert [name for name in names if f"reference/{page}" not in found[name][:FIRST]] == []


def test_what_click_says_of_options_finds_the_page_of_commands(documentation: Documentation) -> None:
    for query in (
        "Error: No such option: --usr Did you mean --url?",
        "Error: Missing argument 'ADDRESS'.",
        "Error: Invalid value for '--users': 'x' is not a valid integer range.",
        "Error: Got unexpected extra argument (now)",
        "Error: No such command 'stat'.",
    ):
        assert "reference/messages/commands" in documentation.pages(query)[:FIRST]


@pytest.mark.parametrize("code", ["401500", "401501", "401521", "401523", "401520", "401000"])
def test_rainbows_error_codes_find_what_is_said_of_them(documentation: Documentation, code: str) -> None:
    for query in (code, f"Rainbow error {code}"):
        assert "reference/messages/rainbow-sign-in" in documentation.pages(query)[:FIRST]
