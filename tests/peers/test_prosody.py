"""The link against a real XMPP server: prosody with WebSocket, on loopback."""

import asyncio
import base64
import os
import random
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import aiohttp
import pytest

from rainbow_exchange.rainbow.link import Answer
from rainbow_exchange.rainbow.types import Account, AutoReply, CalendarEvent, Question
from rainbow_exchange.rainbow.xmpp import XmppLink

PROSODY = shutil.which("prosody")
pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(PROSODY is None, reason="prosody is not installed (apt-get install prosody)"),
]

SETTINGS = """
{as_root}
pidfile = "{here}/prosody.pid"
data_path = "{here}/data"
certificates = "{here}/certs"
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{}}
c2s_direct_tls_ports = {{}}
s2s_ports = {{}}
http_ports = {{ {port} }}
http_interfaces = {{ "127.0.0.1" }}
https_ports = {{}}
http_default_host = "rainbow.test"
modules_enabled = {{ "posix", "saslauth", "roster", "disco", "ping", "websocket" }}
modules_disabled = {{ "s2s", "offline" }}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
disable_sasl_mechanisms = {{ {disabled} }}
authentication = "internal_plain"
log = {{ {{ levels = {{ min = "debug" }}, to = "file", filename = "{here}/prosody.log" }} }}
VirtualHost "rainbow.test"
"""
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class Prosody:
    """A prosody of our own, with the accounts of the tests; `start` and `stop` as often as needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/xmpp-websocket"
        self._process: subprocess.Popen[bytes] | None = None
        accounts = folder / "data" / "rainbow%2etest" / "accounts"
        accounts.mkdir(parents=True)
        (folder / "certs").mkdir()
        for name in ("connector", "pcloud%5fenduser%5f1", "mallory"):
            (accounts / f"{name}.dat").write_text('return { ["password"] = "pw"; };\n', encoding="ascii")

    def start(self, *, disabled: tuple[str, ...] = ()) -> Self:
        assert PROSODY is not None
        as_root = hasattr(os, "geteuid") and os.geteuid() == 0
        text = SETTINGS.format(
            here=self.folder,
            port=self.port,
            as_root="run_as_root = true" if as_root else "",
            disabled=", ".join(f'"{name}"' for name in disabled),
        )
        settings = self.folder / "prosody.cfg.lua"
        settings.write_text(text, encoding="utf-8")
        with (self.folder / "prosody.out").open("ab") as out:
            self._process = subprocess.Popen(  # noqa: S603  (the server we found, with our own settings)
                [PROSODY, "--config", str(settings), "-F"], stdout=out, stderr=out
            )
        return self

    async def ready(self) -> Self:
        async with asyncio.timeout(20):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    await writer.wait_closed()
                    return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def log(self) -> str:
        return (self.folder / "prosody.log").read_text(encoding="utf-8", errors="replace")


@pytest.fixture
def prosody(tmp_path: Path) -> Iterator[Prosody]:
    made = Prosody(tmp_path)
    yield made
    made.stop()


async def answer(question: Question) -> Answer:
    if question.kind == "autoreply":
        return Answer(auto_reply=AutoReply(state="enabled", internal_text="Away & out"))
    return Answer(
        events=(
            CalendarEvent(
                id="evt-1", subject="Café <R&D>", type="singleInstance", show_as="busy", start=START, end=START
            ),
        )
    )


@asynccontextmanager
async def connector(prosody: Prosody, *, password: str = "pw") -> AsyncIterator[XmppLink]:  # noqa: S107  (the lab's)
    async def account() -> Account:
        return Account(user_id="u1", company_id="c1", jid="connector@rainbow.test", jid_password=password)

    link = XmppLink(
        url=prosody.url,
        account=account,
        resource="node_x",
        answer=answer,
        app_id="app1",
        now=lambda: datetime.now(UTC),
        random=random.random,
    )
    task = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


async def until(holds: Callable[[], bool], limit: float = 20) -> None:
    async with asyncio.timeout(limit):
        while not holds():  # noqa: ASYNC110  (what a link shows comes with no event)
            await asyncio.sleep(0.02)


@asynccontextmanager
async def asker(prosody: Prosody, name: str) -> AsyncIterator[Callable[[str], "asyncio.Future[str]"]]:
    """Sign in with literal frames; gives a function that sends an IQ and waits for its answer."""
    secret = base64.b64encode(f"\0{name}\0pw".encode()).decode()
    begin = '<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="rainbow.test" version="1.0"/>'
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(prosody.url, protocols=("xmpp",)) as socket_,
    ):

        async def talk(frame: str, until_: str) -> str:
            await socket_.send_str(frame)
            async with asyncio.timeout(20):
                while until_ not in (said := await socket_.receive_str()):
                    pass
            return said

        await talk(begin, "features")
        await talk(f'<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">{secret}</auth>', "success")
        await talk(begin, "features")
        bind = '<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>4711</resource></bind>'
        await talk(f'<iq xmlns="jabber:client" type="set" id="b">{bind}</iq>', "<jid>")

        def ask(frame: str) -> "asyncio.Future[str]":
            id_ = re.search(r"id='(\w+)'", frame)
            assert id_ is not None
            return asyncio.ensure_future(talk(frame, id_[1]))

        yield ask


def question(id_: str, type_: str, payload: str) -> str:
    return f"<iq xmlns='jabber:client' type='{type_}' id='{id_}' to='connector@rainbow.test/node_x'>{payload}</iq>"


EVENTS = (
    "<events xmlns='urn:xmpp:calendar:0' email='Bob@acme.test'><startDate>2026-01-05T00:00:00Z</startDate>"
    "<endDate>2026-01-06T00:00:00Z</endDate></events>"
)
AUTO_REPLY = "<autoreply xmlns='urn:xmpp:calendar:0' email='Bob@acme.test'/>"


@pytest.mark.parametrize(
    ("mechanism", "disabled"),
    [
        ("PLAIN", ("SCRAM-SHA-1", "SCRAM-SHA-256")),
        ("SCRAM-SHA-1", ("PLAIN", "SCRAM-SHA-256")),
        ("SCRAM-SHA-256", ("PLAIN", "SCRAM-SHA-1")),
        ("SCRAM-SHA-256", ()),
    ],
)
async def test_link_signs_in(prosody: Prosody, mechanism: str, disabled: tuple[str, ...]) -> None:
    await prosody.start(disabled=disabled).ready()
    async with connector(prosody) as link:
        await until(lambda: link.connected)
        assert f"mechanism='{mechanism}'" in prosody.log() or f'mechanism="{mechanism}"' in prosody.log()
        assert "Resource bound: connector@rainbow.test/node_x" in prosody.log()
        await asyncio.sleep(0.5)
        assert link.connected


@pytest.mark.parametrize("disabled", [(), ("SCRAM-SHA-1", "SCRAM-SHA-256")])
async def test_wrong_password_is_told(prosody: Prosody, disabled: tuple[str, ...]) -> None:
    await prosody.start(disabled=disabled).ready()
    async with connector(prosody, password="wrong") as link:
        await until(lambda: "refused the login (not-authorized)" in link.reason)


@pytest.mark.parametrize("type_", ["get", "set"])
async def test_rainbows_own_account_is_answered(prosody: Prosody, type_: str) -> None:
    await prosody.start().ready()
    async with connector(prosody) as link, asker(prosody, "pcloud_enduser_1") as ask:
        await until(lambda: link.connected)
        said = await ask(question("ev1", type_, EVENTS))
        assert "<subject>Café &lt;R&amp;D&gt;</subject>" in said
        assert re.search("""type=['"]result['"]""", said)
        assert re.search("""email=['"]Bob@acme.test['"]""", said)
        assert "<internalReplyMessage>Away &amp; out</internalReplyMessage>" in await ask(
            question("ar1", type_, AUTO_REPLY)
        )
        assert link.counters.answered == 2


