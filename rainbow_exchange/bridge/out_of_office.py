"""Who is out of the office. No notification announces it, so it is polled, within a budget of the server's time.

GetMailTips tells for many mailboxes at once whether a reply is being sent now, and its text; GetUserOofSettings tells
the whole truth, schedule and external text included, for one mailbox and only by impersonation. So tips are polled for
all, and settings are read when a tip changes, when an appointment says that its owner is out, shortly before a planned
start or end, which `bridge/boundaries` passes on when it comes, and in turn: a plan for later shows in nothing else.
Where the server gives no tips, or none of somebody, settings are read in turn, as fast as the budget allows.
Without impersonation the tip is all there is: no schedule and no external text is promised, and without tips nothing is
known. What is not known is an error, and so is what was not confirmed for twelve hours.
"""

import asyncio
import math
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

import structlog

from rainbow_exchange.bridge.absence import by_tip, confirm_at, in_effect, over, turn
from rainbow_exchange.bridge.boundaries import Timetable
from rainbow_exchange.bridge.mail_tips import NOT_KNOWN, TIME_LIMIT, Batch, Entry, MailTips
from rainbow_exchange.bridge.tip_batches import TipBatches
from rainbow_exchange.bridge.turns import Turns, in_turns
from rainbow_exchange.bridge.unreadable import Unreadable, look
from rainbow_exchange.ews.errors import EwsError, ResponseError, reason_of
from rainbow_exchange.ews.out_of_office import DISABLED, Tip, read_oof_settings
from rainbow_exchange.ews.treatment import is_refusal
from rainbow_exchange.ews.types import Caller
from rainbow_exchange.model import Mailbox, OofState, OutOfOffice

log = structlog.get_logger()

#: why the state of a mailbox is not known that is known only by its UPN or SID
NO_ADDRESS = "NoSmtpAddress"

