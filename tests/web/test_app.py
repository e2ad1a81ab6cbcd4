import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from rainbow_exchange.errors import UserError
from rainbow_exchange.web import app, runtime
from rainbow_exchange.web.calls import by_address, by_addresses
from tests.ports import free_port

TOKEN = "t" * 64
NONCE = "n" * 64
OPEN = ["/healthz", "/readyz", "/metrics", f"/api/nonce?challenge={'ab' * 16}"]


@dataclass
class Daemon:
    """What the page is told, and where it is."""

    is_ready: bool = True
    status: dict[str, Any] = field(default_factory=lambda: {"state": "healthy", "name": "é"})
    port: int = 0
    retries: list[list[str] | None] = field(default_factory=list)

    def retry(self, addresses: list[str] | None) -> dict[str, Any]:
        self.retries.append(addresses)
        return {"retried": ["é@acme.test"], "read": [], "streamed": [], "unknown": []}

    #: a preview of slow@acme.test has begun; it goes on
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def preview(self, address: str) -> dict[str, Any]:
        if address == "slow@acme.test":
            self.begun.set()
            await self.goes_on.wait()
        return {"address": address}

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
async def daemon() -> AsyncIterator[Daemon]:
    daemon = Daemon()
    page = app.make_app(
        status=lambda: daemon.status,
        ready=lambda: daemon.is_ready,
        metrics=lambda: b"rainbow_exchange_streams 1.0\n",
        calls={"retry": by_addresses(daemon.retry), "preview": by_address(daemon.preview)},
        token=TOKEN,
        nonce=NONCE,
    )
    async with app.serve(page, "127.0.0.1", 0) as port:
        daemon.port = port
        yield daemon


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_healthz_says_alive_whatever_the_rest(daemon: Daemon, client: aiohttp.ClientSession) -> None:
    daemon.is_ready = False

    async with client.get(daemon.url("/healthz")) as answer:
        assert (answer.status, await answer.text()) == (200, "ok\n")


@pytest.mark.parametrize(("is_ready", "status", "text"), [(True, 200, "ready\n"), (False, 503, "not ready\n")])
async def test_readyz(daemon: Daemon, client: aiohttp.ClientSession, is_ready: bool, status: int, text: str) -> None:
    daemon.is_ready = is_ready

    async with client.get(daemon.url("/readyz")) as answer:
        assert (answer.status, await answer.text()) == (status, text)


async def test_metrics_are_prometheus_text(daemon: Daemon, client: aiohttp.ClientSession) -> None:
    async with client.get(daemon.url("/metrics")) as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert await answer.read() == b"rainbow_exchange_streams 1.0\n"


async def test_the_nonce_is_proved_and_not_told(daemon: Daemon, client: aiohttp.ClientSession) -> None:
    challenge = runtime.new_challenge()

    async with client.get(daemon.url("/api/nonce"), params={"challenge": challenge}) as answer:
        assert await answer.json() == {"proof": runtime.proof(NONCE, challenge)}


@pytest.mark.parametrize("query", ["", "?challenge=", "?challenge=xyz", "?challenge=" + "ab" * 65])
async def test_a_challenge_that_is_none_is_refused(daemon: Daemon, client: aiohttp.ClientSession, query: str) -> None:
    async with client.get(daemon.url(f"/api/nonce{query}")) as answer:
        assert answer.status == 400


