"""Reading against the lab: long calendars, short windows, one slow mailbox among a hundred, many read one by one."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING, Any

from rainbow_exchange.lab.exchange import LabMailbox

if TYPE_CHECKING:
    from tests.bridge.conftest import Kit, MakeBridge, MakeExchange, MakeRainbow

ANN, BOB = "ann@acme.test", "bob@acme.test"


async def test_one_of_a_hundred_answers_after_30_seconds_and_the_other_99_are_not_late(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    scene: Callable[..., Any],
) -> None:
    """Changes of all come at the same moment, and Rainbow asks for all: the first time 3 s are lost, then nothing."""
    names = [f"u{number:02}" for number in range(100)]
    addresses = [f"{name}@acme.test" for name in names]
    exchange = await make_exchange(*(LabMailbox(address=address, right="reviewer") for address in addresses))
    rainbow = await make_rainbow(*map(kit.person, names))
    bridge = make_bridge(exchange, rainbow, impersonation=False, random=Random(3).random)
    loop = asyncio.get_running_loop()
    async with scene(bridge).at_work(*names) as watched:
        await watched.streamed(*addresses)
        await asyncio.sleep(20)
        exchange.lab.dials.turn(
            {"delay_seconds": 30.0, "delay_operations": ["GetUserAvailability"], "delay_mailboxes": [addresses[41]]}
        )
        others = [name for name in names if name != names[41]]

        async def all_told(subject: str) -> float:
            """Change every calendar; give the seconds until Rainbow was told of all but the slow one."""
            before = {name: bridge.notified(name) for name in names}
            began = loop.time()
            for address in addresses:
                exchange.appointment(address, subject=subject)
            await kit.until(lambda: all(bridge.notified(name) > before[name] for name in others), limit=30)
            return loop.time() - began

        async def asked(name: str) -> float:
            began = loop.time()
            assert await watched.asked(f"{name}@acme.test") != "remote-server-timeout"
            return loop.time() - began

        assert await all_told("First") <= 5.0
        await asyncio.sleep(5)
        assert await all_told("Second") <= 2.0
        for address in addresses:
            bridge.parts.reader.invalidate(address)
        assert max(await asyncio.gather(*map(asked, others))) <= 1.0
        assert watched.found() == {}
        await asyncio.sleep(120)
        assert [each.user for each in watched.not_read()] == [addresses[41]]
        assert list(watched.found()) == ["mailboxes-not-read"]


async def test_a_calendar_longer_than_one_answer_is_read_whole(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    scene: Callable[..., Any],
) -> None:
    exchange = await make_exchange(ANN, find_item_limit=1000)
    for number in range(1203):
        exchange.appointment(ANN, hours=1 + 0.05 * number, length=0.04, subject=f"{number:04}")
    bridge = make_bridge(exchange, await make_rainbow(kit.person("ann")))
    async with scene(bridge).at_work("ann"):
        await kit.until(lambda: bridge.parts.reader.last(ANN))
        agenda = bridge.parts.reader.last(ANN)
        assert agenda is not None
        assert [each.subject for each in agenda.appointments] == [f"{number:04}" for number in range(1203)]
        assert 2 < len(exchange.requests("FindItem")) <= 9


async def test_a_window_that_is_too_long_for_the_server_is_halved(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    scene: Callable[..., Any],
) -> None:
    exchange = await make_exchange(LabMailbox(address=ANN, right="reviewer"), availability_days=3)
    for day in range(-1, 8):
        exchange.appointment(ANN, hours=24 * day + 2, subject=f"day {day}")
    bridge = make_bridge(exchange, await make_rainbow(kit.person("ann")), impersonation=False)
    async with scene(bridge).at_work("ann") as watched:
        agenda = bridge.parts.reader.last(ANN)
        assert agenda is not None
        assert [each.subject for each in agenda.appointments] == [f"day {day}" for day in range(-1, 8)]
        assert watched.not_read() == []


async def test_mailboxes_read_one_by_one_stay_within_the_limit_on_requests(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    scene: Callable[..., Any],
) -> None:
    names = [f"u{number:03}" for number in range(120)]
    exchange = await make_exchange(
        *(f"{name}@acme.test" for name in names), delay_seconds=0.2, delay_operations=["FindItem"]
    )
    bridge = make_bridge(exchange, await make_rainbow(*map(kit.person, names)), random=Random(3).random)
    async with scene(bridge).at_work(*names) as watched:
        for name in names:
            exchange.appointment(f"{name}@acme.test")
        await kit.until(lambda: bridge.parts.counters.signals >= len(names))
        questions = await asyncio.gather(*(watched.asked(f"{name}@acme.test") for name in names))
        assert questions.count(["Planning"]) == len(names)
        spans = [
            (datetime.fromisoformat(each["arrived"]), datetime.fromisoformat(each["answered"]))
            for each in exchange.requests("FindItem")
            if each["answered"]
        ]
        assert len(spans) >= 2 * len(names)
        at_once = max(sum(begin <= moment < end for begin, end in spans) for moment, _ in spans)
        assert 4 < at_once <= 27
        assert {each["code"] for each in exchange.requests("FindItem")} <= {"NoError", ""}


async def test_an_older_server_is_asked_by_the_lower_version_from_then_on(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    scene: Callable[..., Any],
) -> None:
    exchange = await make_exchange(ANN, BOB, unknown_versions=["Exchange2013_SP1"])
    bridge = make_bridge(exchange, await make_rainbow(kit.person("ann"), kit.person("bob")))
    async with scene(bridge).at_work("ann", "bob") as watched:
        await watched.streamed(ANN, BOB)
        exchange.appointment(ANN, subject="Seen")
        await kit.until(lambda: bridge.notified("ann") == 2)
        assert await watched.asked(ANN) == ["Seen"]
        refused = [each for each in exchange.requests("") if each["code"] == "ErrorInvalidServerVersion"]
        assert 1 <= len(refused) <= 5  # those that were on their way when the first was refused
        later = [each for each in exchange.requests("") if each["number"] > refused[-1]["number"]]
        assert {each["server_version"] for each in later} == {"Exchange2010_SP1"}
        assert watched.found() == {}
