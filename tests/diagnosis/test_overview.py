"""One look says whether all is well, and if not, why and where to go on."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.daemon import Daemon
from rainbow_exchange.diagnosis.headcount import Headcounts
from rainbow_exchange.diagnosis.overview import Overview, look
from rainbow_exchange.lab.exchange.mailbox import Right
from tests.administrator import Administrator
from tests.house import EPOCH, House, now, until, virtually


async def seen(daemon: Daemon) -> Overview:
    """Look as the page does, for the first time."""
    daemon._condition.review()
    return await look(daemon._condition, daemon.sides, Headcounts(daemon.sides.bridge))


async def said(daemon: Daemon) -> tuple[str, str, str]:
    verdict = (await seen(daemon)).verdict
    return verdict.tone, verdict.word, verdict.says


def test_a_connector_without_settings_leads_to_the_set_up(tmp_path: Path) -> None:
    async def test() -> None:
        settings = Settings.model_validate({"web": {"port": 0}, "state": {"path": tmp_path}})
        daemon = Daemon(settings, Secrets(), now=now)
        running = asyncio.create_task(daemon.run())
        await until((tmp_path / "runtime.json").exists, within=10)
        overview = await seen(daemon)
        assert (overview.verdict.word, overview.verdict.says) == ("Not set up", "The connector is not set up yet.")
        assert overview.verdict.set_up
        assert (overview.exchange.state, overview.rainbow.state) == ("unconfigured", "unconfigured")
        assert (overview.meter, overview.link, overview.people.total) == (None, None, 0)
        daemon.stop()
        assert await said(daemon) == ("idle", "Stopping", "The connector is being stopped.")
        assert await running == 0

    virtually(test)


def test_where_rainbow_is_there_exchange_is_what_has_to_be_set_up(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2, url=None, username=None)
        house.password = None
        async with house.open():
            daemon = house.start()
            await until(lambda: daemon._sides is not None, within=1, step=0)
            await until(lambda: daemon.sides.rainbow and daemon.sides.rainbow.link.connected, within=60)
            await until(lambda: daemon.sides.hold and daemon.sides.hold.problem, within=60)
            overview = await seen(daemon)
            assert (overview.verdict.says, overview.verdict.set_up) == ("Exchange is not set up yet.", True)
            assert (overview.rainbow.state, overview.exchange.state) == ("connected", "unconfigured")

    virtually(test)


def test_it_says_how_it_is_from_the_start_until_it_is_switched_off(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 8)
        addresses = sorted(house.exchange.directory.by_address)
        house.exchange.dials.turn({"mailbox_errors": {addresses[0]: "ErrorNonExistentMailbox"}})
        async with house.open():
            daemon = house.start()
            await until(lambda: daemon._sides is not None, within=1, step=0)
            tone, word, says = await said(daemon)
            assert (tone, word) == ("idle", "Starting")
            assert says.startswith("The connector is starting; 0 of ")
            await until(lambda: house.status()["state"] == "healthy", within=120)
            _, _, says = await said(daemon)
            assert says == "All is well: 0 of 8 people are covered, 7 more are on their way."
            await until(lambda: house.status()["mailboxes"]["streamed"] == 7, within=60)
            assert await said(daemon) == ("good", "Healthy", "All is well: 7 of 8 people are covered.")
            overview = await seen(daemon)
            assert (overview.exchange.state, overview.exchange.account) == ("connected", "svc-rainbow")
            [why] = overview.why
            assert (why.says, why.group.people) == ("Exchange knows no mailbox by any of their addresses", 1)
            assert why.action.startswith("Compare their login and work addresses in Rainbow")

            house.appointment(addresses[1], start=EPOCH + timedelta(hours=1))
            await until(lambda: daemon._condition.timings.hour.whole(now()).asked.counts, within=30)
            overview = await seen(daemon)
            assert (overview.hour.calendars, len(overview.hour.told), len(overview.minutes)) == (1, 1, 1)
            assert overview.meter is not None
            assert (overview.meter.streams_open, overview.meter.out_of_office_period_seconds) == (1, 60.0)
            assert overview.link is not None
            assert overview.link.counters.questions >= 1

            problems = daemon._condition.problems
            problems.report("exchange-fault", severity="warning", text="This.", action="Do that.")
            verdict = (await seen(daemon)).verdict
            assert (verdict.tone, verdict.word) == ("warn", "Degraded")
            assert (verdict.because, verdict.action, verdict.set_up) == ("This.", "Do that.", False)
            problems.report("rainbow-fault", severity="error", text="Worse.", action="Do this first.")
            verdict = (await seen(daemon)).verdict
            assert (verdict.tone, verdict.because) == ("bad", "Worse.")
            for problem in list(problems):
                problems.clear(problem.id)

            await Administrator(house.rainbow).switch("disabled")
            await Administrator(house.rainbow).exchange(any="thing")  # which is told
            await until(lambda: house.status()["state"] == "switched off", within=60)
            tone, word, says = await said(daemon)
            assert (tone, word) == ("idle", "Switched off")
            assert says == "Calendar synchronisation is switched off in Rainbow's administration."

    virtually(test)


@pytest.mark.parametrize(
    ("code", "people", "says"),
    [
        ("ErrorAccessDenied", 3, "Exchange denies access to their mailboxes (ErrorAccessDenied)"),
        ("ErrorImpersonateUserDenied", 1, "The service account may not act for them (ErrorImpersonateUserDenied)"),
        ("ErrorAccountDisabled", 2, "Their account or mailbox is out of use in Exchange (ErrorAccountDisabled)"),
    ],
)
def test_each_group_says_why_and_what_to_do(tmp_path: Path, code: str, people: int, says: str) -> None:
    async def test() -> None:
        house = House(tmp_path, 6)
        refused = sorted(house.exchange.directory.by_address)[:people]
        house.exchange.dials.turn({"mailbox_errors": dict.fromkeys(refused, code)})
        async with house.open():
            daemon = house.start()
            await until(lambda: house.status()["mailboxes"]["streamed"] == 6 - people, within=120)
            await until(lambda: not daemon.sides.settling, within=60)
            overview = await seen(daemon)
            [why] = overview.why
            assert overview.verdict.says == "It works, but not for everybody or not for long."
            assert (why.says, why.group.people, why.group.reason) == (says, people, code)
            assert why.action

    virtually(test)


def test_it_does_not_say_that_it_works_where_nobody_is_covered(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        house.exchange.dials.turn({"impersonation": False})
        async with house.open():
            daemon = house.start()
            await until(lambda: house.status().get("problems"), within=120)
            assert await said(daemon) == ("bad", "Degraded", "It works for nobody.")

    virtually(test)


def test_not_all_is_well_while_calendars_cannot_be_read(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 3)
        async with house.open():
            daemon = house.start()
            await until(lambda: house.status()["mailboxes"]["streamed"] == 3, within=120)
            await until(lambda: not daemon.sides.settling, within=60)
            house.exchange.dials.turn({"server_busy": "message"})
            address = min(house.exchange.directory.by_address)
            house.appointment(address, start=EPOCH + timedelta(hours=1))
            bridge = daemon.sides.bridge()
            assert bridge is not None
            await until(lambda: bridge.parts.reader.failed(address), within=60)
            says = "3 of 3 people are covered; so many calendars cannot be read for now: 1."
            assert await said(daemon) == ("good", "Healthy", says)

    virtually(test)


def test_whoever_is_polled_has_the_remedy_of_the_limit(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 4, right=Right.REVIEWER, dials={"subscription_limit": 1}, impersonation=False)
        async with house.open():
            daemon = house.start()
            await until(lambda: house.status().get("mailboxes", {}).get("streamed") == 1, within=120)
            await until(lambda: house.status()["mailboxes"]["polled"] == 3 and house.status()["problems"], within=120)
            [why] = (await seen(daemon)).why
            says = "Exchange allows no subscription for them: their calendars are looked at in turn"
            assert (why.says, why.group.people) == (says, 3)
            assert why.action.startswith("Raise EwsMaxSubscriptions, or use impersonation")

            def found() -> list[str]:
                causes = [each.detail.get("cause") for each in daemon.sides.history.recent.after(0, None)]
                return [cause for cause in causes if cause == "polled"]

            await asyncio.sleep(130)
            assert found() == []  # the first turn finds no change
            bridge = daemon.sides.bridge()
            assert bridge is not None
            house.appointment(next(iter(bridge.changes.polling._polled())), start=EPOCH + timedelta(hours=1))
            await until(found, within=70)

    virtually(test)


def test_a_password_that_is_not_tried_again_is_not_said_to_be(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2, dials={"unauthorized": True})
        async with house.open():
            daemon = house.start()
            await until(lambda: house.status().get("problems"), within=120)
            overview = await seen(daemon)
            assert [(why.says, why.group.people) for why in overview.why] == [("Exchange is not connected", 2)]
            assert overview.why[0].action == overview.problems[0].action
            assert "is not tried again" in overview.why[0].action

    virtually(test)
