"""What happens is seen as it happens, without loading the page again."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.peers.browser.company import Company, open_company
from tests.peers.browser.window import Browser, Window
from tests.processes import World

pytestmark = [pytest.mark.peer]

SOON = 60_000


@contextmanager
def not_loaded_again(window: Window) -> Iterator[None]:
    """See to it that what is shown at the end is the same document as at the beginning."""
    window.page.evaluate("window.sameDocument = true")
    yield
    assert window.page.evaluate("window.sameDocument === true")


def test_the_overview_shows_an_outage_and_its_end(browser: Browser, company: Company) -> None:
    window = company.window(browser)
    outage = window.page.get_by_text(re.compile("cannot be used: closed"))
    with not_loaded_again(window):
        assert outage.count() == 0
        company.lab.exchange("POST", "/lab/outage", {"ews": "reset"})
        try:
            outage.first.wait_for(timeout=SOON)
        finally:
            company.lab.exchange("POST", "/lab/outage", {"ews": ""})
        company.connector.retry()
        outage.first.wait_for(state="detached", timeout=SOON)


def test_a_page_that_is_paused_stays_as_it_is_and_catches_up(browser: Browser, company: Company) -> None:
    window = company.window(browser)
    outage = window.page.get_by_text(re.compile("cannot be used: closed"))
    window.page.get_by_text("Live", exact=True).wait_for()
    with not_loaded_again(window):
        window.page.get_by_role("button", name="Pause").click()
        assert window.page.get_by_text("Paused", exact=True).is_visible()
        company.lab.exchange("POST", "/lab/outage", {"ews": "reset"})
        try:
            company.connector.problem("exchange-unreachable")
            window.page.wait_for_timeout(5000)  # more than two rounds of updates
            assert outage.count() == 0
            window.page.get_by_role("button", name="Pause").click()
            outage.first.wait_for(timeout=SOON)
        finally:
            company.lab.exchange("POST", "/lab/outage", {"ews": ""})
            company.connector.retry()


def test_a_connector_that_ends_is_said_to_be_gone(browser: Browser, world: World) -> None:
    mortal, _ = open_company(world)
    window = mortal.window(browser)
    window.page.get_by_text("Live", exact=True).wait_for()
    assert mortal.connector.stop() == 0
    window.page.get_by_text("The connector does not answer").wait_for(timeout=SOON)
    opacity = window.page.evaluate("Number(getComputedStyle(document.querySelector('main')).opacity)")
    assert opacity < 0.6  # nobody takes what was for what is
    window.complaints.clear()  # the console says that nobody answers, which is true
