"""A day in the lab's company: appointments made, renamed, ended and deleted by their owners, every few seconds.

Everything goes over the lab's Exchange's own wire. The same seed makes the same day.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

import aiohttp
import structlog

from rainbow_exchange.backoff import backoff
from rainbow_exchange.lab.made import Made
from rainbow_exchange.lab.names import ABSENCES, SUBJECTS
from rainbow_exchange.lab.owner import ItemId, Owner, Plan, Refused
from rainbow_exchange.outage import Outage

log = structlog.get_logger()

_BUSY_SHARE = 0.4
_OUT_SHARE = 0.1
_PREPARED_AT_ONCE = 8
_SHOW_AS = ("Busy",) * 8 + ("Tentative", "Free", "WorkingElsewhere")


@dataclass(slots=True)
class _Person:
    owner: Owner
    kept: dict[ItemId, Plan] = field(default_factory=dict)
    out: bool = False

    def running(self, at: datetime) -> list[tuple[ItemId, Plan]]:
        """List what makes the person busy at `at`."""
        busy = [(item, plan) for item, plan in self.kept.items() if plan.show_as == "Busy"]
        return [(item, plan) for item, plan in busy if plan.start <= at < plan.end]


class Life:
    """The day of `owners`. `every` is the shortest and longest pause between two changes, in seconds.

    `made` is told of each change that Rainbow's clients should come to see; `changes` and `failures` are counted.
    """

    def __init__(
        self,
        owners: Sequence[Owner],
        *,
        made: Made,
        now: Callable[[], datetime],
        random: Random,
        every: tuple[float, float] = (2.0, 6.0),
    ) -> None:
        self._people = [_Person(owner) for owner in owners]
        self._made = made
        self._now = now
        self._random = random
        self._every = every
        self.changes = 0
        self.failures = 0

    async def prepare(self) -> None:
        """Give everybody a calendar around now: about a quarter are in a meeting. Raise what an Owner raises."""
        days = [self._day() for _ in self._people]
        at_once = asyncio.Semaphore(_PREPARED_AT_ONCE)

        async def write(person: _Person, day: list[Plan]) -> None:
            async with at_once:
                ids = await person.owner.create(day)
            person.kept.update(zip(ids, day, strict=True))

        async with asyncio.TaskGroup() as group:
            for person, day in zip(self._people, days, strict=True):
                group.create_task(write(person, day), name="lab-prepare")

    async def run(self) -> None:
        """Make a change, wait, and so on until cancelled; while Exchange does not answer, wait longer."""
        waits = backoff(1.0, 30.0, random=self._random.random)
        failing = Outage("lab_change_failed", "lab_changes_went_on")
        while self._people:
            try:
                await self.change_something()
            except (Refused, aiohttp.ClientError, TimeoutError) as error:
                self.failures += 1
                failing.failed(reason=str(error) or type(error).__name__)
                await asyncio.sleep(next(waits))
                continue
            if failing.open:
                failing.went_well()
                waits = backoff(1.0, 30.0, random=self._random.random)
            await asyncio.sleep(self._random.uniform(*self._every))

    async def change_something(self) -> str:
        """Make one change and name it: busy, free, renamed, planned, out or back. Raise what an Owner raises."""
        now = self._now()
        busy = [person for person in self._people if not person.out and person.running(now)]
        idle = [person for person in self._people if not person.out and not person.running(now)]
        away = [person for person in self._people if person.out]
        turn = self._random.random()
        below_share = len(busy) < max(1, _BUSY_SHARE * len(self._people))
        if turn < 0.05 and away:  # noqa: PLR2004  (shares of a day, each used once)
            change = self._set_out(self._random.choice(away), out=False)
        elif turn < 0.10 and idle and len(away) < _OUT_SHARE * len(self._people):  # noqa: PLR2004  (same)
            change = self._set_out(self._random.choice(idle), out=True)
        elif turn < 0.35 and busy:  # noqa: PLR2004  (same)
            change = self._rename(self._random.choice(busy))
        elif turn < 0.80 and idle and below_share:  # noqa: PLR2004  (same)
            change = self._meet(self._random.choice(idle))
        elif turn < 0.95 and busy:  # noqa: PLR2004  (same)
            change = self._end(self._random.choice(busy))
        else:
            change = self._plan_later(self._random.choice(self._people))
        return await change

    async def _meet(self, person: _Person) -> str:
        now = self._now().replace(second=0, microsecond=0)
        quarter = now.replace(minute=now.minute // 15 * 15)
        end = quarter + timedelta(minutes=self._random.choice((30, 45, 60, 75)))
        plan = Plan(subject=self._random.choice(SUBJECTS), start=now, end=end)
        with self._visible(person):
            (item,) = await person.owner.create([plan])
        person.kept[item] = plan
        return "busy"

    async def _end(self, person: _Person) -> str:
        running = person.running(self._now())
        with self._visible(person):
            for item, plan in running:
                if self._now() - plan.start < timedelta(minutes=1) or self._random.random() < 0.5:  # noqa: PLR2004  (half)
                    await person.owner.delete(item)
                    del person.kept[item]
                else:
                    end = self._now().replace(second=0, microsecond=0)
                    changed = await person.owner.change(item, end=end)
                    del person.kept[item]
                    person.kept[changed] = replace(plan, end=end)
        return "free"

    async def _rename(self, person: _Person) -> str:
        # the one that a client shows: see lab/rainbow/presence.py
        item, plan = max(person.running(self._now()), key=lambda each: (each[1].start, each[1].end))
        subject = self._random.choice([each for each in SUBJECTS if each != plan.subject])
        with self._visible(person):
            changed = await person.owner.change(item, subject=subject)
        del person.kept[item]
        person.kept[changed] = replace(plan, subject=subject)
        return "renamed"

    async def _plan_later(self, person: _Person) -> str:
        start = _half_hour(self._now()) + timedelta(minutes=30 * self._random.randint(4, 16))
        plan = Plan(subject=self._random.choice(SUBJECTS), start=start, end=start + timedelta(minutes=30))
        (item,) = await person.owner.create([plan])
        person.kept[item] = plan
        self.changes += 1
        return "planned"

    async def _set_out(self, person: _Person, *, out: bool) -> str:
        with self._visible(person):
            await person.owner.be_out(self._random.choice(ABSENCES) if out else None, now=self._now())
        person.out = out
        return "out" if out else "back"

    @contextmanager
    def _visible(self, person: _Person) -> Iterator[None]:
        """Note a visible change when its request goes out, and take the note back if the change fails."""
        self._made.note(person.owner.address, asyncio.get_running_loop().time())
        try:
            yield
        except BaseException:
            self._made.drop(person.owner.address)
            raise
        self.changes += 1

    def _day(self) -> list[Plan]:
        slot = _half_hour(self._now())
        plans = []
        if self._random.random() < 0.25:  # noqa: PLR2004  (a quarter of the company is in a meeting)
            end = slot + timedelta(minutes=self._random.choice((60, 90)))
            plans.append(Plan(subject=self._random.choice(SUBJECTS), start=slot, end=end))
        for offset in self._random.sample([*range(-8, -2), *range(4, 18)], k=self._random.randint(2, 5)):
            start = slot + timedelta(minutes=30 * offset)
            plans.append(
                Plan(
                    subject=self._random.choice(SUBJECTS),
                    start=start,
                    end=start + timedelta(minutes=self._random.choice((30, 30, 60))),
                    show_as=self._random.choice(_SHOW_AS),
                )
            )
        return plans


def _half_hour(moment: datetime) -> datetime:
    return moment.replace(minute=moment.minute // 30 * 30, second=0, microsecond=0)
