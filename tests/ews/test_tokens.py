"""Tokens by client credentials: one request for all who wait, renewed ahead of time, errors with their word."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

from rainbow_exchange.ews.auth import BearerAuth
from rainbow_exchange.ews.errors import EwsAuthenticationError, EwsConnectionError
from rainbow_exchange.ews.tokens import TokenSource
from rainbow_exchange.ews.transport import Transport


class Endpoint:
    """Gives token-1, token-2 …; `said` replaces its answers."""

    def __init__(self, wire: Any) -> None:
        self.wire = wire
        self.given = 0
        self.seconds: Any = 3600
        self.delay = 0.0
        self.said: bytes | None = None
        wire.script = self.script

    async def script(self, _: Any) -> bytes:
        await asyncio.sleep(self.delay)
        if self.said is not None:
            return self.said
        self.given += 1
        content = {"access_token": f"token-{self.given}", "token_type": "bearer"}
        return answer(200, content | ({} if self.seconds is None else {"expires_in": self.seconds}))


def answer(status: int, content: Any) -> bytes:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    head = f"HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.fixture
def endpoint(wire: Any) -> Endpoint:
    return Endpoint(wire)


@pytest.fixture
async def source(wire: Any) -> AsyncIterator[TokenSource]:
    made = TokenSource(
        url=wire.url, client_id="app", client_secret="s&cret", more={"resource": "https://mail.acme.test/"}, ssl=None
    )
    yield made
    await made.close()


async def test_what_is_asked_for(endpoint: Endpoint, source: TokenSource) -> None:
    assert await source.token() == "token-1"
    [request] = endpoint.wire.requests
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(request.body) == {
        "grant_type": ["client_credentials"],
        "client_id": ["app"],
        "client_secret": ["s&cret"],
        "resource": ["https://mail.acme.test/"],
    }


async def test_one_request_for_all_who_wait(endpoint: Endpoint, source: TokenSource) -> None:
    endpoint.delay = 1
    assert set(await asyncio.gather(*(source.token() for _ in range(20)))) == {"token-1"}
    assert await source.token() == "token-1"
    assert len(endpoint.wire.requests) == 1


async def test_whoever_gives_up_takes_nobody_along(endpoint: Endpoint, source: TokenSource) -> None:
    endpoint.delay = 1
    first, second = asyncio.create_task(source.token()), asyncio.create_task(source.token())
    await asyncio.sleep(0.5)
    first.cancel()
    assert await second == "token-1"


@pytest.mark.parametrize(
    ("seconds", "half"),
    [
        (3600, 1800),
        ("600", 300),
        (None, 300),
        (-5, 300),
        ("soon", 300),
        (10**9, 43_200),
        pytest.param(10**400, 300, id="many digits"),
    ],
)
async def test_it_is_renewed_at_half_its_life_while_the_old_one_serves(
    endpoint: Endpoint, source: TokenSource, seconds: Any, half: float
) -> None:
    endpoint.seconds = seconds
    await source.token()
    await asyncio.sleep(half - 5)
    assert await source.token() == "token-1"
    assert endpoint.given == 1
    await asyncio.sleep(10)
    endpoint.delay = 1
    assert await source.token() == "token-1"
    await asyncio.sleep(2)
    assert await source.token() == "token-2"


async def test_an_ended_one_is_waited_for(endpoint: Endpoint, source: TokenSource) -> None:
    endpoint.seconds = 100
    await source.token()
    await asyncio.sleep(75)  # 30 s before its end it is not used any more
    assert await source.token() == "token-2"


async def test_a_renewal_in_vain_is_tried_again_while_the_old_one_serves(
    endpoint: Endpoint, source: TokenSource
) -> None:
    await source.token()
    endpoint.said = answer(503, b"<html>")
    await asyncio.sleep(1801)
    for _ in range(5):
        assert await source.token() == "token-1"
        await asyncio.sleep(1)
    assert len(endpoint.wire.requests) == 2
    endpoint.said = None
    await asyncio.sleep(30)
    await source.token()
    await asyncio.sleep(1)
    assert await source.token() == "token-2"
    endpoint.said = answer(503, b"<html>")
    await asyncio.sleep(3600)
    with pytest.raises(EwsConnectionError, match="it answered 503"):
        await source.token()


async def test_a_newer_one_is_fetched_once_for_those_whose_token_was_refused(
    endpoint: Endpoint, source: TokenSource
) -> None:
    await source.token()
    assert await asyncio.gather(*(source.token(newer_than="token-1") for _ in range(5))) == ["token-2"] * 5
    assert await source.token(newer_than="token-1") == "token-2"
    assert len(endpoint.wire.requests) == 2


@pytest.mark.parametrize("word", ["invalid_client", "unauthorized_client", "invalid_scope", "invalid_resource"])
@pytest.mark.parametrize("status", [400, 401])
async def test_a_refused_client_is_named_by_its_word_alone(
    endpoint: Endpoint, source: TokenSource, word: str, status: int
) -> None:
    endpoint.said = answer(status, {"error": word, "error_description": "AADSTS7000215: svc-müller"})
    with pytest.raises(EwsAuthenticationError) as raised:
        await source.token()
    tried = raised.value.tried
    assert tried is not None
    assert (tried.scheme, tried.stage, tried.reason) == ("Bearer", "token", word)
    assert raised.value.counted
    assert "müller" not in str(raised.value)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (answer(500, {"error": "server_error"}), "it answered 500 server_error"),
        (answer(429, {"error": "slow_down"}), "it answered 429"),
        (answer(404, b"<html>no</html>"), "it answered 404"),
        (answer(302, b""), "it answered 302"),
        (answer(200, b"<html>sign in</html>"), "its answer holds no token"),
        (answer(200, {"access_token": "two words"}), "its answer holds no token"),
        (answer(200, {"access_token": "a\r\nX: b"}), "its answer holds no token"),
        (answer(200, ["a"]), "its answer holds no token"),
        (answer(400, {"error": "Not a word!"}), "it answered 400"),
        (answer(200, b"x" * 300_000), "its answer has no end"),
        (b"220 no HTTP\r\n\r\n", "does not speak HTTP"),
    ],
)
async def test_what_is_no_answer_is_worth_a_retry(
    endpoint: Endpoint, source: TokenSource, said: bytes, expected: str
) -> None:
    endpoint.said = said
    with pytest.raises(EwsConnectionError, match=expected) as raised:
        await source.token()
    assert raised.value.kind == "token"
    assert "s&cret" not in str(raised.value)


async def test_a_silent_endpoint_ends_in_time(endpoint: Endpoint, source: TokenSource) -> None:
    endpoint.delay = 10_000
    start = asyncio.get_running_loop().time()
    with pytest.raises(EwsConnectionError, match="in time"):
        await source.token()
    assert asyncio.get_running_loop().time() - start < 30


async def test_a_request_waits_less_than_its_own_limit_and_a_slow_endpoint_still_serves(
    endpoint: Endpoint, source: TokenSource
) -> None:
    endpoint.delay = 12
    start = asyncio.get_running_loop().time()
    with pytest.raises(EwsConnectionError, match="in time") as raised:
        await source.token()
    assert raised.value.kind == "token"
    assert asyncio.get_running_loop().time() - start < 10
    assert await source.token() == "token-1"
    assert len(endpoint.wire.requests) == 1


@pytest.mark.parametrize(("status", "seconds"), [(400, 20), (403, 20), (500, 2)])
async def test_after_a_failure_the_secret_is_not_sent_again_at_once(
    endpoint: Endpoint, source: TokenSource, status: int, seconds: float
) -> None:
    endpoint.said = answer(status, b"<html>")
    for _ in range(5):
        with pytest.raises(EwsConnectionError, match=f"it answered {status}"):
            await source.token()
        await asyncio.sleep(seconds / 5)
    assert len(endpoint.wire.requests) == 1
    endpoint.said = None
    await asyncio.sleep(60)
    assert await source.token() == "token-1"


async def test_somebody_may_have_it_asked_at_once(endpoint: Endpoint, source: TokenSource) -> None:
    endpoint.said = answer(403, b"<html>")
    with pytest.raises(EwsConnectionError):
        await source.token()
    endpoint.said = None
    source.try_again()
    assert await source.token() == "token-1"


async def test_closing_ends_a_request_under_way(endpoint: Endpoint, source: TokenSource) -> None:
    endpoint.delay = 10_000
    waiting = asyncio.create_task(source.token())
    await asyncio.sleep(1)
    await source.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


class Fixed:
    """Tokens without an endpoint."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    async def token(self, *, newer_than: str | None = None) -> str:
        self.asked.append(newer_than)
        return "old" if newer_than is None else "new"


