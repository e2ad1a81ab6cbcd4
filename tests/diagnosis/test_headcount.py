"""How many people are covered, and why the others are not."""

import asyncio
from pathlib import Path

from rainbow_exchange.diagnosis.headcount import Group, Headcount, Headcounts
from tests.house import House, until, virtually


class Clock:
    """Each look at it is `step` seconds after the one before."""

    def __init__(self, step: float) -> None:
        self.step = step
        self.shows = 0.0

    def __call__(self) -> float:
        self.shows += self.step
        return self.shows


def refused(house: House, codes: dict[str, int]) -> None:
    """Have Exchange refuse so many mailboxes for each of these reasons."""
    addresses = iter(sorted(house.exchange.directory.by_address))
    errors = {next(addresses): code for code, number in codes.items() for _ in range(number)}
    house.exchange.dials.turn({"mailbox_errors": errors})


def test_people_are_counted_in_groups_of_one_reason(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 30)
        refused(house, {"ErrorAccessDenied": 4, "ErrorAccountDisabled": 2, "ErrorNonExistentMailbox": 1})
        async with house.open():
            daemon = house.start()
            await until(lambda: daemon._condition.state == "degraded", within=120)
            await until(lambda: house.status()["mailboxes"]["streamed"] == 23, within=120)
            counted = await Headcounts(daemon.sides.bridge).latest()
            assert (counted.total, counted.streamed, counted.polled, counted.uncovered) == (30, 23, 0, 7)
            assert (counted.covered, counted.not_read) == (23, 0)
            assert counted.groups == (
                Group(state="uncovered", problem="mailbox-denied", reason="ErrorAccessDenied", people=4),
                Group(state="uncovered", problem="mailbox-disabled", reason="ErrorAccountDisabled", people=2),
                Group(state="uncovered", problem="mailbox-not-found", reason="no-mailbox", people=1),
            )

    virtually(test)


def test_a_count_is_kept_for_two_seconds_or_for_fifty_times_what_it_took(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 5)
        async with house.at_work() as daemon:
            for step, good_for in ((0.001, 2.0), (1.0, 50.0)):
                headcounts = Headcounts(daemon.sides.bridge, clock=Clock(step))
                first = await headcounts.latest()
                assert headcounts.took == step
                await asyncio.sleep(good_for - 0.1)
                assert await headcounts.latest() is first
                await asyncio.sleep(0.2)
                assert await headcounts.latest() is first  # while another is made
                await asyncio.sleep(0.1)
                second = await headcounts.latest()
                assert second is not first
                await asyncio.sleep(good_for + 30.1)
                assert await headcounts.latest() is not second  # which is too old to be shown

    virtually(test)


def test_those_who_ask_at_once_share_a_count_and_others_go_on_meanwhile(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 20)
        async with house.at_work() as daemon:
            headcounts = Headcounts(daemon.sides.bridge, at_once=5)
            turns = 0

            async def other() -> None:
                nonlocal turns
                while True:
                    await asyncio.sleep(0)
                    turns += 1

            beside = asyncio.create_task(other())
            first, second = await asyncio.gather(headcounts.latest(), headcounts.latest())
            beside.cancel()
            assert first is second
            assert first.total == 20
            assert turns >= 4

    virtually(test)


def test_without_a_bridge_there_is_nobody_and_with_another_one_everybody_is_counted_anew(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 5)
        async with house.at_work() as daemon:
            bridges = [daemon.sides.bridge()]
            headcounts = Headcounts(lambda: bridges[-1])
            assert (await headcounts.latest()).total == 5
            bridges.append(None)
            assert await headcounts.latest() == Headcount()
            bridges.pop()
            assert (await headcounts.latest()).total == 5

    virtually(test)
