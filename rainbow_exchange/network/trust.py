"""Whom a connection trusts: the operating system's store, and besides it what a file names."""

import ssl
from pathlib import Path

import truststore
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from rainbow_exchange.errors import UserError
from rainbow_exchange.words import _

#: far more than all authorities that any system trusts
_MAX_BYTES = 8 * 1024 * 1024


def client_context(ca_file: Path | None = None, *, setting: str = "exchange.ca_file") -> ssl.SSLContext:
    """Make the context of a client. Raises UserError, naming `setting`, for a file that holds no certificate.

    On Windows and macOS the system itself judges the chain after the handshake, and what it does not trust is judged
    again by the file alone; elsewhere OpenSSL judges by the system's store and the file together, and an authority
    named in the file need not be a root.
    """
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # some systems' Python leaves it to OpenSSL's configuration
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    if ca_file is not None:
        context.load_verify_locations(cadata=_certificates(ca_file, setting))
    return context


def unverified_context() -> ssl.SSLContext:
    """Make the context of a client that trusts anybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _certificates(file: Path, setting: str) -> str:
    """Read a PEM file; each certificate in it must be readable, so that a damaged one is not left out in silence."""
    try:
        with file.open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise UserError(
            [
                _(
                    "{setting}: {file} cannot be read ({strerror}); let this account read it.",
                    setting=setting,
                    file=file,
                    strerror=error.strerror,
                )
            ]
        ) from error
    if len(content) > _MAX_BYTES:
        raise UserError(
            [
                _(
                    "{setting}: {file} is too large for certificates; name a file that holds them alone.",
                    setting=setting,
                    file=file,
                )
            ]
        )
    try:
        found = x509.load_pem_x509_certificates(content)
    except ValueError as error:
        kind = _("in DER form") if content.startswith(b"\x30") else _("damaged or no certificate")
        raise UserError(
            [
                _(
                    "{setting}: {file} is {kind}; export the certificate as Base-64 (PEM) and name that file.",
                    setting=setting,
                    file=file,
                    kind=kind,
                )
            ]
        ) from error
    return "".join(ssl.DER_cert_to_PEM_cert(certificate.public_bytes(Encoding.DER)) for certificate in found)