async def test_status_needs_the_token(daemon: Daemon, client: aiohttp.ClientSession) -> None:
    async with client.get(daemon.url("/api/status"), headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
        assert answer.status == 200
        assert answer.content_type == "application/json"
        assert json.loads(await answer.text()) == {"state": "healthy", "name": "é"}


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer é"])
async def test_status_is_refused_without_the_token(
    daemon: Daemon, client: aiohttp.ClientSession, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}

    async with client.get(daemon.url("/api/status"), headers=headers) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "healthy" not in await answer.text()


async def test_whoever_tries_tokens_out_is_sent_away_and_shuts_nobody_out(
    daemon: Daemon, client: aiohttp.ClientSession
) -> None:
    async def asked(token: str) -> int:
        async with client.get(daemon.url("/api/status"), headers={"Authorization": f"Bearer {token}"}) as answer:
            return answer.status

    seen = [await asked(f"{number:064}") for number in range(40)]
    assert seen[:30] == [401] * 30
    assert 429 in seen[30:]
    assert await asked(TOKEN) == 200


@pytest.mark.parametrize(
    ("content", "token", "status", "text"),
    [
        ('{"address": "é@acme.test"}', TOKEN, 200, r'{"address": "\u00e9@acme.test"}'),
        (r'{"address": "\udcff@acme.test"}', TOKEN, 200, r'{"address": "\udcff@acme.test"}'),
        ('{"address": "é@acme.test"}', "wrong", 401, "a token is needed"),
        ('{"address": " "}', TOKEN, 400, 'not understood: {"address": "..."} is needed'),
        ('["é@acme.test"]', TOKEN, 400, 'not understood: {"address": "..."} is needed'),
        ("{", TOKEN, 400, "not understood: "),
    ],
)
async def test_a_preview_needs_the_token_and_an_address(
    daemon: Daemon, client: aiohttp.ClientSession, content: str, token: str, status: int, text: str
) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with client.post(daemon.url("/api/preview"), data=content.encode(), headers=headers) as answer:
        assert answer.status == status
        assert (await answer.text()).startswith(text)


@pytest.mark.parametrize("path", [*OPEN, "/api/status"])
@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "evil.test:3001",
        "127.0.0.1.evil.test",
        "10.0.0.1",
        "[::2]:3001",
        "localhost:80@evil.test",
        "localhost:evil.test",
        "[::1].evil.test",
        "[::1",
    ],
)
async def test_another_host_is_refused_everywhere(
    daemon: Daemon, client: aiohttp.ClientSession, path: str, host: str
) -> None:
    async with client.get(daemon.url(path), headers={"Host": host, "Authorization": f"Bearer {TOKEN}"}) as answer:
        assert answer.status == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:3001"])
async def test_this_machines_own_names_are_known(daemon: Daemon, client: aiohttp.ClientSession, host: str) -> None:
    async with client.get(daemon.url("/healthz"), headers={"Host": host}) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("path", [*OPEN, "/api/status", "/nowhere"])
async def test_every_answer_has_the_security_headers(daemon: Daemon, client: aiohttp.ClientSession, path: str) -> None:
    async with client.get(daemon.url(path)) as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Server"] == "rainbow-exchange"


async def test_only_reading_is_possible(daemon: Daemon, client: aiohttp.ClientSession) -> None:
    for path in OPEN:
        async with client.post(daemon.url(path), data=b"x") as answer:
            assert answer.status == 405


