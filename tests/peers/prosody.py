"""A prosody of the tests' own, and accounts on it that speak literal frames."""

import asyncio
import base64
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import aiohttp

from tests.ports import free_port

PROSODY = shutil.which("prosody")
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
http_paths = {{ websocket = "/websocket" }}
modules_enabled = {{ "posix", "saslauth", "roster", "disco", "ping", "websocket" }}
modules_disabled = {{ "s2s", "offline" }}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
disable_sasl_mechanisms = {{ {disabled} }}
authentication = "internal_plain"
c2s_stanza_size_limit = {limit}
log = {{ {{ levels = {{ min = "debug" }}, to = "file", filename = "{here}/prosody.log" }} }}
VirtualHost "rainbow.test"
"""


class Prosody:
    """A prosody of our own, with the accounts of the tests and `more`; `start` and `stop` as often as needed."""

    def __init__(self, folder: Path, more: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"ws://127.0.0.1:{self.port}/websocket"
        self._process: subprocess.Popen[bytes] | None = None
        accounts = folder / "data" / "rainbow%2etest" / "accounts"
        accounts.mkdir(parents=True)
        (folder / "certs").mkdir()
        accounts_there = {"connector": "pw", "pcloud%5fenduser%5f1": "pw", "mallory": "pw"} | dict(more or {})
        for name, password in accounts_there.items():
            (accounts / f"{name}.dat").write_text(f'return {{ ["password"] = "{password}"; }};\n', encoding="ascii")

    def start(self, *, disabled: tuple[str, ...] = (), limit: int = 262_144) -> Self:
        assert PROSODY is not None
        as_root = hasattr(os, "geteuid") and os.geteuid() == 0
        text = SETTINGS.format(
            here=self.folder,
            port=self.port,
            as_root="run_as_root = true" if as_root else "",
            disabled=", ".join(f'"{name}"' for name in disabled),
            limit=limit,
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
            self._process.wait(60)
            self._process = None

    def kill(self) -> None:
        """End it without the seconds that it takes to end in order."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)
            self._process = None

    def log(self) -> str:
        return (self.folder / "prosody.log").read_text(encoding="utf-8", errors="replace")


async def until(holds: Callable[[], bool], limit: float = 60) -> None:
    async with asyncio.timeout(limit):
        while not holds():  # noqa: ASYNC110  (what a link shows comes with no event)
            await asyncio.sleep(0.02)


@asynccontextmanager
async def asker(prosody: Prosody, name: str) -> AsyncIterator[Callable[..., "asyncio.Future[str]"]]:
    """Sign in with literal frames; gives a function that sends an IQ and waits for its answer."""
    secret = base64.b64encode(f"\0{name}\0pw".encode()).decode()
    begin = '<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="rainbow.test" version="1.0"/>'
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(prosody.url, protocols=("xmpp",)) as socket_,
    ):

        async def talk(frame: str, until_: str, before: Sequence[str] = ()) -> str:
            for each in (*before, frame):
                await socket_.send_str(each)
            async with asyncio.timeout(20):
                while until_ not in (said := await socket_.receive_str()):
                    pass
            return said

        await talk(begin, "features")
        await talk(f'<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">{secret}</auth>', "success")
        await talk(begin, "features")
        bind = '<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>4711</resource></bind>'
        await talk(f'<iq xmlns="jabber:client" type="set" id="b">{bind}</iq>', "<jid>")

        def ask(frame: str, before: Sequence[str] = ()) -> "asyncio.Future[str]":
            id_ = re.search(r"id='(\w+)'", frame)
            assert id_ is not None
            return asyncio.ensure_future(talk(frame, id_[1], before))

        yield ask
