"""One wrong password is one attempt: what guards the account against being locked by us."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from math import inf

from rainbow_exchange.ews.errors import EwsAuthenticationError, EwsConnectionError

_PATIENCE = 10.0  # seconds for the first request that goes ahead of the others; twice as long after each time-out
#: seconds after each refusal of a password that had worked before: once soon, since a domain controller may have been
#: away, then so seldom that no lock-out's count of wrong passwords is reached
_RETRIES_COUNTED = (60.0, 3600.0)
#: the same for what cannot have counted as a wrong password
_RETRIES = (60.0, 300.0, 900.0, 3600.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of a set of credentials: whether they ever worked, and their refusal that still stands.

    `refusals` counts those in a row; `ago` is the age of the last one in seconds.
    """

    worked: bool = False
    refused: EwsAuthenticationError | None = None
    refusals: int = 0
    ago: float = 0.0


def _ignore(_: Standing) -> None:
    """Tell nobody."""


class Latch:
    """Lets requests through while the credentials are good.

    Until the server has accepted them once, one request goes at a time: the others wait for its outcome. Once they are
    refused, everything fails at once with that refusal, `refused`. Credentials that had worked before get one new try
    after 60 s, then hourly; what cannot have counted as a wrong password one after 60 s, 5 min, 15 min, then hourly;
    others get none. `before` is what is remembered from another process;
    `changed` is told what is to be remembered.
    """

    def __init__(self, before: Standing | None = None, changed: Callable[[Standing], None] = _ignore) -> None:
        before = before or Standing()
        self.refused = before.refused
        self.proven = False
        self._changed = changed
        self._worked = before.worked
        self._trial: _Trial | None = None
        self._timeouts = 0  # of requests that went ahead, in a row
        self._refusals = before.refusals
        self._next_try: float | None = None  # loop time; None: never
        if before.refused is not None:
            self._set_next_try(before.refused, max(before.refusals - 1, 0), before.ago)

    @asynccontextmanager
    async def attempt(self, *, decisive: bool = True) -> AsyncIterator[Callable[[], None]]:
        """Hold one exchange with the server; call what is yielded as soon as it has not refused the credentials.

        Raises the refusal at once where nothing may be sent. An EwsAuthenticationError raised inside is remembered as
        the refusal; with `decisive` False a 403 is not, since it may concern one mailbox only. A connection error of
        the request that goes ahead is shared by those waiting for it.
        """
        trial = await self._enter()
        try:
            yield lambda: self._accepted(trial)
        except EwsAuthenticationError as error:
            if decisive or error.status != HTTPStatus.FORBIDDEN:
                self._refuse(error, trial)
            raise
        except EwsConnectionError as error:
            if trial is not None:
                trial.failed = error
                self._timeouts = self._timeouts + 1 if error.kind == "timeout" else 0
            raise
        finally:
            if trial is not None and self._trial is trial:
                self._end_trial()

    def patience(self) -> float:
        """Seconds for one request: few while the others wait for it, lest one bad mailbox hold them all up."""
        return inf if self.proven else _PATIENCE * 2.0**self._timeouts

    def seconds_to_next_try(self) -> float | None:
        """Seconds until refused credentials are tried anew; None if they never are, 0 if nothing is refused."""
        if self.refused is None:
            return 0.0
        return None if self._next_try is None else max(self._next_try - asyncio.get_running_loop().time(), 0.0)

    def try_again(self) -> None:
        """Let refused credentials be tried once more, because somebody says so."""
        if self.refused is not None:
            self._next_try = asyncio.get_running_loop().time()

    async def _enter(self) -> "_Trial | None":
        while not self.proven:
            if self.refused is not None and (self._trial is not None or self.seconds_to_next_try() != 0):
                raise self._refusal()
            if self._trial is None:
                self._trial = _Trial()
                return self._trial
            trial = self._trial
            await trial.ended.wait()
            if trial.failed is not None:
                raise EwsConnectionError(
                    trial.failed.kind,
                    trial.failed.detail,
                    retry_after=trial.failed.retry_after,
                    why=trial.failed.why,
                    shared=True,
                )
        return None

    def _refusal(self) -> EwsAuthenticationError:
        assert self.refused is not None  # noqa: S101 - only asked for once it is
        return EwsAuthenticationError(self.refused.status, self.refused.offered, self.refused.tried)

    def _accepted(self, trial: "_Trial | None") -> None:
        if self.refused is not None and trial is None:
            return  # it was on its way when another was refused
        news = not self._worked or self.refused is not None
        self.proven = self._worked = True
        self.refused, self._next_try = None, None
        self._refusals = self._timeouts = 0
        if news:
            self._changed(Standing(worked=True))
        self._end_trial()

    def _refuse(self, error: EwsAuthenticationError, trial: "_Trial | None") -> None:
        if self.refused is not None and trial is None:
            return  # it was on its way when another was refused: one outage counts once
        self.refused = error
        self.proven = False
        self._set_next_try(error, self._refusals, 0.0)
        self._refusals += 1
        self._changed(Standing(worked=self._worked, refused=error, refusals=self._refusals))

    def _set_next_try(self, error: EwsAuthenticationError, refusals: int, ago: float) -> None:
        """A clock that was set back must not make it wait longer than it ever would."""
        waits = _RETRIES_COUNTED if error.counted else _RETRIES
        wait = waits[min(refusals, len(waits) - 1)]
        again = self._worked or not error.counted
        self._next_try = asyncio.get_running_loop().time() + min(max(wait - ago, 0.0), wait) if again else None

    def _end_trial(self) -> None:
        if self._trial is not None:
            self._trial.ended.set()
            self._trial = None


class _Trial:
    """The request that goes ahead of the others."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.failed: EwsConnectionError | None = None
