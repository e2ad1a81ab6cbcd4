"""Looking at the certificate of a server that is not trusted, so that a person can be told what to trust or mend."""

import asyncio
import ssl as tls
from collections.abc import Mapping
from typing import Any

_LIMIT = 5.0  # seconds for one handshake
_MOST_NAMES = 5


async def describe_presented(host: str, port: int) -> str | None:
    """Say who issued the certificate that `host` presents and for which names; None if it cannot be had or read.

    Nothing but handshakes is sent. The second one takes the certificate itself as trusted, since only a verified
    certificate is shown decoded; an expired one is not.
    """
    try:
        async with asyncio.timeout(_LIMIT):
            der = await _shake_hands(host, port, None)
        async with asyncio.timeout(_LIMIT):
            shown = await _shake_hands(host, port, der)
    except (OSError, TimeoutError):  # an ssl.SSLError is an OSError
        return None
    return _words(shown) if isinstance(shown, Mapping) else None


async def _shake_hands(host: str, port: int, trusted: Any) -> Any:
    """Return the certificate in DER, or decoded where `trusted` is that certificate."""
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = tls.CERT_NONE
    if trusted is not None:
        context.verify_mode = tls.CERT_REQUIRED
        context.verify_flags |= tls.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
        context.load_verify_locations(cadata=trusted)
    _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
    try:
        link = writer.get_extra_info("ssl_object")
        return link.getpeercert() if trusted is not None else link.getpeercert(binary_form=True)
    finally:
        writer.transport.abort()


def _words(certificate: Mapping[str, Any]) -> str:
    names = [value for kind, value in certificate.get("subjectAltName", ()) if kind in ("DNS", "IP Address")]
    names = names or [_named(certificate.get("subject", ())) or "no name"]
    more = "" if len(names) <= _MOST_NAMES else " and others"
    issuer = _named(certificate.get("issuer", ())) or "nobody named"
    return f"issued by {issuer}, for {', '.join(names[:_MOST_NAMES])}{more}, until {certificate.get('notAfter')}"


def _named(name: Any) -> str | None:
    """Pick the common name, else the unit or organization, from a distinguished name as `ssl` gives it."""
    parts = {key: value for relative in name for key, value in relative}
    for key in ("commonName", "organizationalUnitName", "organizationName"):
        if key in parts:
            return str(parts[key])
    return None
