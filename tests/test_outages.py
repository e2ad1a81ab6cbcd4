"""One WARNING when something fails, one INFO with its length when it is over, and nothing but DEBUG in between.

A company between the lab's two sides, over real sockets; each outage has tries inside that fail in several ways.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.house import House, until, virtually

Lines = list[Mapping[str, Any]]
Course = Callable[[House], Awaitable[None]]
LOUD = ("info", "warning", "error", "critical")
#: what is said at info of the whole company while something is away, once at its beginning
OF_ALL = {"state_changed"}
#: what follows from its end, before that has lasted long enough to be said
FOLLOWS = {"everybody_told_anew", "users_listed", "change_told"}


async def _exchange_is_gone(house: House) -> None:
    for how in ("reset", "silent", "reset"):
        house.exchange.outage.set({"ews": how})
        await asyncio.sleep(150)
    house.exchange.outage.set({"ews": ""})


async def _exchange_is_another_ruin_each_time(house: House) -> None:
    for status in (503, 500, 504, 502):
        house.exchange.dials.turn({"web_server_status": status})
        house.exchange.outage.set({"ews": "reset"})
        house.exchange.outage.set({"ews": ""})
        await asyncio.sleep(100)
    house.exchange.dials.turn({"web_server_status": 0})


async def _rainbow_is_gone(house: House) -> None:
    for how in ("reset", "silent", "reset"):
        house.rainbow.outage.set(dict.fromkeys(house.rainbow.outage.parts, how))
        await asyncio.sleep(150)
    house.rainbow.outage.set(dict.fromkeys(house.rainbow.outage.parts, ""))


async def _the_link_is_gone(house: House) -> None:
    for how in ("reset", "silent", "reset"):
        house.rainbow.outage.set({"link": how})
        await asyncio.sleep(150)
    house.rainbow.outage.set({"link": ""})


async def _rainbow_lets_itself_not_be_told(house: House) -> None:
    for status in (403, 500, 503):
        house.rainbow.dials.set({"refuse_next": 1000, "refuse_status": status, "refuse_path": "/notify"})
        house.appointment(next(iter(house.exchange.directory.by_address)), start=house.clock())
        await asyncio.sleep(100)
    house.rainbow.dials.set({"refuse_next": 0})


async def _users_are_not_listed(house: House) -> None:
    for status in (500, 403, 503):
        house.rainbow.dials.set({"refuse_next": 1000, "refuse_status": status, "refuse_path": "/users"})
        await asyncio.sleep(150)
    house.rainbow.dials.set({"refuse_next": 0})


OUTAGES: dict[str, tuple[Course, str, str, tuple[float, float]]] = {
    "Exchange": (_exchange_is_gone, "exchange_unavailable", "exchange_available", (445, 1500)),
    "Exchange, in many ways": (
        _exchange_is_another_ruin_each_time,
        "exchange_unavailable",
        "exchange_available",
        (395, 900),
    ),
    "Rainbow": (_rainbow_is_gone, "rainbow_unavailable", "rainbow_available", (350, 1500)),
    "the link": (_the_link_is_gone, "rainbow_unavailable", "rainbow_available", (350, 1500)),
    "notify": (_rainbow_lets_itself_not_be_told, "rainbow_unavailable", "rainbow_available", (295, 900)),
    "the list of users": (_users_are_not_listed, "rainbow_unavailable", "rainbow_available", (350, 1500)),
}


@pytest.mark.parametrize("outage", OUTAGES)
def test_an_outage_is_one_warning_and_its_end_one_info(tmp_path: Path, outage: str) -> None:
    course, fails, over, (least, most) = OUTAGES[outage]

    async def test() -> None:
        house = House(tmp_path, 12)
        house.bridge = {"users_refresh_minutes": 1}
        with capture_logs() as lines:
            async with house.at_work():
                await asyncio.sleep(60)
                begin = len(lines)
                await course(house)
                await until(lambda: [line for line in lines[begin:] if line["event"] == over], within=4000)
                await asyncio.sleep(120)
                during = lines[begin:]
        loud = [line for line in during if line["log_level"] in LOUD and line["event"] not in OF_ALL | FOLLOWS]
        ends = [line for line in loud if line["event"] in (fails, over)]
        assert [(line["event"], line["log_level"]) for line in ends] == [(fails, "warning"), (over, "info")]
        assert ends[0]["reason"]
        assert ends[0]["action"]
        assert least <= ends[1]["lasted_seconds"] <= most
        first, last = loud.index(ends[0]), loud.index(ends[1])
        assert loud[first : last + 1] == ends
        assert [line for line in loud if line["log_level"] != "info"] == ends[:1]

    virtually(test)


async def _for_a_while(house: House, seconds: float) -> None:
    """Let time pass in which Exchange as a whole is never said to be away."""
    for _ in range(round(seconds / 0.4)):
        await asyncio.sleep(0.4)
        assert house.status()["exchange"]["state"] == "connected"


def test_streams_that_fall_silent_are_one_warning_of_their_own(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 12)
        with capture_logs() as lines:
            async with house.at_work():
                await asyncio.sleep(60)
                begin = len(lines)
                house.exchange.dials.turn({"silence": True})
                await _for_a_while(house, 400)
                house.exchange.dials.turn({"silence": False})
                await _for_a_while(house, 300)
                loud = [line for line in lines[begin:] if line["log_level"] in LOUD]
        assert [(line["event"], line["log_level"]) for line in loud] == [
            ("streams_interrupted", "warning"),
            ("streams_restored", "info"),
        ]
        assert loud[0]["reason"] == "timeout: a stream was silent for 90 s"
        assert loud[0]["mailboxes"] == len(house.people)
        assert 300 <= loud[1]["lasted_seconds"] <= 500

    virtually(test)


def test_streams_that_are_cut_and_open_again_at_once_are_no_outage(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 12)
        with capture_logs() as lines:
            async with house.at_work():
                begin = len(lines)
                for _ in range(5):
                    await _for_a_while(house, 60)
                    for stream in [*house.exchange.streams.open]:
                        stream.ordered("drop")
                await _for_a_while(house, 60)
                loud = [line for line in lines[begin:] if line["log_level"] in LOUD]
        assert loud == []

    virtually(test)
