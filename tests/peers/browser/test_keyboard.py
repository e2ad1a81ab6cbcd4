"""Everything is reached by keyboard alone, and where one is can be seen."""

import re

import pytest

from tests.peers.browser.company import Company
from tests.peers.browser.views import VIEWS
from tests.peers.browser.window import Browser

pytestmark = [pytest.mark.peer]

LIVE = re.compile(r"//[^/]+/live/")


def test_the_first_thing_leads_past_the_navigation(browser: Browser, company: Company) -> None:
    window = company.window(browser)
    window.page.keyboard.press("Tab")
    assert window.focused() == "a Skip to the content"
    assert window.focus_is_seen()
    window.page.keyboard.press("Enter")
    window.page.keyboard.press("Tab")
    assert window.page.evaluate("document.getElementById('main').contains(document.activeElement)") or (
        window.page.get_by_role("main").locator("a, button, input, select, textarea, summary").count() == 0
    )


@pytest.mark.parametrize("view", VIEWS)
def test_each_control_is_reached_in_order_and_seen(browser: Browser, company: Company, view: str) -> None:
    window = company.window(browser)
    # what is added meanwhile would be reached, too, or not
    window.page.route(LIVE, lambda route: route.fulfill(content_type="text/event-stream", body=""))
    window.go(VIEWS[view])
    reached: list[str] = []
    window.page.keyboard.press("Tab")
    while (one := window.focused()) and len(reached) < 200:
        reached.append(one)
        assert window.focus_is_seen(), one
        window.page.keyboard.press("Tab")
    wanted = window.page.evaluate(
        """[...document.querySelectorAll(
                'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]'
            )].filter(one => !one.disabled && one.checkVisibility()
                && !(one.type === 'radio' && !one.checked && document.querySelector(`[name="${one.name}"]:checked`)))
            .length"""
    )
    assert 8 < len(reached) == wanted, reached
