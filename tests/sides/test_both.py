"""Both sides come and go with the settings: the link outlives the bridge, and only what changed is built anew."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.errors import UserError
from tests.house import House, until, virtually


async def asked(house: House, window: tuple[str, str] | None = None) -> tuple[str, str | None]:
    """Ask for the first person's calendar as Rainbow does."""
    entry = await house.rainbow.questions.ask("events", house.people[0].login_email, window=window)
    return entry["outcome"], entry.get("condition")


def state(status: dict[str, Any], side: str) -> str:
    return str(status[side]["state"])


def test_rainbow_is_connected_and_answered_while_exchange_has_no_settings(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 3)
        house.password = None
        async with house.at_work("degraded") as daemon:
            await until(lambda: state(daemon.status(), "rainbow") == "connected", within=60)
            status = daemon.status()
            assert state(status, "exchange") == "unconfigured"
            [problem] = status["problems"]
            assert problem["id"] == "settings-missing"
            assert "exchange.password" in problem["text"]
            assert "rainbow." not in problem["text"]
            assert daemon.measures()["rainbow_connected"] is True
            assert not daemon.ready()
            # one answer, at once, and it is an error
            assert await asked(house) == ("error", "service-unavailable")
            assert house.rainbow.record.questions[-1]["seconds"] < 1
            assert house.rainbow.record.counts["unexpected_answers"] == 0

            house.password = "Exchange#1"
            await daemon.reload()
            await until(lambda: daemon.status()["state"] == "healthy", within=120)
            assert await asked(house) == ("result", None)
            assert len(house.rainbow.record.xmpp_logins) == 1

    virtually(test)


def test_another_exchange_password_builds_the_bridge_anew_and_leaves_the_link(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 3)
        async with house.at_work() as daemon:
            before = daemon._sides
            assert before is not None
            exchange, rainbow = before.exchange, before.rainbow
            await daemon.reload()
            await asyncio.sleep(60)
            assert (before.exchange, before.rainbow) == (exchange, rainbow)

            house.password = "wrong"
            await daemon.reload()
            await until(lambda: "exchange-authentication" in problems(daemon.status()), within=60)
            assert len(house.exchange.subscriptions) == 0
            assert daemon.status()["state"] == "degraded"

            house.password = "Exchange#1"
            await daemon.reload()
            await until(lambda: daemon.status()["state"] == "healthy", within=120)
            assert problems(daemon.status()) == []
            assert before.rainbow is rainbow
            assert len(house.rainbow.record.xmpp_logins) == 1
            assert len(house.exchange.subscriptions) == 3

    virtually(test)


def test_whoever_asks_while_the_bridge_is_left_gets_one_error(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 3)
        async with house.at_work() as daemon:
            house.exchange.dials.turn({"delay_seconds": 3.0})
            house.settings["impersonation"] = False
            unread = ("2026-03-20T00:00:00Z", "2026-03-21T00:00:00Z")
            questions = [asyncio.create_task(asked(house, unread)) for _ in range(5)]
            await asyncio.sleep(0.5)
            await daemon.reload()
            assert {await question for question in questions} == {("error", "service-unavailable")}
            assert await asked(house) == ("error", "service-unavailable")
            assert house.rainbow.record.counts["unexpected_answers"] == 0

    virtually(test)


def test_another_rainbow_account_builds_everything_anew(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 3)
        async with house.at_work() as daemon:
            right = house.rainbow_password
            house.rainbow_password = "wrong"
            await daemon.reload()
            await until(lambda: "rainbow-authentication" in problems(daemon.status()), within=60)
            assert state(daemon.status(), "rainbow") == "disconnected"
            house.rainbow_password = right
            await daemon.reload()
            await until(lambda: daemon.status()["state"] == "healthy", within=120)
            assert len(house.rainbow.record.xmpp_logins) == 2

    virtually(test)


def test_faulty_settings_end_the_start_and_nothing_later(tmp_path: Path) -> None:
    async def test() -> None:
        no_certificate = tmp_path / "ca.pem"
        no_certificate.write_text("none", encoding="ascii")
        house = House(tmp_path, 3)
        async with house.at_work() as daemon:
            house.settings["ca_file"] = str(no_certificate)
            await daemon.reload()
            await until(lambda: problems(daemon.status()) == ["settings-faulty"], within=60)
            assert "ca.pem" in daemon.status()["problems"][0]["text"]
            assert state(daemon.status(), "rainbow") == "connected"
            del house.settings["ca_file"]
            await daemon.reload()
            await until(lambda: daemon.status()["state"] == "healthy", within=120)
        house.settings["ca_file"] = str(no_certificate)
        with pytest.raises(UserError, match=r"ca\.pem"):
            await house.new_daemon().run()

    virtually(test)


def test_a_stop_while_the_bridge_is_being_left_takes_ten_seconds_at_most(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 5)
        async with house.at_work() as daemon:
            house.exchange.dials.turn({"delay_seconds": 3600.0})
            house.rainbow.dials.set({"rest_late_seconds": 60.0})
            house.settings["impersonation"] = False
            await daemon.reload()
            await asyncio.sleep(4)
            daemon.stop()
            await until(lambda: house.seen[-1] == "stopped", within=10)

    virtually(test)


def problems(status: dict[str, Any]) -> list[str]:
    return [problem["id"] for problem in status["problems"]]
