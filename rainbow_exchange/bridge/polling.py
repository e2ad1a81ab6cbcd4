"""Mailboxes that no stream carries are looked at in turn: slower than by a notification, but seen.

Their calendars are asked for by GetUserAvailability, a hundred in a request, and whoever's has changed is read. Where
that shows no subjects, a change of nothing but a subject waits for the next background read.
"""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from itertools import islice
from math import ceil
from typing import Any

import structlog

from rainbow_exchange.bridge.batches import BATCH
from rainbow_exchange.bridge.reader import Reader
from rainbow_exchange.bridge.turns import AT_ONCE
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
#: seconds between two looks at who of many is polled, where their number changes all the time
_LEARN_EVERY = 5.0
_TIME_LIMIT = 30.0
_SMOOTHING = 0.25

#: takes an address, and whether it was looked at before, so that it has changed
Look = Callable[[str, bool], Coroutine[Any, Any, None]]


class Polling:
    """Looks at the mailboxes that `polled` names, a `number` of them, and of each of which `is_polled` holds.

    `held_back` tells for how long Exchange wants to be left alone.

    `period` is how many seconds a mailbox waits for its turn at present.
    """

    def __init__(
        self,
        client: Caller,
        *,
        reader: Reader,
        polled: Callable[[], Iterable[str]],
        number: Callable[[], int],
        is_polled: Callable[[str], bool],
        held_back: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._reader = reader
        self._polled = polled
        self._number = number
        self._is_polled = is_polled
        self._held_back = held_back
        self._now = now
        self._order: dict[str, None] = {}  # who has waited longest first
        self._learnt_at = float("-inf")  # who they are
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
                batch, spacing = await self._next()
                if batch and not self._held_back():
                    together = [address for address in batch if not self._is_alone(address)]
                    titled = [address for address in together if self._reader.subjects(address)]
                    times = [address for address in together if address not in titled]
                    for group in (titled, times, *([address] for address in batch if address not in together)):
                        if group:
                            tasks.create_task(self._ask(group, look), name=f"poll:{len(group)}")
                await asyncio.sleep(max(spacing, self._held_back()))

    async def _next(self) -> tuple[list[str], float]:
        """Give those who have waited longest, and the seconds from their turn to the next."""
        now, number = asyncio.get_running_loop().time(), self._number()
        few = max(number, len(self._order)) <= AT_ONCE
        if number != len(self._order) and (few or now >= self._learnt_at + _LEARN_EVERY):
            await self._learn()
        batches = ceil(number / BATCH)
        self.period = min(max(PERIOD, batches * self._took * 60 / BUDGET), LONGEST)
        if not batches:
            return [], _LOOK_EVERY
        if now >= self._learnt_at + self.period:
            await self._learn()
        batch = list(islice(filter(self._is_polled, self._order), ceil(number / batches)))
        if not self._held_back():
            for address in batch:
                self._order[address] = self._order.pop(address)  # last from now on
                self._looked[address] = now
        return batch, self.period / batches

    async def _learn(self) -> None:
        """See who is polled: newcomers have their turn first, and of the others nothing is remembered."""
        self._learnt_at = asyncio.get_running_loop().time()
        polled = dict.fromkeys(self._polled())
        await asyncio.sleep(0)
        new = dict.fromkeys(address for address in polled if address not in self._order)
        await asyncio.sleep(0)
        for address in [address for address in self._order if address not in polled]:
            self._order.pop(address)
            self._looked.pop(address, None)
            self._seen.pop(address, None)
            self._alone.pop(address, None)
        await asyncio.sleep(0)
        self._order = new | self._order

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
                    known = address in self._seen
                    self._seen[address] = digest
                    looks.create_task(look(address, known), name="poll:look")

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
