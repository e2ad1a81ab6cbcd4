"""How much may be asked of the server at once, learnt from its refusals, and for how long it asked to stay away."""

import asyncio
from collections import deque
from types import TracebackType

from rainbow_exchange.ews.errors import ConnectionLimitReached, EwsConnectionError, EwsError, ServerBusy

_LONGEST = 15 * 60.0  # no server's hint keeps anybody away for longer
_LONGEST_OF_OURS = 300.0  # nor what we add to it for longer than this
_SUCCESSES_TO_PROBE = 200  # before more are sent at once than were once refused: half a per cent of refusals
_MOST_PATIENCE = 1600
_DIGITS = 7
_SEVERAL = 3  # mailboxes that are busy within `_TOGETHER` seconds: it is the server
_TOGETHER = 60.0

STREAMS, REQUESTS = "MaxStreamingConcurrency", "MaxConcurrency"  # parts of a policy, as Exchange names them


def exceeded(error: ConnectionLimitReached, *, stream: bool) -> tuple[str, int | None]:
    """Say which limit was reached, STREAMS or REQUESTS, and how many it allows if the server says so.

    MessageXml's entries count, whatever they are called. Where none names a part, its name in the text does, which is
    no word of a language; where nothing does, what was asked for: a `stream` or not.
    """
    number = error.values.get("MaxConcurrencyLimit", "")
    stated = int(number) if number.isascii() and number.isdecimal() and 0 < len(number) < _DIGITS else None
    told = [*error.values.values(), error.text]
    for part in (STREAMS, REQUESTS):
        if part in error.values.values() or any(f"'{part}'" in text for text in told):
            return part, stated or None
    return STREAMS if stream else REQUESTS, stated or None


class InFlight:
    """A limit on requests in flight: halved when the server says "too many", grown by one per `limit` successes.

    `async with limit:` waits for a turn, in order of arrival. Requests that were on their way when the limit last
    shrank do not shrink it again. Above the number that was once refused it grows only now and then, each time by more
    as long as that is not refused: so that few requests are, and yet a limit that was raised is found.
    """

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ValueError("at least one request must be allowed")
        self.most = most
        self.limit = float(most)
        self.in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._ignored = 0
        self._known = most  # as many were not refused, as far as we know
        self._step = 1  # by which the next probe goes beyond that
        self._successes = 0  # since the last probe or refusal
        self._patience = _SUCCESSES_TO_PROBE

    async def __aenter__(self) -> None:
        """Wait for a turn."""
        if self.in_flight < int(self.limit) and not self._waiting:
            self.in_flight += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()  # the turn had come in the same instant
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Pass the turn on."""
        self._ignored = max(self._ignored - 1, 0)
        self._leave()

    def shrink(self, *, stated: int | None = None, concurrency: bool = False) -> None:
        """Take a refusal into account; `concurrency`: for too many at once, `stated` being how many may be."""
        if self._ignored:
            return
        if concurrency and self.in_flight >= int(self.limit):
            probed = int(self.limit) > self._known
            self._patience = min(self._patience * 2, _MOST_PATIENCE) if probed else _SUCCESSES_TO_PROBE
            self._known = max(min(self.in_flight - 1, self._known, stated or self.most), 1)
        self._step, self._successes = 1, 0
        self.limit = max(self.limit / 2, 1.0)
        self._ignored = self.in_flight

    def succeeded(self) -> None:
        """Take a success into account."""
        self._successes += 1
        if self.limit > self._known and self._successes >= self.limit:
            self._known = min(int(self.limit), self.most)  # the probe was not refused
            self._patience = _SUCCESSES_TO_PROBE
        if self._known < self.most and self._successes >= self._patience:
            self.limit = float(min(self._known + self._step, self.most))
            self._step, self._successes = self._step * 2, 0
        elif self.limit < self._known:
            self.limit = min(self.limit + 1 / self.limit, float(self._known))

    def _leave(self) -> None:
        self.in_flight -= 1
        while self._waiting and self.in_flight < int(self.limit):
            turn = self._waiting.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)


class BackOffs:
    """Who asked to be left alone until when: one mailbox's budget, or with `None` everything.

    Within that time a request is not sent but fails at once with what the server had said. Whoever asks again soon
    after is left alone for twice as long: its hint was too short for what is asked of it.
    """

    def __init__(self) -> None:
        self._until: dict[str | None, tuple[float, EwsError]] = {}
        self._last: dict[str | None, tuple[float, float]] = {}  # until when, and for how long
        self._busy: dict[str, float] = {}  # when each was told last that the server is busy

    def note(self, who: str | None, error: EwsError, seconds: float) -> None:
        """Stay away from `who` for `seconds`."""
        now = asyncio.get_running_loop().time()
        self._until = {key: entry for key, entry in self._until.items() if entry[0] > now}
        self._last = {key: (until, took) for key, (until, took) in self._last.items() if until + _soon(took) > now}
        if who not in self._until and who in self._last:
            seconds = max(seconds, min(2 * self._last[who][1], _LONGEST_OF_OURS))
        until = now + min(seconds, _LONGEST)
        if who not in self._until or self._until[who][0] < until:
            self._until[who] = (until, error)
            self._last[who] = (until, min(seconds, _LONGEST))

    def concerns_all(self, who: str) -> bool:
        """Note that `who` was told that the server is busy; say whether all are: the account itself, or several."""
        now = asyncio.get_running_loop().time()
        self._busy = {each: at for each, at in self._busy.items() if now - at < _TOGETHER} | {who: now}
        return not who or len(self._busy) >= _SEVERAL

    def check(self, *who: str | None) -> None:
        """Raise ServerBusy (or EwsConnectionError) with the seconds left if any of these is to be left alone."""
        now = asyncio.get_running_loop().time()
        for key in who:
            until, error = self._until.get(key, (now, None))
            if error is not None and until > now:
                repeated = _again(error, until - now)
                repeated.sent = False
                raise repeated

    def left(self, *who: str | None) -> float:
        """Seconds until all of these may be asked again; 0 if none of them is held back."""
        now = asyncio.get_running_loop().time()
        chosen = (self._until[key] for key in who if key in self._until)
        return max((until - now for until, _ in chosen if until > now), default=0.0)


def _soon(seconds: float) -> float:
    """Give the seconds after a wait of `seconds` within which the next one is its continuation."""
    return max(seconds, 10.0)


def _again(error: EwsError, left: float) -> EwsError:
    if isinstance(error, ServerBusy):
        busy = ServerBusy(error.code, error.text, values=error.values, fault=error.fault)
        busy.back_off = left
        return busy
    if isinstance(error, EwsConnectionError):
        return EwsConnectionError(error.kind, error.detail, retry_after=left, why=error.why)
    return error
