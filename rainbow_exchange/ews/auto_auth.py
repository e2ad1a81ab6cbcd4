"""Signing in by the strongest scheme that the server offers and that there are credentials for. No I/O."""

from rainbow_exchange.ews.auth import Authenticator, BasicAuth, BearerAuth, Challenge, Flow, opened
from rainbow_exchange.ews.errors import Tried
from rainbow_exchange.ews.windows_auth import DECLINED, WindowsAuth


class AutoAuth:
    """Bearer where there are tokens, else Negotiate, NTLM, Basic, by what the server offers; one of them, no second.

    A password that one scheme has carried in vain is not tried by a weaker one: that would be a second attempt. Only
    where a server offers Negotiate for Kerberos alone, and wants no NTLM in it, Basic is next. Basic and Bearer, once
    found, are kept until they are refused.
    """

    def __init__(self, *, username: str | None, password: str | None, host: str, tokens: bool = False) -> None:
        self._windows = WindowsAuth(username=username, password=password, host=host)
        self._basic = BasicAuth(username, password) if username and password and ":" not in username else None
        self._tokens = tokens
        self._tokens_only = tokens and password is None
        self._kept: Authenticator | None = BearerAuth() if self._tokens_only else None

    @property
    def connection_bound(self) -> bool:
        """Whether connections are authenticated, as long as nothing else is known."""
        return self._kept is None

    @property
    def blocks(self) -> bool:
        """Whether a domain controller may be asked."""
        return self._kept is None and self._windows.blocks

    def flow(self) -> Flow:
        """Use what was found, or ask what is offered."""
        if self._kept is not None:
            tried = yield from self._kept.flow()
            self._kept = BearerAuth() if self._tokens_only else None
            return tried
        # Exchange offers Bearer only to those who ask for it
        challenge = yield from opened("Bearer" if self._tokens else None)
        self._kept = self._unbound(challenge)
        if self._kept is not None:
            tried = yield from self._kept.flow()
            self._kept = None
            return tried
        if not self._windows.usable(challenge):
            return Tried(scheme="auto", stage="offer")
        tried = yield from self._windows.answer(challenge)
        if tried is None or tried.reason != DECLINED or self._basic is None or "basic" not in challenge.offered:
            return tried
        self._kept = self._basic
        return (yield from self.flow())

    def _unbound(self, challenge: Challenge) -> Authenticator | None:
        offered = challenge.offered
        if self._tokens and "bearer" in offered:
            return BearerAuth()
        if self._basic is not None and "basic" in offered and not self._windows.usable(challenge):
            return self._basic
        return None
