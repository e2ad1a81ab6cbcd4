"""Mailboxes that no stream carries are looked at in turn: slower than by a notification, but seen.

Their calendars are asked for by GetUserAvailability, a hundred in a request, and whoever's has changed is read. Where
that shows no subjects, a change of nothing but a subject waits for the next background read.
"""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from math import ceil
from typing import Any

import structlog

from rainbow_exchange.bridge.batches import BATCH
from rainbow_exchange.bridge.reader import Reader
from rainbow_exchange.ews.calendar import read_availability
from rainbow_exchange.ews.errors import EwsConnectionError, EwsError
from rainbow_exchange.ews.types import Caller
from rainbow_exchange.model import Agenda

log = structlog.get_logger()

#: seconds within which everybody's turn comes, as a rule and at most
PERIOD, LONGEST = 60.0, 300.0
#: seconds of the server's time that polling may take in a minute; what that does not allow makes the period longer
BUDGET = 10.0
#: seconds for which a mailbox that held a batch up is asked for by itself
ALONE_FOR = 3600.0
_LOOK_EVERY = 1.0
_TIME_LIMIT = 30.0
_SMOOTHING = 0.25

Look = Callable[[str], Coroutine[Any, Any, None]]


class Polling:
    """Looks at the mailboxes that `polled` names. `held_back` tells for how long Exchange wants to be left alone.

    `period` is how many seconds a mailbox waits for its turn at present.
    """

    def __init__(
        self,
        client: Caller,
        *,
        reader: Reader,
        polled: Callable[[], Iterable[str]],
        held_back: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._reader = reader
        self._polled = polled
        self._held_back = held_back
        self._now = now
        self._looked: dict[str, float] = {}  # loop time of the last look
        self._seen: dict[str, str] = {}  # digest of what was seen then
        self._alone: dict[str, float] = {}  # until when
        self._took = 0.0  # seconds that a batch takes
        self.period = PERIOD

    def next_at(self, address: str) -> float | None:
        """Return the loop time of a mailbox's next turn at the latest, None where it is not polled."""
        looked = self._looked.get(address)
        return None if looked is None else looked + self.period

    async def run(self, look: Look) -> None:
        """Have `look` read whoever's calendar has changed, until cancelled; it handles its own failures."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                batch, spacing = self._next()
                if batch and not self._held_back():
                    together = [address for address in batch if not self._is_alone(address)]
                    titled = [address for address in together if self._reader.subjects(address)]
                    times = [address for address in together if address not in titled]
                    for group in (titled, times, *([address] for address in batch if address not in together)):
                        if group:
                            tasks.create_task(self._ask(group, look), name=f"poll:{len(group)}")
                await asyncio.sleep(max(spacing, self._held_back()))

    def _next(self) -> tuple[list[str], float]:
        """Give those who have waited longest, and the seconds from their turn to the next."""
        addresses = list(self._polled())
        known = set(addresses)
        for memory in (self._looked, self._seen, self._alone):
            for gone in memory.keys() - known:
                del memory[gone]
        batches = ceil(len(addresses) / BATCH)
        self.period = min(max(PERIOD, batches * self._took * 60 / BUDGET), LONGEST)
        if not batches:
            return [], _LOOK_EVERY
        addresses.sort(key=lambda address: self._looked.get(address, 0.0))
        batch = addresses[: ceil(len(addresses) / batches)]
        if not self._held_back():
            self._looked.update(dict.fromkeys(batch, asyncio.get_running_loop().time()))
        return batch, self.period / batches

    def _is_alone(self, address: str) -> bool:
        return self._alone.get(address, 0.0) > asyncio.get_running_loop().time()

    async def _ask(self, addresses: list[str], look: Look) -> None:
        """Ask for these together, and have those read that have changed."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(_TIME_LIMIT):
                found = await read_availability(
                    self._client,
                    addresses,
                    self._reader.window(),
                    read_at=self._now(),
                    subjects=all(map(self._reader.subjects, addresses)),
                )
        except (EwsError, TimeoutError) as error:
            if _is_late(error):
                await self._split(addresses, look)
            log.debug("poll_postponed", mailboxes=len(addresses), reason=str(error) or type(error).__name__)
            return
        if len(addresses) > 1 or not self._took:
            took = loop.time() - began
            self._took += (_SMOOTHING if self._took else 1.0) * (took - self._took)
        async with asyncio.TaskGroup() as looks:
            for address, result in found.items():
                digest = _digest(result)
                if digest != self._seen.get(address):
                    self._seen[address] = digest
                    looks.create_task(look(address), name="poll:look")

    async def _split(self, addresses: list[str], look: Look) -> None:
        """One of them holds the others up: find it by halves, side by side, and ask for it alone from now on."""
        if len(addresses) == 1:
            self._alone[addresses[0]] = asyncio.get_running_loop().time() + ALONE_FOR
            return
        middle = len(addresses) // 2
        async with asyncio.TaskGroup() as halves:
            for half in (addresses[:middle], addresses[middle:]):
                halves.create_task(self._ask(half, look), name="poll:half")


def _is_late(error: BaseException) -> bool:
    return isinstance(error, TimeoutError) or (isinstance(error, EwsConnectionError) and error.kind == "timeout")


def _digest(result: Agenda | EwsError) -> str:
    """Stand for what was seen of one mailbox; an error stands for itself, so that it is looked into once."""
    if not isinstance(result, Agenda):
        return str(result)
    seen = [(each.start, each.end, each.show_as, each.subject, each.sensitivity) for each in result.appointments]
    return hashlib.sha256(repr(seen).encode()).hexdigest()
