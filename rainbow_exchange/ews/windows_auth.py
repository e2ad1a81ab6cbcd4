"""NTLM and Negotiate, the schemes that Exchange offers as installed; steps by pyspnego, no I/O of their own.

On Windows the system's own SSPI does all of it, with the service's own identity where no account is given. Elsewhere
Kerberos is tried where it is installed and can work, otherwise NTLM: never both with a password that one of them has
called wrong. Kerberos and NTLM tokens travel in Negotiate as they are, which servers take besides SPNEGO ([MS-SPNG],
"Universal Receiver"). Kerberos' steps may wait for a domain controller.

Sources: RFC 4559 (Negotiate), [MS-NTHT] (NTLM over HTTP), [MS-NLMP], the protocol page on EWS, §7.
"""

import os
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Generator
from http import HTTPStatus
from typing import Literal

import spnego
from spnego.channel_bindings import GssChannelBindings

from rainbow_exchange.ews import kerberos
from rainbow_exchange.ews.auth import Challenge, Flow, Leg, opened
from rainbow_exchange.ews.channel_binding import server_end_point
from rainbow_exchange.ews.errors import EwsConnectionError, Tried

#: whether the system itself signs in, by SSPI
BY_SYSTEM = os.name == "nt"
NEGOTIATE, NTLM = "Negotiate", "NTLM"
#: `Tried.reason` of a server that offers a scheme and then wants no NTLM in it: nothing was proven to it yet
DECLINED = "declined"
_HELLO = b"NTLMSSP\0\x01\0\0\0"  # an NTLM message of type 1, which proves nothing yet
_PROOF = b"NTLMSSP\0\x03\0\0\0"  # one of type 3, which proves the password: the server counts what it refuses
_MOST_STEPS = 4
_TOKEN = re.compile(r"\s*(\S+)\s+([A-Za-z0-9+/]+=*)\s*\Z")


