"""Whoever has a good code gets in, once; nobody else sees anything, and no code or session is ever written down."""

import asyncio
import re
from collections.abc import AsyncIterator
from itertools import islice
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from rainbow_exchange.web import app
from tests.browsing import OPENED
from tests.house import House, until, virtually
from tests.web.test_pages import SEEN

TOKEN = "t" * 64
FORM = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def url() -> AsyncIterator[str]:
    page = app.make_app(status=dict, ready=bool, metrics=bytes, calls={}, token=TOKEN, nonce="n" * 64, views=[SEEN])
    async with app.serve(page, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
async def browser() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), headers=OPENED) as session:
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
    assert "seen by" not in text
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
            assert "seen by all" in await answer.text()
            assert answer.headers["Cache-Control"] == "no-store"
        async with aiohttp.ClientSession(headers=OPENED) as another, another.get(link) as answer:
            assert answer.status == 403
            assert "has let somebody in already" in await answer.text()
    assert [(line["event"], line["by"]) for line in lines] == [("page_signed_in", "127.0.0.1")]
    assert link.rpartition("=")[2] not in repr(lines)
    assert cookie.partition("=")[2][:43] not in repr(lines)


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
        assert (answer.status, answer.url.path) == (200, "/sign-in")
    async with browser.head(link) as answer:
        assert answer.status == 405
    async with browser.get(link) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"User-Agent": "LinkPreviewer/1.0"},
        OPENED | {"Sec-Fetch-Site": "cross-site"},
        OPENED | {"Sec-Fetch-Dest": "iframe"},
        OPENED | {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    ],
)
async def test_whoever_looks_at_a_link_without_opening_it_gets_a_button_and_uses_nothing_up(
    url: str, said: dict[str, str]
) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as looking:
        link = await minted(looking, url)
        for _ in range(2):
            async with looking.get(link, headers=said) as answer:
                text = await answer.text()
                assert (answer.status, "Set-Cookie" in answer.headers) == (200, False)
        code = link.rpartition("=")[2]
        assert f'value="{code}"' in text
        form = {"code": code, "to": "/"}
        async with looking.post(f"{url}/sign-in", data=form, headers={"Origin": url} | FORM) as answer:
            assert (answer.status, answer.url.path) == (200, "/")


@pytest.mark.parametrize(
    "typed", ["{code}", "  {code}\n", "{url}/sign-in?code={code}", "https://page.acme.test/?code={code} "]
)
@pytest.mark.parametrize(
    ("to", "path"),
    [("/", "/"), ("/?a=b", "/?a=b"), ("//evil.test", "/"), ("/\\evil.test", "/"), ("/\t/evil.test", "/"), ("x", "/")],
)
async def test_a_code_or_a_whole_link_can_be_pasted(
    url: str, browser: aiohttp.ClientSession, typed: str, to: str, path: str
) -> None:
    code = (await minted(browser, url)).rpartition("=")[2]
    form = {"code": typed.format(code=code, url=url), "to": to}

    async with browser.post(
        f"{url}/sign-in", data=form, headers={"Origin": url} | FORM, allow_redirects=False
    ) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, path)
        assert "Secure" not in answer.headers["Set-Cookie"]


async def test_another_site_signs_nobody_in(url: str, browser: aiohttp.ClientSession) -> None:
    form = {"code": (await minted(browser, url)).rpartition("=")[2]}

    for said in (
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {},
        {"Origin": url, "Sec-Fetch-Site": "cross-site"},
    ):
        async with browser.post(f"{url}/sign-in", data=form, headers=FORM | said) as answer:
            assert (answer.status, "Set-Cookie" in answer.headers) == (403, False)
    async with browser.post(f"{url}/sign-in", data=form, headers=FORM | {"Origin": url}) as answer:
        assert answer.url.path == "/"


async def test_behind_a_proxy_that_takes_tls_off_the_cookie_is_for_tls_alone(
    url: str, browser: aiohttp.ClientSession
) -> None:
    code = (await minted(browser, url)).rpartition("=")[2]
    headers = FORM | {"Origin": "https://localhost", "Host": "localhost"}

    async with browser.post(f"{url}/sign-in", data={"code": code}, headers=headers, allow_redirects=False) as answer:
        cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"__Host-rainbow-exchange-{url.rpartition(':')[2]}=")
    assert "Secure" in cookie
    async with browser.get(url, headers={"Cookie": cookie.partition(";")[0]}) as answer:
        assert "seen by all" in await answer.text()


