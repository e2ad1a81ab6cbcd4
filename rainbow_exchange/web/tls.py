"""The certificate of the local page, and its key: PEM files that are read anew when they have changed.

Blocks: two small files of this machine.
"""

import ssl
from pathlib import Path
from typing import NoReturn

import structlog
from cryptography import x509

from rainbow_exchange.errors import UserError
from rainbow_exchange.network import certificate

_CERTIFICATE, _KEY = "web.tls_certificate_file", "web.tls_key_file"
_MAX_BYTES = 256 * 1024

Stamp = tuple[int, int]


class Tls:
    """What the page is served by. Raises UserError where the files cannot be used.

    `context` is for the next connection; `names` are those the certificate is for.
    """

    def __init__(self, certificate_file: Path, key_file: Path) -> None:
        self._files = (certificate_file, key_file)
        self._stamps = self._stamp()
        self.context, self.names = _read(*self._files)

    def renew(self) -> None:
        """Read the files if they have changed; what cannot be used is said, and what was there goes on."""
        stamps = self._stamp()
        if stamps == self._stamps:
            return
        self._stamps = stamps
        try:
            self.context, self.names = _read(*self._files)
        except UserError as error:
            # One of both may be written before the other: when that follows they are looked at again.
            structlog.get_logger().warning(
                "web_certificate_unusable",
                reason=" ".join(error.problems),
                consequence="the page is served with the one before",
            )
        else:
            structlog.get_logger().info("web_certificate_renewed", names=list(self.names))

    def _stamp(self) -> list[Stamp | None]:
        return [_stamp(file) for file in self._files]


def of(certificate_file: Path | None, key_file: Path | None) -> Tls | None:
    """Give what the settings ask for, None where they name no files. Raises UserError."""
    return Tls(certificate_file, key_file) if certificate_file and key_file else None


def _stamp(file: Path) -> Stamp | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _read(certificate_file: Path, key_file: Path) -> tuple[ssl.SSLContext, tuple[str, ...]]:
    content = _content(_CERTIFICATE, certificate_file)
    _content(_KEY, key_file)
    try:
        own = x509.load_pem_x509_certificate(content)
    except ValueError:
        raise UserError(
            [f"{_CERTIFICATE} {certificate_file} holds no certificate in PEM; export it as Base-64, with its chain."]
        ) from None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # some systems' Python leaves it to OpenSSL's configuration
    try:
        context.load_cert_chain(certificate_file, key_file, password=_no_pass_phrase)
    except _PassPhraseError:
        raise UserError(
            [f"{_KEY} {key_file} is protected by a pass phrase; write the key without (openssl pkey -in … -out …)."]
        ) from None
    except ssl.SSLError as error:
        raise UserError([_refused(error, certificate_file, key_file)]) from None
    except OSError as error:
        raise UserError([f"{_KEY} {key_file} cannot be read ({error.strerror}); see who may."]) from None
    return context, tuple(name.lower() for name in certificate.names(own) if "*" not in name)


def _refused(error: ssl.SSLError, certificate_file: Path, key_file: Path) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"{_KEY} {key_file} is not the key of {certificate_file}; name the one it was made with."
    if error.reason in {"EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"}:
        return f"{_CERTIFICATE} {certificate_file} is too weak for TLS ({error.reason}); have a newer one made."
    return (
        f"{_CERTIFICATE} {certificate_file} and {_KEY} {key_file} cannot be used together"
        f" ({error.reason or 'no PEM'}); both must be PEM, the key alone in its file or beside the certificate."
    )


def _content(name: str, file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise UserError(
            [f"{name} {file} cannot be read ({error.strerror}); correct it, or let the service's account read it."]
        ) from None
    if len(content) > _MAX_BYTES:
        raise UserError([f"{name} {file} is larger than {_MAX_BYTES // 1024} KiB: no certificate or key; correct it."])
    return content


class _PassPhraseError(Exception):
    """A pass phrase is wanted, and nobody is there to type it."""


def _no_pass_phrase() -> NoReturn:
    raise _PassPhraseError
