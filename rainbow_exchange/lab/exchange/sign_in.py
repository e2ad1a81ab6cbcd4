"""Signing in to the lab's Exchange as IIS has it: Basic, NTLM, Negotiate (NTLM inside), Bearer; ews.md §7.

A handshake, and what it ends in, belong to the TCP connection.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from weakref import WeakKeyDictionary

from aiohttp import web
from multidict import CIMultiDict

from rainbow_exchange.lab.exchange import ntlm
from rainbow_exchange.lab.exchange.accounts import Account, Accounts
from rainbow_exchange.lab.exchange.attempts import Attempt, Attempts
from rainbow_exchange.lab.exchange.binding import compared, tolerated
from rainbow_exchange.lab.exchange.dials import Dials
from rainbow_exchange.lab.exchange.tokens import Tokens

_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"  # the application id that every Exchange has


class _Answered(Exception):
    """The request has its answer, which is no refusal: a challenge."""

    def __init__(self, response: web.Response) -> None:
        super().__init__()
        self.response = response


@dataclass(slots=True)
class _Connection:
    """A TCP connection: the handshake in the works, and whom it ended in. `binding` is to the certificate it has."""

    number: int
    binding: bytes | None
    acceptor: ntlm.Acceptor | None = None
    account: Account | None = None
    requests: int = 0
    proof: dict[str, str] = field(default_factory=dict)
    """Headers of the answer that ends a handshake."""

    def forget(self) -> None:
        self.acceptor = self.account = None
        self.requests = 0


class SignIn:
    """Tells who sends a request, or how to refuse it.

    `binding` is what clients of new connections have to bind to; None without TLS.
    """

    def __init__(
        self, *, accounts: Accounts, tokens: Tokens, attempts: Attempts, dials: Dials, now: Callable[[], datetime]
    ) -> None:
        self.binding: bytes | None = None
        self._accounts = accounts
        self._tokens = tokens
        self._attempts = attempts
        self._dials = dials
        self._now = now
        self._numbers = count(1)
        self._connections: WeakKeyDictionary[object, _Connection] = WeakKeyDictionary()

    def forget(self) -> int:
        """Recycle the authenticated connections: the next request on each gets a 401. Give how many there were."""
        authenticated = [each for each in self._connections.values() if each.account is not None]
        for each in self._connections.values():
            each.forget()
        return len(authenticated)

    def asked(self, http: web.Request) -> Account | web.Response:
        """Give whose request it is, or the answer that refuses it."""
        try:
            return self._account(http) or self._refused(http)
        except _Answered as answered:
            return answered.response

    async def prove(self, http: web.Request, response: web.StreamResponse) -> None:
        """Say in the answer that a handshake has ended well; a signal of the application."""
        connection = self._connections.get(http.transport)
        if connection is not None and connection.proof:
            response.headers.update(connection.proof)
            connection.proof = {}

    def _account(self, http: web.Request) -> Account | None:
        if self._dials.unauthorized:
            return None
        if (header := self._dials.trusted_user_header) and http.remote in _LOOPBACK:
            return self._accounts.named(http.headers.get(header, ""))
        connection = self._connection(http)
        if self._dials.balanced_per_request:
            connection.forget()
        scheme, _, written = http.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return self._still(connection)
        connection.account = None
        return self._by(http, connection, scheme, written.strip())

    def _by(self, http: web.Request, connection: _Connection, scheme: str, written: str) -> Account | None:
        if scheme.lower() == "bearer" and not written:
            return None  # a client's way of asking for the offer of Bearer
        attempt = self._attempts.made(
            self._now(), scheme=scheme, content_length=http.content_length, connection=connection.number
        )
        if scheme.lower() not in map(str.lower, self._dials.auth_schemes):
            attempt.outcome = "not offered"
            return None
        try:
            return self._claimed(http, connection, attempt, written)
        except (binascii.Error, UnicodeDecodeError, ntlm.NotNtlm):
            attempt.outcome = "malformed"
            connection.forget()
            return None

    def _claimed(self, http: web.Request, connection: _Connection, attempt: Attempt, written: str) -> Account | None:
        if attempt.scheme.lower() == "bearer":
            return self._bearer(written, attempt)
        token = base64.b64decode(written, validate=True)
        if attempt.scheme.lower() == "basic":
            return self._basic(token.decode(), attempt)
        if ntlm.is_first(token):
            raise _Answered(self._challenge(http, connection, attempt, token))
        return self._proven(connection, attempt, token)

    def number(self, http: web.Request) -> int:
        """Give the number of the TCP connection that a request came on."""
        return self._connection(http).number

    def _connection(self, http: web.Request) -> _Connection:
        connection = self._connections.get(http.transport)
        if connection is None:
            connection = _Connection(next(self._numbers), self.binding)
            if http.transport is not None:
                self._connections[http.transport] = connection
        return connection

    def _still(self, connection: _Connection) -> Account | None:
        """Give whom the connection was authenticated as, unless it has served its number of requests."""
        connection.requests += 1
        if 0 < self._dials.authenticated_requests < connection.requests:
            connection.forget()
        return connection.account

    def _basic(self, credentials: str, attempt: Attempt) -> Account | None:
        attempt.account, _, password = credentials.partition(":")
        account = self._known(attempt)
        if account is None or not self._right(account, attempt, password == self._accounts.password(account)):
            return None
        return account

    def _bearer(self, token: str, attempt: Attempt) -> Account | None:
        good = self._tokens.good(token)
        attempt.outcome = "accepted" if good else "bad token"
        return self._accounts.service if good else None

    def _challenge(self, http: web.Request, connection: _Connection, attempt: Attempt, token: bytes) -> web.Response:
        if self._dials.refuse_early_bodies and http.content_length:
            attempt.outcome = "early body"
            return web.Response(status=413)
        connection.acceptor = ntlm.Acceptor()
        challenge = connection.acceptor.challenge(token)
        attempt.outcome = "challenged"
        return web.Response(status=401, headers={"WWW-Authenticate": _written(attempt.scheme, challenge)})

    def _proven(self, connection: _Connection, attempt: Attempt, token: bytes) -> Account | None:
        acceptor, connection.acceptor = connection.acceptor, None
        claim = ntlm.claim_of(token)
        attempt.account, attempt.service = claim.written, claim.service
        account = self._known(attempt)
        if acceptor is None:
            attempt.outcome = "no handshake"
        if acceptor is None or account is None:
            return None
        last = acceptor.proven(token, claim, self._accounts.password(account))
        if not self._right(account, attempt, last is not None):
            return None
        verdict = compared(claim.channel_bindings, connection.binding)
        attempt.binding = verdict
        if not tolerated(verdict, self._dials.extended_protection):
            attempt.outcome = "bad binding"
            return None
        connection.account, connection.requests = account, 1
        proof = {"WWW-Authenticate": _written(attempt.scheme, last)} if last else {}
        connection.proof = {"Persistent-Auth": "true"} | proof
        return account

    def _known(self, attempt: Attempt) -> Account | None:
        account = self._accounts.named(attempt.account)
        attempt.outcome = "unknown account" if account is None else self._accounts.barred(account)
        return None if attempt.outcome else account

    def _right(self, account: Account, attempt: Attempt, right: bool) -> bool:
        attempt.outcome = "accepted" if right else "wrong password"
        (self._accounts.right if right else self._accounts.wrong)(account)
        return right

    def _refused(self, http: web.Request) -> web.Response:
        """Refuse, and offer each scheme in a header of its own; Bearer only to those who come with it."""
        scheme = http.headers.get("Authorization", "").partition(" ")[0].lower()
        parameters = {
            "basic": f' realm="{http.host}"',
            "bearer": f' client_id="{_EXCHANGE}", trusted_issuers="{_EXCHANGE}@*", '
            'token_types="app_asserted_user_v1 service_asserted_app_v1", error="invalid_token"',
        }
        offered = CIMultiDict[str]()
        for name in self._dials.auth_schemes:
            if name.lower() != "bearer" or scheme == "bearer":
                offered.add("WWW-Authenticate", name + parameters.get(name.lower(), ""))
        return web.Response(status=401, headers=offered)


def _written(scheme: str, token: bytes) -> str:
    return f"{scheme} {base64.b64encode(token).decode()}"