async def test_a_bug_in_the_status_is_a_500_without_its_text(daemon: Daemon, client: aiohttp.ClientSession) -> None:
    daemon.status = {"not json": object()}

    async with client.get(daemon.url("/api/status"), headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
        assert answer.status == 500
        assert "object" not in await answer.text()


async def test_a_taken_port_is_replaced_by_a_free_one(client: aiohttp.ClientSession) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        page = app.make_app(status=dict, ready=bool, metrics=bytes, calls={}, token=TOKEN, nonce=NONCE)
        with capture_logs() as lines:
            async with app.serve(page, "127.0.0.1", taken) as port:
                assert port not in {0, taken}
                async with client.get(f"http://127.0.0.1:{port}/healthz") as answer:
                    assert answer.status == 200
    assert [line["event"] for line in lines] == ["web_port_taken"]


async def test_the_wanted_port_is_taken_when_it_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        wanted = other.getsockname()[1]
    page = app.make_app(status=dict, ready=bool, metrics=bytes, calls={}, token=TOKEN, nonce=NONCE)

    async with app.serve(page, "127.0.0.1", wanted) as port:
        assert port == wanted
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", wanted)


@pytest.mark.parametrize("port", [0, 3001])
async def test_a_host_that_is_not_ours_is_a_fault(port: int) -> None:
    page = app.make_app(status=dict, ready=bool, metrics=bytes, calls={}, token=TOKEN, nonce=NONCE)

    with pytest.raises(UserError, match=r"web\.host 192\.0\.2\.1"):
        async with app.serve(page, "192.0.2.1", port):
            pass


@pytest.mark.parametrize(
    ("content", "wanted"),
    [({"all": True}, None), ({"addresses": ["é@acme.test"]}, ["é@acme.test"]), ({"all": False, "addresses": []}, [])],
)
async def test_a_retry_is_passed_on_and_answered(
    daemon: Daemon, client: aiohttp.ClientSession, content: dict[str, Any], wanted: list[str] | None
) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}

    async with client.post(daemon.url("/api/retry"), json=content, headers=headers) as answer:
        assert (answer.status, await answer.json()) == (
            200,
            {"retried": ["é@acme.test"], "read": [], "streamed": [], "unknown": []},
        )
    assert daemon.retries == [wanted]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        pytest.param(b"[" * 60_000, id="deep"),
        b"{}",
        b'{"all": 1}',
        b'{"addresses": [1]}',
        b'{"addresses": "a"}',
    ],
)
async def test_a_retry_that_names_nobody_is_refused(
    daemon: Daemon, client: aiohttp.ClientSession, content: bytes
) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}

    async with client.post(daemon.url("/api/retry"), data=content, headers=headers) as answer:
        assert answer.status == 400
    assert daemon.retries == []


async def test_a_retry_needs_the_token(daemon: Daemon, client: aiohttp.ClientSession) -> None:
    async with client.post(daemon.url("/api/retry"), json={"all": True}) as answer:
        assert answer.status == 401
    assert daemon.retries == []


async def test_whoever_connects_and_says_nothing_takes_nobodys_place(
    daemon: Daemon, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those who came first are let go; whoever is being answered is not."""
    monkeypatch.setattr("rainbow_exchange.network.caller.HEAD_LIMIT", 100.0)
    slow, headers = {"address": "slow@acme.test"}, {"Authorization": f"Bearer {TOKEN}"}
    asked = asyncio.create_task(client.post(daemon.url("/api/preview"), json=slow, headers=headers))
    await daemon.begun.wait()
    idle = [await asyncio.open_connection("127.0.0.1", daemon.port) for _ in range(300)]

    async with client.get(daemon.url("/healthz")) as answer:
        assert answer.status == 200
    daemon.goes_on.set()
    assert await (await asked).json() == slow

    reads = [asyncio.create_task(reader.read(1)) for reader, _ in idle]
    async with asyncio.timeout(60):
        assert await asyncio.gather(*reads[:40]) == [b""] * 40
    assert not reads[-1].done()
    assert sum(not read.done() for read in reads) <= 256, "which is less than half of what a process may open"
    for _, writer in idle:
        writer.close()
    await asyncio.gather(*reads, return_exceptions=True)


@pytest.mark.parametrize("turns", range(6))
async def test_whoever_is_cancelled_while_the_page_is_opened_leaves_nothing_that_listens(turns: int) -> None:
    port = free_port()

    async def serve() -> None:
        async with app.serve(web.Application(), "127.0.0.1", port):
            await asyncio.Event().wait()

    serving = asyncio.create_task(serve())
    for _ in range(turns):
        await asyncio.sleep(0)
    serving.cancel()
    await asyncio.wait([serving])
    assert serving.cancelled()
    watched = asyncio.get_running_loop()._selector.get_map()  # type: ignore[attr-defined]  # of selector loops
    listening = [key for key in watched.values() if "_accept_connection" in repr(key.data)]
    assert listening == []
