"""Views are shown, forms are done, and what is put into a page is text."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest

from rainbow_exchange.web import app
from rainbow_exchange.web.sessions import Sessions
from rainbow_exchange.web.view import Change, Download, File, NotFound, Sorry, View
from rainbow_exchange.words import _
from tests.browsing import OPENED

NASTY = "<script>alert(1)</script>&amp;\"'\x00\x1b\udcff é"
done: list[Mapping[str, str]] = []


async def seen(values: Mapping[str, str]) -> Mapping[str, Any]:
    if values.get("who") == "nobody":
        raise NotFound
    return {"sorry": f"seen by {values.get('who', 'all')}", "back": "/"}


async def do(form: Mapping[str, str]) -> str:
    if form.get("fail"):
        raise Sorry(_("It is too late."), "/people/ada")
    done.append(form)
    return "/"


async def give(_form: Mapping[str, str]) -> File:
    return File(name="log.txt", content_type="text/plain", content=b"lines")


#: a page that says "seen by all"
SEEN = View(path="/", template="sorry.html", context=seen)
PERSON = View(path="/people/{who}", template="sorry.html", context=seen)


@pytest.fixture
async def browser() -> AsyncIterator[aiohttp.ClientSession]:
    """Give a browser that has signed in."""
    sessions = Sessions()
    page = app.make_app(
        status=dict,
        ready=bool,
        metrics=bytes,
        calls={},
        token="t" * 64,
        nonce="n" * 64,
        sessions=sessions,
        views=[SEEN, PERSON],
        changes=[Change(path="/do", work=do)],
        files=[Download(path="/give", work=give)],
    )
    jar = aiohttp.CookieJar(unsafe=True)
    async with (
        app.serve(page, "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", cookie_jar=jar) as client,
    ):
        async with client.get(f"/sign-in?code={sessions.mint()}", headers=OPENED) as answer:
            assert answer.status == 200
        done.clear()
        yield client


async def test_a_view_is_shown_with_the_values_of_its_path(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/people/ada") as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
        assert "seen by ada" in await answer.text()
    async with browser.get("/people/nobody") as answer:
        assert answer.status == 404


async def test_what_is_put_into_a_page_is_text(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/people/x", params={"who": NASTY}) as answer:
        text = await answer.text()
    assert "<script>alert" not in text


async def test_the_reader_chooses_the_language(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/", headers={"Accept-Language": "fr-CA,fr;q=0.9"}) as answer:
        assert '<html lang="fr">' in await answer.text()
    async with browser.get("/language/fr?back=/people/ada") as answer:
        assert answer.url.path == "/people/ada"
        assert '<html lang="fr">' in await answer.text()
    async with browser.get("/language/fr?back=//evil.test/", allow_redirects=False) as answer:
        assert answer.headers["Location"] == "/"
    async with browser.get("/language/de") as answer:
        assert answer.status == 404


async def test_a_form_without_our_field_does_nothing(browser: aiohttp.ClientSession) -> None:
    origin = {"Origin": str(browser._base_url).rstrip("/")}
    for path in ("/do", "/give"):
        async with browser.post(path, data={"csrf": "x"}, headers=origin) as answer:
            assert answer.status == 403
    assert done == []
