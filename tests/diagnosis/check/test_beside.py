"""The check beside what is there already: a running service, a state that knows better, Rainbow's administration."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.lab.exchange.reach import EWS
from tests.administrator import Administrator
from tests.checking import bench, check, checked, left, told
from tests.house import House, until, virtually


def test_another_machines_service_keeps_its_link_and_nobody_is_asked_in_its_place(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        async with house.at_work():
            subscribed = left(house)
            found = await check(house)
            assert found["rainbow-link"].text == "The XMPP server of rainbow.test lets the connector in."
            assert left(house) == subscribed
            await asyncio.sleep(60)
            link = house.status()["link"]
            assert (link["connections"], link["other_connectors"]) == (1, 0)
            assert house.status()["state"] == "healthy"

    virtually(test)


def test_a_server_that_says_nothing_ends_each_step_in_time(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        async with house.open():
            house.exchange.outage.set({EWS: "silent"})
            began = asyncio.get_running_loop().time()
            found = await check(house)
            took = asyncio.get_running_loop().time() - began
            house.exchange.outage.set({EWS: ""})
        assert told(found, "fail")["exchange-authentication"] == "exchange-unreachable"
        assert "does not answer in time" in found["exchange-authentication"].text
        assert found["exchange-authentication"].seconds <= 20.5
        assert found["rainbow-notify"].verdict == "pass"
        assert took < 60

    virtually(test)


def test_a_rainbow_that_says_nothing_is_not_taken_for_exchange(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        house.rainbow.dials.set({"rest_late_seconds": 600.0})
        async with house.open():
            found = await check(house)
            house.rainbow.dials.set({"rest_late_seconds": 0.0})
        assert told(found, "fail")["mailbox"] == "user-unknown"
        assert "(no answer in time)" in found["mailbox"].text
        assert found["mailbox"].seconds < 16
        assert told(found, "fail")["rainbow-sign-in"] == "rainbow-unreachable"
        assert found["exchange-version"].verdict == "pass"

    virtually(test)


def test_the_whole_is_limited_and_what_is_left_says_so(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        async with house.open():
            house.exchange.outage.set({EWS: "silent"})
            found = await check(house, total=8)
            house.exchange.outage.set({EWS: ""})
        assert told(found, "fail")["exchange-authentication"] == "exchange-unreachable"
        assert told(found, "fail")["rainbow-proxy"] == "check-out-of-time"
        assert found["rainbow-notify"].because == "rainbow-proxy"

    virtually(test)


def test_a_stream_that_is_held_back_is_named(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        house.exchange.dials.turn({"delay_seconds": 600.0, "delay_operations": ["GetStreamingEvents"]})
        async with house.open():
            found = await check(house)
            assert told(found, "fail")["stream"] == "exchange-stream-silent"
            assert found["availability"].verdict == "pass"
            assert len(list(house.exchange.subscriptions)) == 0

    virtually(test)


async def test_whoever_leaves_early_gives_everything_back(tmp_path: Path) -> None:
    house = bench(tmp_path)
    house.exchange.dials.turn({"delay_seconds": 600.0, "delay_operations": ["GetUserAvailability"]})
    async with house.open():
        going = asyncio.create_task(check(house))
        await until(lambda: "GetUserAvailability" in house.exchange.record.counts, within=10, step=0.02)
        assert left(house) == 1
        going.cancel()
        await asyncio.wait([going])
        assert going.cancelled()
        assert left(house) == 0
        house.exchange.dials.turn({"delay_seconds": 0.0})


def test_a_password_that_was_refused_before_is_not_sent_again_unasked(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 1)
        house.password = "wrong"
        async with house.open():
            house.start()
            await until(lambda: house.status()["exchange"]["state"] == "disconnected", within=120)
            await house.stop()
            attempts = len(house.exchange.attempts.read())
            first = await check(house)
            assert len(house.exchange.attempts.read()) == attempts
            again = await check(house, again=True)
            assert len(house.exchange.attempts.read()) > attempts
            repeated = await check(house)
        for found in (first, again, repeated):
            assert told(found, "fail")["exchange-authentication"] == "exchange-authentication"
        assert first["exchange-authentication"].fix.endswith("--try-again sends them once more.")
        assert "--try-again" not in again["exchange-authentication"].fix

    virtually(test)


async def test_what_rainbow_says_is_asked_for_first_and_used(tmp_path: Path) -> None:
    house = bench(tmp_path, username=None, url=None)
    house.password = None
    async with house.open():
        await Administrator(house.rainbow).exchange(url=house.exchange.url, login="svc-rainbow", password="Exchange#1")
        found = await check(house)

    steps = list(found)
    assert steps.index("rainbow-settings") < steps.index("exchange-place")
    assert steps.index("out-of-office") < steps.index("rainbow-users")
    assert told(found, "fail") == {}
    assert "Rainbow's administration (" in found["exchange-place"].text
    assert "Exchange#1" not in repr(found)


async def test_an_endpoint_that_only_rainbow_names_is_not_told_this_machines_password(tmp_path: Path) -> None:
    house = bench(tmp_path, url=None)
    async with house.open():
        await Administrator(house.rainbow).exchange(url=house.exchange.url)
        found = await check(house)
        assert house.exchange.attempts.read() == []

    assert told(found, "fail") == {"exchange-place": "exchange-endpoint-not-confirmed"}
    assert found["exchange-authentication"].because == "exchange-place"
    assert "exchange.allowed_hosts" in found["exchange-place"].fix


async def test_switched_off_in_rainbow_is_a_warning(tmp_path: Path) -> None:
    house = bench(tmp_path)
    async with house.open():
        await Administrator(house.rainbow).switch("disabled")
        found = await check(house)

    assert told(found, "warn") == {"rainbow-settings": "rainbow-switched-off"}


async def test_exchange_alone_as_before_saving_its_settings(tmp_path: Path) -> None:
    house = bench(tmp_path)
    person = house.people[0].mailbox
    assert person is not None

    found = await checked(house, sides=("exchange",), address=person.address)

    assert not any(step.startswith("rainbow") for step in found)
    assert told(found, "fail") == told(found, "warn") == {}
    assert found["stream"].verdict == "pass"


async def test_what_is_missing_keeps_its_side_only_from_being_looked_at(tmp_path: Path) -> None:
    house = bench(tmp_path)
    house.password = None

    found = await checked(house)

    assert told(found, "fail") == {"secrets": "settings-missing"}
    assert found["exchange-tls"].because == ""
    assert found["exchange-authentication"].because == "secrets"
    assert found["rainbow-notify"].verdict == "pass"


async def check_secrets(folder: Path, **candidate: Any) -> Any:
    return (await checked(bench(folder), sides=("exchange",), candidate=candidate))["secrets"]


async def test_the_account_of_the_service_counts(tmp_path: Path) -> None:
    known = await check_secrets(tmp_path, service="rbx", service_has=frozenset({"exchange.password"}))
    unknown = await check_secrets(tmp_path, service="rbx")
    lacking = await check_secrets(tmp_path, service="rbx", service_has=frozenset())

    assert (known.verdict, unknown.verdict, lacking.verdict) == ("pass", "warn", "fail")
    assert known.text.endswith("The service, as rbx, finds them, too.")
    assert unknown.fix.startswith("Run this as rbx")
    assert lacking.text == "The service, which runs as rbx, finds no exchange.password."
    assert "rainbow-exchange secret set exchange.password" in lacking.fix


async def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    fault = "exchange.password_file: /etc/pw cannot be read (Permission denied); correct the path."

    found = await check_secrets(tmp_path, secret_faults={"exchange.password": fault})

    assert (found.verdict, found.cause) == ("fail", "secret-unreadable")
    assert fault in found.text


@pytest.mark.parametrize(("url", "verdict"), [(True, "pass"), (False, "warn")])
async def test_an_administration_that_may_not_be_read(tmp_path: Path, url: bool, verdict: str) -> None:
    house = bench(tmp_path) if url else bench(tmp_path, url=None)
    house.rainbow.dials.set({"refuse_next": 99, "refuse_status": 403, "refuse_path": "companies/"})

    found = await checked(house)

    assert found["rainbow-settings"].verdict == verdict
    assert "the company (HTTP 403" in found["rainbow-settings"].text