async def test_whoever_signs_out_is_out_and_so_is_a_copy_of_the_cookie(
    url: str, browser: aiohttp.ClientSession
) -> None:
    async with browser.get(await minted(browser, url)) as answer:
        field = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
    assert field is not None
    copied = {"Cookie": "; ".join(f"{each.key}={each.value}" for each in browser.cookie_jar)}

    async with browser.post(f"{url}/sign-out", data={}, headers={"Origin": url} | FORM) as answer:
        assert answer.status == 403
    async with browser.post(
        f"{url}/sign-out", data={"csrf": field[1]}, headers={"Origin": url} | FORM, allow_redirects=False
    ) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/sign-in")
    assert list(browser.cookie_jar) == []
    async with browser.get(url, headers=copied) as answer:
        assert answer.status == 401


async def test_whoever_signs_in_again_has_one_session(url: str, browser: aiohttp.ClientSession) -> None:
    async with browser.get(await minted(browser, url)):
        copied = {"Cookie": "; ".join(f"{each.key}={each.value}" for each in browser.cookie_jar)}
    async with browser.get(await minted(browser, url)) as answer:
        assert answer.status == 200
    async with aiohttp.ClientSession(headers=copied) as old, old.get(url) as answer:
        assert answer.status == 401


async def test_whoever_was_on_the_way_goes_on_there(url: str, browser: aiohttp.ClientSession) -> None:
    async with browser.get(f"{url}/?person=ada%26") as answer:
        assert 'name="to" value="/?person=ada%26"' in await answer.text()


async def test_whoever_tries_codes_out_is_sent_away_and_shuts_nobody_out(
    url: str, browser: aiohttp.ClientSession
) -> None:
    link = await minted(browser, url)
    seen = []
    with capture_logs() as lines:
        for number in range(12):
            async with browser.get(f"{url}/sign-in", params={"code": f"é{number}"}) as answer:
                seen.append(answer.status)
    assert seen == [403] * 9 + [429] * 3
    assert lines == [{"event": "page_codes_tried_out", "by": "127.0.0.1", "log_level": "warning"}]
    async with browser.post(f"{url}/sign-in", data={"code": "x"}, headers={"Origin": url} | FORM) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "60")
    async with browser.get(link) as answer:
        assert answer.status == 200


async def test_whoever_sends_the_form_slowly_takes_nobodys_place(
    url: str, browser: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rainbow_exchange.web.forms._SECONDS", 100.0)
    host = url.removeprefix("http://")
    head = (
        f"POST /sign-in HTTP/1.1\r\nHost: {host}\r\nOrigin: {url}\r\nContent-Length: 100\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\ncode="
    )
    slow = [await asyncio.open_connection(*host.split(":")) for _ in range(40)]
    for _, writer in slow:
        writer.write(head.encode())
    answered = [asyncio.create_task(reader.readline()) for reader, _ in slow]
    async with asyncio.timeout(60):  # sooner than a form may take: all but sixteen are sent away
        gone = {await each for each in islice(asyncio.as_completed(answered), 24)}
    assert gone == {b"HTTP/1.1 408 Request Timeout\r\n"}
    assert sum(each.done() for each in answered) == 24
    code = await minted(browser, url)
    async with browser.post(f"{url}/sign-in", data={"code": code}, headers={"Origin": url} | FORM) as answer:
        assert answer.url.path == "/"
    for _, writer in slow:
        writer.close()
    await asyncio.gather(*answered)


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
                async with (
                    aiohttp.ClientSession(cookie_jar=jar) as browser,
                    browser.get(link, headers=OPENED) as answer,
                ):
                    assert (answer.status, answer.url.path) == (200, "/")
                    assert "<h1>Overview</h1>" in await answer.text()
            code = link.rpartition("=")[2]
            kept = b"".join(file.read_bytes() for file in house.folder.iterdir())
            assert code not in repr(lines)
            assert code.encode() not in kept

    virtually(test)
