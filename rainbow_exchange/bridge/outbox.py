"""Events on their way to Rainbow: a bounded queue, sent in batches, in nobody's way and lost with nobody's restart."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from rainbow_exchange.backoff import backoff
from rainbow_exchange.pause import Pause
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.errors import RainbowApiError, RainbowError, RateLimited, ids
from rainbow_exchange.rainbow.events import ConnectorEvent, send_events

log = structlog.get_logger()

#: events that wait at most; of more the oldest is dropped, and counted
MOST = 200
#: events in one call, and seconds between two calls
BATCH = 50
EVERY = 5.0
#: seconds in which events gather before the first call
GATHER = 1.0
#: seconds until events are offered again that Rainbow does not want of this account
REFUSED_AGAIN = 3600.0


@dataclass(slots=True)
class OutboxCounters:
    """What has become of events since start."""

    sent: int = 0
    dropped: int = 0
    failed_calls: int = 0


class Outbox:
    """Sends events, `waiting` ones first; `changed` is called whenever what waits has changed."""

    def __init__(
        self,
        client: RainbowClient,
        *,
        waiting: Iterable[ConnectorEvent] = (),
        changed: Callable[[], None],
        random: Callable[[], float],
    ) -> None:
        self._client = client
        self._waiting = {event.id: event for event in waiting}
        self._changed = changed
        self._random = random
        self._wake = asyncio.Event()
        self._pause = Pause()
        self.counters = OutboxCounters()
        #: why Rainbow does not take events, as long as it does not
        self.refusal: RainbowApiError | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def waiting(self) -> list[ConnectorEvent]:
        """Return what is not sent yet, in order."""
        return list(self._waiting.values())

    def add(self, event: ConnectorEvent) -> None:
        """Have an event sent; one that waits already stays as it is."""
        self._waiting.setdefault(event.id, event)
        while len(self._waiting) > MOST:
            del self._waiting[next(iter(self._waiting))]
            self.counters.dropped += 1
        self._changed()
        self._wake.set()

    def try_again(self) -> None:
        """Offer at once what waits for Rainbow to be reached; not what it refuses."""
        if self.refusal is None:
            self._pause.cut()

    async def run(self) -> None:
        """Send what waits, until cancelled."""
        waits = backoff(EVERY, 300.0, random=self._random)
        while True:
            while not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                await asyncio.sleep(GATHER)
            try:
                await self._send(self.waiting()[:BATCH])
            except RainbowError as error:
                await self._pause.sleep(self._failed(error, next(waits)))
            else:
                waits = backoff(EVERY, 300.0, random=self._random)
                await asyncio.sleep(EVERY)

    async def _send(self, events: list[ConnectorEvent]) -> None:
        await send_events(self._client, events)
        for event in events:
            self._waiting.pop(event.id, None)
        self.counters.sent += len(events)
        if self.refusal is not None:
            log.info("events_taken_again", waiting=len(self._waiting))
            self.refusal = None
        self._changed()

    def _failed(self, error: RainbowError, wait: float) -> float:
        """Note a failed call; return the seconds to wait before the next."""
        self.counters.failed_calls += 1
        if isinstance(error, RainbowApiError):
            if self.refusal is None:
                log.info("events_refused", status=error.status, code=error.code, retry_in=REFUSED_AGAIN, **ids(error))
            self.refusal = error
            return REFUSED_AGAIN
        log.debug("events_not_sent", reason=str(error), waiting=len(self._waiting), retry_in=round(wait, 1))
        return max(wait, error.retry_after) if isinstance(error, RateLimited) else wait
