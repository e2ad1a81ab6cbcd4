import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange import logs
from rainbow_exchange.diagnosis import log_level
from tests.house import House, now, virtually


@pytest.mark.parametrize(
    "wanted",
    [
        {"level": "loud"},
        {"level": "debug", "seconds": 0},
        {"level": "debug", "seconds": 10**9},
        {"level": "debug", "seconds": "5"},
        {"level": "debug", "seconds": True},
    ],
)
async def test_what_is_not_understood_changes_nothing(wanted: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"level|time|seconds"):
        await log_level.answer(wanted, now=now())
    assert not logs.SWITCH.chosen


def test_the_running_daemon_says_more_for_a_time(tmp_path: Path) -> None:
    """Settings that are read anew and say the same as before do not end it."""

    async def test() -> None:
        logs.configure("info")
        house = House(tmp_path, 1)
        async with house.at_work() as daemon:
            assert house.status()["log"] == {
                "level": "info",
                "settings_level": "info",
                "changed": False,
                "until": None,
            }
            said = await log_level.answer({"level": "debug", "seconds": 600}, now=now())
            assert (said["level"], said["changed"], said["until"]) == ("debug", True, house.status()["log"]["until"])
            before = len(logs.recent())
            await asyncio.sleep(120)
            assert "debug" in [json.loads(line)["level"] for line in logs.recent()[before:]]
            await asyncio.sleep(481)
            assert (house.status()["log"]["level"], house.status()["log"]["changed"]) == ("info", False)

            log_level.choose("debug", None, by="page")
            await daemon.reload()
            assert house.status()["log"]["level"] == "debug"

    virtually(test)
    logs.SWITCH.begin("info")
