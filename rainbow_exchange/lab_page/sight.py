"""The picture of both sides that the page shows: looked at by the wires while somebody looks at the page."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from rainbow_exchange.lab.colleague import Reply, State
from rainbow_exchange.lab.owner import Absence, Entry
from rainbow_exchange.lab.writes import Writes
from rainbow_exchange.lab_page.clients import Clients
from rainbow_exchange.lab_page.journeys import Journeys
from rainbow_exchange.lab_page.panel import Panel
from rainbow_exchange.lab_page.people import Person
from rainbow_exchange.lab_page.troubles import WRONG, why

log = structlog.get_logger()

#: seconds between two looks at Rainbow: while a change is on its way, and else
_SOON, _LATER = 0.1, 0.25
#: seconds in which everybody's calendar that is shown is looked at once
_ROUND = 4.0
#: seconds that somebody counts as looked at after the page asked for him
_WANTED = 6.0
#: seconds between two looks at what the panels show
_PANELS = 2.0
#: seconds after which a connector that is connected should have told something of somebody
_TOLD_WITHIN = 10.0
#: seconds between two looks after one that failed
_AGAIN = 1.0
#: requests at a time
_AT_ONCE = 4
#: days of a calendar that are read around the hours that are shown
_AROUND = timedelta(hours=12)


@dataclass(slots=True)
class Calendar:
    """What a mailbox's owner sees; `trouble`: why it may be older than now."""

    entries: Sequence[Entry] = ()
    absence: Absence | None = None
    trouble: str = ""
    known: bool = False


@dataclass(slots=True)
class Contact:
    """What a colleague sees of somebody."""

    state: State | None = None
    reply: Reply | None = None


@dataclass(slots=True)
class _Wanted:
    """Whom the page shows, each until when, and the hours."""

    people: dict[str, tuple[Person, float]] = field(default_factory=dict)
    start: datetime | None = None
    end: datetime | None = None


