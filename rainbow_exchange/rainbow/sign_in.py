"""Signing in to Rainbow and staying so: one token for everybody, renewed ahead of time, one login for all who wait.

Calls and headers: `docs/reference/rainbow-wire.md`, section "Login".
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from rainbow_exchange.backoff import backoff
from rainbow_exchange.rainbow.account import read_account
from rainbow_exchange.rainbow.answers import Reply
from rainbow_exchange.rainbow.auth import renewal_delay
from rainbow_exchange.rainbow.errors import (
    RainbowApiError,
    RainbowAuthenticationError,
    RainbowError,
    RateLimited,
    UnexpectedAnswer,
    ids,
)
from rainbow_exchange.rainbow.extra_headers import ExtraHeaders, read_extra_headers
from rainbow_exchange.rainbow.grants import Grant, granted
from rainbow_exchange.rainbow.refusals import judged
from rainbow_exchange.rainbow.transport import Request, Transport

_log = structlog.get_logger()

_AUTHENTICATION = "/api/rainbow/authentication/v1.0"
_SETTINGS = "/api/rainbow/enduser/v1.0/settings/apis"

_UNAUTHORIZED = 401
_REFUSED_STATUS = frozenset({_UNAUTHORIZED, 403})
_SHORTEST_RENEWAL = 1.0
_LONGEST_WAIT = 65 * 60.0  # seconds, whatever a clock that was set back would make of it
#: A refused token is met by a new login, but not when it is as young as this (seconds): that would be no remedy. One
#: that is called expired although so young is replaced once in that time.
_YOUNG = 60.0
_SIDE_CALL_LIMIT = 5.0
#: how long a login under way is waited for at the end: a refusal that nobody hears is not remembered, and the next
#: process would send a wrong password once more
_LAST_ANSWER_LIMIT = 3.0
_SETTINGS_CALL = Request("settings", "GET", _SETTINGS, timeout=_SIDE_CALL_LIMIT, repeatable=True)
_LOGOUT = Request("logout", "GET", f"{_AUTHENTICATION}/logout", timeout=_SIDE_CALL_LIMIT, reads=False)

#: Told of each refusal with the instant of the next try by itself, and of its end with None, None.
Remember = Callable[[RainbowAuthenticationError | None, datetime | None], None]


@dataclass(slots=True)
class SignInCounters:
    """Logins tried and tokens renewed since start."""

    logins: int = 0
    renewals: int = 0


def remember_nothing(_error: RainbowAuthenticationError | None, _retry_at: datetime | None) -> None:
    """Remember nothing."""


class SignIn:
    """Holds the token. Every method raises RainbowError only.

    `headers` are those of a login and hold secrets. While `refused` stands no login goes out by itself before
    `retry_at` (None: not at all): a wrong password tried again and again would lock the account. Both can come from an
    earlier process; `remember` is told what the next one should know.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        headers: Mapping[str, str],
        now: Callable[[], datetime],
        random: Callable[[], float],
        refused: RainbowAuthenticationError | None = None,
        retry_at: datetime | None = None,
        remember: Remember = remember_nothing,
    ) -> None:
        self._transport = transport
        self._headers = headers
        self._now = now
        self._random = random
        self._extra = ExtraHeaders()
        self._changed = asyncio.Event()
        self._attempt: asyncio.Task[Grant] | None = None
        self._refusals = 0
        self._has_worked = False
        self._replaced: tuple[Grant, float] | None = None
        self._retry_at: float | None = None
        self.counters = SignInCounters()
        self.grant: Grant | None = None
        self.refused = refused
        self.retry_at = retry_at
        self._remember = remember
        if retry_at is not None:
            left = min(max((retry_at - now()).total_seconds(), 0.0), _LONGEST_WAIT)
            self._retry_at = asyncio.get_running_loop().time() + left
        self.last_error: RainbowError | None = None
        self.last_ok: datetime | None = None

    async def granted(self) -> Grant:
        """Return the token in use, signing in first where there is none."""
        return self.grant or await self.sign_in(None)

    def forget(self) -> None:
        """Sign in anew before the next call: what the last login gave has turned out to be void."""
        self._take(None)

    def try_again(self) -> None:
        """Let what is refused or put off go out once more, because somebody says so."""
        self._transport.try_again()
        if self.refused is not None:
            self._retry_at = asyncio.get_running_loop().time()
        self._changed.set()

    async def close(self) -> None:
        """End a login under way."""
        if self._attempt is not None:
            self._attempt.cancel()
            await asyncio.wait([self._attempt])

    async def logout(self) -> None:
        """Give the token back, best effort, within 8 seconds; what a login under way is answered is waited for."""
        if self._attempt is not None:
            await asyncio.wait([self._attempt], timeout=_LAST_ANSWER_LIMIT)
        grant = self.grant
        if grant is None:
            return
        self._take(None)
        try:
            await self.send(grant, _LOGOUT)
        except RainbowError as error:
            _log.debug("rainbow_logout_failed", reason=str(error))

    async def run(self) -> None:
        """Keep signed in until cancelled: renew ahead of time, sign in where that is refused."""
        waits = self._waits()
        down = False
        while True:
            try:
                if self.grant is None:
                    await self.sign_in(None)
                elif await self._is_due(self.grant):
                    await self._renew(self.grant)
                if down:
                    _log.debug("rainbow_signed_in_again")
                waits, down = self._waits(), False
            except RainbowError as error:
                wait = self._wait_after(error, waits)
                _log.debug("rainbow_sign_in_failed", reason=str(error), retry_in=wait, **ids(error))
                down = True
                await self._changed_by(None if wait is None else asyncio.get_running_loop().time() + wait)

    def may_replace(self, grant: Grant, error: RainbowApiError) -> bool:
        """Whether a new login can mend this refusal of a call under `grant`."""
        if error.status != _UNAUTHORIZED:
            return False
        if grant is not self.grant:
            return True  # it was replaced meanwhile
        now = asyncio.get_running_loop().time()
        if not grant.expired(now) and now - grant.received < _YOUNG:
            if not error.token_expired:
                return False
            if self._replaced is not None and now - self._replaced[1] < _YOUNG:
                return self._replaced[0] is grant
        self._replaced = (grant, now)
        return True

    async def sign_in(self, stale: Grant | None) -> Grant:
        """One login for all who find that `stale` will not do."""
        if self.grant is not None and self.grant is not stale:
            return self.grant
        if self._attempt is None:
            self._check_refused()
            self._attempt = asyncio.create_task(self._log_in(), name="rainbow:login")
            self._attempt.add_done_callback(self._attempt_done)
        return await asyncio.shield(self._attempt)

    def _attempt_done(self, attempt: asyncio.Task[Grant]) -> None:
        self._attempt = None
        if not attempt.cancelled():
            attempt.exception()  # seen, even where everybody who waited has gone

    def _check_refused(self) -> None:
        if self.refused is not None and (self._retry_at is None or asyncio.get_running_loop().time() < self._retry_at):
            # The same error is raised many times: without this each time would lengthen its traceback.
            raise self.refused.with_traceback(None)

    async def _log_in(self) -> Grant:
        self.counters.logins += 1
        try:
            reply = await self._send(Request("login", "GET", f"{_AUTHENTICATION}/login", headers=self._headers))
        except RainbowApiError as error:
            if error.status not in _REFUSED_STATUS:
                raise
            raise self._refuse(error) from error
        try:
            account = read_account(reply.member("loggedInUser"))
            grant = granted(reply, account, now=self._now(), received=asyncio.get_running_loop().time())
        except UnexpectedAnswer as error:
            self.last_error = error
            raise
        if self.refused is not None:
            self._remember(None, None)
        self.refused, self.retry_at, self._retry_at, self._refusals = None, None, None, 0
        self._has_worked = True
        self._extra = await self._read_settings(grant)
        self._take(grant)
        return grant

    def _refuse(self, error: RainbowApiError) -> RainbowAuthenticationError:
        """Latch a refused login: it is not tried again by itself, or not before its time."""
        refused, wait = judged(error, has_worked=self._has_worked, refusals=self._refusals)
        self._refusals += 1
        self.refused = self.last_error = refused
        self._retry_at = None if wait is None else asyncio.get_running_loop().time() + wait
        self.retry_at = None if wait is None else self._now() + timedelta(seconds=wait)
        self._remember(refused, self.retry_at)
        return refused

    async def _read_settings(self, grant: Grant) -> ExtraHeaders:
        """Which headers Rainbow wants added; none where it does not say."""
        try:
            reply = await self.send(grant, _SETTINGS_CALL)
            return read_extra_headers(reply.json())
        except RainbowError as error:
            _log.debug("rainbow_apis_unread", reason=str(error))
            return self._extra

    async def _renew(self, grant: Grant) -> None:
        if not grant.token.may_renew or grant.expired(asyncio.get_running_loop().time()):
            await self.sign_in(grant)
            return
        try:
            reply = await self.send(grant, Request("renew", "GET", f"{_AUTHENTICATION}/renew"))
            renewed = granted(reply, grant.account, now=self._now(), received=asyncio.get_running_loop().time())
        except (RainbowApiError, UnexpectedAnswer) as error:
            _log.debug("rainbow_renewal_refused", reason=str(error))
            await self.sign_in(grant)
            return
        self.counters.renewals += 1
        self._extra = await self._read_settings(renewed)
        if self.grant is grant:
            self._take(renewed)

    def _take(self, grant: Grant | None) -> None:
        self.grant = grant
        self._changed.set()

    async def _is_due(self, grant: Grant) -> bool:
        """Wait until `grant` is to be renewed; False when it was replaced before."""
        due = None
        if grant.lifetime is not None:
            due = grant.received + max(_SHORTEST_RENEWAL, renewal_delay(grant.lifetime, self._random))
        while self.grant is grant:
            if not await self._changed_by(due):
                return self.grant is grant
        return False

    async def _changed_by(self, instant: float | None) -> bool:
        """Wait for another token, or for somebody who does not want to wait, until `instant` (None: for ever).

        Return whether one came.
        """
        self._changed.clear()
        try:
            async with asyncio.timeout_at(instant):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def _waits(self) -> Iterator[float]:
        return backoff(1, 300, random=self._random)

    def _wait_after(self, error: RainbowError, waits: Iterator[float]) -> float | None:
        if isinstance(error, RainbowAuthenticationError):
            if self._retry_at is None:
                return None
            return max(1.0, self._retry_at - asyncio.get_running_loop().time())
        if isinstance(error, RateLimited):
            return max(error.retry_after, next(waits))
        return next(waits)

    async def send(self, grant: Grant, request: Request) -> Reply:
        """Send one request, once, under this token."""
        extra = self._extra.matching(request.method, request.path)
        bearer = {"Authorization": f"Bearer {grant.token.text}"} if request.bearer else {}
        return await self._send(replace(request, headers={**extra, **bearer, **request.headers}))

    async def _send(self, request: Request) -> Reply:
        try:
            reply = await self._transport.send(request)
        except RainbowError as error:
            self.last_error = error
            raise
        self.last_ok = self._now()
        return reply