async def test_mallory_is_refused(prosody: Prosody) -> None:
    await prosody.start().ready()
    async with connector(prosody) as link, asker(prosody, "mallory") as ask:
        await until(lambda: link.connected)
        for type_ in ("get", "set"):
            assert "<forbidden " in await ask(question(f"m{type_}", type_, EVENTS))
        assert (link.counters.strangers, link.stranger, link.counters.questions) == (2, "rainbow.test", 0)


async def test_restart_of_the_server_is_met_by_a_new_connection(prosody: Prosody) -> None:
    await prosody.start().ready()
    async with connector(prosody) as link:
        await until(lambda: link.connected)
        prosody.stop()
        await until(lambda: not link.connected)
        await prosody.start().ready()
        await until(lambda: link.connected)
        async with asker(prosody, "pcloud_enduser_1") as ask:
            assert "<subject>" in await ask(question("ev2", "get", EVENTS))


async def test_second_connector_under_the_same_name_is_a_conflict(prosody: Prosody) -> None:
    await prosody.start().ready()
    async with connector(prosody) as first:
        await until(lambda: first.connected)
        async with connector(prosody) as second:
            await until(lambda: second.connected and not first.connected)
            assert first.reason.startswith("conflict")
            await asyncio.sleep(2)
            assert second.connected