#: seconds of the server's time that polling may take in a minute
BUDGET = 10.0
PERIOD = 60.0
#: how often settings are read that a tip contradicts (an absence without a text has no tip), or that no tip comes of
IN_DOUBT = timedelta(minutes=5)
#: when settings are tried again that could not be read
SETTINGS_RETRY = timedelta(minutes=10)
#: seconds that a question waits for settings before the tip stands in for them
PATIENCE = 6.0
STALE_AFTER = timedelta(hours=12)
#: how long an absence is remembered that Exchange no longer lets us see
FORGET_AFTER = timedelta(hours=24)
#: settings that a tip asks for are read before those whose turn it is
AT_ONCE = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class OutOfOfficeCounters:
    """What polling has done since start; `period` is the length in seconds of the last round over everybody."""

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
        self._changed = changed
        self._held_back = held_back
        self._now = now
        self._random = random
        self._entries: dict[str, Entry] = {}
        self._settings = Timetable()  # when each one's are read
        self._fresh: set[str] = set()
        self._cost = 0.0
        self._ends: dict[str, datetime] = {}  # of absences that only tips tell of
        self._wake = asyncio.Event()
        self._round = asyncio.Event()  # set at the end of the next round that begins, and then replaced
        self._tips = MailTips(
            client,
            impersonation=impersonation,
            sending_as=sending_as,
            within_budget=self._within_budget,
            took=self._take_tip,
            pending=self._tip_pending,
            note=self._note,
            given_up=self._without_tips,
            company=lambda most: [self._entries[each] for each in islice(self._fresh, most)],
            now=now,
            random=random,
        )
        self._batches = TipBatches()
        looked = partial(look, self._entries, self._why_unknown, lambda: self._tips.none, impersonation=impersonation)
        self._unreadable: Turns[Unreadable | None] = Turns(looked, None)
        self.counters = OutOfOfficeCounters()
        self.last_error: EwsError | None = None
        self.everybody_at = 0.0  # loop time of the next round over everybody

    def add(self, mailbox: Mailbox) -> None:
        """Take a mailbox up; it is polled in the next round, which begins at once if none is under way."""
        self.forget(mailbox.address)
        entry = self._entries[mailbox.address] = Entry(mailbox)
        if mailbox.smtp is None:
            entry.refused = entry.tipless = NO_ADDRESS
            return
        self._fresh.add(mailbox.address)
        # Whatever the tips say, and where the server gives none: the settings are the truth.
        self._want_settings(entry, self._now())
        self._wake.set()

    def forget(self, address: str) -> None:
        """Drop a mailbox and its texts."""
        if entry := self._entries.pop(address, None):
            entry.gone = True
        self._fresh.discard(address)
        self._ends.pop(address, None)
        self._settings.forget(address)

    def known(self, address: str) -> Entry | None:
        """Return all that is known of a mailbox's absence, None if it was never added."""
        return self._entries.get(address)

    def settings_at(self, address: str) -> datetime | None:
        """Return when the settings of a mailbox are read next, None where that is not planned."""
        return self._settings.of(address)

    def current(self, address: str, *, sure: bool = False) -> OutOfOffice | None:
        """Return the state as last read, None if never; and if it is to be `sure`, where `read` would ask for it."""
        entry = self._entries.get(address)
        return entry.absence if entry and (not sure or (entry.mailbox.smtp and self._known(entry))) else None

    def unreadable(self) -> Unreadable | None:
        """Say whose state is not known because Exchange refuses to tell, of many a part at each call.

        None while there is nobody.
        """
        return self._unreadable.turn()

    def _why_unknown(self, entry: Entry) -> tuple[str, bool]:
        """Say why Exchange does not tell somebody's state, "" where it does, and whether that is no refusal."""
        if entry.gone or self._known(entry):
            return "", False
        tips = entry.tipless or (self._tips.none and self._tips.reason) or (entry.pending_since and NOT_KNOWN)
        # a tip that shows nothing does not say that somebody is there
        own = entry.refused or (entry.failed if entry.tip is not None else "")
        reason = own if self._impersonation else tips or ""
        return reason, reason != entry.refused

    async def read(self, address: str, *, anew: bool = False) -> OutOfOffice:
        """Return the state, read now if not known or `anew`. Raises EwsError, TimeoutError; KeyError if never added."""
        entry = self._entries[address]
        if entry.mailbox.smtp is None:
            raise ResponseError(NO_ADDRESS)
        if anew or not self._known(entry):
            try:
                async with asyncio.timeout(PATIENCE):
                    await (self._read_settings(entry) if self._impersonation else self._tips.one(entry))
            except (EwsError, TimeoutError):
                self._let_tip_stand_in(entry)
                if anew or not self._known(entry):
                    raise
        if entry.absence is None or not self._known(entry):
            raise ResponseError(NOT_KNOWN)
        return entry.absence

    def suspect(self, address: str) -> None:
        """Have the settings read soon: something else says that somebody is, or will be, out.

        At once, or in five minutes where they have just been read.
        """
        if entry := self._entries.get(address):
            entry.suspected_at = asyncio.get_running_loop().time()
            at = AT_ONCE if self._older(entry.settings_at, IN_DOUBT) else self._now() + IN_DOUBT
            planned = self._settings.of(address)
            if planned is None or at < planned:
                self._want_settings(entry, at)

    def _known(self, entry: Entry) -> bool:
        return entry.absence is not None and not self._older(entry.seen_at, STALE_AFTER)

    async def look_at_everybody(self) -> None:
        """Poll everybody in a round that begins now, and return once it is over; settings follow within the budget."""
        for some, _more in in_turns(self._entries.values()):
            for entry in some:
                self._want_settings(entry, self._now())
            await asyncio.sleep(0)
        self._fresh |= {address for address, entry in self._entries.items() if entry.mailbox.smtp is not None}
        if self._fresh:
            self._wake.set()
            await self._round.wait()

    async def run(self) -> None:
        """Poll, until cancelled. What Exchange refuses is counted and tried again in the next round."""
        loop = asyncio.get_running_loop()
        self.everybody_at = loop.time() + PERIOD
        try:
            while True:
                started, everybody = loop.time(), not self._fresh
                ended, self._round = self._round, asyncio.Event()
                try:
                    await self._tips.poll(await self._next_round())
                finally:
                    ended.set()
                await self._settings_round()
                self._forget_lost()
                if everybody:
                    self.counters.period = max(PERIOD, loop.time() - started)
                    self.everybody_at = started + PERIOD * (0.95 + 0.1 * self._random())
                await self._until(self.everybody_at)
        finally:
            self._round.set()
            await self._tips.close()

    async def _until(self, everybody_at: float) -> None:
        """Wait for the next round; newcomers end the wait after a moment in which more of them gather.

        So does the end of an absence of which only a tip is known: whether it has ended only the next one tells.
        """
        self._wake.clear()
        if not self._fresh:
            ends = min(self._ends.values(), default=None)
            wait = math.inf if ends is None else (ends - self._now()).total_seconds()
            try:
                async with asyncio.timeout_at(min(everybody_at, asyncio.get_running_loop().time() + wait)):
                    await self._wake.wait()
            except TimeoutError:
                soon = self._now() + timedelta(seconds=1)
                self._fresh |= {address for address, end in self._ends.items() if end <= soon}
                if not self._fresh:
                    return
        await asyncio.sleep(1.0)

    async def _next_round(self) -> list[Batch]:
        """Return whom to poll: newcomers only while there are some, else everybody, first where anybody is out."""
        new = [self._entries[address] for address in self._fresh]
        for address in self._fresh:
            self._ends.pop(address, None)
        self._fresh.clear()
        return [Batch(entries=new)] if new else await self._batches.round(self._entries.values(), self._tips.most)

    async def _settings_round(self) -> None:
        """Read the settings that are due, within the budget, for the length of one period at most."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PERIOD
        while loop.time() < end and not self._fresh:
            for _ in self._settings.prune():
                await asyncio.sleep(0)
            if (address := self._settings.take_one(self._now())) is None:
                return
            entry = self._entries[address]
            self._want_settings(entry, self._again_after_failure(entry))  # unless this one says when
            if (error := await self._within_budget(self._read_settings(entry))) is not None:
                entry.failed = reason_of(error)
                self._let_tip_stand_in(entry)

    def _forget_lost(self) -> None:
        """Drop the texts of those whose state Exchange has refused to tell for a day."""
        for entry in self._entries.values():
            if entry.absence and (entry.refused or entry.tipless) and self._older(entry.seen_at, FORGET_AFTER):
                entry.absence = entry.tip = None

    def _want_settings(self, entry: Entry, at: datetime) -> None:
        """Have the settings read at `at`, and not when they were due before."""
        if self._impersonation and entry.mailbox.smtp is not None and not entry.gone:
            self._settings.put(entry.mailbox.address, at)

    async def _within_budget(self, request: Coroutine[Any, Any, None]) -> Exception | None:
        """Carry `request` out, then rest long enough that polling keeps to its share of the server's time."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        failed: Exception | None = None
        try:
            async with asyncio.timeout(TIME_LIMIT):
                await request
        except (EwsError, TimeoutError) as error:
            self._note(error)
            failed = error
        spent = loop.time() - started
        await asyncio.sleep(max(spent * (60.0 / BUDGET - 1.0), self._held_back()))
        return failed

    def _take_tip(self, entry: Entry, before: Tip | None) -> None:
        tip = entry.tip
        self._fresh.discard(entry.mailbox.address)
        if tip is None:
            self._want_settings(entry, self._now())
            return
        if not self._impersonation:
            if tip.end is not None and tip.end > self._now():
                self._ends[entry.mailbox.address] = tip.end
            else:
                self._ends.pop(entry.mailbox.address, None)
            self._set(entry, OutOfOffice(state=OofState.ENABLED, internal_text=tip.text) if tip.out else DISABLED)
            return
        differs = tip.out != in_effect(entry.absence, self._now())
        if before != tip:
            if over(entry.absence, tip, before):
                self._set(entry, DISABLED)
            # Which of the two is late cannot be told from here.
            self._want_settings(entry, AT_ONCE if tip.out or before is not None else self._now())
        elif differs and self._older(entry.doubted_at, IN_DOUBT):
            entry.doubted_at = self._now()
            self._want_settings(entry, AT_ONCE)
        elif not differs:
            entry.doubted_at = None
            if entry.absence is not None:
                entry.seen_at = entry.tip_at

    def _tip_pending(self, entry: Entry) -> None:
        """The old value holds; once the server has had no time for a while, the settings tell."""
        if (
            entry.pending_since
            and self._older(entry.pending_since, IN_DOUBT)
            and self._older(entry.settings_at, IN_DOUBT)
        ):
            self._want_settings(entry, self._now())

    def _without_tips(self, for_good: bool) -> None:
        """The server gives no tips: what they told holds no longer where it says so itself, else as in any outage."""
        for entry in self._entries.values():
            entry.tip, entry.alone_at, entry.pending_since = None, None, None
            if for_good and not self._impersonation:
                entry.absence = None
            self._want_settings(entry, self._now())

    def _again(self, entry: Entry) -> timedelta:
        """Tell how long settings that were read will do."""
        if self._tips.none or entry.tipless:
            return timedelta(seconds=PERIOD * 0.9)  # so that each round finds everybody due
        return turn(len(self._entries), self._cost, share=BUDGET / 60.0 / 4, out=entry.is_out)

    def _again_after_failure(self, entry: Entry) -> datetime:
        """Tell when settings are tried again that could not be read; sooner where nothing else tells."""
        return self._now() + (SETTINGS_RETRY if entry.absence or entry.refused else IN_DOUBT)

    def _older(self, moment: datetime | None, age: timedelta) -> bool:
        return moment is None or self._now() - moment >= age

    async def _read_settings(self, entry: Entry) -> None:
        next_at = self._now() + self._again(entry) * (0.9 + 0.1 * self._random())
        asked_at = asyncio.get_running_loop().time()
        try:
            absence = await read_oof_settings(self._client, entry.mailbox, impersonate=True)
        except EwsError as error:
            if is_refusal(error):
                entry.refused = reason_of(error)
            self._want_settings(entry, self._again_after_failure(entry))
            raise
        took = asyncio.get_running_loop().time() - asked_at
        self._cost += (0.1 if self._cost else 1.0) * (took - self._cost)
        self.counters.settings_read += 1
        if asked_at < entry.asked_at:
            return  # what was asked later, for a question, was answered earlier
        entry.asked_at = asked_at
        entry.settings_at, entry.refused, entry.failed = self._now(), "", ""
        if asked_at < entry.suspected_at:
            next_at = min(next_at, self._now() + IN_DOUBT)
        self._want_settings(entry, min(next_at, confirm_at(absence, self._now()) or next_at))
        self._set(entry, absence)

    def _let_tip_stand_in(self, entry: Entry) -> None:
        """Settings could not be read: until they are, the tip tells what it can.

        That somebody is there of whom nothing is known it tells only where Exchange refuses the settings: whoever is
        away without a text has no tip, and must not seem to be back after a restart.
        """
        if entry.absence is None and not entry.refused and entry.tip is not None and not entry.tip.out:
            return
        stand_in = by_tip(entry.absence, entry.tip, entry.tip_at, entry.out_at)
        if self._impersonation and stand_in is not None and stand_in is not entry.absence:
            self._set(entry, stand_in)

    def _set(self, entry: Entry, absence: OutOfOffice) -> None:
        entry.seen_at = self._now()
        if entry.absence is not absence and entry.absence != absence:
            entry.absence = absence
            if not entry.gone:
                self._changed(entry.mailbox.address)

    def _note(self, error: Exception) -> None:
        self.counters.failed += 1
        self.last_error = error if isinstance(error, EwsError) else None
        log.debug("out_of_office_not_read", reason=reason_of(error))
