"""A stream of updates as the page follows it: nothing that somebody does there is disturbed, and it ends in time."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.peers.browser.company import MARKUP, Company, open_company
from tests.peers.browser.window import Browser, Window
from tests.processes import World

pytestmark = [pytest.mark.peer]

SOON = 20_000
PART = """event: part
data: <div id="support_packing"><p id="told">{word}</p><details id="more"><summary>More</summary>inside</details>
data: <form><label>Name <input id="name" value="{word}"></label></form></div>

"""


def stream_of(window: Window, words: Iterator[str]) -> None:
    """Have the window's streams give a part each, and end: the page comes again after two seconds."""

    def give(route: Any) -> None:
        route.fulfill(status=200, content_type="text/event-stream", body=PART.format(word=next(words)))

    window.page.route("**/live/**", give)


def test_what_happens_is_added_at_the_top(browser: Browser, company: Company) -> None:
    window = company.window(browser).go("/activity")
    window.page.get_by_text("Live", exact=True).wait_for()
    somebody = company.lab.exchange("GET", "/lab/mailboxes")[0]["address"]
    lines = window.page.get_by_role("log").get_by_role("listitem")
    window.page.evaluate("window.sameDocument = true")
    company.meets(somebody, MARKUP)
    lines.filter(has_text=somebody).filter(has_text="Exchange announced a change").first.wait_for(timeout=SOON)
    lines.filter(has_text=somebody).filter(has_text="and was answered “busy”").first.wait_for(timeout=SOON)
    assert window.page.evaluate("window.sameDocument === true")
    assert "taken over" not in window.text()
    window.page.get_by_label(re.compile("^Person")).fill(somebody)
    window.page.get_by_label("Kind").select_option(label="Changes")
    window.page.get_by_role("button", name="Show", exact=True).click()
    lines.first.wait_for()
    assert all(somebody in each and "change" in each for each in lines.all_inner_texts())


def test_nothing_that_is_open_chosen_or_typed_is_disturbed(browser: Browser, company: Company) -> None:
    window = company.window(browser)
    given: list[str] = []

    def words() -> Iterator[str]:
        for number in range(1000):
            given.append(f"word {number}")
            yield given[-1]

    stream_of(window, words())
    page = window.go("/support").page
    told = page.locator("#told")
    told.wait_for(timeout=SOON)
    page.locator("#more summary").click()
    page.locator("#name").fill("typed")
    before = told.inner_text()
    told.filter(has_not_text=before).wait_for(timeout=SOON)
    assert page.locator("#more").evaluate("one => one.open")
    assert page.evaluate("[document.activeElement.id, document.activeElement.value]") == ["name", "typed"]

    told.evaluate("one => getSelection().selectAllChildren(one)")
    chosen, number = told.inner_text(), len(given)
    page.wait_for_timeout(6000)
    assert len(given) > number + 1
    assert (told.inner_text(), page.evaluate("getSelection().toString()")) == (chosen, chosen)
    page.evaluate("getSelection().removeAllRanges()")
    told.filter(has_not_text=chosen).wait_for(timeout=SOON)


def test_a_hidden_tab_follows_nothing(browser: Browser, company: Company) -> None:
    window = company.window(browser)
    window.page.get_by_text("Live", exact=True).wait_for()
    hide = (
        "([hidden]) => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
        " document.dispatchEvent(new Event('visibilitychange')); }"
    )
    with window.page.expect_event("requestfailed", lambda request: "/live" in request.url):
        window.page.evaluate(hide, [True])
    with window.page.expect_event("response", lambda answer: "/live" in answer.url and answer.status == 200):
        window.page.evaluate(hide, [False])


def test_a_fifth_page_says_that_there_are_too_many_and_comes_again(browser: Browser, company: Company) -> None:
    window = company.window(browser)
    pages = [window.page, *(window.page.context.new_page() for _ in range(4))]
    for page in pages[:4]:
        page.goto(f"{window.base}/activity")
        page.get_by_text("Live", exact=True).wait_for()
    pages[4].goto(f"{window.base}/activity")
    pages[4].get_by_text("Too many pages are open").wait_for(timeout=SOON)
    pages[1].close()
    pages[4].get_by_text("Live", exact=True).wait_for(timeout=120_000)


def test_after_a_restart_one_is_led_to_the_sign_in(browser: Browser, world: World) -> None:
    mortal, _ = open_company(world)
    window = mortal.window(browser).go("/activity")
    window.page.get_by_text("Live", exact=True).wait_for()
    assert mortal.connector.stop() == 0
    window.page.get_by_text("The connector does not answer").wait_for(timeout=SOON)
    mortal.connector.environment["RAINBOW_EXCHANGE_WEB__PORT"] = window.base.rpartition(":")[2]
    mortal.connector.start()
    window.page.get_by_text("rainbow-exchange web-url").first.wait_for(timeout=120_000)
    window.complaints.clear()  # the console says that nobody answered, and then that one is not signed in
