"""Only whoever has signed in changes something, only by a form of the page itself, and only so much."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import aiohttp
import pytest

from rainbow_exchange.web import app, guard
from rainbow_exchange.web.sessions import Sessions
from rainbow_exchange.web.view import Change
from tests.browsing import ACCEPT, OPENED
from tests.web.test_pages import SEEN

TOKEN = "t" * 64


@dataclass
class Page:
    """A page with one form, and a browser that has signed in there."""

    url: str
    client: aiohttp.ClientSession
    sessions: Sessions
    done: list[Mapping[str, str]] = field(default_factory=list)

    async def field(self, client: aiohttp.ClientSession | None = None) -> str:
        """Give what stands in the page's forms."""
        async with (client or self.client).get(self.url, headers=OPENED) as answer:
            found = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
        assert found is not None
        return found[1]

    async def post(self, form: Mapping[str, str] | bytes, **headers: str) -> int:
        """Send a form as the page does, but for these headers; an empty one is left out."""
        sent = {
            "Origin": self.url,
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/x-www-form-urlencoded",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in sent.items() if value}
        async with self.client.post(f"{self.url}/do", data=form, headers=sent, allow_redirects=False) as answer:
            return answer.status


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    sessions = Sessions()
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as client:
        made = Page("", client, sessions)

        async def do(form: Mapping[str, str]) -> str:
            made.done.append(form)
            return "/"

        served = app.make_app(
            status=dict,
            ready=bool,
            metrics=bytes,
            calls={},
            token=TOKEN,
            nonce="n" * 64,
            sessions=sessions,
            views=[SEEN],
            changes=[Change(path="/do", work=do)],
        )
        async with app.serve(served, "127.0.0.1", 0) as port:
            made.url = f"http://127.0.0.1:{port}"
            async with client.get(f"{made.url}/sign-in?code={sessions.mint()}", headers=OPENED) as answer:
                assert answer.url.path == "/"
            yield made


async def test_a_form_of_the_page_does_it(page: Page) -> None:
    assert await page.post({"csrf": await page.field(), "what": "<é&"}) == 303
    assert page.done == [{"what": "<é&"}]


@pytest.mark.parametrize(
    "said",
    [
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "{url}/"},
        {"Origin": "{url}.evil.test"},
        {"Origin": "http://localhost:{port}"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "ftp://127.0.0.1:{port}"},
        {"Origin": "http://me@127.0.0.1:{port}"},
        {"Origin": "http://[127.0.0.1:{port}"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
    ],
    ids=repr,
)
async def test_a_form_of_another_site_does_nothing_though_it_has_our_field(page: Page, said: dict[str, str]) -> None:
    form = {"csrf": await page.field()}
    port = page.url.rpartition(":")[2]

    assert await page.post(form, **{name: value.format(url=page.url, port=port) for name, value in said.items()}) == 403
    assert page.done == []
    assert await page.post(form, Sec_Fetch_Site="") == 303, "which old browsers do not send"


async def test_a_form_that_comes_from_two_places_does_nothing(page: Page) -> None:
    sent = [("Origin", page.url), ("Origin", "http://evil.test")]
    async with page.client.post(f"{page.url}/do", data={"csrf": await page.field()}, headers=sent) as answer:
        assert answer.status == 403
    assert page.done == []


async def test_a_form_without_our_field_or_with_another_ones_does_nothing(page: Page) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as other:
        async with other.get(f"{page.url}/sign-in?code={page.sessions.mint()}", headers=OPENED) as answer:
            assert answer.status == 200
        others = await page.field(other)
    own = await page.field()
    broken = base64.urlsafe_b64encode(base64.urlsafe_b64decode(own)[:-1]).decode()

    assert await page.post({}) == 403
    for given in ("", "é", others, broken, f"{own}=", "A", "A" * 60_000):
        assert await page.post({"csrf": given}) == 403
    assert page.done == []


async def test_our_field_is_another_each_time_and_always_good(page: Page) -> None:
    fields = [await page.field() for _ in range(5)]

    assert len(set(fields)) == 5
    assert [await page.post({"csrf": each}) for each in fields] == [303] * 5


async def test_whoever_has_not_signed_in_changes_nothing(page: Page) -> None:
    form = {"csrf": await page.field()}
    page.client.cookie_jar.clear()

    assert await page.post(form) == 401
    assert page.done == []


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"csrf=%s&what=" + b"x" * 65_536, {}, 413),
        (b"csrf=%s" + b"&a=b" * 100, {}, 400),
        (b"csrf=%s&what=\xe9", {}, 400),
        (b"csrf=%s&what=%%ff", {}, 400),
        (b'{"csrf": "%s"}', {"Content_Type": "application/json"}, 415),
        (b"csrf=%s", {"Content_Type": "text/plain"}, 415),
        (b"csrf=%s", {"Content_Encoding": "gzip"}, 415),
        (b"--x\r\n", {"Content_Type": "multipart/form-data; boundary=x"}, 415),
    ],
    ids=["large", "many fields", "no ASCII", "no UTF-8", "JSON", "text", "compressed", "files"],
)
async def test_what_is_no_form_or_too_much_of_one_does_nothing(
    page: Page, body: bytes, headers: dict[str, str], status: int
) -> None:
    own = (await page.field()).encode()
    assert await page.post(body.replace(b"%s", own).replace(b"%%", b"%"), **headers) == status
    assert page.done == []