class Sight:
    """Keeps the picture. `version` grows with each change of it. `whose` finds the person of a mailbox."""

    def __init__(self, clients: Clients, *, whose: Callable[[str], Person | None], now: Callable[[], datetime]) -> None:
        self._clients = clients
        self._whose = whose
        self._now = now
        self._wanted = _Wanted()
        self._looked = asyncio.Event()
        self._turned = asyncio.Event()
        self.version = 1
        self.calendars: dict[str, Calendar] = {}
        self.contacts: dict[str, Contact] = {}
        #: why a side is not seen now, "" while it is
        self.exchange_trouble = self.rainbow_trouble = ""
        #: whether a connector is connected to Rainbow; None while nobody has looked
        self.connected: bool | None = None
        #: whether one is connected for a while, and Rainbow has learnt nothing of anybody
        self.untold = False
        self._connected_at: float | None = None
        self.journeys = Journeys()

    def want(self, people: Iterable[Person], start: datetime, end: datetime) -> None:
        """Note that these are shown now, with these hours."""
        until = asyncio.get_running_loop().time() + _WANTED
        fresh = [each for each in people if each.key not in self._wanted.people]
        self._wanted.people |= {each.key: (each, until) for each in people}
        self._wanted.start, self._wanted.end = start - _AROUND, end + _AROUND
        if fresh or not self._looked.is_set():
            self._looked.set()

    def turn(self) -> None:
        """Say that something is another than before."""
        self.version += 1
        self._turned.set()
        self._turned = asyncio.Event()

    async def another(self, version: int) -> int:
        """Wait until the picture is another than that of a version; give its own."""
        while self.version == version:
            await self._turned.wait()
        return self.version

    async def run(self, panels: Sequence[Panel]) -> None:
        """Look, also at what the panels show, until cancelled."""

        async def look_at_panels() -> float:
            if any([await self._is_there(), *[await panel.refresh() for panel in panels]]):
                self.turn()
            return _PANELS

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._again(look_at_panels), name="lab-page-panels")
            if self._clients.lab.exchange is not None:
                tasks.create_task(self._again(self._round), name="lab-page-exchange")
            if self._clients.colleague is not None:
                tasks.create_task(self._again(self._look), name="lab-page-rainbow")
            if self._clients.writes is not None and self._clients.record is not None:
                tasks.create_task(self._follow(self._clients.writes), name="lab-page-writes")
                tasks.create_task(self._again(self._ask_how_far), name="lab-page-stages")

    async def _is_there(self) -> bool:
        """Look whether a connector is, and whether it tells anything; return whether that is another than before."""
        before = self.connected, self.untold
        with suppress(*WRONG):
            self.connected = self._clients.record is None or bool(await self._clients.record.link())
        now = asyncio.get_running_loop().time()
        self._connected_at = (self._connected_at or now) if self.connected else None
        seen = {each.state.status for each in self.contacts.values() if each.state is not None}
        for_long = self._connected_at is not None and now - self._connected_at >= _TOLD_WITHIN
        self.untold = for_long and seen == {"not_enabled"}
        return before != (self.connected, self.untold)

    def shown(self) -> list[Person]:
        """Give whom somebody looks at; nobody once the page is closed."""
        now = asyncio.get_running_loop().time()
        self._wanted.people = {key: each for key, each in self._wanted.people.items() if each[1] > now}
        return [person for person, _ in self._wanted.people.values()]

    async def read(self, person: Person) -> None:
        """Look at somebody's calendar now, if there is one."""
        if not person.mailbox or self._wanted.start is None or self._wanted.end is None:
            return
        owner = self._clients.owner(person.mailbox)
        known = self.calendars.setdefault(person.mailbox, Calendar())
        before = (known.entries, known.absence, known.trouble, known.known)
        try:
            known.entries = await owner.agenda(self._wanted.start, self._wanted.end)
            known.absence = await owner.out_of_office()
        except WRONG as error:
            known.trouble = why("Exchange", error)
        else:
            known.trouble, known.known = "", True
        if before != (known.entries, known.absence, known.trouble, known.known):
            self.turn()

    async def _again(self, look: Callable[[], Awaitable[float]]) -> None:
        """Look again and again, while somebody looks at the page; `look` gives the seconds until then."""
        while True:
            if not self.shown():
                self._looked.clear()
                await self._looked.wait()
            await asyncio.sleep(await look())

    async def _round(self) -> float:
        """Look at everybody's calendar once."""
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def one(person: Person) -> None:
            async with at_once:
                await self.read(person)

        people = [each for each in self.shown() if each.mailbox]
        async with asyncio.TaskGroup() as tasks:
            for person in people:
                tasks.create_task(one(person), name="lab-page-read")
        troubles = {self.calendars[each.mailbox].trouble for each in people if each.mailbox in self.calendars}
        self._say(exchange=troubles.pop() if len(troubles) == 1 and len(people) > 1 else "")
        with suppress(TimeoutError):
            async with asyncio.timeout(_ROUND):
                while True:  # somebody who is shown now for the first time is not kept waiting
                    await self._turned.wait()
                    if any(each.mailbox and each.mailbox not in self.calendars for each in self.shown()):
                        break
        return 0.0

    async def _follow(self, writes: Writes) -> None:
        """Take each change that an owner makes, by this page or otherwise, while somebody looks."""
        while True:
            if not self.shown():
                self._looked.clear()
                await self._looked.wait()
            async with asyncio.TaskGroup() as tasks:
                following = tasks.create_task(self._take(writes), name="lab-page-write")
                await self._closed()
                following.cancel()

    async def _closed(self) -> None:
        """Wait until nobody looks any more."""
        while self.shown():  # noqa: ASYNC110  (nobody tells that a page was closed; it asks no more)
            await asyncio.sleep(_WANTED)

    async def _take(self, writes: Writes) -> None:
        async for write in writes.changes():
            person = self._whose(write.mailbox)
            if person is None or write.code != "NoError":
                continue
            self.journeys.begin(
                key=person.key,
                user_id=person.user_id,
                who=person.name,
                what=write.operation,
                made=write.arrived,
                in_exchange=write.answered,
            )
            self.turn()
            if person.key in self._wanted.people:
                await self.read(person)

    async def _ask_how_far(self) -> float:
        """Ask Rainbow's record how far the changes have come that are on their way."""
        record = self._clients.record
        for journey in self.journeys.unfinished():
            if record is None or not journey.user_id:
                continue
            try:
                stages = await record.stages(
                    journey.user_id, "autoreply" if journey.absence else "events", journey.made
                )
            except WRONG:
                return _AGAIN
            if journey.take(told=stages.told, asked=stages.answered):
                self.turn()
        return _SOON if self.journeys.hurried(self._now()) else _LATER

    def _say(self, *, exchange: str | None = None, rainbow: str | None = None) -> None:
        """Note why a side is not seen."""
        before = self.exchange_trouble, self.rainbow_trouble
        self.exchange_trouble = before[0] if exchange is None else exchange
        self.rainbow_trouble = before[1] if rainbow is None else rainbow
        if before != (self.exchange_trouble, self.rainbow_trouble):
            self.turn()

    async def _look(self) -> float:
        """Look at everybody's state once."""
        colleague = self._clients.colleague
        if colleague is None:
            raise RuntimeError("there is no Rainbow to look at")
        ids = list(dict.fromkeys(each.user_id for each in self.shown() if each.user_id))
        ids += [each.user_id for each in self.journeys.on_the_way() if each.user_id not in ids]
        try:
            states = await colleague.states(ids[:100]) if ids else {}
            for user_id, state in states.items():
                contact = self.contacts.setdefault(user_id, Contact())
                reply = None
                if state.status == "out_of_office":
                    reply = await colleague.automatic_reply(user_id)
                if (state, reply) != (contact.state, contact.reply):
                    self._see(user_id, contact, state, reply)
        except WRONG as error:
            self._say(rainbow=why("Rainbow", error))
            return _AGAIN
        self._say(rainbow="")
        if self.journeys.pass_time(self._now()):
            self.turn()
        return _SOON if self.journeys.hurried(self._now()) else _LATER

    def _see(self, user_id: str, contact: Contact, state: State, reply: Reply | None) -> None:
        first = contact.state is None
        contact.state, contact.reply = state, reply
        if not first:
            self.journeys.see(user_id, self._now(), state.status)
        self.turn()
