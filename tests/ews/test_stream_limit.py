"""How many streams may be open, learnt from refusals, on virtual time."""

import asyncio
from dataclasses import dataclass, field

import pytest

from rainbow_exchange.ews.stream_limit import StreamLimit


@dataclass(eq=False)
class Group:
    """Wants a stream and opens it on a server that allows `Server.allowed`."""

    weight: int
    times: list[float] = field(default_factory=list)


class Server:
    """Allows so many streams at once and says so, or not."""

    def __init__(self, allowed: int, *, says: bool = True) -> None:
        self.allowed = allowed
        self.says = says
        self.open = 0
        self.refusals: list[float] = []

    async def live(self, limit: StreamLimit, group: Group) -> None:
        while True:
            if not limit.admits(group):
                await limit.turn(group)
            group.times.append(asyncio.get_running_loop().time())
            if self.open < self.allowed:
                self.open += 1
                limit.confirmed(group)
                await asyncio.Event().wait()
            self.refusals.append(asyncio.get_running_loop().time())
            limit.refused(group, self.allowed if self.says else None)


def limit_of(
    server: Server, tasks: asyncio.TaskGroup, groups: list[Group]
) -> tuple[StreamLimit, list[asyncio.Task[None]]]:
    limit = StreamLimit(random=lambda: 0.5)
    return limit, [tasks.create_task(server.live(limit, group)) for group in groups]


@pytest.mark.parametrize("says", [True, False])
async def test_the_limit_is_found_by_the_first_refusals_and_then_tried_ever_more_rarely(says: bool) -> None:
    server = Server(10, says=says)
    async with asyncio.TaskGroup() as tasks:
        limit, lives = limit_of(server, tasks, [Group(200) for _ in range(12)])
        await asyncio.sleep(3600)
        assert (limit.limit, server.open) == (10, 10)
        at_first = [moment for moment in server.refusals if moment < 1]
        later = [moment for moment in server.refusals if moment >= 1]
        assert len(at_first) == 1
        assert later[0] >= 60
        assert len(later) <= 7
        for life in lives:
            life.cancel()


async def test_it_rises_one_by_one_once_the_server_allows_more() -> None:
    server = Server(3)
    async with asyncio.TaskGroup() as tasks:
        limit, lives = limit_of(server, tasks, [Group(200) for _ in range(10)])
        await asyncio.sleep(30)
        assert limit.limit == 3
        server.allowed = 10
        await asyncio.sleep(240)
        assert (limit.limit, server.open) == (10, 10)
        for life in lives:
            life.cancel()


async def test_the_fullest_group_goes_first() -> None:
    server = Server(1)
    groups = [Group(200), Group(10), Group(150)]
    async with asyncio.TaskGroup() as tasks:
        _, lives = limit_of(server, tasks, groups)
        await asyncio.sleep(30)
        server.allowed = 2
        await asyncio.sleep(70)
        assert len(groups[0].times) == 1
        assert groups[2].times[-1] < groups[1].times[-1]
        for life in lives:
            life.cancel()


async def test_without_a_refusal_nobody_waits() -> None:
    limit = StreamLimit(random=lambda: 0.5)
    groups = [Group(1) for _ in range(100)]
    assert all(limit.admits(group) for group in groups)
    assert limit.limit is None
    assert limit.seconds_to_next_try() == 0


async def test_a_place_that_an_open_stream_leaves_is_given_away_only_later() -> None:
    limit = StreamLimit(random=lambda: 0.0)
    first, second = Group(1), Group(1)
    assert limit.admits(first)
    limit.confirmed(first)
    assert limit.admits(second)
    limit.refused(second, 1)
    await asyncio.sleep(1000)
    limit.leave(first)
    assert not limit.admits(second)
    began = asyncio.get_running_loop().time()
    await limit.turn(second)
    assert asyncio.get_running_loop().time() - began == pytest.approx(60, abs=0.1)


@pytest.mark.parametrize("stated", [3, None])
async def test_streams_that_were_cut_and_still_count_change_nothing_in_the_limit_and_are_opened_anew_after_a_minute(
    stated: int | None,
) -> None:
    limit = StreamLimit(random=lambda: 0.0)
    groups = [Group(1) for _ in range(3)]
    for group in groups:
        assert limit.admits(group)
        limit.confirmed(group)
    late = Group(1)
    limit.admits(late)
    limit.refused(late, stated)
    for _ in range(3):  # tried beyond the limit, in vain, ever more rarely
        await limit.turn(late)
        limit.refused(late, stated)
    for group in groups:
        limit.ended(group)
        assert limit.admits(group)
        limit.refused(group, stated)
    assert limit.limit == 3
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(limit.turn(group) for group in groups))
    assert asyncio.get_running_loop().time() - began == pytest.approx(60, abs=0.1)


async def test_places_that_somebody_else_takes_are_not_counted_on_once_no_stream_of_ones_own_may_count() -> None:
    limit = StreamLimit(random=lambda: 0.0)
    first, second = Group(1), Group(1)
    limit.admits(first)
    limit.confirmed(first)
    limit.admits(second)
    limit.confirmed(second)
    limit.ended(second)
    limit.refused(second, 2)
    assert limit.limit == 2
    await limit.turn(second)
    limit.refused(second, 2)
    assert limit.limit == 1


async def test_a_limit_that_fell_keeps_open_streams_and_does_not_open_ended_ones_anew() -> None:
    limit = StreamLimit(random=lambda: 0.0)
    groups = [Group(1) for _ in range(4)]
    for group in groups:
        assert limit.admits(group)
        limit.confirmed(group)
    limit.ended(groups[0])
    limit.refused(groups[0], 2)
    assert (limit.limit, len(limit.open)) == (2, 3)
    limit.ended(groups[1])
    assert not limit.admits(groups[1])
    limit.ended(groups[2])
    assert limit.admits(groups[2])


async def test_one_who_is_told_to_leave_waits_no_longer_and_has_no_place() -> None:
    limit = StreamLimit(random=lambda: 0.0)
    group, other = Group(1), Group(1)
    limit.admits(other)
    limit.confirmed(other)
    limit.admits(group)
    limit.refused(group, 1)
    waiting = asyncio.ensure_future(limit.turn(group))
    await asyncio.sleep(1)
    assert 58 < limit.seconds_to_next_try() < 60
    limit.leave(group)
    await waiting
    assert limit.seconds_to_next_try() == 0
