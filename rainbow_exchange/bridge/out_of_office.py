"""Who is out of the office. No notification announces it, so it is polled, within a budget of the server's time.

GetMailTips tells for many mailboxes at once whether a reply is being sent now, and its text; GetUserOofSettings tells
the whole truth, schedule and external text included, for one mailbox and only by impersonation. So tips are polled for
all, and settings are read when a tip flips or its text changes, hourly for those who are out, daily for everybody.
Where the server gives no tips, settings are read of everybody in turn, as fast as the budget allows.
Without impersonation the tip is all there is: no schedule and no external text is promised.
"""

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from rainbow_exchange.ews.errors import EwsError, ResponseError
from rainbow_exchange.ews.out_of_office import Tip, mail_tips_limit, read_mail_tips, read_oof_settings
from rainbow_exchange.ews.types import Caller
from rainbow_exchange.model import Mailbox, OofState, OutOfOffice

log = structlog.get_logger()

#: seconds of the server's time that polling may take in a minute
BUDGET = 10.0
PERIOD = 60.0
SETTINGS_AGAIN_OUT = timedelta(hours=1)
SETTINGS_AGAIN = timedelta(days=1)
#: how often settings are read that a tip contradicts (an absence without a text has no tip)
IN_DOUBT = timedelta(minutes=5)
TIME_LIMIT = 30.0
DISABLED = OutOfOffice(state=OofState.DISABLED)
#: ours: the server gave neither a tip nor a refusal that says why
NOT_KNOWN = "MailTipNotKnown"


@dataclass(slots=True, eq=False)
class _Entry:
    mailbox: Mailbox
    absence: OutOfOffice | None = None
    tip: Tip | None = None
    settings_at: datetime | None = None


@dataclass(slots=True)
class OutOfOfficeCounters:
    """What polling has done since start; `period` is the length in seconds of the last round over everybody."""

    tips_polled: int = 0
    settings_read: int = 0
    failed: int = 0
    period: float = PERIOD


