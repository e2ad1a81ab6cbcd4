"""A test from the page reaches only the server that it names, and tells nothing of the answer but the verdict.

Whoever is signed in may name any server, so what answers may be anything: no word of it gets to the page.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.diagnosis.set_up import Entered
from tests.diagnosis.test_trials import rig
from tests.keyrings import in_memory

WORD = "Zaphod42"
_FAULT = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><h:ServerVersionInfo'
    ' xmlns:h="http://schemas.microsoft.com/exchange/services/2006/types" MajorVersion="Zaphod42" MinorVersion="1"'
    ' Version="Zaphod42"/></s:Header><s:Body><s:Fault><faultcode>s:Zaphod42</faultcode><faultstring>Zaphod42 said'
    " so</faultstring><detail>Zaphod42</detail></s:Fault></s:Body></s:Envelope>"
)


def http(status: str, body: str = f"<title>{WORD}</title>", **headers: str) -> bytes:
    given = {
        "Server": WORD,
        "X-Squid-Error": f"ERR_{WORD} 1",
        "Content-Type": "text/html",
        "Set-Cookie": f"{WORD}={WORD}",
    } | headers
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in given.items())
    return f"HTTP/1.1 {status} {WORD}\r\nContent-Length: {len(body)}\r\n{lines}\r\n{body}".encode()


ANSWERS = {
    "a banner": b"220 Zaphod42 ESMTP ready\r\n",
    "a page": http("200"),
    "not found": http("404"),
    "an error": http("500"),
    "a redirect": http("302", Location="{other}/Zaphod42"),
    "a permanent redirect": http("308", Location="{other}/Zaphod42"),
    "a challenge": http("401", WWW_Authenticate='Basic realm="Zaphod42"'),
    "a challenge of its own": http("401", WWW_Authenticate='Zaphod42 realm="Zaphod42"'),
    "forbidden": http("403"),
    "a fault": http("500", _FAULT, Content_Type="text/xml"),
    "what is no status": b"HTTP/1.1 Zaphod42 Zaphod42\r\n\r\n",
    "wait": http("503", Retry_After=WORD),
    "another challenge of a proxy": http("407", Proxy_Authenticate="Zaphod42 realm=x"),
    "of a proxy": http("407", Proxy_Authenticate='Basic realm="Zaphod42"'),
}


@dataclass
class Anything:
    """A server that answers all with this."""

    answer: bytes
    came: list[bytes] = field(default_factory=list)
    at: str = ""

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.came.append(head)
                writer.write(self.answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(answer: bytes) -> AsyncIterator[Anything]:
    made = Anything(answer)
    server = await asyncio.start_server(made.take, "127.0.0.1", 0)
    async with server:
        made.at = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield made


@pytest.mark.parametrize("part", ["exchange", "exchange-proxy", "rainbow-proxy"])
async def test_no_word_of_what_answers_gets_to_the_page(tmp_path: Path, part: str) -> None:
    given: dict[str, Any] = {
        "rainbow": {"url": "https://rainbow.acme.test"},
        "exchange": {"url": "https://mail.acme.test/EWS"},
    }
    with in_memory():
        async with rig(tmp_path, None, **({} if part == "exchange" else given)) as here, serving(http("200")) as other:
            for kind, answer in ANSWERS.items():
                if part != "exchange" and kind == "a page":
                    continue  # which is a tunnel, and nobody at its end
                async with serving(answer.replace(b"{other}", other.at.encode())) as named:
                    entered = here.entered(url=f"{named.at}/EWS/Exchange.asmx")
                    if part != "exchange":
                        key = f"{part.partition('-')[0]}.proxy_url"
                        entered = Entered(part=part, values={key: named.at})
                    trial = await here.tried(entered)
                assert (trial.state, named.came != []) == ("failed", True), kind
                assert WORD not in repr(trial), [each for each in trial.steps if WORD in repr(each)]
    assert other.came == [], "another server than the one that is named was reached"
