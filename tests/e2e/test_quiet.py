"""It streams and does not poll: product and lab on one loop of virtual time, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from rainbow_exchange.lab.exchange.mailbox import Right
from tests.house import House, now, until, virtually

pytestmark = [pytest.mark.e2e]

READS = ("FindItem", "GetUserAvailability")


@asynccontextmanager
async def at_rest(folder: Path, people: int, *, impersonation: bool) -> AsyncIterator[House]:
    """Run a company whose users have all been told of, half a minute ago."""
    house = House(folder, people, right=Right.REVIEWER, impersonation=impersonation)
    async with house.at_work(within=60):
        await until(lambda: set(house.notified()) >= {person.id for person in house.people}, within=60)
        await asyncio.sleep(30)
        yield house


def reads(house: House) -> int:
    return sum(house.exchange.record.counts[operation] for operation in READS)


def arrived(house: House) -> int:
    return sum(len(house.exchange.record.read(operation=operation)) for operation in READS)


def subjects(house: House, user_id: str) -> set[str]:
    """Return the subjects that Rainbow was last answered with."""
    known = house.rainbow.questions.known.get(user_id)
    return {event.subject for event in known.events} if known and known.events else set()


@pytest.mark.parametrize("impersonation", [True, False], ids=["own", "batched"])
def test_while_nothing_changes_no_calendar_is_read_and_a_change_is_told_within_two_seconds(
    tmp_path: Path, impersonation: bool
) -> None:
    async def test() -> None:
        async with at_rest(tmp_path, 12, impersonation=impersonation) as house:
            before = reads(house)
            assert before > 0
            await asyncio.sleep(300)
            assert reads(house) == before
            house.rainbow.record.clear()
            mailbox = next(iter(house.exchange.directory.by_address))
            house.appointment(mailbox, "Budget", start=now() - timedelta(minutes=5))
            assert await until(house.notified, within=5, step=0.05) <= 2
            await asyncio.sleep(1)
            assert reads(house) <= before + 2
            assert len(set(house.notified())) == 1

    virtually(test)


def test_without_notifications_a_change_is_found_by_the_background_read_and_not_before(tmp_path: Path) -> None:
    async def test() -> None:
        async with at_rest(tmp_path, 3, impersonation=True) as house:
            house.exchange.dials.turn({"suppress_notifications": True})
            house.rainbow.record.clear()
            mailbox = next(iter(house.exchange.directory.by_address))
            made = now()
            house.appointment(mailbox, "Silent", start=made + timedelta(days=2))
            await asyncio.sleep(4 * 3600)
            assert house.notified() == []
            await until(house.notified, within=2.5 * 3600, step=60)
            assert now() - made <= timedelta(hours=6, minutes=1)
            assert house.daemon is not None
            assert house.daemon.measures()["changes_recovered"] == 1

    virtually(test)


@pytest.mark.parametrize("late", [1.0, 2.0])
@pytest.mark.parametrize("impersonation", [True, False], ids=["own", "batched"])
def test_a_change_that_comes_while_its_mailbox_is_being_read_is_not_lost(
    tmp_path: Path, impersonation: bool, late: float
) -> None:
    """The lab answers reads late with what it had when they arrived: before the trailing read is due, and after."""

    async def test() -> None:
        async with at_rest(tmp_path, 3, impersonation=impersonation) as house:
            person = house.people[0]
            assert person.mailbox is not None
            house.exchange.dials.turn({"late_seconds": late, "late_operations": list(READS)})
            before = reads(house)
            house.appointment(person.mailbox.address, "First", start=now() - timedelta(minutes=5))
            await until(lambda: arrived(house) > before, within=5, step=0.05)
            house.appointment(person.mailbox.address, "Second", start=now() - timedelta(minutes=5))
            await until(lambda: subjects(house, person.id) == {"First", "Second"}, within=15, step=0.05)

    virtually(test)