class OutOfOfficeWatch:
    """Keeps the out-of-office state of every mailbox; `changed(address)` is called when one differs from before.

    `sending_as` is the address that asks for tips when nobody is impersonated, None to use a polled mailbox's own.
    `held_back` tells for how many more seconds Exchange wants to be left alone.
    """

    def __init__(
        self,
        client: Caller,
        *,
        impersonation: bool,
        sending_as: str | None,
        changed: Callable[[str], None],
        held_back: Callable[[], float],
        now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self._client = client
        self._impersonation = impersonation
        self._sending_as = sending_as
        self._changed = changed
        self._held_back = held_back
        self._now = now
        self._random = random
        self._entries: dict[str, _Entry] = {}
        self._settings_due: list[tuple[datetime, str]] = []
        self._fresh: set[str] = set()
        self._wake = asyncio.Event()
        self._no_tips = False
        self.counters = OutOfOfficeCounters()
        self.last_error: EwsError | None = None

    def add(self, mailbox: Mailbox) -> None:
        """Take a mailbox up; it is polled in the next round, which begins at once if none is under way."""
        self._entries[mailbox.address] = _Entry(mailbox)
        self._fresh.add(mailbox.address)
        if self._impersonation:
            # Whatever the tips say, and where the server gives none: the settings are the truth.
            heapq.heappush(self._settings_due, (self._now(), mailbox.address))
        self._wake.set()

    def forget(self, address: str) -> None:
        """Drop a mailbox and its texts."""
        self._entries.pop(address, None)
        self._fresh.discard(address)

    def current(self, address: str) -> OutOfOffice | None:
        """Return the state as last read, None if never."""
        entry = self._entries.get(address)
        return entry.absence if entry else None

    def out_now(self) -> int:
        """Count those whose tip shows a reply being sent."""
        return sum(1 for entry in self._entries.values() if entry.tip is not None and entry.tip.out)

    async def read(self, address: str) -> OutOfOffice:
        """Return the state, read now if it never was. Raises EwsError; KeyError for a mailbox never added."""
        entry = self._entries[address]
        if entry.absence is None:
            if self._impersonation:
                await self._read_settings(entry)
            else:
                await self._poll([entry])
        if entry.absence is None:
            raise ResponseError(NOT_KNOWN)
        return entry.absence

    async def run(self) -> None:
        """Poll, until cancelled. What Exchange refuses is counted and tried again in the next round."""
        loop = asyncio.get_running_loop()
        limit = 0
        while True:
            started = loop.time()
            try:
                async with asyncio.timeout(TIME_LIMIT):
                    limit = limit or await mail_tips_limit(self._client)
                self._no_tips = not limit
            except (EwsError, TimeoutError) as error:
                self._note(error)
            if limit:
                await self._round(limit)
            else:
                self._fresh.clear()
            await self._settings_round()
            self.counters.period = max(PERIOD, loop.time() - started)
            await self._until(started + PERIOD * (0.95 + 0.1 * self._random()))

    async def _until(self, end: float) -> None:
        """Wait for the next round; newcomers end the wait after a moment in which more of them gather."""
        self._wake.clear()
        if not self._fresh:
            try:
                async with asyncio.timeout_at(end):
                    await self._wake.wait()
            except TimeoutError:
                return
        await asyncio.sleep(1.0)

    async def _round(self, limit: int) -> None:
        """Poll the tips: of newcomers only while there are some, else of everybody, those who are out first."""
        if self._fresh:
            wanted = [self._entries[address] for address in self._fresh]
            self._fresh.clear()
        else:
            wanted = sorted(self._entries.values(), key=lambda entry: not (entry.tip and entry.tip.out))
        for start in range(0, len(wanted), limit):
            batch = [entry for entry in wanted[start : start + limit] if entry.mailbox.address in self._entries]
            if batch:
                await self._within_budget(self._poll(batch))

    async def _settings_round(self) -> None:
        """Read the settings that are due, within the budget, for the length of one period at most."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PERIOD
        while self._settings_due and self._settings_due[0][0] <= self._now() and loop.time() < end and not self._fresh:
            _, address = heapq.heappop(self._settings_due)
            entry = self._entries.get(address)
            if entry is not None and self._settings_overdue(entry):
                await self._within_budget(self._read_settings(entry))

    async def _within_budget(self, request: Coroutine[Any, Any, None]) -> None:
        """Carry `request` out, then rest long enough that polling keeps to its share of the server's time."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout(TIME_LIMIT):
                await request
        except (EwsError, TimeoutError) as error:
            self._note(error)
        spent = loop.time() - started
        await asyncio.sleep(max(spent * (60.0 / BUDGET - 1.0), self._held_back()))

    async def _poll(self, batch: list[_Entry]) -> None:
        asker = batch[int(self._random() * len(batch))].mailbox
        tips = await read_mail_tips(
            self._client,
            [entry.mailbox.address for entry in batch],
            sending_as=asker.address if self._impersonation else self._sending_as or asker.address,
            impersonate=asker if self._impersonation else None,
        )
        self.counters.tips_polled += len(batch)
        for entry in batch:
            tip = tips.get(entry.mailbox.address)
            if isinstance(tip, Tip):
                self._take_tip(entry, tip)
            elif tip is not None:
                self._note(tip)

    def _take_tip(self, entry: _Entry, tip: Tip) -> None:
        if tip.pending:
            return
        before, entry.tip = entry.tip, tip
        flipped = before is None or before.out != tip.out or before.text != tip.text
        if not self._impersonation:
            self._set(entry, OutOfOffice(state=OofState.ENABLED, internal_text=tip.text) if tip.out else DISABLED)
            return
        if flipped and not tip.out and (entry.absence is None or entry.absence.start is None):
            self._set(entry, DISABLED)
        doubtful = tip.out != self._in_effect(entry.absence) and self._older(entry.settings_at, IN_DOUBT)
        if flipped or doubtful:
            # Which of the two is late cannot be told from here.
            entry.settings_at = None
            heapq.heappush(self._settings_due, (self._now(), entry.mailbox.address))

    def _in_effect(self, absence: OutOfOffice | None) -> bool:
        """Whether replies are sent now, as far as the settings tell."""
        if absence is None or absence.state is OofState.DISABLED:
            return False
        started = absence.start is None or absence.start <= self._now()
        return started and (absence.end is None or self._now() < absence.end)

    def _settings_overdue(self, entry: _Entry) -> bool:
        return self._older(entry.settings_at, self._again(entry) * 0.9)

    def _again(self, entry: _Entry) -> timedelta:
        """Tell how long settings that were read will do."""
        if self._no_tips:
            return timedelta(seconds=PERIOD * 0.9)  # so that each round finds everybody due
        return SETTINGS_AGAIN_OUT if entry.tip is not None and entry.tip.out else SETTINGS_AGAIN

    def _older(self, moment: datetime | None, age: timedelta) -> bool:
        return moment is None or self._now() - moment >= age

    async def _read_settings(self, entry: _Entry) -> None:
        next_at = self._now() + self._again(entry) * (0.9 + 0.1 * self._random())
        try:
            absence = await read_oof_settings(self._client, entry.mailbox, impersonate=True)
        except EwsError:
            # The tip stands in for it until the next try.
            if entry.tip is not None and entry.tip.out:
                self._set(entry, OutOfOffice(state=OofState.ENABLED, internal_text=entry.tip.text))
            heapq.heappush(self._settings_due, (self._now() + timedelta(minutes=10), entry.mailbox.address))
            raise
        self.counters.settings_read += 1
        entry.settings_at = self._now()
        heapq.heappush(self._settings_due, (next_at, entry.mailbox.address))
        self._set(entry, absence)

    def _set(self, entry: _Entry, absence: OutOfOffice) -> None:
        if entry.absence != absence:
            entry.absence = absence
            if entry.mailbox.address in self._entries:
                self._changed(entry.mailbox.address)

    def _note(self, error: Exception) -> None:
        self.counters.failed += 1
        self.last_error = error if isinstance(error, EwsError) else None
        log.debug("out_of_office_not_read", reason=getattr(error, "code", None) or type(error).__name__)
