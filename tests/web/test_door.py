"""Whoever has a good code gets in, once; nobody else sees anything, and no code or session is ever written down."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from rainbow_exchange.web import app
from tests.house import House, until, virtually
from tests.web.test_pages import STATUS

TOKEN = "t" * 64


@pytest.fixture
async def url() -> AsyncIterator[str]:
    page = app.make_app(status=lambda: STATUS, ready=bool, metrics=bytes, calls={}, token=TOKEN, nonce="n" * 64)
    async with app.serve(page, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
async def browser() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield session


async def minted(browser: aiohttp.ClientSession, url: str) -> str:
    """Have a command with the token make a link."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with browser.post(f"{url}/api/sign-in", json={}, headers=headers) as answer:
        made: dict[str, Any] = await answer.json()
    assert (made["schema_version"], made["seconds"]) == (1, 600)
    return url + str(made["path"])


async def test_without_a_session_one_sees_how_to_get_one_and_nothing_else(
    url: str, browser: aiohttp.ClientSession
) -> None:
    async with browser.get(url) as answer:
        text = await answer.text()
    assert (answer.status, answer.content_type) == (401, "text/html")
    assert "rainbow-exchange web-url" in text
    assert "Degraded" not in text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


async def test_a_link_lets_in_once_by_a_cookie_that_no_script_and_no_other_site_gets(
    url: str, browser: aiohttp.ClientSession
) -> None:
    with capture_logs() as lines:
        link = await minted(browser, url)
        async with browser.get(link, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/")
            cookie = answer.headers["Set-Cookie"]
        name, _, rest = cookie.partition("=")
        assert name == f"rainbow-exchange-{url.rpartition(':')[2]}"
        assert {part.strip() for part in rest.split(";")[1:]} == {"HttpOnly", "SameSite=Strict", "Path=/"}
        async with browser.get(url) as answer:
            assert answer.status == 200
            assert "rainbow-exchange: Degraded" in await answer.text()
            assert answer.headers["Cache-Control"] == "no-store"
        async with aiohttp.ClientSession() as another, another.get(link) as answer:
            assert answer.status == 403
            assert "has let somebody in already" in await answer.text()
    assert lines == []


async def test_a_link_needs_the_token_and_a_session_is_none(url: str, browser: aiohttp.ClientSession) -> None:
    async with browser.post(f"{url}/api/sign-in", json={}) as answer:
        assert answer.status == 401
    async with browser.get(await minted(browser, url)) as answer:
        assert answer.status == 200
    async with browser.get(f"{url}/api/status") as answer:
        assert answer.status == 401


async def test_a_browsers_guess_or_a_look_at_the_head_uses_no_link_up(url: str, browser: aiohttp.ClientSession) -> None:
    link = await minted(browser, url)
    async with browser.get(link, headers={"Sec-Purpose": "prefetch;prerender"}) as answer:
        assert answer.status == 503
    async with browser.head(link) as answer:
        assert answer.status == 405
    async with browser.get(link) as answer:
        assert answer.status == 200


async def test_whoever_tries_codes_out_is_sent_away_and_shuts_nobody_out(
    url: str, browser: aiohttp.ClientSession
) -> None:
    link = await minted(browser, url)
    seen = []
    for number in range(12):
        async with browser.get(f"{url}/sign-in", params={"code": f"é{number}"}) as answer:
            seen.append(answer.status)
    assert seen == [403] * 9 + [429] * 3
    async with browser.get(link) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("cookie", ["", "x", "x" * 4000, '"\\351"'])
async def test_a_cookie_that_is_none_opens_nothing(url: str, cookie: str) -> None:
    headers = {"Cookie": f"rainbow-exchange-{url.rpartition(':')[2]}={cookie}"}
    async with aiohttp.ClientSession() as browser, browser.get(url, headers=headers) as answer:
        assert answer.status == 401


async def test_another_host_gets_no_page(url: str, browser: aiohttp.ClientSession) -> None:
    async with browser.get(await minted(browser, url), headers={"Host": "evil.test"}) as answer:
        assert answer.status == 421


def test_the_daemon_shows_a_way_in_to_whoever_watches_it_and_writes_it_nowhere(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 1)
        shown: dict[str, Any] = {}

        def observe(event: str, /, **values: Any) -> None:
            shown.setdefault(event, values)

        async with house.open():
            with capture_logs() as lines:
                house.start(observe=observe)
                await until(lambda: "serving" in shown, within=10)
                link = shown["serving"]["sign_in"]
                assert link.startswith(shown["serving"]["url"] + "/sign-in?code=")
                jar = aiohttp.CookieJar(unsafe=True)
                async with aiohttp.ClientSession(cookie_jar=jar) as browser, browser.get(link) as answer:
                    assert (answer.status, answer.url.path) == (200, "/")
                    assert "rainbow-exchange: " in await answer.text()
            code = link.rpartition("=")[2]
            kept = b"".join(file.read_bytes() for file in house.folder.iterdir())
            assert code not in repr(lines)
            assert code.encode() not in kept

    virtually(test)
