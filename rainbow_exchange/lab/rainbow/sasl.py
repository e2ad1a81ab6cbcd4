"""SASL as the lab's XMPP server speaks it: PLAIN in one step, SCRAM in two. All content is base64. Pure."""

import base64
import binascii
import hmac
from collections.abc import Callable
from secrets import token_urlsafe
from typing import Any

import scramp  # type: ignore[import-untyped]  # the library ships no types

MECHANISMS = ("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512")


class SaslFailure(Exception):
    """The sign-in is refused; its arguments are the condition (RFC 6120 section 6.5) and whom it was for."""

    def __init__(self, condition: str, user: str = "") -> None:
        super().__init__(condition)
        self.condition = condition
        self.user = user


class Authentication:
    """One attempt. `password(user)` is the right one, None for nobody. `user` is who proved to know it, "" so far."""

    def __init__(self, mechanism: str, password: Callable[[str], str | None]) -> None:
        self._mechanism = mechanism
        self._password = password
        self._named = ""
        self._scram: Any = None
        self.user = ""

    def step(self, content: str) -> str | None:
        """Take what the client says; return what is said to it, None for nothing. Raise SaslFailure."""
        said = _decoded(content)
        if self._mechanism == "PLAIN":
            self._plain(said)
            return None
        try:
            return self._scram_step(said)
        except scramp.ScramException as error:
            wrong = error.server_error is not None and error.server_error.value == "invalid-proof"
            raise SaslFailure("not-authorized" if wrong else "malformed-request", self._named) from error

    def _plain(self, said: str) -> None:
        try:
            _, user, password = said.split("\0")
        except ValueError:
            raise SaslFailure("malformed-request") from None
        right = self._password(user)
        if right is None or not hmac.compare_digest(right.encode(), password.encode()):
            raise SaslFailure("not-authorized", user)
        self.user = user

    def _scram_step(self, said: str) -> str:
        if self._scram is None:
            mechanism = scramp.ScramMechanism(self._mechanism)

            def secret(user: str) -> Any:
                self._named = user
                # Of nobody's password nobody has the proof, and the answer does not tell that there is nobody.
                return mechanism.make_auth_info(self._password(user) or token_urlsafe())

            self._scram = mechanism.make_server(secret)
            self._scram.set_client_first(said)
            return _encoded(self._scram.get_server_first())
        self._scram.set_client_final(said)
        self.user = self._named
        return _encoded(self._scram.get_server_final())


def _decoded(content: str) -> str:
    try:
        return base64.b64decode(content, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise SaslFailure("malformed-request") from None


def _encoded(said: str) -> str:
    return base64.b64encode(said.encode()).decode()
