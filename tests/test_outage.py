import asyncio
from typing import TYPE_CHECKING

from structlog.testing import capture_logs

from rainbow_exchange.outage import Outage
from rainbow_exchange.sparing import Sparing
from tests.house import virtually

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any


def brief(lines: "list[MutableMapping[str, Any]]") -> list[tuple[str, str]]:
    return [(line["event"], line["log_level"]) for line in lines]


def test_the_first_failure_is_a_warning_and_the_end_says_how_long_it_was() -> None:
    async def test() -> None:
        outage = Outage("door_closed", "door_opened")
        with capture_logs() as lines:
            outage.went_well()
            for reason in ("locked", "stuck", "locked"):
                outage.failed(reason=reason)
                await asyncio.sleep(60)
            outage.went_well(by="key")
            outage.went_well()
            outage.failed(reason="locked")
            outage.forget()
            outage.went_well()
            outage.failed(reason="locked")
        assert brief(lines) == [
            ("door_closed", "warning"),
            ("door_closed", "debug"),
            ("door_closed", "debug"),
            ("door_opened", "info"),
            ("door_closed", "warning"),
            ("door_closed", "warning"),
        ]
        assert [line["reason"] for line in lines[:3]] == ["locked", "stuck", "locked"]
        assert (lines[3]["lasted_seconds"], lines[3]["by"]) == (180.0, "key")

    virtually(test)


def test_outside_of_a_loop_it_counts_time_too() -> None:
    outage = Outage("door_closed", "door_opened")
    with capture_logs() as lines:
        outage.failed(reason="locked")
        outage.went_well()
    assert lines[1]["lasted_seconds"] < 5


def test_a_thousand_at_once_are_ten_lines_and_a_number() -> None:
    async def test() -> None:
        lost = Sparing("letter_lost")
        with capture_logs() as lines:
            for number in range(1000):
                lost.log(number=number)
            await asyncio.sleep(61)
            lost.log(number=1000)
            await asyncio.sleep(3600)
        loud = [line for line in lines if line["log_level"] != "debug"]
        assert brief(loud) == [("letter_lost", "info")] * 10 + [("lines_spared", "info"), ("letter_lost", "info")]
        assert (loud[10]["of"], loud[10]["lines"], loud[10]["within_seconds"]) == ("letter_lost", 990, 60)
        assert len(lines) == 1002

    virtually(test)
