"""A company of 50,000 at a Rainbow that takes 0.2 s for each answer: its list takes minutes, and questions go on."""

import asyncio
import tracemalloc
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from rainbow_exchange.bridge.listing import Listing
from rainbow_exchange.bridge.roll_call import RollCall
from rainbow_exchange.bridge.roster import Roster
from rainbow_exchange.lab.rainbow import LabRainbow
from rainbow_exchange.lab.user import LabUser, MailboxOf, jid_of
from rainbow_exchange.rainbow.client import RainbowClient
from tests.house import House, until, virtually

pytestmark = [pytest.mark.scale, pytest.mark.timeout(900)]

MANY = 50_000


def nameless(number: int) -> LabUser:
    """Make a user with no address that a mailbox could have, so that Exchange is not asked 50,000 times."""
    jid, jid_password = jid_of(f"u{number:05}")
    return LabUser(id=f"u{number:05}", login_email=f"u{number:05}", jid=jid, jid_password=jid_password)


def person(name: str) -> LabUser:
    jid, jid_password = jid_of(name)
    address = f"{name}@acme.test"
    return LabUser(id=name, login_email=address, jid=jid, jid_password=jid_password, mailbox=MailboxOf(address=address))


def listing_of(house: House) -> Listing | None:
    sides = house.daemon._sides if house.daemon else None
    return sides.exchange.pipeline.membership.listing if sides and sides.exchange else None


def read(house: House) -> int:
    """Tell how many users have been read by the listing under way."""
    listing = listing_of(house)
    return listing.progress[0] if listing and listing.progress else 0


def listings(house: House) -> int:
    listing = listing_of(house)
    return listing.counters.listings if listing else 0


def quiet(*, done: int, total: int) -> None:
    """Show nobody how far a listing is."""


async def asked(house: House, email: str, within: float = 10.0) -> str:
    """Ask as Rainbow does; return what became of it in the time that Rainbow waits."""
    entry = await house.rainbow.questions.ask("events", email)
    assert entry["seconds"] < within, entry
    return str(entry.get("condition") or entry["outcome"])


def test_questions_are_answered_in_time_whoever_they_are_for(tmp_path: Path) -> None:
    async def test() -> None:
        people = [*map(nameless, range(MANY)), *map(person, ("zoe", "max", "new", "late"))]
        house = House(tmp_path, people, rainbow={"dials": {"ask": False, "rest_late_seconds": 0.2}})
        for name in ("new", "late"):
            house.rainbow.people.remove(name)
        async with house.open():
            house.start()
            await until(lambda: read(house) > 5000, within=60)
            # while the list is read for the first time: somebody who stands in it, somebody who does not
            assert await asked(house, "zoe@acme.test") == "result"
            assert await asked(house, "nobody@acme.test") == "remote-server-timeout"
            assert listings(house) == 0
            assert await until(lambda: listings(house) == 1, within=300, step=1) > 30
            # and later: somebody new, and nobody, who is known to be nobody once everybody was listed
            house.rainbow.people.add(person("new"))
            assert await asked(house, "New@acme.test") == "result"
            assert await asked(house, "nobody@acme.test") in {"item-not-found", "remote-server-timeout"}
            await until(lambda: listings(house) == 2, within=300, step=1)
            assert await asked(house, "nobody@acme.test") == "item-not-found"
            await flood(house)

    virtually(test)


async def flood(house: House) -> None:
    """Ask for 10,000 addresses that nobody has, and meanwhile for people whom we know."""
    house.rainbow.record.clear()
    house.rainbow.people.add(person("late"))
    flooding = [asyncio.create_task(asked(house, f"x{number}@acme.test", 10.5)) for number in range(10_000)]
    await asyncio.sleep(1)
    for _ in range(5):
        assert await asked(house, "max@acme.test", within=2.0) == "result"
        await asyncio.sleep(1)
    outcomes = Counter(await asyncio.gather(*flooding))
    assert set(outcomes) <= {"item-not-found", "remote-server-timeout"}
    assert sum(outcomes.values()) == 10_000
    calls = sum("/admin/v1.0/users" in entry["path"] for entry in house.rainbow.record.requests)
    assert calls <= 250  # ten addresses a second, two calls each
    assert await asked(house, "late@acme.test") == "result"


async def test_the_list_is_kept_without_its_pages() -> None:
    """A page is half a megabyte here; what is kept of a user, with all that finds her, is less than 3 kB."""
    users = [
        LabUser(
            id=f"5f{number:022x}",
            login_email=f"ada.lovelace{number:05}@acme.test",
            emails=((f"a.lovelace{number:05}@corp.acme.test", "work"), (f"ada{number:05}@home.test", "home")),
            external_uid=f"a.lovelace{number:05}@corp.acme.test",
            jid=f"{number}@rainbow.test",
            extra={"customData": "x" * 4000},
        )
        for number in range(10_000)
    ]
    lab = LabRainbow(users=users, now=lambda: datetime.now(UTC), random=Random(1))
    await lab.start()
    roster = Roster()
    async with RainbowClient(
        url=lab.url,
        login=lab.login,
        password=lab.password,
        app_id=lab.app_id,
        app_secret=lab.app_secret,
        company_id=None,
        now=lambda: datetime.now(UTC),
        random=Random(1).random,
    ) as client:
        roll_call = RollCall(client, roster, progress=quiet, random=Random(1).random)
        await client.signed_in()
        tracemalloc.start()
        try:
            roster.replace((await roll_call.call()).values())
            kept, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            before = roster.get(users[7].id)
            roster.replace((await roll_call.call()).values())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    await lab.stop()
    assert client.counters.transport.bytes > 2 * 10_000 * 4000
    assert len(roster) == 10_000
    assert kept / 10_000 < 3000
    assert peak - kept < 15_000_000
    assert roster.get(users[7].id) is before
