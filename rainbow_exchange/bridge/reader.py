"""The one reader of calendars and the agenda cache.

Everybody who needs an agenda calls `Reader.agenda`. Each mailbox has a generation, raised by every change signal, which
invalidates the cache at that instant. A caller may join a read only before it is sent, and a result is kept only if its
generation is still current: a read that was already under way when the notification came returns older data.

An error is never an empty calendar: a mailbox that could not be read keeps its last agenda, marked stale; access lost
for a day ends that.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

import structlog

from rainbow_exchange.bridge.batches import together
from rainbow_exchange.bridge.lanes import PATIENCE, TIME_LIMIT, Lane, slots
from rainbow_exchange.bridge.privacy import Privacy
from rainbow_exchange.bridge.read_mode import Mode, ReadModes
from rainbow_exchange.bridge.reads import Entry, LaneState, Read, ReaderCounters, by_wishes
from rainbow_exchange.bridge.search import MOST, PART_PATIENCE, Search, parts
from rainbow_exchange.bridge.told import utc_days
from rainbow_exchange.bridge.unread import Unread
from rainbow_exchange.ews.calendar import read_availability, read_calendar_view
from rainbow_exchange.ews.errors import (
    ConnectionLimitReached,
    EwsAuthenticationError,
    EwsConnectionError,
    EwsError,
    MalformedResponse,
    ResponseError,
    ServerBusy,
    reason_of,
)
from rainbow_exchange.ews.treatment import Treatment, treatment
from rainbow_exchange.ews.types import Caller
from rainbow_exchange.model import Agenda, Mailbox, Window
from rainbow_exchange.pause import others_turn
from rainbow_exchange.words import _

__all__ = ["Lane", "Mode", "Reader", "ReaderCounters"]

log = structlog.get_logger()

SLOW = 3.0
STALE_AFTER = timedelta(hours=12)
#: how long a calendar that Exchange refuses to show is kept
FORGET_AFTER = timedelta(hours=24)
#: how often a calendar that changes while it is read is read again before the last result is taken
MOST_TRIES = 3
#: how long an agenda answers questions while its mailbox is not streamed
UNWATCHED_FOR = timedelta(seconds=30)
#: what is wrong with the server, not with a mailbox: it makes nobody ride alone
_SERVERS_OWN = (EwsConnectionError, EwsAuthenticationError, ServerBusy, ConnectionLimitReached)

_Result = Agenda | EwsError


class Reader:
    """Reads agendas through `client`; `run` must be running. Raises EwsError from `agenda`.

    `watched(address)` says whether a change to this mailbox would be noticed: only then is a cached agenda current.
    `privacy(address)` gives the level that holds for a mailbox: at busy-only no subject is asked for. `hidden` is that
    of `ReadModes`. `allowed` tells how many requests Exchange is asked at once at present.
    `noted(address, result, mode)` is called with what each read came to, of whatever days.
    """

    def __init__(
        self,
        client: Caller,
        *,
        impersonation: bool,
        privacy: Callable[[str], Privacy],
        now: Callable[[], datetime],
        watched: Callable[[str], bool],
        hidden: Callable[[tuple[str, ...]], None] = lambda _: None,
        allowed: Callable[[], int] = lambda: 0,
        noted: Callable[[str, Agenda | EwsError, Mode], None] = lambda *_: None,
        days: int = 10,
    ) -> None:
        self._client = client
        self._impersonation = impersonation
        self._now = now
        self._watched = watched
        self._allowed = allowed
        self._noted = noted
        self._days = days
        self._privacy = privacy
        self._modes = ReadModes(own=impersonation, hidden=hidden, privacy=privacy)
        self._entries: dict[str, Entry] = {}
        self._lanes = {lane: LaneState() for lane in Lane}
        self._searches = 0
        self.unread = Unread()
        self.counters = ReaderCounters()

    def add(self, mailbox: Mailbox, mode: Mode | None = None) -> None:
        """Take a mailbox up; `mode` as remembered from an earlier run."""
        self.unread.over(mailbox.address)
        self._entries[mailbox.address] = Entry(mailbox, self._modes.add(mailbox, mode, self._now()))

    def forget(self, address: str) -> None:
        """Drop a mailbox and its agenda."""
        self._entries.pop(address, None)
        self._modes.forget(address)
        self.unread.over(address)

    def invalidate(self, address: str) -> None:
        """Exchange says that the calendar changed: from now on nothing read before counts as current."""
        if entry := self._entries.get(address):
            entry.generation += 1

    def subjects(self, address: str) -> bool:
        """Whether subjects of this mailbox are wanted."""
        return self._privacy(address) is not Privacy.BUSY_ONLY

    def entry(self, address: str) -> Entry | None:
        """Return all that is known of a mailbox, None if it was never added."""
        return self._entries.get(address)

    def mode(self, address: str) -> Mode | None:
        """Return how the mailbox is read at present."""
        return entry.mode.current if (entry := self._entries.get(address)) else None

    def modes(self) -> dict[Mode, int]:
        """Count the mailboxes by read mode, of many a part at each call."""
        counts = self._modes.counts.turn()
        return {mode: counts[mode] for mode in Mode}

    def unexpanded(self) -> bool:
        """Whether nobody is read by FindItem because it hides the meetings of series at this server."""
        return self._modes.unexpanded(self._now())

    def last(self, address: str) -> Agenda | None:
        """Return the agenda last read, however old, None if never."""
        return entry.agenda if (entry := self._entries.get(address)) else None

    def stale(self, address: str, window: Window) -> Agenda | None:
        """Return the last agenda for an answer while Exchange cannot be read: it covers `window` and is ≤ 12 h old."""
        agenda = self.last(address)
        if agenda and agenda.window.covers(window) and self._now() - agenda.read_at <= STALE_AFTER:
            return agenda
        return None

    def current(self, address: str, window: Window) -> Agenda | None:
        """Return the cached agenda where it is current and covers `window`."""
        entry = self._entries.get(address)
        agenda = entry.agenda if entry and entry.agenda_generation == entry.generation else None
        if agenda is None or not agenda.window.covers(window):
            return None
        return agenda if self._watched(address) or self._now() - agenda.read_at <= UNWATCHED_FOR else None

    def failed(self, address: str) -> str:
        """Return why the last read of this mailbox failed, "" where it did not."""
        return entry.stale_reason if (entry := self._entries.get(address)) else ""

    def window(self) -> Window:
        """Return the window of the cache: whole UTC days from yesterday on."""
        now = self._now()
        return utc_days(now.date() - timedelta(days=1), self._days, now)

    async def agenda(self, address: str, window: Window | None = None, *, lane: Lane, fresh: bool = False) -> Agenda:
        """Return a current agenda that covers `window` (default: that of the cache).

        It comes from the cache where that is current, else from a read since whose sending nothing was signalled.
        `fresh`: only a read sent after this call will do. Raises EwsError; KeyError for a mailbox that was never added.
        """
        entry = self._entries[address]
        own = self.window()
        wanted = window or own
        if not fresh and (agenda := self.current(address, wanted)) is not None:
            return agenda
        # What the cache's window holds is read for the cache; anything else is read for this caller alone.
        span = own if own.covers(wanted) else wanted
        state = self._lanes[lane]
        key = (address, span)
        read = state.waiting.get(key)
        if read is None and not fresh:
            read = state.under_way.get(key)
            read = read if read and read.generation == entry.generation and not read.result.done() else None
        if read is None:
            read = Read(
                entry,
                span,
                asyncio.get_running_loop().create_future(),
                for_cache=span is own,
                wants_subjects=partial(self.subjects, address),
            )
            state.waiting[key] = read
            state.wake.set()
        # Shielded: one impatient caller must not take the result from the others who joined.
        return await asyncio.shield(read.result)

    async def run(self) -> None:
        """Send what waits, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for lane in Lane:
                tasks.create_task(self._run_lane(lane, tasks), name=f"read:{lane}")

    async def _run_lane(self, lane: Lane, tasks: asyncio.TaskGroup) -> None:
        state = self._lanes[lane]
        while True:
            await state.wake.wait()
            if state.in_flight and any(read.entry.mode.current is Mode.BATCHED for read in state.waiting.values()):
                # Something is under way: gather company until it lands, for a moment at most.
                state.landed.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await state.landed.wait()
            state.wake.clear()
            while state.waiting:
                while state.in_flight >= slots(lane, allowed=self._allowed(), others=self._others_in_flight(state)):
                    state.landed.clear()
                    await state.landed.wait()
                batch = self._take(state)
                state.in_flight += 1
                tasks.create_task(self._send(batch, lane, state), name=f"read:{lane}:{len(batch)}")

    def _others_in_flight(self, state: LaneState) -> int:
        return sum(each.in_flight for each in self._lanes.values() if each is not state)

    def _take(self, state: LaneState) -> list[Read]:
        batch = together(state.waiting.values(), self._now())
        for read in batch:
            key = (read.entry.mailbox.address, read.window)
            del state.waiting[key]
            state.under_way[key] = read
            read.generation = read.entry.generation
        return batch

    async def _send(self, batch: list[Read], lane: Lane, state: LaneState) -> None:
        try:
            await self._read(batch, lane)
        finally:
            for read in batch:
                key = (read.entry.mailbox.address, read.window)
                if state.under_way.get(key) is read:
                    del state.under_way[key]
                if not read.result.done():
                    # A stop: whoever still waits has a question to refuse, and must not be cancelled for it.
                    read.result.set_exception(EwsConnectionError("closed", _("the reader has ended")))
                    read.result.exception()
            state.in_flight -= 1
            state.landed.set()

    async def _read(self, batch: list[Read], lane: Lane, search: Search | None = None) -> None:
        sent = [read.entry.generation for read in batch]
        started = asyncio.get_running_loop().time()
        self.counters.requests += 1
        results = await self._in_time(batch, lane, search)
        if results is None:
            if len(batch) > 1:
                await self._split(batch, lane)
                return
            results = {read.entry.mailbox.address: ResponseError("TimeLimit") for read in batch}
        if search is not None:
            search.landed += 1
        slow = search is None and asyncio.get_running_loop().time() - started > SLOW
        again: list[Read] = []
        for number, (read, generation) in enumerate(zip(batch, sent, strict=True)):
            await others_turn(number)  # who waits for those before goes on, and whatever else there is
            result = results.get(read.entry.mailbox.address) or ResponseError("NoAnswer")
            judged = self._modes.judge(read.entry.mode, result, self._now())
            if judged or not self._settle(read, result, generation, started):
                again.append(read)
            elif isinstance(result, Agenda):
                if slow:
                    read.entry.company.limit(max(1, len(batch) // 2), self._now())
                else:
                    read.entry.company.lift()
        if again:
            self.counters.read_again += len(again)
            await self._read_again(again, lane)

    async def _read_again(self, reads: list[Read], lane: Lane) -> None:
        together = [read for read in reads if read.entry.mode.current is Mode.BATCHED]
        if together:
            await self._read(together, lane)
        for read in reads:
            if read not in together:
                await self._read([read], lane)

    async def _ask(self, batch: Sequence[Read]) -> dict[str, _Result]:
        first = batch[0]
        try:
            if len(batch) == 1 and first.entry.mode.current is Mode.OWN:
                mailbox = first.entry.mailbox
                agenda = await read_calendar_view(
                    self._client,
                    mailbox,
                    first.window,
                    impersonate=self._impersonation,
                    read_at=self._now(),
                    subjects=first.subjects,
                )
                if not agenda.expanded and first.entry.mode.own_only:
                    # There is no other way, and its meetings are missing.
                    return {mailbox.address: MalformedResponse(_("series given as one"))}
                return {mailbox.address: agenda}
            return await self._availability(batch)
        except EwsError as error:
            if isinstance(error, EwsConnectionError) and error.kind == "timeout":
                # The client's own time limit came first: one member may hold the others up.
                raise TimeoutError from error
            return {read.entry.mailbox.address: error for read in batch}

    async def _availability(self, batch: Sequence[Read]) -> dict[str, _Result]:
        """Ask for all of them: by one request, unless what is wanted has changed since they were put together."""
        window, results = batch[0].window, dict[str, _Result]()
        for subjects, addresses in by_wishes(batch):
            results |= await read_availability(self._client, addresses, window, read_at=self._now(), subjects=subjects)
        return results

    async def _in_time(self, batch: list[Read], lane: Lane, search: Search | None) -> dict[str, _Result] | None:
        """Ask; None where the answer is waited for no longer."""
        began = asyncio.get_running_loop().time()
        asking = asyncio.create_task(self._ask(batch), name=f"read:{lane}:asks")
        try:
            if search is not None or (len(batch) > 1 and self._searches < MOST):
                await asyncio.wait({asking}, timeout=PART_PATIENCE if search else PATIENCE[lane])
                if not asking.done() and (search is None or search.finds_a_culprit()):
                    if len(batch) > 1:
                        return None
                    batch[0].entry.company.limit(1, self._now())
            async with asyncio.timeout_at(began + TIME_LIMIT[lane]):
                return await asking
        except TimeoutError:
            return None
        finally:
            if not asking.done():
                asking.cancel()
                await asyncio.wait({asking})

    async def _split(self, batch: list[Read], lane: Lane) -> None:
        """One member may hold the others up: ask in parts, side by side, until it stands alone."""
        cut = [list(part) for part in parts(batch)]
        search = Search(len(cut))
        self._searches += 1
        try:
            async with asyncio.TaskGroup() as tasks:
                for part in cut:
                    tasks.create_task(self._read(part, lane, search), name=f"read:{lane}:part")
        finally:
            self._searches -= 1

    def _settle(self, read: Read, result: Agenda | EwsError, generation: int, asked_at: float) -> bool:
        """Store a result and hand it out; False when a change came meanwhile and it must be read again.

        What comes of a read that one sent later has overtaken is old news: neither its failure counts nor, if that one
        was of the same days, its agenda.
        """
        entry = read.entry
        overtaken = asked_at < entry.asked_at
        if isinstance(result, EwsError):
            self.counters.failed += 1
            if not overtaken:
                self._note_failure(entry, result)
            log.debug("read_failed", mailbox=entry.mailbox.address, reason=reason_of(result))
            if not read.result.done():
                read.result.set_exception(result)
                # Whoever asked may have gone away by now; the reason is kept in the entry.
                read.result.exception()
            return True
        if generation != entry.generation and read.tries < MOST_TRIES:
            read.tries += 1
            return False
        self.counters.mailboxes_read += 1
        if result.unreadable:
            self.counters.unreadable_appointments += result.unreadable
            log.debug("appointments_unreadable", mailbox=entry.mailbox.address, appointments=result.unreadable)
        self.counters.zones.note(result.unknown_zones)
        if not overtaken:
            entry.stale_reason, entry.failing_since, entry.asked_at = "", None, asked_at
            self.unread.over(entry.mailbox.address)
            self._noted(entry.mailbox.address, result, entry.mode.current)
        newer = entry.agenda if asked_at < entry.agenda_asked_at else None
        if read.for_cache and newer is not None and newer.window.covers(read.window):
            result = newer
        elif read.for_cache:
            entry.agenda, entry.agenda_generation, entry.agenda_asked_at = result, generation, asked_at
        if not read.result.done():
            read.result.set_result(result)
        return True

    def _note_failure(self, entry: Entry, error: EwsError) -> None:
        entry.stale_reason = reason_of(error)
        self._noted(entry.mailbox.address, error, entry.mode.current)
        entry.failing_since = entry.failing_since or self._now()
        if self._entries.get(entry.mailbox.address) is entry:
            self.unread.failed(entry)
        lost = treatment(error) in {Treatment.DENIED, Treatment.NEXT_IDENTIFIER}
        if lost and self._now() - entry.failing_since >= FORGET_AFTER:
            entry.agenda = entry.shown = None
        if not isinstance(error, _SERVERS_OWN):
            entry.company.limit(1, self._now())
