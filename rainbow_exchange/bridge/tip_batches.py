"""Who is asked about together: the same people in each round, but for those who come and go.

Then hardly any answer is another than the last time, and what is not need not be read again. That is why nobody changes
batches who goes out of the office or comes back: whole batches are put first.
"""

import asyncio
from collections.abc import Iterable

from rainbow_exchange.bridge.mail_tips import Batch, Entry
from rainbow_exchange.bridge.turns import in_turns

#: how many more requests than the fewest may come of people's leaving, until all are put together anew
_WASTE, _SPARE = 0.05, 2
#: batches that are looked at in one turn
_AT_ONCE = 5


class TipBatches:
    """Batches of those of whom there may be a tip."""

    def __init__(self) -> None:
        self._batches: list[Batch] = []
        self._most = 0

    async def round(self, everybody: Iterable[Entry], most: int) -> list[Batch]:
        """Put everybody into batches of `most`, a few at a time; first come those in which anybody is out."""
        everybody = tuple(everybody)
        if most != self._most:
            self._dissolve()
            self._most = most
        await self._let_go()
        await self._place(everybody)
        people = sum(len(batch.entries) for batch in self._batches)
        if len(self._batches) > (1 + _WASTE) * people / most + _SPARE:
            self._dissolve()
            await self._place(everybody)
        return await self._sorted()

    def _dissolve(self) -> None:
        for batch in self._batches:
            for entry in batch.entries:
                entry.placed = False
        self._batches = []

    async def _let_go(self) -> None:
        """Take out whoever was forgotten."""
        for some, _more in in_turns(self._batches, _AT_ONCE):
            for batch in some:
                if any(entry.gone for entry in batch.entries):
                    batch.entries = [entry for entry in batch.entries if not entry.gone]
            await asyncio.sleep(0)
        self._batches = [batch for batch in self._batches if batch.entries]

    async def _sorted(self) -> list[Batch]:
        first, others = list[Batch](), list[Batch]()
        for some, _more in in_turns(self._batches, _AT_ONCE):
            for batch in some:
                (first if any(entry.is_out for entry in batch.entries) else others).append(batch)
            await asyncio.sleep(0)
        return first + others

    async def _place(self, everybody: tuple[Entry, ...]) -> None:
        """Give a place to whoever has none."""
        room = [batch for batch in self._batches if len(batch.entries) < self._most]
        for some, _more in in_turns(everybody):
            for entry in some:
                if entry.placed or entry.gone or entry.mailbox.smtp is None:
                    continue
                while room and len(room[-1].entries) >= self._most:
                    room.pop()
                if not room:
                    room.append(Batch())
                    self._batches.append(room[-1])
                room[-1].entries.append(entry)
                entry.placed = True
            await asyncio.sleep(0)
