"""Faults in an administrator's words: turned, read back, put to rest; and a connector does what they promise."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest

from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.faults import FAULTS, Faults
from rainbow_exchange.lab.lab_calls import LabCalls
from rainbow_exchange.lab.rainbow import LabRainbow
from rainbow_exchange.lab.serve import mailboxes_of
from tests.house import House, now, until, virtually

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
USERS = make_company(3)
ADA = "ada@acme.test"


@asynccontextmanager
async def lab() -> AsyncIterator[tuple[LabExchange, LabRainbow]]:
    exchange = LabExchange(mailboxes=[LabMailbox(address=ADA)], password="pw", now=lambda: NOW, random=Random(1).random)
    rainbow = LabRainbow(users=USERS, now=lambda: NOW, random=Random(1))
    await exchange.start()
    await rainbow.start()
    yield exchange, rainbow
    await exchange.stop()
    await rainbow.stop()


def faults_of(session: aiohttp.ClientSession, exchange: LabExchange, rainbow: LabRainbow) -> Faults:
    return Faults(
        exchange=LabCalls(session, exchange.base), rainbow=LabCalls(session, rainbow.url), account="svc-rainbow"
    )


def positions(exchange: LabExchange, rainbow: LabRainbow) -> tuple[Any, ...]:
    return exchange.dials.shown(), exchange.outage.as_json(), rainbow.dials.as_json(), rainbow.outage.as_json()


async def test_each_fault_that_lasts_is_on_by_itself_and_leaves_nothing_behind() -> None:
    async with lab() as (exchange, rainbow), aiohttp.ClientSession() as session:
        faults = faults_of(session, exchange, rainbow)
        exchange.dials.turn({"passwords": {"ada@acme.test": "own"}, "mailbox_errors": {"x@y.test": "ErrorOther"}})
        rest = positions(exchange, rainbow)
        assert await faults.on() == set()
        for fault in FAULTS:
            if fault.once is not None:
                continue
            mailbox = "Ada@acme.test" if fault.of_mailbox else ""
            for _ in range(2):  # twice is once
                await faults.turn(fault.id, on=True, mailbox=mailbox)
            assert await faults.on() == {(fault.id, mailbox.lower())}
            assert positions(exchange, rainbow) != rest
            for _ in range(2):
                await faults.turn(fault.id, on=False, mailbox=mailbox)
            assert positions(exchange, rainbow) == rest, fault.id


async def test_all_are_switched_off_at_once_and_others_than_these_are_left() -> None:
    async with lab() as (exchange, rainbow), aiohttp.ClientSession() as session:
        faults = faults_of(session, exchange, rainbow)
        exchange.dials.turn({"keep_bodies": True})
        rest = positions(exchange, rainbow)
        for fault in FAULTS:
            await faults.turn(fault.id, on=True, mailbox=ADA if fault.of_mailbox else "")
        lasting = {fault.id for fault in FAULTS if fault.once is None} - {"link-away"}  # which is within rainbow-away
        assert {fault_id for fault_id, _ in await faults.on()} == lasting
        await faults.all_off()
        assert await faults.on() == set()
        assert positions(exchange, rainbow) == rest


async def test_a_fault_of_a_side_that_is_not_there_is_not_offered() -> None:
    async with lab() as (exchange, _), aiohttp.ClientSession() as session:
        faults = Faults(exchange=LabCalls(session, exchange.base), rainbow=None, account="svc-rainbow")
        assert {fault.side for fault in faults.known()} == {"exchange"}
        assert await faults.on() == set()
        with pytest.raises(LookupError):
            await faults.turn("rainbow-away", on=True)
        with pytest.raises(LookupError):
            await faults.turn("nothing", on=True)


#: of each fault: within how many seconds a change is seen while it lasts (None: not at all), and from its end on
PROMISED: dict[str, tuple[float | None, float]] = {
    "exchange-away": (None, 30),
    "exchange-busy": (None, 120),
    "exchange-slow": (5, 0),
    "streams-broken": (5, 0),
    "streams-silent": (90, 0),
    "fail-over": (5, 0),
    "password-changed": (None, 5),
    "no-impersonation": (None, 5),
    "mailbox-moving": (None, 120),
    "mailbox-unsubscribed": (5, 0),
    "rainbow-away": (None, 60),
    "link-away": (None, 60),
    "rainbow-limits": (None, 60),
}


def test_a_connector_does_what_each_fault_says_to_look_for(tmp_path: Path) -> None:
    """One after another on one company: a change that is made while one lasts is seen in time, with its subject."""

    async def test() -> None:
        house = House(tmp_path, 2)
        address = mailboxes_of(house.people)[0].address

        def shown() -> str:
            return house.rainbow.questions.shown(house.people[0]).subject or ""

        async with house.at_work() as daemon, aiohttp.ClientSession() as session:
            faults = faults_of(session, house.exchange, house.rainbow)
            for fault in FAULTS:
                while_it_lasts, afterwards = PROMISED[fault.id]
                await asyncio.sleep(20)
                await faults.turn(fault.id, on=True, mailbox=address if fault.of_mailbox else "")
                house.appointment(address, fault.id, start=now(), minutes=600)
                if while_it_lasts is None:
                    await asyncio.sleep(30)
                    assert shown() != fault.id
                else:
                    await until(lambda fault=fault: shown() == fault.id, within=while_it_lasts, step=0.5)  # type: ignore[misc]  # the loop's own
                await faults.all_off()
                if "retry --all" in fault.look_for:
                    daemon.retry(None)
                await until(lambda fault=fault: shown() == fault.id, within=afterwards + 0.1, step=0.5)  # type: ignore[misc]  # the loop's own
                await until(lambda: daemon.status()["state"] == "healthy", within=120, step=1)

    virtually(test)
