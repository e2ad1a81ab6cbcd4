"""Thousands of mailboxes on an Exchange with stock throttling: what is streamed, what is polled, and what status shows.

One process, real sockets, virtual time: the daemon between the lab's Exchange and Rainbow.
"""

import asyncio
import json
from pathlib import Path

import pytest

from tests.house import virtually
from tests.scale.company import Company


@pytest.mark.scale
def test_by_delegate_rights_ten_streams_carry_2000_of_2300_and_the_rest_is_polled_by_name(tmp_path: Path) -> None:
    async def test() -> None:
        here = Company(tmp_path, 2300, impersonation=False, preset="stock-2016")
        async with here.at_work("starting"):
            await here.until(lambda: here.covered()["streamed"] + here.covered()["polled"] == 2300, within=600)
            first_minute = here.last_request()
            await asyncio.sleep(120)
            status = json.loads(json.dumps(here.status()))
            assert status["mailboxes"]["streamed"] >= 1800
            assert status["mailboxes"]["uncovered"] == 0
            polled = {each["user"] for each in status["not_streamed"]}
            assert len(polled) == status["mailboxes"]["polled"] == 2300 - status["mailboxes"]["streamed"]
            assert {each["coverage"] for each in status["not_streamed"]} == {"polled"}
            assert {each["reason"] for each in status["not_streamed"]} == {"ErrorExceededConnectionCount"}
            assert all(each["next_try"] for each in status["not_streamed"])
            meter = status["throttling"]
            assert (meter["streams_limit"], meter["streams_open"], meter["poll_period_seconds"]) == (10, 10, 60)
            assert "mailboxes-polled" in {each["id"] for each in status["problems"]}
            number = int(min(polled).removesuffix("@acme.test")[1:])
            before = here.told(number)
            here.change(number)
            assert await here.until(lambda: here.told(number) > before, within=70) <= 65
            here.change(0)
            streamed = here.told(0)
            assert await here.until(lambda: here.told(0) > streamed, within=10) <= 5
            sent, refused = here.refused(since=first_minute)
            assert refused <= 3, f"{refused} of {sent}"

    virtually(test)


@pytest.mark.scale
def test_by_impersonation_5000_are_all_streamed(tmp_path: Path) -> None:
    async def test() -> None:
        here = Company(tmp_path, 5000, impersonation=True, preset="stock-2016")
        async with here.at_work("starting"):
            await here.until(lambda: here.covered()["streamed"] == 5000, within=900)
            status = here.status()
            assert status["mailboxes"] == {"total": 5000, "streamed": 5000, "polled": 0, "uncovered": 0}
            assert status["not_streamed"] == []
            assert (status["throttling"]["streams_limit"], status["throttling"]["streams_open"]) == (None, 25)
            assert here.refused()[1] == 0

    virtually(test)


@pytest.mark.scale
def test_exchange_2013_with_three_streams_an_account_streams_3000_by_impersonation(tmp_path: Path) -> None:
    async def test() -> None:
        here = Company(tmp_path, 3000, impersonation=True, preset="stock-2013")
        async with here.at_work("starting"):
            await here.until(lambda: here.covered()["streamed"] == 3000, within=900)
            anchors = {stream.call.charged for stream in here.exchange.streams.open}
            assert len(anchors) == len(here.exchange.streams.open) == 15
            assert here.refused()[1] == 0

    virtually(test)


@pytest.mark.scale
def test_exchange_2013_with_three_streams_carries_600_by_delegate_rights(tmp_path: Path) -> None:
    async def test() -> None:
        here = Company(tmp_path, 1000, impersonation=False, preset="stock-2013")
        async with here.at_work("starting"):
            await here.until(lambda: here.covered()["streamed"] + here.covered()["polled"] == 1000, within=600)
            await asyncio.sleep(90)
            at_rest = {"total": 1000, "streamed": 600, "polled": 400, "uncovered": 0}
            assert here.covered() == at_rest
            for each in here.exchange.subscriptions:  # a fail-over: none is left
                here.exchange.subscriptions.remove(each)
            await asyncio.sleep(1)
            assert here.covered()["uncovered"] > 0
            assert await here.until(lambda: here.covered()["uncovered"] == 0, within=300) <= 300
            await here.until(lambda: here.covered() == at_rest, within=900)

    virtually(test)


@pytest.mark.scale
def test_by_delegate_rights_all_streams_are_back_soon_after_a_fail_over_though_the_limit_was_long_known(
    tmp_path: Path,
) -> None:
    async def test() -> None:
        here = Company(tmp_path, 700, impersonation=False, preset="stock-2013")
        async with here.at_work("starting"):
            await here.until(lambda: here.covered()["streamed"] == 600, within=600)
            await asyncio.sleep(1000)
            here.exchange.disasters.fail_over("exch02.acme.test", streams="error")
            await here.until(lambda: here.covered()["streamed"] == 0, within=60)
            await here.until(lambda: here.covered()["streamed"] == 600, within=300)
            assert here.status()["throttling"]["streams_limit"] == 3

    virtually(test)


def test_beyond_the_limit_on_subscriptions_the_rest_is_polled_and_the_remedy_is_named(tmp_path: Path) -> None:
    async def test() -> None:
        here = Company(tmp_path, 500, impersonation=False, preset="stock-2016", subscription_limit=300)
        async with here.at_work("starting"):
            await here.until(lambda: here.covered()["streamed"] == 300, within=600)
            await asyncio.sleep(10)
            status = here.status()
            assert status["mailboxes"] == {"total": 500, "streamed": 300, "polled": 200, "uncovered": 0}
            assert {each["reason"] for each in status["not_streamed"]} == {"ErrorExceededSubscriptionCount"}
            assert status["throttling"]["subscriptions_limited"]
            [problem] = [each for each in status["problems"] if each["id"] == "exchange-subscriptions-exceeded"]
            assert "EwsMaxSubscriptions" in problem["action"]
            assert "impersonation" in problem["action"]
            assert here.refused()[1] <= 10

    virtually(test)


def test_a_server_that_is_busy_under_load_is_obeyed_and_everybody_is_covered(tmp_path: Path) -> None:
    """Each mailbox costs a tenth of a second; the account may use 20 s at once, overdraw 10 s, and regains 0.5 s/s."""
    budget = {
        "burst_milliseconds": 20_000,
        "cutoff_milliseconds": 10_000,
        "recharge_milliseconds": 1_800_000,
        "cost_milliseconds": 100,
    }

    async def test() -> None:
        here = Company(tmp_path, 400, impersonation=False, preset="stock-2016", **budget)
        async with here.at_work("starting"):
            await here.until(lambda: here.covered()["streamed"] == 400, within=1800)
            assert here.status()["throttling"]["back_offs"] > 0
            assert here.status()["throttling"]["last_reason"] == "ErrorServerBusy"
            await here.until(lambda: all(here.told(number) for number in range(400)), within=1800)
            settled = here.last_request()
            await asyncio.sleep(900)
            sent, refused = here.refused(since=settled)
            assert refused <= 0.02 * sent, f"{refused} of {sent}"

    virtually(test)
