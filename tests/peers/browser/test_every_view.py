"""Every view: in both languages, in light and dark, narrow and wide, for a screen reader, and without script."""

import pytest

from tests.peers.browser.company import Company
from tests.peers.browser.views import VIEWS, names_of, not_translated, people, texts
from tests.peers.browser.window import Browser, Window

pytestmark = [pytest.mark.peer]

EVERY = [*VIEWS, "Person"]


def open_view(window: Window, view: str) -> Window:
    if view in VIEWS:
        return window.go(VIEWS[view])
    return window.go(next(people(window))[1])


def test_the_navigation_leads_to_every_view_and_says_where_one_is(browser: Browser, company: Company) -> None:
    window = company.window(browser)
    navigation = window.page.get_by_role("navigation").first
    assert [link.inner_text() for link in navigation.get_by_role("link").all()] == list(VIEWS)
    for name, path in VIEWS.items():
        navigation.get_by_role("link", name=name, exact=True).click()
        window.page.wait_for_url(company.base + path)
        assert navigation.locator("[aria-current=page]").inner_text() == name
        assert window.page.get_by_role("heading", level=1).count() == 1


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("view", EVERY)
def test_the_rules_of_accessibility_find_nothing(browser: Browser, company: Company, view: str, colours: str) -> None:
    window = open_view(company.window(browser, colours=colours), view)
    assert window.findings() == []


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("view", EVERY)
def test_nothing_is_wider_than_the_window(browser: Browser, company: Company, view: str, language: str) -> None:
    window = open_view(company.window(browser, language=language), view)
    widths = (320, 360, 768, 1024, 1280, 1920)
    assert {width: window.resize(width).overflow() for width in widths} == dict.fromkeys(widths, 0)


@pytest.mark.parametrize("view", EVERY)
def test_each_word_is_in_the_browser_s_language(browser: Browser, company: Company, view: str) -> None:
    english = open_view(company.window(browser, language="en-GB"), view)
    french = open_view(company.window(browser, language="fr-CA"), view)
    assert (english.page.locator("html").get_attribute("lang"), french.page.locator("html").get_attribute("lang")) == (
        "en",
        "fr",
    )
    assert not_translated(texts(english), texts(french), names_of(company.lab)) == set()


def test_the_language_can_be_switched_and_stays(browser: Browser, company: Company) -> None:
    window = company.window(browser, language="en")
    window.go("/people")
    window.page.get_by_role("link", name="Français").click()
    window.page.wait_for_url(company.base + "/people")
    assert window.page.locator("html").get_attribute("lang") == "fr"
    assert window.go("/").page.locator("html").get_attribute("lang") == "fr"
    window.page.get_by_role("link", name="English").click()
    window.page.wait_for_url(company.base + "/")
    assert window.page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize("view", EVERY)
def test_without_script_everything_is_there(browser: Browser, company: Company, view: str) -> None:
    plain = open_view(company.window(browser, script=False), view)
    assert plain.page.get_by_role("heading", level=1).count() == 1
    buttons = [button for button in plain.page.get_by_role("button").all() if button.is_visible()]
    for button in buttons:  # one that only a script could serve would do nothing
        assert button.evaluate("one => !!one.form || one.localName === 'summary'"), button.inner_text()


def test_a_subject_is_never_taken_for_markup(browser: Browser, company: Company) -> None:
    for view in EVERY:
        window = open_view(company.window(browser), view)
        assert "taken over" not in window.page.title()
        assert window.page.locator("[onmouseover]").count() == 0