@pytest.fixture
async def post(wire: Any) -> AsyncIterator[Callable[..., Any]]:
    made: list[Transport] = []

    async def post_one(tokens: Fixed) -> bytes:
        made.append(Transport(url=wire.url, auth=BearerAuth(), ssl=None, proxy_url=None, tokens=tokens))
        async with made[-1].post(b"<x/>", {}, limit=5) as said:
            return await said.read(100)

    yield post_one
    for transport in made:
        await transport.close()


@pytest.mark.parametrize(("good", "sent"), [("old", ["old"]), ("new", ["old", "new"])])
async def test_a_request_carries_a_token_and_once_more_a_newer_one(
    wire: Any, post: Callable[..., Any], good: str, sent: list[str]
) -> None:
    async def script(request: Any) -> bytes:
        return answer(200 if request.headers["Authorization"] == f"Bearer {good}" else 401, b"")

    wire.script = script
    await post(Fixed())
    assert [request.headers["Authorization"] for request in wire.requests] == [f"Bearer {token}" for token in sent]


async def test_a_token_that_is_refused_twice_is_the_end(wire: Any, post: Callable[..., Any]) -> None:
    async def script(_: Any) -> bytes:
        return b"HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n"

    wire.script = script
    tokens = Fixed()
    with pytest.raises(EwsAuthenticationError) as raised:
        await post(tokens)
    assert tokens.asked == [None, "old"]
    assert not raised.value.counted
