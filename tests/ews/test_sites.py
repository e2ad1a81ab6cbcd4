"""Where mailboxes belong: asked in batches, waited for a while, and given up for a quarter of an hour when it fails."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest

from rainbow_exchange.ews.discovery.outcome import Located, NotHere, Outcome
from rainbow_exchange.ews.errors import EwsAuthenticationError, EwsConnectionError
from rainbow_exchange.ews.sites import Sites
from rainbow_exchange.model import Mailbox

PARIS = Located(external_url="https://mail.acme.test/EWS/Exchange.asmx", grouping="Paris")
LYON = Located(external_url="https://lyon.acme.test/EWS/Exchange.asmx", grouping="Lyon")


class Autodiscover:
    """Says of each mailbox what the test has given it; a failure instead, if there is one."""

    def __init__(self, known: Mapping[str, Outcome]) -> None:
        self.known = known
        self.failure: EwsConnectionError | None = None
        self.hold = asyncio.Event()
        self.hold.set()
        self.batches: list[int] = []

    async def ask(self, addresses: Sequence[str]) -> dict[str, Outcome]:
        self.batches.append(len(addresses))
        await self.hold.wait()
        if self.failure is not None:
            raise self.failure
        return {address: self.known.get(address, NotHere(code="InvalidUser")) for address in addresses}


async def proven(_: str) -> None:
    """EWS has accepted the credentials."""


@asynccontextmanager
async def at_work(sites: Sites) -> AsyncIterator[None]:
    task = asyncio.create_task(sites.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def key(sites: Sites, address: str) -> str:
    return sites.group_key(Mailbox(address=address))


async def test_without_autodiscover_all_are_alike_and_nobody_waits() -> None:
    sites = Sites(None, proven)
    await sites.ready("ann@acme.test")
    assert key(sites, "ann@acme.test") == ""
    assert sites.host("ann@acme.test") == ""


async def test_what_is_wanted_together_is_asked_for_a_hundred_at_a_time() -> None:
    people = [f"p{number}@acme.test" for number in range(250)]
    autodiscover = Autodiscover(dict.fromkeys(people, PARIS) | {people[3]: LYON})
    sites = Sites(autodiscover.ask, proven)
    async with at_work(sites):
        sites.want(people)
        await sites.ready(people[249])
        assert autodiscover.batches == [100, 100, 50]
        sites.want(people)
        await sites.ready(people[0])
        await asyncio.sleep(5)
        assert autodiscover.batches == [100, 100, 50]
    assert key(sites, people[0]) == "https://mail.acme.test/ews/exchange.asmx|Paris"
    assert key(sites, people[3]) == "https://lyon.acme.test/ews/exchange.asmx|Lyon"
    assert Counter(map(sites.host, people)) == {"mail.acme.test": 249, "lyon.acme.test": 1}


async def test_a_mailbox_that_autodiscover_does_not_know_is_like_any_other() -> None:
    sites = Sites(Autodiscover({}).ask, proven)
    async with at_work(sites):
        await sites.ready("ann@acme.test")
    assert key(sites, "ann@acme.test") == ""


async def test_a_failure_holds_nobody_up_and_is_not_repeated_for_a_quarter_of_an_hour() -> None:
    autodiscover = Autodiscover({"ann@acme.test": PARIS})
    autodiscover.failure = EwsConnectionError("timeout")
    sites, loop = Sites(autodiscover.ask, proven), asyncio.get_running_loop()
    async with at_work(sites):
        await sites.ready("ann@acme.test")
        await sites.ready("ann@acme.test")
        assert autodiscover.batches == [1]
        assert loop.time() < 1
        autodiscover.failure = None
        await asyncio.sleep(901)
        await sites.ready("ann@acme.test")
    assert key(sites, "ann@acme.test").endswith("|Paris")


async def test_autodiscover_is_not_told_a_password_that_ews_refuses() -> None:
    autodiscover = Autodiscover({"ann@acme.test": PARIS})
    refused, asked = True, []

    async def prove(address: str) -> None:
        asked.append(address)
        if refused:
            raise EwsAuthenticationError(401)

    sites, loop = Sites(autodiscover.ask, prove), asyncio.get_running_loop()
    async with at_work(sites):
        sites.want(["bob@acme.test"])
        await sites.ready("ann@acme.test")
        await asyncio.sleep(1)
        assert autodiscover.batches == []
        assert asked == ["ann@acme.test", "bob@acme.test"]
        assert loop.time() < 2
        refused = False
        await sites.ready("ann@acme.test")
        assert autodiscover.batches == [1]
    assert key(sites, "ann@acme.test").endswith("|Paris")


async def test_nobody_waits_longer_than_ten_seconds() -> None:
    autodiscover = Autodiscover({})
    autodiscover.hold.clear()
    sites, loop = Sites(autodiscover.ask, proven), asyncio.get_running_loop()
    async with at_work(sites):
        await sites.ready("ann@acme.test")
        assert loop.time() == pytest.approx(10, abs=0.5)


async def test_a_mailbox_that_is_elsewhere_is_asked_about_once_more_and_keeps_its_place_where_that_fails() -> None:
    ann = Mailbox(address="ann@acme.test")
    autodiscover = Autodiscover({ann.address: PARIS})
    sites = Sites(autodiscover.ask, proven)
    async with at_work(sites):
        await sites.ready(ann.address)
        paris = sites.group_key(ann)
        autodiscover.known = {ann.address: LYON}
        await sites.find_anew(ann)
        lyon = sites.group_key(ann)
        assert paris != lyon != ""
        autodiscover.failure = EwsConnectionError("timeout")
        await sites.find_anew(ann)
        assert sites.group_key(ann) == lyon
        assert autodiscover.batches == [1, 1, 1]
