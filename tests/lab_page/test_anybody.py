"""A page without sign-in: anybody on this machine sees and changes, by a form of the page, and not too often."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from rainbow_exchange.web import app as web_app
from rainbow_exchange.web import refusals, render, security
from rainbow_exchange.web.guard import Anybody
from rainbow_exchange.web.pages import Pages, refused
from rainbow_exchange.web.rates import Allowance
from rainbow_exchange.web.view import Again, Change, View
from rainbow_exchange.words import _


async def seen(_values: Mapping[str, str]) -> Mapping[str, Any]:
    return {"sorry": "seen by anybody", "back": "/"}


async def do(form: Mapping[str, str]) -> str:
    if form.get("fail"):
        raise Again("sorry.html", {"sorry": _("It is too late."), "back": "/"})
    return "/"


@pytest.fixture
async def page() -> AsyncIterator[aiohttp.ClientSession]:
    """Give a browser on a page that may be asked ten times, and changed three times."""
    pages = Pages(
        Anybody(Allowance(10, 0, lambda: 0.0), Allowance(3, 0, lambda: 0.0)),
        [View(path="/", template="sorry.html", context=seen)],
        [Change(path="/do", work=do)],
    )
    app = web.Application(middlewares=[refusals.shown(refused, Allowance(0, 0, lambda: 0.0))])
    app[security.SITE] = render.LAB
    app.on_response_prepare.append(security.add_headers)
    pages.add_to(app.router)
    async with (
        web_app.serve(app, "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers={"Origin": f"http://127.0.0.1:{port}"}) as client,
    ):
        yield client


async def test_anybody_sees_it_with_the_style_and_script_of_the_site(page: aiohttp.ClientSession) -> None:
    async with page.get("/") as answer:
        text = await answer.text()
    assert "seen by anybody" in text
    assert "Sign out" not in text
    assert answer.headers["Content-Security-Policy"] == render.policy(render.LAB)
    assert render.script(render.LAB) in text
    assert render.script() in render.script(render.LAB)
    assert render.policy(render.LAB) != render.policy()


async def test_a_form_is_done_and_a_script_stays_where_it_is(page: aiohttp.ClientSession) -> None:
    async with page.post("/do", data={"a": "1"}, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/")
    headers = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty"}
    async with page.post("/do", data={"a": "1"}, headers=headers, allow_redirects=False) as answer:
        assert answer.status == 204
    async with page.post("/do", data={"fail": "1"}, headers=headers) as answer:
        assert answer.status == 422
        assert "It is too late." in await answer.text()


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.test"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
async def test_a_form_of_another_site_does_nothing(page: aiohttp.ClientSession, headers: dict[str, str]) -> None:
    async with page.post("/do", data={"a": "1"}, headers=headers, allow_redirects=False) as answer:
        assert answer.status == 403


async def test_more_than_is_allowed_is_refused(page: aiohttp.ClientSession) -> None:
    looks = [(await page.get("/")).status for _ in range(11)]
    assert looks == [200] * 10 + [429]
    changes = [(await page.post("/do", data={"a": "1"}, allow_redirects=False)).status for _ in range(4)]
    assert changes == [303] * 3 + [429]