async def test_too_many_changes_are_refused_and_others_go_on(page: Page) -> None:
    form = {"csrf": await page.field()}

    seen = [await page.post(form) for _ in range(40)]
    assert seen[:30] == [303] * 30
    assert 429 in seen[30:]
    async with page.client.get(page.url) as answer:
        assert answer.status == 200


async def test_too_many_looks_are_refused_and_signing_in_is_not(page: Page) -> None:
    async def looked(client: aiohttp.ClientSession, path: str = "/") -> int:
        async with client.get(page.url + path, headers=OPENED) as answer:
            return answer.status

    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as stranger:
        seen = [await looked(stranger) for _ in range(120)]
        assert seen[:60] == [401] * 60
        assert 429 in seen
        assert await looked(page.client) == 200
        assert await looked(stranger, f"/sign-in?code={page.sessions.mint()}") == 200


@pytest.mark.parametrize("head", [b"X: " + b"x" * 9000, b"\r\n".join(b"X: y" for _ in range(200))])
async def test_a_head_that_is_too_large_is_refused_without_a_word_of_it(page: Page, head: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(page.url.rpartition(":")[2]))
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\n")
    answer = await reader.read()
    writer.close()

    assert answer.split()[1] == b"400"
    assert answer.partition(b"\r\n\r\n")[2] == b""


@pytest.mark.parametrize("accepted", ["fr", "en"])
@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/nowhere/<b>ada", {}, 404),
        ("POST", "/healthz", {}, 405),
        ("GET", "/", {"Host": "evil.test"}, 421),
        ("POST", "/do", {"Origin": "http://evil.test"}, 403),
        ("POST", "/do", {"Content-Type": "text/ada"}, 415),
    ],
)
async def test_a_refusal_is_a_page_for_browsers_and_a_line_for_others_with_nothing_of_what_came(
    page: Page, method: str, path: str, headers: dict[str, str], status: int, accepted: str
) -> None:
    sent = {"Origin": page.url, "Accept-Language": accepted} | headers
    async with page.client.request(method, page.url + path, headers=sent | ACCEPT) as answer:
        text = await answer.text()
        assert (answer.status, answer.content_type) == (status, "text/html")
        assert f'<html lang="{accepted}">' in text
        assert 'role="alert"' in text
        assert answer.headers["Cache-Control"] == "no-store"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    for came in ("evil.test", "nowhere", "ada"):
        assert came not in text
    async with page.client.request(method, page.url + path, headers=sent) as answer:
        assert (answer.status, answer.content_type) == (status, "text/plain")
        assert len(await answer.text()) < 200


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/", "/"),
        ("/people/ada?q=a%20b", "/people/ada?q=a%20b"),
        ("", "/"),
        ("people", "/"),
        ("//evil.test", "/"),
        ("/\\evil.test", "/"),
        ("/\t/evil.test", "/"),
        ("/people\r\nSet-Cookie: a=b", "/"),
        ("https://evil.test/", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_only_to_a_path_of_the_page_one_is_sent_on(path: str, own: str) -> None:
    assert guard.own_path(path) == own
