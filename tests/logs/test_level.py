import asyncio
import json
import logging
from typing import Any

import pytest
import structlog

from rainbow_exchange import logs
from tests.house import virtually
from tests.logs.conftest import Stderr

SWITCH = logs.SWITCH


def said(stderr: Stderr) -> list[tuple[Any, ...]]:
    lines = [json.loads(line) for line in stderr.getvalue().splitlines()]
    return [
        (line["to"], line["before"], line["by"], line["for_seconds"])
        for line in lines
        if line["event"] == "log_level_changed"
    ]


def logged(stderr: Stderr) -> list[str]:
    """Log one line of each level, and give those that were written."""
    before = len(stderr.getvalue().splitlines())
    for level in ("debug", "info", "warning", "error"):
        getattr(structlog.get_logger("rainbow_exchange.test"), level)("tried")
    return [json.loads(line)["level"] for line in stderr.getvalue().splitlines()[before:]]


def test_debug_is_over_by_itself_after_half_an_hour(stderr: Stderr) -> None:
    async def test() -> None:
        logs.configure("info")
        SWITCH.choose("debug", None, by="command")

        assert logged(stderr) == ["debug", "info", "warning", "error"]
        await asyncio.sleep(1799)
        assert (SWITCH.level, SWITCH.chosen) == ("debug", True)
        assert SWITCH.seconds_left() == pytest.approx(1)
        await asyncio.sleep(1.5)
        assert (SWITCH.level, SWITCH.chosen, SWITCH.seconds_left()) == ("info", False, None)
        assert logged(stderr) == ["info", "warning", "error"]
        assert said(stderr) == [("debug", "info", "command", 1800), ("info", "debug", "time", None)]

    virtually(test)


def test_the_last_choice_counts_and_for_as_long_as_it_says(stderr: Stderr) -> None:
    async def test() -> None:
        logs.configure("info")
        SWITCH.choose("debug", 60, by="command")
        SWITCH.choose("error", 600, by="page")
        await asyncio.sleep(120)
        assert logged(stderr) == ["error"]
        await asyncio.sleep(500)
        assert logged(stderr) == ["info", "warning", "error"]
        assert said(stderr) == [
            ("debug", "info", "command", 60),
            ("error", "debug", "page", 600),
            ("info", "error", "time", None),
        ]

    virtually(test)


def test_less_than_the_settings_say_lasts_until_it_is_taken_back() -> None:
    async def test() -> None:
        logs.configure("info")
        SWITCH.choose("warning", None, by="command")
        await asyncio.sleep(100_000)
        assert (SWITCH.level, SWITCH.seconds_left()) == ("warning", None)
        SWITCH.choose("info", None, by="command")
        assert (SWITCH.level, SWITCH.chosen) == ("info", False)

    virtually(test)


def test_settings_read_anew_count_at_once_and_only_where_they_say_something_else(stderr: Stderr) -> None:
    async def test() -> None:
        logs.configure("info")
        SWITCH.choose("debug", 600, by="command")
        SWITCH.settings_say("info")
        assert (SWITCH.level, SWITCH.chosen) == ("debug", True)
        SWITCH.settings_say("warning")
        assert (SWITCH.level, SWITCH.chosen) == ("warning", False)
        await asyncio.sleep(700)
        assert SWITCH.level == "warning"
        assert said(stderr)[-1] == ("warning", "debug", "settings", None)

    virtually(test)


def test_libraries_stay_at_warning(stderr: Stderr) -> None:
    async def test() -> None:
        logs.configure("info")
        SWITCH.choose("debug", 60, by="command")
        logging.getLogger("aiohttp.client").info("not shown")
        logging.getLogger("aiohttp.client").warning("shown")
        assert "not shown" not in stderr.getvalue()

    virtually(test)
