"""Whoever asks, as a process of its own: an XMPP server over WebSocket that is told what to ask, and when.

It uses nothing of the product, and reads no answer before all have come: whoever is measured does not wait for it. It
writes its port to standard output, then takes one order a line on standard input, as JSON, and answers each with a
line: `{"ask": [frame, …], "into": path}` sends the frames, all at once, waits for as many answers, and writes these to
a file, one a line.
"""

import asyncio
import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FRAMING = 'xmlns="urn:ietf:params:xml:ns:xmpp-framing"'
_OPEN = f'<open {_FRAMING} from="rainbow.test" id="s1" version="1.0"/>'
_FEATURES = '<stream:features xmlns:stream="http://etherx.jabber.org/streams">{}</stream:features>'
_MECHANISMS = '<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>PLAIN</mechanism></mechanisms>'
_BIND = '<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>'
_BOUND = (
    '<iq xmlns="jabber:client" type="result" id="bind-1"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind">'
    "<jid>connector@rainbow.test/node_x</jid></bind></iq>"
)
_TEXT, _PING, _PONG = 1, 9, 10
#: seconds for all answers to come
_WITHIN = 60.0


class Asker(asyncio.Protocol):
    """The one connection; `here` is set once the other side is present."""

    def __init__(self) -> None:
        self.here = asyncio.Event()
        self._all = asyncio.Event()
        self._read = bytearray()
        self._shaken = False
        self._opens = 0
        self._expected = 0
        self.answers: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep whom to write to."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Shake hands, then take frames."""
        self._read += data
        if not self._shaken:
            head, found, rest = bytes(self._read).partition(b"\r\n\r\n")
            if found:
                self._shaken, self._read = True, bytearray(rest)
                self._transport.write(_upgraded(head))
        if self._shaken:
            for opcode, payload in self._frames():
                self._take(opcode, payload)

    async def ask(self, frames: list[str]) -> None:
        """Send questions at once; return once as many answers have come."""
        self.answers, self._expected = [], len(frames)
        self._all.clear()
        self._transport.write(b"".join(_frame(_TEXT, each.encode()) for each in frames))
        async with asyncio.timeout(_WITHIN):
            await self._all.wait()

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        """Take whole frames, masked, as a client sends them, off what was read."""
        read, at = self._read, 0
        while len(read) >= at + 2:
            length, mask_at = read[at + 1] & 127, at + 2
            if length > 125:
                size = 2 if length == 126 else 8
                length, mask_at = int.from_bytes(read[mask_at : mask_at + size], "big"), mask_at + size
            end = mask_at + 4 + length
            if len(read) < end:
                break
            yield read[at] & 15, _unmasked(bytes(read[mask_at : mask_at + 4]), bytes(read[mask_at + 4 : end]))
            at = end
        del read[:at]

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == _PING:
            self._transport.write(_frame(_PONG, payload))
        elif payload.startswith(b"<open"):
            self._opens += 1
            self._say(_OPEN)
            self._say(_FEATURES.format(_MECHANISMS if self._opens == 1 else _BIND))
        elif payload.startswith(b"<auth"):
            self._say('<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>')
        elif b'id="bind-1"' in payload:
            self._say(_BOUND)
        elif payload.startswith(b"<presence"):
            self.here.set()
        elif b'id="ping-' in payload:
            id_ = payload.partition(b'id="')[2].partition(b'"')[0].decode()
            self._say(f'<iq xmlns="jabber:client" type="result" id="{id_}"/>')
        elif payload.startswith(b"<iq") and b'"disco-' not in payload:
            self.answers.append(payload)
            if len(self.answers) == self._expected:
                self._all.set()

    def _say(self, text: str) -> None:
        self._transport.write(_frame(_TEXT, text.encode()))


def _upgraded(head: bytes) -> bytes:
    lines = head.split(b"\r\n")
    key = next(line.partition(b":")[2].strip() for line in lines if line.lower().startswith(b"sec-websocket-key"))
    accept = base64.b64encode(hashlib.sha1(key + _GUID.encode(), usedforsecurity=False).digest()).decode()
    said = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    said += [f"Sec-WebSocket-Accept: {accept}", "Sec-WebSocket-Protocol: xmpp", "", ""]
    return "\r\n".join(said).encode()


def _frame(opcode: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        return bytes([0x80 | opcode, length]) + payload
    return bytes([0x80 | opcode, 126]) + length.to_bytes(2, "big") + payload


def _unmasked(mask: bytes, payload: bytes) -> bytes:
    whole = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")).to_bytes(len(payload), "big")


async def _main() -> None:
    loop, asker = asyncio.get_running_loop(), Asker()
    server = await loop.create_server(lambda: asker, "127.0.0.1", 0)
    _tell({"port": server.sockets[0].getsockname()[1]})
    await asker.here.wait()
    _tell({"here": True})
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        await asker.ask(order["ask"])
        await loop.run_in_executor(None, Path(order["into"]).write_bytes, b"\n".join(asker.answers))
        _tell({"answered": len(asker.answers)})


def _tell(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_main())
