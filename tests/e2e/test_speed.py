"""The installed command on the loop of the extra `speed`, which it finds in a folder of its own."""

import asyncio
import importlib
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rainbow_exchange.lab.listening import reset
from tests.speed import variables

if TYPE_CHECKING:
    from tests.processes import World
else:
    World = Any

FOLDER = os.environ.get("RAINBOW_EXCHANGE_TEST_SPEED", "")

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not for Windows"),
    pytest.mark.skipif(not FOLDER, reason="RAINBOW_EXCHANGE_TEST_SPEED names no folder (python -m tests.speed FOLDER)"),
]


def test_with_uvloop_it_says_so_tells_a_change_and_stops_in_order(
    world: World,
    person: Callable[..., dict[str, Any]],
    soon: Callable[[float], Any],
    eventually: Callable[..., Any],
) -> None:
    lab = world.lab([person("ada"), person("ben")])
    connector = world.connector(lab, besides=variables(Path(FOLDER)))
    assert connector.healthy(2)["event_loop"] == "uvloop"

    start = soon(-1)
    item = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat(), "subject": "Budget"}
    lab.exchange("POST", "/lab/mailboxes/ada@acme.test/items", item)
    colleague = lab.colleague("ben@acme.test")
    eventually(lambda: colleague.sees("ada@acme.test").get("status") == "busy", "the appointment at Rainbow")

    assert connector.stop(signal.SIGTERM) == 0
    events = connector.events()
    assert [each["event_loop"] for each in events if each["event"] == "starting"] == ["uvloop"]
    assert [each["event"] for each in events][-1] == "stopped"


async def connection_that_is_reset() -> None:
    accepted = asyncio.Queue[asyncio.Transport]()

    class Accepting(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted.put_nowait(transport)  # type: ignore[arg-type]  # a server's is one

    server = await asyncio.get_running_loop().create_server(Accepting, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    ours = await accepted.get()
    reset(ours)
    with pytest.raises(ConnectionResetError):
        await reader.read()
    reset(ours)  # it has ended
    writer.close()
    server.close()


def test_with_uvloop_the_lab_resets_connections_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    with asyncio.Runner(loop_factory=importlib.import_module("uvloop").new_event_loop) as runner:
        runner.run(connection_that_is_reset())
