"""One full listing of a company that does not stand still, at the lab's Rainbow."""

import asyncio
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from rainbow_exchange.bridge.roll_call import RollCall
from rainbow_exchange.bridge.roster import Roster

if TYPE_CHECKING:
    from tests.bridge.conftest import Kit, MakeRainbow, Rainbow

NAMES = [f"u{number:02}" for number in range(20)]


class Bench:
    """A roll call over a company of twenty, five on a page, all of whom are known."""

    def __init__(self, kit: "Kit", rainbow: "Rainbow") -> None:
        self.rainbow = rainbow
        self.roster = Roster()
        self.shown: list[tuple[int, int]] = []
        self.roll_call = RollCall(
            rainbow.client,
            self.roster,
            progress=lambda *, done, total: self.shown.append((done, total)),
            random=kit.half,
        )

    async def call(self) -> list[str]:
        users = await self.roll_call.call()
        self.roster.replace(users.values())
        return sorted(users)

    def still_there(self) -> list[str]:
        account = self.rainbow.lab.people.account.id
        return sorted(user.id for user in self.rainbow.lab.people.everybody() if user.id != account)

    def asked_for_one(self) -> list[str]:
        paths = [entry["path"] for entry in self.rainbow.lab.record.requests]
        return [path.rpartition("/")[2] for path in paths if "/admin/v1.0/users/" in path]


@pytest.fixture
async def bench(kit: "Kit", make_rainbow: "MakeRainbow") -> Bench:
    rainbow = await make_rainbow(*map(kit.person, NAMES))
    rainbow.client.page_size = 5
    bench = Bench(kit, rainbow)
    assert await bench.call() == NAMES
    rainbow.lab.record.clear()
    return bench


async def test_a_list_that_stands_still_is_read_once(bench: Bench) -> None:
    assert await bench.call() == NAMES
    assert bench.rainbow.lab.record.counts["full_listings"] == 1
    assert bench.shown[-1] == (20, 20)
    assert bench.roll_call.reading is None


@pytest.mark.parametrize("paging", ["adds", "removes", "swaps"])
async def test_a_list_that_moves_while_it_is_read_is_read_again(bench: Bench, paging: str) -> None:
    bench.rainbow.lab.dials.set({"paging": paging})
    with capture_logs() as logs:
        came = await bench.call()
    assert came == bench.still_there()
    assert bench.rainbow.lab.record.counts["full_listings"] == 2
    assert [entry["reading"] for entry in logs if entry["event"] == "users_list_moved"] == [1]
    assert bench.asked_for_one() == []


@pytest.mark.parametrize("paging", ["adds", "swaps"])
async def test_a_list_that_never_stands_still_is_taken_as_it_came_and_nobody_is_removed_who_is_there(
    bench: Bench, paging: str
) -> None:
    bench.rainbow.lab.dials.set({"paging": paging, "paging_moves": 1000})
    began = asyncio.get_running_loop().time()
    with capture_logs() as logs:
        came = await bench.call()
    assert [entry["reading"] for entry in logs if entry["event"] == "users_list_moved"] == [1, 2, 3]
    assert asyncio.get_running_loop().time() - began < 30
    gone = [name for name in NAMES if name not in bench.still_there()]
    assert [name for name in NAMES if name not in came and name not in gone] == []


async def test_whoever_is_missing_from_a_list_that_never_stands_still_is_gone_only_if_rainbow_says_so(
    kit: "Kit", bench: Bench
) -> None:
    people = bench.rainbow.lab.people
    people.remove("u10")
    people.add(kit.person("u11", active=False))
    bench.rainbow.lab.dials.set({"paging": "adds", "paging_moves": 1000})
    came = await bench.call()
    assert sorted(set(NAMES) - set(bench.roster._members)) == ["u10", "u11"]
    assert bench.asked_for_one() == ["u10"]
    assert "u10" not in came


async def test_whoever_cannot_be_asked_for_stays(bench: Bench) -> None:
    bench.rainbow.lab.people.remove("u10")
    bench.rainbow.lab.dials.set(
        {"paging": "adds", "paging_moves": 1000, "refuse_next": 1, "refuse_status": 403, "refuse_path": "/users/u10"}
    )
    assert "u10" in await bench.call()
    assert "u10" not in await bench.call()


async def test_a_total_that_grows_without_anybody_is_no_whole_list(bench: Bench) -> None:
    """It is read three times, and whoever came is there."""
    bench.rainbow.lab.dials.set({"paging": "moving"})
    assert await bench.call() == NAMES
    assert bench.rainbow.lab.record.counts["full_listings"] == 0


async def test_a_server_that_gives_smaller_pages_and_does_not_say_so_is_read_to_the_end(bench: Bench) -> None:
    bench.rainbow.lab.dials.set({"page_limit": 3, "page_limit_said": False})
    assert await bench.call() == NAMES
    assert bench.rainbow.lab.record.counts["full_listings"] == 1


async def test_a_long_listing_says_how_far_it_is(bench: Bench) -> None:
    bench.rainbow.lab.dials.set({"rest_late_seconds": 6.0})
    with capture_logs() as logs:
        await bench.call()
    said = [entry["done"] for entry in logs if entry["event"] == "users_being_listed"]
    assert len(said) >= 2
    assert said == sorted(said)
