"""How many people are covered, and why the others are not, in groups: counted for whoever looks at the local page.

50,000 people take a while to count, so it is done in slices between which everything else goes on, only when somebody
asks, and anew only once fifty times as long has passed as it took: 2 % of the loop's time at most. Meanwhile whoever
asks gets the last count, unless that is too old to be shown.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from rainbow_exchange.bridge.coverage import why_not_streamed
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.roster import Member
from rainbow_exchange.bridge.standings import trouble_of

#: seconds for which a count is good in any case, and how many times what it took
_GOOD_FOR, _TIMES = 2.0, 50.0
#: seconds after that for which it may be shown while another one is made
_SHOWN_FOR = 30.0
#: people looked at in one go
_AT_ONCE = 200
#: different groups that are told apart; whoever is in no such one counts in a group without a reason
_MOST_GROUPS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """People whose changes no stream announces, for one reason.

    `state` is "polled" or "uncovered"; `reason` Exchange's ResponseCode or a word, "" where there is none to tell;
    `problem` the id of the problem that they have, or "".
    """

    state: str
    problem: str
    reason: str
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Headcount:
    """People by how changes of their calendars are noticed; `not_read` are those whose calendars cannot be read.

    `groups`: those who are not streamed, the largest group first.
    """

    total: int = 0
    streamed: int = 0
    polled: int = 0
    uncovered: int = 0
    not_read: int = 0
    groups: tuple[Group, ...] = ()

    @property
    def covered(self) -> int:
        """Those whose changes are noticed at all."""
        return self.streamed + self.polled


class Headcounts:
    """Counts the people of the bridge that `bridge` gives, and keeps the count.

    `clock` measures what that takes, `at_once` people are looked at between two turns of the loop.
    """

    def __init__(
        self,
        bridge: Callable[[], Pipeline | None],
        *,
        clock: Callable[[], float] = time.perf_counter,
        at_once: int = _AT_ONCE,
    ) -> None:
        self._bridge = bridge
        self._clock = clock
        self._at_once = at_once
        self._kept = Headcount()
        self._of: Pipeline | None = None
        self._good_until = float("-inf")
        self._counting: asyncio.Task[None] | None = None
        #: seconds of the loop that the last count took
        self.took = 0.0

    async def latest(self) -> Headcount:
        """Give the last count, or wait for a new one where there is none that can be shown; those who wait share it."""
        pipeline, now = self._bridge(), asyncio.get_running_loop().time()
        if pipeline is None:
            self._kept, self._of = Headcount(), None
        elif pipeline is not self._of or now >= self._good_until:
            if self._counting is None:
                self._counting = asyncio.create_task(self._renew(pipeline), name="page:headcount")
            if pipeline is not self._of or now >= self._good_until + _SHOWN_FOR:
                await asyncio.shield(self._counting)
        return self._kept

    async def _renew(self, pipeline: Pipeline) -> None:
        try:
            self._kept, self._of = await self._count(pipeline), pipeline
            self._good_until = asyncio.get_running_loop().time() + max(_GOOD_FOR, _TIMES * self.took)
        finally:
            self._counting = None

    async def _count(self, pipeline: Pipeline) -> Headcount:
        began, took = self._clock(), 0.0
        states, groups, not_read = Counter[str](), Counter[tuple[str, str, str]](), 0
        watcher, reader = pipeline.parts.watcher, pipeline.parts.reader
        for place, member in enumerate(pipeline.parts.roster):
            if place % self._at_once == self._at_once - 1:
                took += self._clock() - began
                await asyncio.sleep(0)
                began = self._clock()
            address = member.mailbox.address if member.mailbox is not None else None
            watched = watcher.coverage(address) if address else None
            not_read += address is not None and reader.failed(address) != ""
            if watched == "streamed":
                states["streamed"] += 1
                continue
            state = "polled" if watched == "waiting" else "uncovered"
            states[state] += 1
            group = (state, *_why(pipeline, member))
            groups[group if group in groups or len(groups) < _MOST_GROUPS else (state, "", "")] += 1
        self.took = took + self._clock() - began
        return Headcount(
            total=states.total(),
            streamed=states["streamed"],
            polled=states["polled"],
            uncovered=states["uncovered"],
            not_read=not_read,
            groups=tuple(
                Group(state=state, problem=problem, reason=reason, people=people)
                for (state, problem, reason), people in groups.most_common()
            ),
        )


def _why(pipeline: Pipeline, member: Member) -> tuple[str, str]:
    """Give the problem and the reason of somebody who is not streamed, without what is his own."""
    if problem := trouble_of(member):
        return problem, member.reason
    return "", why_not_streamed(pipeline, member).reason
