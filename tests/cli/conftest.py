import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange import config
from rainbow_exchange.bridge.member import Member
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.diagnosis.bundle import daemon_parts
from rainbow_exchange.web import app, runtime
from rainbow_exchange.web.calls import Call, by_address, by_addresses
from tests.web.test_pages import SEEN


@pytest.fixture(autouse=True)
def default_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No settings of this machine: neither variables nor the default folder's file."""
    for name in [name for name in os.environ if name.upper().startswith("RAINBOW_EXCHANGE_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "default"
    monkeypatch.setattr(config, "default_folder", lambda: folder)
    return folder


@dataclass
class Page:
    """A daemon's page, served by a thread, and what it answers."""

    folder: Path
    status: dict[str, Any] = field(
        default_factory=lambda: {
            "schema_version": 1,
            "state": "healthy",
            "since": "2026-01-02T03:04:05Z",
            "started": "2026-01-02T03:04:00Z",
            "exchange": {"state": "connected", "reason": ""},
            "rainbow": {"state": "connected", "reason": ""},
            "mailboxes": {"total": 3, "streamed": 2, "polled": 1, "uncovered": 0},
            "latency": {"told_p50": 0.25, "told_p99": None},
            "changes": {"told": 4, "found_after_gap": 1, "recovered": 0},
            "not_streamed": [],
            "not_read": [],
            "settings": [],
            "problems": [],
        }
    )
    token: str = "t" * 64
    nonce: str = "n" * 64
    port: int = 0

    retries: list[list[str] | None] = field(default_factory=list)
    retried: dict[str, Any] = field(default_factory=lambda: {"retried": [], "read": [], "streamed": [], "unknown": []})

    #: what a call by this name is answered, by what came with it
    answers: dict[str, Callable[[Any], dict[str, Any]]] = field(default_factory=dict)

    previewed: dict[str, Any] = field(
        default_factory=lambda: {"schema_version": 1, "state": "unknown", "address": "", "reason": "Nobody."}
    )

    metrics: bytes = b"rainbow_exchange_users 3.0\n"
    members: list[Member] = field(default_factory=list)
    secrets: Secrets = field(default_factory=Secrets)

    async def preview(self, address: str) -> dict[str, Any]:
        return self.previewed | {"address": address}

    def answering(self, name: str) -> Call:
        async def call(wanted: object) -> dict[str, Any]:
            return self.answers[name](wanted)

        return call

    def retry(self, addresses: list[str] | None) -> dict[str, Any]:
        self.retries.append(addresses)
        return self.retried

    def publish(self, **changes: Any) -> None:
        """Write `runtime.json` and the token, with `changes` to what is true."""
        true: dict[str, Any] = {"host": "127.0.0.1", "port": self.port, "nonce": self.nonce, "token": self.token}
        runtime.publish(self.folder, now=datetime.now(UTC), **(true | changes))


def _serve(page: Page, ready: threading.Event, hand_over: Callable[[Callable[[], object]], None]) -> None:
    async def serve() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        hand_over(lambda: loop.call_soon_threadsafe(stopped.set))
        served = app.make_app(
            status=lambda: page.status,
            ready=bool,
            metrics=bytes,
            calls={
                "retry": by_addresses(page.retry),
                "preview": by_address(page.preview),
                "mailboxes": page.answering("mailboxes"),
                "resync": page.answering("resync"),
                "log-level": page.answering("log-level"),
                "explain": page.answering("explain"),
                "bundle": daemon_parts.serve(
                    status=lambda: page.status,
                    metrics=lambda: page.metrics,
                    members=lambda: page.members,
                    secrets=lambda: page.secrets,
                    started="2026-01-02T03:04:05Z",
                ),
            },
            token=page.token,
            nonce=page.nonce,
            views=[SEEN],
        )
        async with app.serve(served, "127.0.0.1", 0) as page.port:
            ready.set()
            await stopped.wait()

    asyncio.run(serve())


@pytest.fixture
def page(default_folder: Path) -> Iterator[Page]:
    """Serve a page whose `runtime.json` lies in the default folder."""
    page = Page(default_folder)
    stops: list[Callable[[], object]] = []
    ready = threading.Event()
    thread = threading.Thread(target=_serve, args=(page, ready, stops.append))
    thread.start()
    assert ready.wait(60)
    page.publish()
    yield page
    stops[0]()
    thread.join()
