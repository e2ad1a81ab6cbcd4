"""Looking at what a server presents where it is not trusted: a handshake that verifies nothing and sends nothing."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from yarl import URL

from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.network.verdict import Presented

_LIMIT = 5.0  # seconds for one connection
_MOST_CERTIFICATES = 10
_LONGEST_HEAD = 16 * 1024


async def look(host: str, port: int, proxy: Proxy) -> Presented | None:
    """See what `host` presents, through the proxy if there is one; None if it cannot be seen.

    A proxy that is itself reached by TLS is not used: it would be sent its password without being trusted.
    """
    if URL(proxy.url or "").scheme == "https":
        return None
    try:
        return await _shake_hands(host, port, proxy)
    except (ssl.SSLError, ConnectionError, EOFError):
        pass
    except (OSError, ValueError):  # a TimeoutError is an OSError; ValueError: a certificate that cannot be read
        return None
    try:
        return await _ask_in_plain(host, port, proxy)
    except (OSError, EOFError):
        return None


async def _shake_hands(host: str, port: int, proxy: Proxy) -> Presented:
    async with asyncio.timeout(_LIMIT), _connected(host, port, proxy) as (_, writer):
        await writer.start_tls(_lenient(), server_hostname=host)
        link = writer.get_extra_info("ssl_object")
        chain = tuple(x509.load_der_x509_certificate(der) for der in _sent(link))
        return Presented(at=datetime.now(UTC), chain=chain, tls_version=link.version() or "")


async def _ask_in_plain(host: str, port: int, proxy: Proxy) -> Presented | None:
    async with asyncio.timeout(_LIMIT), _connected(host, port, proxy) as (reader, writer):
        writer.write(b"HEAD / HTTP/1.0\r\n\r\n")
        answer = await reader.readexactly(5)
        return Presented(at=datetime.now(UTC), plain_http=True) if answer == b"HTTP/" else None


@asynccontextmanager
async def _connected(
    host: str, port: int, proxy: Proxy
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    way = URL(proxy.url) if proxy.url else None
    where = (host, port) if way is None else (way.host, way.port)
    reader, writer = await asyncio.open_connection(*where, limit=_LONGEST_HEAD)
    try:
        if way is not None:
            await _open_tunnel(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", proxy, reader, writer)
        yield reader, writer
    finally:
        writer.transport.abort()


async def _open_tunnel(target: str, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    headers = {"Host": target} | dict(proxy.headers or {})
    lines = [f"CONNECT {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode("latin-1"))
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as error:
        raise OSError("the proxy's answer is too long") from error
    if head.split(None, 2)[1:2] != [b"200"]:
        raise OSError("the proxy opens no tunnel")


def _lenient() -> ssl.SSLContext:
    """Make a context that shakes hands with almost anybody, however old the protocol and however weak the key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _sent(link: Any) -> list[bytes]:
    """Return the certificates that came, in DER; the method is public from Python 3.13 on."""
    holder = link if hasattr(link, "get_unverified_chain") else link._sslobj  # noqa: SLF001  (see above)
    chain = holder.get_unverified_chain() or ()
    return [each if isinstance(each, bytes) else ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in chain][
        :_MOST_CERTIFICATES
    ]
