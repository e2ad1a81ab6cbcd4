"""Channel binding as the lab's Exchange checks it: RFC 5929 §4, [MS-NLMP] 2.2.2.1 (MsvAvChannelBindings), ews.md §7.

Written here and not left to the library that accepts NTLM, which takes sixteen zero bytes for a binding.
"""

import asyncio
import hashlib
import ssl as tls
import struct
from typing import Literal

from cryptography import x509

Verdict = Literal["right", "wrong", "zero", "absent", "no TLS"]

_ZERO = bytes(16)
_PATIENCE = 10.0
_AS_SHA256 = frozenset({"md5", "sha1"})


def expected(certificate: bytes) -> bytes:
    """Give the MD5 of the gss_channel_bindings_struct for this certificate (DER): both addresses empty."""
    algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    name = "sha256" if algorithm is None or algorithm.name in _AS_SHA256 else algorithm.name
    bound = b"tls-server-end-point:" + hashlib.new(name, certificate).digest()
    # Type and length of the initiator's address, the same of the acceptor's, length of the application's data.
    return hashlib.md5(struct.pack("<5I", 0, 0, 0, 0, len(bound)) + bound, usedforsecurity=False).digest()


def compared(sent: bytes | None, own: bytes | None) -> Verdict:
    """Compare what a client sent with what the server's certificate demands; `own` is None without TLS."""
    if own is None:
        return "no TLS"
    if sent is None:
        return "absent"
    if sent == _ZERO:
        return "zero"
    return "right" if sent == own else "wrong"


def tolerated(verdict: Verdict, level: str) -> bool:
    """Tell whether Extended Protection at this level lets a client in."""
    if level == "require":
        return verdict == "right"
    return level == "none" or verdict not in ("wrong", "zero")


async def own_certificate(host: str, port: int) -> bytes:
    """Ask a server on this machine for its certificate (DER), as any client sees it."""
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = tls.CERT_NONE
    context.minimum_version = tls.TLSVersion.MINIMUM_SUPPORTED  # the server may be told to be old
    context.set_ciphers("ALL:@SECLEVEL=0")
    async with asyncio.timeout(_PATIENCE):
        _, writer = await asyncio.open_connection(host, port, ssl=context)
        try:
            certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        finally:
            writer.close()
            await writer.wait_closed()
    if not isinstance(certificate, bytes):
        raise OSError(f"{host}:{port} showed no certificate")
    return certificate