class WindowsAuth:
    """An account of the domain, or (`password` None) a ticket, a keytab or the service's own identity.

    `host` is that of the URL, of which the service's name is made; `allowed` are the schemes that may be used.
    """

    connection_bound = True

    def __init__(
        self, *, username: str | None, password: str | None, host: str, allowed: tuple[str, ...] = (NEGOTIATE, NTLM)
    ) -> None:
        self._username = username
        self._password = password
        self._host = host
        self._allowed = allowed
        self._ticket: spnego.ContextProxy | None = None
        self._kerberos = NEGOTIATE in allowed and not BY_SYSTEM and kerberos.available()
        if password is not None and "@" not in (username or ""):
            self._kerberos = False  # COMPANY\user names no realm

    @property
    def blocks(self) -> bool:
        """Whether a domain controller may be asked."""
        return BY_SYSTEM or self._kerberos

    def flow(self) -> Flow:
        """Ask what is offered, then sign in by it."""
        challenge = yield from opened()
        return (yield from self.answer(challenge))

    def usable(self, challenge: Challenge) -> bool:
        """Whether the server offers a scheme that may be used."""
        return self._by(challenge) is not None

    def answer(self, challenge: Challenge) -> Flow:
        """Sign in, given the server's 401."""
        scheme = self._by(challenge)
        if scheme is None:
            return Tried(scheme="/".join(self._allowed), stage="offer")
        if BY_SYSTEM:
            protocol = "negotiate" if scheme == NEGOTIATE else "ntlm"
            return (yield from self._system(protocol, scheme, challenge))
        if scheme == NEGOTIATE and self._kerberos:
            ended = yield from self._by_kerberos(challenge)
            if ended is not None:
                return ended
        elif self._password is None:
            raise EwsConnectionError("kerberos", "not-installed")
        # a plain NTLM token is what a server without SPNEGO understands, too
        scheme = NTLM if NTLM in self._allowed and "ntlm" in challenge.offered else NEGOTIATE
        return (yield from self._converse("ntlm", scheme, challenge))

    def _by(self, challenge: Challenge) -> str | None:
        offered = challenge.offered
        if self._password is None and not BY_SYSTEM:  # no password, no NTLM
            return NEGOTIATE if NEGOTIATE in self._allowed and "negotiate" in offered else None
        return next((name for name in (NEGOTIATE, NTLM) if name in self._allowed and name.lower() in offered), None)

    def _by_kerberos(self, challenge: Challenge) -> Flow:
        """Sign in by Kerberos; return None where that says nothing about the account, and NTLM may be tried."""
        try:
            ended = yield from self._converse("kerberos", NEGOTIATE, challenge)
        except EwsConnectionError as error:
            if error.detail in kerberos.REFUSALS:
                return Tried(scheme=NEGOTIATE, stage="kerberos", reason=error.detail)
            if self._password is None:
                raise
            return None
        # the domain controller has taken the password, so that NTLM does it no harm
        return ended if self._password is None else None

    def _system(self, protocol: str, scheme: str, challenge: Challenge) -> Flow:
        try:
            return (yield from self._converse(protocol, scheme, challenge))
        except EwsConnectionError as error:
            if error.detail in kerberos.REFUSALS:
                return Tried(scheme=scheme, stage="kerberos", reason=error.detail)
            raise

    def _converse(self, protocol: str, scheme: str, challenge: Challenge) -> Generator[Leg, Challenge, Tried]:
        """Exchange tokens until the server has had enough; raises EwsConnectionError where no first one can be made."""
        context, said = self._begun(protocol, challenge.certificate)
        bound = challenge.certificate is not None
        token, connection = None, challenge.connection
        for _ in range(_MOST_STEPS):
            if token is not None:
                try:
                    said = context.step(token)
                except Exception as error:  # noqa: BLE001  (SSPI, GSSAPI, krb5 and pyspnego raise what they like)
                    stage: Literal["handshake", "proof"] = "handshake" if protocol == "ntlm" else "proof"
                    return self._tried(scheme, stage, kerberos.reason(error), bound)
            if not said:
                break
            hello = _HELLO in said
            challenge = yield Leg(authorization=f"{scheme} {b64encode(said).decode()}", with_body=not hello)
            if hello and challenge.status != HTTPStatus.UNAUTHORIZED:
                challenge = yield Leg()
            moved = not hello and token is not None and challenge.connection != connection
            connection, token = challenge.connection, _token(challenge, scheme)
            if hello and token is None:
                return self._tried(scheme, "handshake", DECLINED, bound)
            if moved:
                return self._tried(scheme, "handshake", "closed", bound)
            if token is None or _PROOF in said:  # a new challenge, too, is a refusal then
                return self._tried(scheme, "proof", "", bound)
        return self._tried(scheme, "handshake", "", bound)

    def _tried(self, scheme: str, stage: Literal["handshake", "proof"], reason: str, binding: bool) -> Tried:
        return Tried(scheme=scheme, stage=stage, reason=reason, binding=binding, password=self._password is not None)

    def _begun(self, protocol: str, certificate: bytes | None) -> tuple[spnego.ContextProxy, bytes | None]:
        """Give a context and its first token.

        A ticket that was got by a password serves for later connections, too, as long as it is good.
        """
        binding = GssChannelBindings(application_data=server_end_point(certificate)) if certificate else None
        if protocol == "kerberos" and self._ticket is not None:
            try:
                context = self._ticket.new_context()
                return context, context.step(channel_bindings=binding)
            except Exception:  # noqa: BLE001  (whatever it is, a new ticket tells better)
                self._ticket = None
        try:
            context = self._context(protocol, binding)
            said = context.step()
        except Exception as error:
            raise EwsConnectionError("kerberos", kerberos.reason(error)) from error
        if protocol == "kerberos" and self._password is not None:
            self._ticket = context
        return context, said

    def _context(self, protocol: str, binding: GssChannelBindings | None) -> spnego.ContextProxy:
        username = self._username
        if protocol == "kerberos" and username is not None and "@" in username:
            name, _, realm = username.rpartition("@")
            username = f"{name}@{realm.upper()}"  # realms are upper case, mail domains are not
        return spnego.client(
            username,
            self._password,
            hostname=self._host,
            service="HTTP",  # upper case, or no domain controller knows it
            protocol=protocol,
            channel_bindings=binding,
        )


def _token(challenge: Challenge, scheme: str) -> bytes | None:
    """Give the token that the server's 401 holds for `scheme`, or None."""
    for value in challenge.www_authenticate:
        found = _TOKEN.match(value)
        if found and found[1].lower() == scheme.lower():
            try:
                return b64decode(found[2], validate=True)
            except Base64Error:
                return None
    return None
