"""The way in, as a browser sees it."""

import pytest

from tests.peers.browser.window import Browser
from tests.processes import World

pytestmark = [pytest.mark.peer]


def test_an_address_that_was_printed_lets_one_browser_in_and_no_script_has_its_cookie(
    browser: Browser, world: World
) -> None:
    way_in = world.connector().way_in()
    base = way_in.partition("/sign-in")[0]
    first, second = browser.window(base), browser.window(base)
    first.go(way_in)
    assert first.page.url == f"{base}/"
    assert "Exchange" in first.text()
    assert first.page.evaluate("document.cookie") == ""
    assert [cookie["sameSite"] for cookie in first.page.context.cookies()] == ["Strict"]

    assert "rainbow-exchange web-url" in second.go(way_in, status=403).text()
    assert first.go("/").page.url == f"{base}/"
