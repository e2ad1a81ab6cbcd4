"""NTLM as the lab's Exchange accepts it, bare or inside SPNEGO: [MS-NLMP] 2.2.1 and 2.2.2, RFC 4178.

pyspnego does the cryptography. The lab reads for itself who signs in and what the client bound the channel to.
"""

import os
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import spnego
from spnego.exceptions import SpnegoError

_SIGNATURE = b"NTLMSSP\0"
_NEGOTIATE, _AUTHENTICATE = 1, 3
_UNICODE = 0x1
_DOMAIN, _USER, _NT_RESPONSE, _FLAGS = 28, 36, 20, 60
# NTProofStr, then versions, reserved, time, client's challenge, reserved: AV pairs follow ([MS-NLMP] 2.2.2.7)
_BEFORE_PAIRS = 16 + 28
_TARGET_NAME, _CHANNEL_BINDINGS = 0x0009, 0x000A
# pyspnego's acceptor reads passwords from a file that an environment variable names.
_USER_FILE = "NTLM_USER_FILE"
_user_file = threading.Lock()


class NotNtlm(Exception):
    """The token is no NTLM message, bare or wrapped, or not the one whose turn it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an AUTHENTICATE says: who signs in, to which service, bound to which channel (None: to none)."""

    domain: str
    user: str
    service: str
    channel_bindings: bytes | None

    @property
    def written(self) -> str:
        """Give the account as a person would write it."""
        return f"{self.domain}\\{self.user}" if self.domain else self.user


def is_first(token: bytes) -> bool:
    """Tell whether a token opens a handshake; raises NotNtlm for what is no NTLM."""
    message = _message(token)
    if len(message) < 12 or message[8] not in (_NEGOTIATE, _AUTHENTICATE):  # noqa: PLR2004 — signature and type
        raise NotNtlm
    return message[8] == _NEGOTIATE


def claim_of(token: bytes) -> Claim:
    """Read an AUTHENTICATE; raises NotNtlm."""
    message = _message(token)
    try:
        [flags] = struct.unpack_from("<I", message, _FLAGS)
        encoding = "utf-16-le" if flags & _UNICODE else "cp437"
        pairs = dict(_pairs(_field(message, _NT_RESPONSE)[_BEFORE_PAIRS:]))
        return Claim(
            domain=_field(message, _DOMAIN).decode(encoding),
            user=_field(message, _USER).decode(encoding),
            service=pairs.get(_TARGET_NAME, b"").decode("utf-16-le"),
            channel_bindings=pairs.get(_CHANNEL_BINDINGS),
        )
    except (struct.error, UnicodeDecodeError) as error:
        raise NotNtlm from error


def _message(token: bytes) -> bytes:
    start = token.find(_SIGNATURE)
    if start < 0:
        raise NotNtlm
    return token[start:]


def _field(message: bytes, at: int) -> bytes:
    length, _, offset = struct.unpack_from("<HHI", message, at)
    return message[offset : offset + length]


def _pairs(written: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the AV pairs up to MsvAvEOL; an NTLMv1 response has none."""
    while len(written) >= 4:  # noqa: PLR2004 — a pair's id and length
        number, length = struct.unpack_from("<HH", written)
        if number == 0:
            return
        yield number, written[4 : 4 + length]
        written = written[4 + length :]


class Acceptor:
    """One handshake on one connection: NEGOTIATE in, CHALLENGE out, AUTHENTICATE in."""

    def __init__(self) -> None:
        # In Python on every system: Windows' own would ask the machine's accounts.
        self._context = spnego.server(protocol="negotiate", options=spnego.NegotiateOptions.use_negotiate)

    def challenge(self, token: bytes) -> bytes:
        """Answer a NEGOTIATE, in the wrapping it came in; raises NotNtlm."""
        try:
            with _known(""):
                return self._context.step(token) or b""
        except (SpnegoError, ValueError, struct.error) as error:
            raise NotNtlm from error

    def proven(self, token: bytes, claim: Claim, password: str) -> bytes | None:
        """Check an AUTHENTICATE; give the last token for the client, b"" for none, or None where it proves nothing.

        A password with a colon or a line break proves nothing: the file of pyspnego cannot hold it.
        """
        try:
            with _known(f"{claim.domain}:{claim.user}:{password}\n"):
                last = self._context.step(token)
        except (SpnegoError, ValueError, struct.error):
            return None
        return (last or b"") if self._context.complete else None


@contextmanager
def _known(line: str) -> Iterator[None]:
    """Let pyspnego's acceptor know this one account, as DOMAIN:USER:PASSWORD, for as long as a step lasts."""
    with _user_file:
        handle, path = tempfile.mkstemp(prefix="rainbow-exchange-lab-")
        before = os.environ.get(_USER_FILE)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(line)
            os.environ[_USER_FILE] = path
            yield
        finally:
            if before is None:
                os.environ.pop(_USER_FILE, None)
            else:
                os.environ[_USER_FILE] = before
            Path(path).unlink()
