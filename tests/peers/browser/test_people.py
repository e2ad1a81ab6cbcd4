"""People, as a browser shows them: fifty thousand in pages, one with the whole chain, and what may be done about it."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.peers.browser.company import Company
from tests.peers.browser.window import Browser
from tests.peers.browser.wire import watched
from tests.processes import World, until

pytestmark = [pytest.mark.peer]

MANY = 50_000
#: rows of a page, and bytes that it may take on the wire
PAGE, MOST_BYTES = 50, 60_000
#: names of the links and headings of a person's chain, in the order in which a change goes
CHAIN = [
    "Rainbow user",
    "Mailbox",
    "Exchange",
    "Stream",
    "Calendar as read",
    "Out of office",
    "Rainbow",
    "Told",
    "Asked and answered",
]


def test_the_chain_of_a_person_from_rainbow_s_user_to_what_was_asked(browser: Browser, company: Company) -> None:
    window = company.window(browser)
    window.page.get_by_role("link", name="People", exact=True).click()
    window.page.get_by_label("Name or address").fill("lea.chat")
    window.page.get_by_role("button", name="Search").click()
    window.page.get_by_role("link", name="lea.chatelet@acme.test", exact=True).click()
    chain = window.page.get_by_role("region", name="The chain, link by link")
    assert chain.get_by_role("heading", level=3).all_inner_texts() == CHAIN
    assert "Shown right" in window.text()
    assert window.findings() == []


def test_a_change_is_seen_on_the_person_and_in_the_activity_as_it_happens(browser: Browser, company: Company) -> None:
    person = company.window(browser)
    person.go("/people").page.get_by_role("link", name="ada.kermarrec@acme.test", exact=True).click()
    activity = company.window(browser).go("/activity?who=ada.kermarrec")
    for window in (person, activity):
        window.page.get_by_text("Live", exact=True).wait_for()
        window.page.evaluate("window.sameDocument = true")
    assert "none since the connector began" in person.text()
    told = activity.page.get_by_text("Rainbow was told that the calendar has changed")
    assert told.count() == 0
    company.meets("ada.kermarrec@acme.test", "A subject of Ada")
    told.first.wait_for(timeout=120_000)
    person.page.get_by_text("none since the connector began").wait_for(state="detached", timeout=120_000)
    for window in (person, activity):
        assert window.page.evaluate("window.sameDocument === true")
        assert "A subject of Ada" not in window.page.content()


def test_whoever_is_not_covered_is_found_by_the_reason_and_tried_again_by_a_button(
    browser: Browser, company: Company
) -> None:
    window = company.window(browser).go("/people")
    window.page.get_by_role("link", name="Not covered 2").click()
    window.page.get_by_role("link", name="nadia.nguyen@acme.test", exact=True).click()
    assert "ErrorMailboxMoveInProgress" in window.text()
    company.lab.exchange("POST", "/lab/dials", {"mailbox_errors": {}})
    window.page.get_by_role("button", name="Retry now").click()
    window.page.get_by_text("Streamed", exact=True).first.wait_for(timeout=120_000)


@pytest.fixture
def many(chromium: Any, tmp_path: Path) -> Iterator[Company]:  # noqa: ARG001  (nothing is started where there is no browser)
    """Give a company of 50,000 who have no address, and three with a mailbox."""
    nobody = [{"loginEmail": f"u{number:05}", "lastName": "Nobody"} for number in range(MANY)]
    addresses = [f"{name}@acme.test" for name in ("ada", "bob", "zoe")]
    people = [{"loginEmail": each, "emails": [{"email": each, "type": "work"}]} for each in addresses]
    with ExitStack() as stack:
        world = World(tmp_path, stack)
        lab = world.lab([*people, *nobody])
        connector = world.connector(lab, LOG__LEVEL="warning")
        until(lambda: connector.asked().get("mailboxes", {}).get("streamed") == len(people), "all listed", within=120)
        yield Company(lab, connector, connector.way_in().partition("/sign-in")[0])


def test_fifty_thousand_are_searched_and_paged_on_the_server(browser: Browser, many: Company) -> None:
    window = many.window(browser)
    window.page.get_by_role("region", name="Mailboxes covered").get_by_text("/ 50,003").wait_for()
    window.go("/streams")
    with watched(window) as wire:
        window.page.get_by_role("link", name="People", exact=True).click()
        window.page.get_by_text("Page 1 of 1,001").wait_for()
    assert list(wire.bytes) == [f"{many.base}/people"]
    assert wire.bytes[f"{many.base}/people"] <= MOST_BYTES
    rows = window.page.get_by_role("row")
    assert rows.count() == 1 + PAGE
    window.page.get_by_role("link", name="Last", exact=True).click()
    window.page.get_by_text("Page 1,001 of 1,001").wait_for()
    assert rows.count() == 1 + 3
    window.page.get_by_label("Name or address").fill("u4999?")
    window.page.get_by_role("button", name="Search").click()
    window.page.get_by_text("1 to 10 of 10 people").wait_for()
    assert [row.split("\t")[0] for row in rows.all_inner_texts()[1:]] == [f"u4999{digit}" for digit in range(10)]
    window.page.get_by_role("link", name="Clear", exact=True).click()
    window.page.get_by_role("link", name="Streamed 3", exact=True).click()
    window.page.get_by_text("1 to 3 of 3 people").wait_for()
    assert [row.split("\t")[0] for row in rows.all_inner_texts()[1:]] == [
        "ada@acme.test",
        "bob@acme.test",
        "zoe@acme.test",
    ]
