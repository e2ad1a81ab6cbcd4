"""SASL as far as the link uses it: SCRAM where offered, PLAIN where nobody can listen (pure).

A mechanism gives its first word, answers challenges and judges the content of `<success/>`; all of it base64.
"""

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Protocol

import scramp  # type: ignore[import-untyped]  # the library ships no types

from rainbow_exchange.rainbow.errors import SaslRefused
from rainbow_exchange.words import _

#: Ours, best first. Channel binding (-PLUS) is left out: behind a proxy that ends TLS it fails.
_SCRAM = ("SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1")
#: Rounds beyond this would hold the whole program up for the sake of whoever sent the challenge.
_MAX_ITERATIONS = 200_000
_ITERATIONS = re.compile(r"(?:^|,)i=(\d{1,10})(?:,|$)")


class Mechanism(Protocol):
    """One attempt to sign in."""

    name: str

    def first(self) -> str:
        """Give the initial response, base64."""
        ...

    def answer(self, challenge: str) -> str:
        """Answer a challenge, both base64; raises SaslRefused."""
        ...

    def finish(self, content: str) -> None:
        """Judge the content of `<success/>`; raises SaslRefused when the server has not proved itself."""
        ...


def choose(offered: Sequence[str], *, username: str, password: str, plain_allowed: bool) -> Mechanism:
    """Choose by our own preference, whatever order the server offers in; raises SaslRefused when nothing will do."""
    for name in _SCRAM:
        if name in offered:
            return _Scram(name, username, password)
    if "PLAIN" in offered and plain_allowed:
        return _Plain(username, password)
    raise SaslRefused("no-mechanism", _("the server offers {offered}", offered=", ".join(offered) or "nothing"))


class _Plain:
    name = "PLAIN"

    def __init__(self, username: str, password: str) -> None:
        self._message = f"\0{username}\0{password}".encode()

    def first(self) -> str:
        return b64encode(self._message).decode("ascii")

    def answer(self, challenge: str) -> str:
        raise SaslRefused("malformed-request", _("a challenge to PLAIN ({number} characters)", number=len(challenge)))

    def finish(self, content: str) -> None:
        """Accept: PLAIN has no proof of the server; TLS is it."""


class _Scram:
    def __init__(self, name: str, username: str, password: str) -> None:
        self.name = name
        self._proved = False
        self._asked = False
        try:
            self._client = scramp.ScramClient([name], username, password)
        except scramp.ScramException as error:
            raise SaslRefused("malformed-request", str(error)) from None

    def first(self) -> str:
        return _encode(self._client.get_client_first())

    def answer(self, challenge: str) -> str:
        message = _decode(challenge)
        if self._asked:
            self._prove(message)
            return ""
        self._asked = True
        rounds = _ITERATIONS.search(message)
        if rounds is None or int(rounds[1]) > _MAX_ITERATIONS:
            raise SaslRefused("malformed-request", _("a challenge with no or too many rounds"))
        try:
            self._client.set_server_first(message)
            return _encode(self._client.get_client_final())
        except (scramp.ScramException, ValueError) as error:
            raise SaslRefused("malformed-request", str(error)) from None

    def finish(self, content: str) -> None:
        if not self._proved:
            self._prove(_decode(content))

    def _prove(self, message: str) -> None:
        try:
            self._client.set_server_final(message)
        except (scramp.ScramException, ValueError) as error:
            raise SaslRefused("server-not-proved", str(error)) from None
        self._proved = True


def _encode(message: str) -> str:
    return b64encode(message.encode()).decode("ascii")


def _decode(content: str) -> str:
    try:
        return b64decode(content, validate=True).decode()
    except (binascii.Error, ValueError):
        raise SaslRefused("incorrect-encoding", _("the server's step is not base64 of UTF-8")) from None
