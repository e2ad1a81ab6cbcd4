"""The users of the company, listed and looked up at the lab's Rainbow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from rainbow_exchange.bridge.listing import Listing, Refreshed
from rainbow_exchange.bridge.roster import Changes, Roster
from rainbow_exchange.rainbow.errors import RainbowApiError, RainbowConnectionError, RainbowError

if TYPE_CHECKING:
    from tests.bridge.conftest import Kit, MakeRainbow, Rainbow


class Bench:
    """A listing over a roster, and what it said had changed."""

    def __init__(self, kit: "Kit", rainbow: "Rainbow", *, refresh: float = 3600.0) -> None:
        self.kit = kit
        self.changes: list[Changes] = []
        self.results: list[Refreshed] = []
        self.shown: list[tuple[int, int]] = []
        self.roster = Roster()
        self.listing = Listing(
            client=rainbow.client,
            roster=self.roster,
            refresh_seconds=refresh,
            changed=self.changes.append,
            listed=self.results.append,
            progress=lambda *, done, total: self.shown.append((done, total)),
            now=kit.now,
            random=kit.half,
        )

    def names(self) -> list[str]:
        return sorted(member.user.id for member in self.roster)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["Bench"]:
        async with self.kit.running(self.listing.run()):
            await self.kit.until(lambda: self.listing.listed)
            yield self


async def test_users_are_listed_at_once_and_again_from_time_to_time(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(kit.person("ann"), kit.person("bob", active=False))
    bench = Bench(kit, rainbow)
    async with kit.running(bench.listing.run()):
        await kit.until(lambda: bench.listing.listed)
        assert bench.names() == ["ann"]
        rainbow.lab.people.add(kit.person("eve"))
        await asyncio.sleep(3590)
        assert bench.names() == ["ann"]
        await asyncio.sleep(20)
        assert bench.names() == ["ann", "eve"]
    assert [len(each.added) for each in bench.changes] == [1, 1]
    assert bench.listing.counters.listings == 2


async def test_many_newcomers_are_taken_a_few_at_a_time_and_others_have_their_turn(
    kit: "Kit", make_rainbow: "MakeRainbow"
) -> None:
    names = [f"u{number:04}" for number in range(1100)]
    rainbow = await make_rainbow(kit.person("u"))
    bench = Bench(kit, rainbow)
    async with bench.at_work():
        for name in names:
            rainbow.lab.people.add(kit.person(name))
        assert await bench.listing.refresh() == Refreshed(users=1101, added=1100, removed=0, changed=0)
        assert bench.names() == ["u", *names]
        assert [len(each.added) for each in bench.changes] == [1, 250, 250, 250, 250, 100]


async def test_the_first_listing_is_taken_page_by_page(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    """Whoever comes first has not to wait for the others; who is not active is nobody."""
    names = [f"u{number:04}" for number in range(250)]
    rainbow = await make_rainbow(*map(kit.person, names), kit.person("u0000a", active=False))
    bench = Bench(kit, rainbow)
    async with bench.at_work():
        assert bench.names() == names
        # of 251 entries; each page begins with the last one of that before
        assert [len(each.added) for each in bench.changes] == [99, 99, 52]
        assert bench.results == [Refreshed(users=250, added=250, removed=0, changed=0)]


async def test_a_user_removed_and_one_renamed_are_told(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(kit.person("ann"), kit.person("bob"), kit.person("eve"))
    bench = Bench(kit, rainbow, refresh=600)
    async with kit.running(bench.listing.run()):
        await kit.until(lambda: bench.listing.listed)
        rainbow.lab.people.remove("ann")
        rainbow.lab.people.add(kit.person("bob", "robert@acme.test"))
        await asyncio.sleep(620)
    assert len(bench.changes) == 3
    gone, others = bench.changes[1:]
    assert [member.user.id for member in gone.removed] == ["ann"]
    assert [member.user.login_email for member in others.changed] == ["robert@acme.test"]


@pytest.mark.parametrize("left", [0, 3])
async def test_most_people_at_once_are_removed_only_when_it_lasts(
    kit: "Kit", make_rainbow: "MakeRainbow", left: int
) -> None:
    """A fault at the other end is likelier; whoever came meanwhile is taken all the same."""
    names = [f"u{number}" for number in range(8)]
    rainbow = await make_rainbow(*map(kit.person, names))
    bench = Bench(kit, rainbow)
    async with bench.at_work():
        for name in names[left:]:
            rainbow.lab.people.remove(name)
        rainbow.lab.people.add(kit.person("eve"))
        result = await bench.listing.refresh()
        assert (result.users, result.added, result.removed, result.doubted) == (9, 1, 0, 8 - left)
        assert bench.listing.doubted == 8 - left
        await asyncio.sleep(850)  # read again every five minutes meanwhile
        assert len(bench.names()) == 9
        await asyncio.sleep(400)
        assert bench.names() == ["eve", *names[:left]]
        assert bench.listing.doubted == 0


async def test_most_people_who_come_back_are_not_doubted_any_more(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    people = [kit.person(f"u{number}") for number in range(8)]
    rainbow = await make_rainbow(*people)
    async with Bench(kit, rainbow).at_work() as bench:
        for person in people:
            rainbow.lab.people.remove(person.id)
        assert (await bench.listing.refresh()).doubted == 8
        for person in people:
            rainbow.lab.people.add(person)
        assert (await bench.listing.refresh()).doubted == 0
        for person in people:
            rainbow.lab.people.remove(person.id)
        await asyncio.sleep(1000)
        assert (await bench.listing.refresh()).removed == 0


async def test_a_few_people_of_a_small_company_are_removed_at_once(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(kit.person("ann"))
    async with Bench(kit, rainbow).at_work() as bench:
        rainbow.lab.people.remove("ann")
        assert (await bench.listing.refresh()).removed == 1


async def test_an_empty_company_is_a_listing_too(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    bench = Bench(kit, await make_rainbow())
    async with kit.running(bench.listing.run()):
        await kit.until(lambda: bench.listing.listed)
    assert bench.names() == []
    assert bench.results == [Refreshed(users=0, added=0, removed=0, changed=0)]


async def test_a_listing_that_fails_is_repeated(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(kit.person("ann"), refuse_next=2, refuse_status=403, refuse_path="/admin/v1.0/users")
    bench = Bench(kit, rainbow)
    async with kit.running(bench.listing.run()):
        await kit.until(lambda: bench.listing.counters.failed == 2)
        assert isinstance(bench.listing.last_error, RainbowApiError)
        assert not bench.listing.listed
        await kit.until(lambda: bench.listing.listed)
        await kit.until(lambda: bench.listing.last_error is None)
    assert bench.names() == ["ann"]


async def test_rainbow_says_how_long_to_wait(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(
        kit.person("ann"), refuse_next=1, refuse_status=429, refuse_retry_after=150, refuse_path="/admin/v1.0/users"
    )
    bench = Bench(kit, rainbow)
    async with kit.running(bench.listing.run()):
        await asyncio.sleep(149)
        assert not bench.listing.listed
        await kit.until(lambda: bench.listing.listed, limit=5)


async def test_a_person_need_not_wait_as_long_as_rainbow_asks(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(
        kit.person("ann"), refuse_next=1, refuse_status=503, refuse_retry_after=80_000, refuse_path="/login"
    )
    bench = Bench(kit, rainbow)
    async with kit.running(bench.listing.run()):
        await kit.until(lambda: bench.listing.last_error is not None)
        await asyncio.sleep(300)
        assert bench.listing.counters.failed == 1
        rainbow.client.try_again()
        bench.listing.try_again()
        await kit.until(lambda: bench.listing.listed, limit=5)
        bench.listing.try_again()  # nothing failed, and nothing is listed before its time
        await asyncio.sleep(60)
    assert bench.listing.counters.listings == 1


# --- looking up


async def test_somebody_new_is_looked_up_once_for_all_who_ask(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(kit.person("ann", work=("Ann.B@acme.test",)))
    await rainbow.client.login()
    bench = Bench(kit, rainbow)
    found = await asyncio.gather(*(bench.listing.look_up(" ann.b@ACME.test") for _ in range(5)))
    assert {member.user.id for member in found if member} == {"ann"}
    assert bench.names() == ["ann"]
    assert bench.listing.counters.looked_up == 1


async def test_nobody_is_remembered_for_a_minute(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(kit.person("ann"))
    async with Bench(kit, rainbow).at_work() as bench:
        assert await bench.listing.look_up("eve@acme.test") is None
        rainbow.lab.people.add(kit.person("eve"))
        await asyncio.sleep(59)
        assert await bench.listing.look_up("eve@acme.test") is None
        assert bench.listing.counters.looked_up == 1
        await asyncio.sleep(2)
        assert await bench.listing.look_up("eve@acme.test") is not None
        assert bench.listing.counters.looked_up == 2


async def test_whoever_the_filters_miss_is_found_by_a_full_listing_within_the_question(
    kit: "Kit", make_rainbow: "MakeRainbow"
) -> None:
    """There is no filter for the external UID."""
    rainbow = await make_rainbow(kit.person("ann"))
    async with Bench(kit, rainbow, refresh=36_000).at_work() as bench:
        rainbow.lab.people.add(kit.person("eve", uid="Eve.U@acme.test"))
        before = asyncio.get_running_loop().time()
        found = await asyncio.gather(*(bench.listing.look_up(f"{name}@acme.test") for name in ("eve.u", "x", "eve.U")))
        assert [member.user.id if member else None for member in found] == ["eve", None, "eve"]
        assert asyncio.get_running_loop().time() - before < 5
        assert bench.listing.counters.listings == 2
        # the next one comes only ten minutes later: nobody waits for it, and it comes all the same
        rainbow.lab.people.add(kit.person("bob", uid="bob.u@acme.test"))
        assert await bench.listing.look_up("bob.u@acme.test") is None
        await asyncio.sleep(590)
        assert (bench.listing.counters.listings, bench.names()) == (2, ["ann", "eve"])
        await kit.until(lambda: bench.names() == ["ann", "bob", "eve"], limit=15)


async def test_nobody_is_said_to_be_unknown_while_rainbow_cannot_be_listed(
    kit: "Kit", make_rainbow: "MakeRainbow"
) -> None:
    rainbow = await make_rainbow(kit.person("ann"))
    bench = Bench(kit, rainbow)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(9):
            await bench.listing.look_up("eve@acme.test")  # no listing has come through yet
    async with bench.at_work():
        assert await bench.listing.look_up("eve@acme.test") is None


async def test_what_is_remembered_is_bounded(
    kit: "Kit", make_rainbow: "MakeRainbow", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rainbow_exchange.bridge.look_up.NOT_FOUND_KEPT", 2)
    async with Bench(kit, await make_rainbow()).at_work() as bench:
        for name in ("a", "b", "c", "a"):
            assert await bench.listing.look_up(f"{name}@acme.test") is None
        assert bench.listing.counters.looked_up == 4


async def test_only_who_has_exactly_this_address_is_meant(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(
        kit.person("ann", work=("info@acme.test",)),
        kit.person("bob", work=("info@acme.test",)),
        kit.person("eve", "eve@acme.test.other"),
        kit.person("old", "gone@acme.test", active=False),
    )
    async with Bench(kit, rainbow).at_work() as bench:
        for address in ("eve@acme.test", "info@acme.test", "gone@acme.test"):
            assert await bench.listing.look_up(address) is None


async def test_an_address_that_two_users_have_causes_no_listing(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(*(kit.person(name, work=("info@acme.test",)) for name in ("ann", "bob")))
    async with Bench(kit, rainbow).at_work() as bench:
        assert await bench.listing.look_up("info@acme.test") is None
        assert bench.listing.counters.listings == 1


async def test_a_login_goes_before_another_address(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(kit.person("ann", work=("bob@acme.test",)), kit.person("bob"))
    found = await Bench(kit, rainbow).listing.look_up("bob@acme.test")
    assert found is not None
    assert found.user.id == "bob"


async def test_somebody_new_causes_a_full_listing_but_not_more_than_one_in_ten_minutes(
    kit: "Kit", make_rainbow: "MakeRainbow"
) -> None:
    rainbow = await make_rainbow(kit.person("ann"))
    bench = Bench(kit, rainbow, refresh=36_000)
    async with kit.running(bench.listing.run()):
        await kit.until(lambda: bench.listing.listed)
        rainbow.lab.people.add(kit.person("eve"))
        rainbow.lab.people.add(kit.person("bob"))
        await bench.listing.look_up("eve@acme.test")
        assert bench.names() == ["ann", "eve"]
        await asyncio.sleep(590)
        assert bench.listing.counters.listings == 1
        await kit.until(lambda: bench.names() == ["ann", "bob", "eve"], limit=15)
        assert bench.listing.counters.listings == 2


async def test_a_look_up_that_fails_says_so_to_all_and_is_not_remembered(
    kit: "Kit", make_rainbow: "MakeRainbow"
) -> None:
    rainbow = await make_rainbow(kit.person("ann"))
    await rainbow.client.login()
    port = int(rainbow.lab.url.rpartition(":")[2])
    await rainbow.lab.stop()
    bench = Bench(kit, rainbow)
    results = await asyncio.gather(*(bench.listing.look_up("ann@acme.test") for _ in range(3)), return_exceptions=True)
    assert all(isinstance(result, RainbowError) for result in results)
    assert isinstance(results[0], RainbowConnectionError)
    await rainbow.lab.start(port=port)
    assert await bench.listing.look_up("ann@acme.test") is not None


async def test_look_ups_under_way_end_with_the_listing(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(kit.person("ann"))
    async with Bench(kit, rainbow).at_work() as bench:
        asking = asyncio.create_task(bench.listing.look_up("bob@acme.test"))
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert bench.listing._look_ups._wanted == {}


# --- asked for


async def test_a_listing_that_is_asked_for_says_what_it_brought(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(kit.person("ann"), kit.person("bob"), kit.person("eve"))
    async with Bench(kit, rainbow).at_work() as bench:
        rainbow.lab.people.remove("ann")
        rainbow.lab.people.add(kit.person("bob", "robert@acme.test"))
        rainbow.lab.people.add(kit.person("zoe"))
        results = await asyncio.gather(*(bench.listing.refresh() for _ in range(3)))
        assert set(results) == {Refreshed(users=3, added=1, removed=1, changed=1)}
        assert bench.listing.counters.listings == 2


async def test_one_that_is_asked_for_while_another_is_under_way_begins_after_it(
    kit: "Kit", make_rainbow: "MakeRainbow"
) -> None:
    rainbow = await make_rainbow(kit.person("ann"))
    async with Bench(kit, rainbow).at_work() as bench:
        rainbow.lab.dials.set({"rest_late_seconds": 2.0})
        first = asyncio.create_task(bench.listing.refresh())
        await asyncio.sleep(3)  # the answer is on its way
        rainbow.lab.people.add(kit.person("eve"))
        second = await bench.listing.refresh()
        assert (await first).users + second.users in {3, 4}
        assert second.users == 2


async def test_one_that_is_asked_for_fails_with_its_reason_and_is_tried_again(
    kit: "Kit", make_rainbow: "MakeRainbow"
) -> None:
    rainbow = await make_rainbow(kit.person("ann"))
    async with Bench(kit, rainbow).at_work() as bench:
        rainbow.lab.dials.set({"refuse_next": 1, "refuse_status": 403, "refuse_path": "/admin/v1.0/users"})
        with pytest.raises(RainbowApiError):
            await bench.listing.refresh()
        assert isinstance(bench.listing.failure, RainbowApiError)
        assert bench.listing.failed_at == kit.now()
        assert bench.names() == ["ann"]
        assert (await bench.listing.refresh()).users == 1
        assert bench.listing.last_error is None


async def test_one_that_is_asked_for_ends_when_the_listing_does(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(kit.person("ann"))
    async with Bench(kit, rainbow).at_work() as bench:
        rainbow.lab.dials.set({"rest_late_seconds": 20.0})
        asked = asyncio.create_task(bench.listing.refresh())
        await asyncio.sleep(1)
    with pytest.raises(RainbowConnectionError, match="stopping"):
        await asked


async def test_word_of_single_changes_has_everybody_listed_at_once_and_then_once_a_minute(
    kit: "Kit", make_rainbow: "MakeRainbow"
) -> None:
    rainbow = await make_rainbow(kit.person("ann"))
    async with Bench(kit, rainbow).at_work() as bench:
        await asyncio.sleep(120)
        for _ in range(100):
            bench.listing.somebody_changed()
            await asyncio.sleep(1)
        assert bench.listing.counters.listings == 3
        bench.listing.somebody_changed()
        await asyncio.sleep(30)
        assert bench.listing.counters.listings == 4


async def test_it_is_known_when_users_were_listed_and_will_be(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(kit.person("ann"))
    async with Bench(kit, rainbow).at_work() as bench:
        await asyncio.sleep(1)
        listed_at, next_at = bench.listing.listed_at, bench.listing.next_at
        assert listed_at is not None
        assert next_at is not None
        assert 3599 <= (next_at - listed_at).total_seconds() <= 3601
        rainbow.lab.dials.set({"rest_late_seconds": 5.0})
        asked = asyncio.create_task(bench.listing.refresh())
        await asyncio.sleep(1)
        assert [bench.listing.progress] == [(0, 0)]
        assert [bench.listing.next_at] == [None]
        await asked
        assert [bench.listing.progress] == [None]
        assert bench.shown[-1] == (1, 1)


# --- a flood of questions


async def test_a_flood_of_unknown_addresses_is_asked_for_slowly_and_not_at_all_once_nobody_waits(
    kit: "Kit", make_rainbow: "MakeRainbow"
) -> None:
    """Ten addresses a second; the listing that one of them causes is made, and answers whoever waited before it."""
    rainbow = await make_rainbow(kit.person("ann"))
    async with Bench(kit, rainbow).at_work() as bench:
        bench.listing._waited_at = asyncio.get_running_loop().time()  # a listing for a question was just made
        rainbow.lab.record.clear()

        async def ask(number: int) -> None:
            async with asyncio.timeout(9):
                await bench.listing.look_up(f"x{number}@acme.test")

        asked = await asyncio.gather(*(ask(number) for number in range(2000)), return_exceptions=True)
        late = [each for each in asked if isinstance(each, TimeoutError)]
        assert 80 <= len(asked) - len(late) <= 100
        calls = len(rainbow.lab.record.requests)
        assert calls <= 200
        await asyncio.sleep(30)
        assert len(rainbow.lab.record.requests) == calls
        assert bench.listing._look_ups._wanted == {}
        rainbow.lab.people.add(kit.person("eve"))
        assert await bench.listing.look_up("eve@acme.test") is not None


async def test_a_flood_is_answered_by_the_listing_that_it_causes(kit: "Kit", make_rainbow: "MakeRainbow") -> None:
    rainbow = await make_rainbow(kit.person("ann"))
    async with Bench(kit, rainbow).at_work() as bench:
        rainbow.lab.record.clear()
        rainbow.lab.people.add(kit.person("eve", uid="x777@acme.test"))
        began = asyncio.get_running_loop().time()
        found = await asyncio.gather(*(bench.listing.look_up(f"x{number}@acme.test") for number in range(2000)))
        assert [number for number, member in enumerate(found) if member is not None] == [777]
        assert asyncio.get_running_loop().time() - began < 2
        assert len(rainbow.lab.record.requests) < 60
