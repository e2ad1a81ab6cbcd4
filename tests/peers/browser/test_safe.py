"""What a page of another site, and a script that has got into ours, can do in a real browser: nothing."""

from typing import Any

import pytest

from tests.peers.browser.window import Browser
from tests.processes import World

pytestmark = [pytest.mark.peer]

EVIL = "http://evil.test/"
PAGE = """
<form id="form" method="post" action="{base}/sign-out"><input name="csrf" value="x"></form>
<a id="link" href="{base}/problems">Look</a>
<iframe src="{base}/"></iframe>
"""
READ = """async (url) => {
    try { return (await fetch(url, {credentials: 'include'})).type } catch { return 'refused' }
}"""
INJECT = """() => {
    const script = document.createElement('script');
    script.textContent = 'window.got = 1';
    document.body.append(script);
    const box = document.createElement('div');
    box.innerHTML = '<img src="x" onerror="window.got = 1"><b id="b" style="color: red">b</b>';
    document.body.append(box);
    return [window.got ?? 0, getComputedStyle(document.getElementById('b')).color];
}"""


def _other_site(page: Any, base: str) -> None:
    page.route(f"{EVIL}**", lambda route: route.fulfill(content_type="text/html", body=PAGE.format(base=base)))
    page.goto(EVIL)


def test_another_site_reads_frames_and_changes_nothing(browser: Browser, world: World) -> None:
    way_in = world.connector().way_in()
    base = way_in.partition("/sign-in")[0]
    window = browser.window(base).go(way_in)
    other = window.page.context.new_page()

    _other_site(other, base)
    assert [each.url.startswith("chrome-error:") for each in other.frames[1:]] == [True], "a frame around the page"
    for path in ("/", "/healthz", "/api/status"):
        assert other.evaluate(READ, base + path) == "refused"
    with other.expect_navigation():
        other.evaluate("document.getElementById('form').submit()")
    assert other.get_by_role("alert").inner_text() == "This form is of another site. Nothing was done."

    _other_site(other, base)
    other.get_by_role("link", name="Look").click()
    go_on = other.get_by_role("link", name="You come from another site. If you have signed in before, go on here.")
    go_on.click()
    other.get_by_role("heading", name="Problems", exact=True).wait_for()
    assert other.url == f"{base}/problems"
    assert window.go("/").page.get_by_role("button", name="Sign out").is_visible()


def test_a_script_that_has_got_into_the_page_does_not_run(browser: Browser, world: World) -> None:
    way_in = world.connector().way_in()
    window = browser.window(way_in.partition("/sign-in")[0]).go(way_in)

    got, colour = window.page.evaluate(INJECT)
    window.page.wait_for_timeout(200)
    assert (got, window.page.evaluate("window.got ?? 0")) == (0, 0)
    assert colour != "rgb(255, 0, 0)"
    assert window.complaints != []
    assert [each for each in window.complaints if "Content Security Policy" not in each and "/x" not in each] == []
    window.complaints.clear()
