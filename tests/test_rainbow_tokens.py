"""Rainbow's tokens, limits and refusals between the product's client, or the whole daemon, and the lab's Rainbow."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import structlog

from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.rainbow import LabRainbow
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.company_users import users
from rainbow_exchange.rainbow.errors import RainbowApiError, RainbowError
from tests.house import EPOCH, House, now, until, virtually

LOGIN, RENEW, USERS, NOTIFY = "/login", "/renew", "/users", "/notify"
PEOPLE = make_company(3)
SOMEBODY = PEOPLE[0].id


def calls(rainbow: LabRainbow, ending: str) -> list[dict[str, Any]]:
    return [entry for entry in rainbow.record.requests if entry["path"].endswith(ending)]


def minutes(entries: list[dict[str, Any]]) -> list[int]:
    """Tell at which minute each came."""
    return [round((datetime.fromisoformat(entry["at"]) - EPOCH).total_seconds() / 60) for entry in entries]


@asynccontextmanager
async def meeting(
    *, clock: Callable[[], datetime] = now, running: bool = True, **dials: Any
) -> AsyncIterator[tuple[LabRainbow, RainbowClient]]:
    """Run the lab's Rainbow, whose clock is `clock`, and a client that keeps itself signed in."""
    rainbow = LabRainbow(users=PEOPLE, now=clock, random=Random(1), dials={"ask": False} | dials)
    await rainbow.start()
    client = RainbowClient(
        url=rainbow.url,
        login=rainbow.login,
        password=rainbow.password,
        app_id=rainbow.app_id,
        app_secret=rainbow.app_secret,
        company_id=None,
        now=now,
        random=Random(2).random,
    )
    async with client:
        task = asyncio.create_task(client.run()) if running else None
        try:
            yield rainbow, client
        finally:
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
            await rainbow.stop()


# --- the life of a token


@pytest.mark.parametrize("skew", [0, 10_000_000, -36_000])
def test_a_token_is_renewed_as_often_as_it_may_be_and_then_replaced_before_it_ends_whatever_the_clocks(
    skew: int,
) -> None:
    async def test() -> None:
        async with meeting(token_seconds=600, max_token_renew=3, clock_skew_seconds=skew) as (rainbow, client):
            for _ in range(3 * 60):
                await client.notify([SOMEBODY])
                await asyncio.sleep(60)
            statuses = Counter(entry["status"] for entry in rainbow.record.requests)
            assert set(statuses) == {200}  # none had expired, and none was renewed too often
            logins, renewals = len(calls(rainbow, LOGIN)), len(calls(rainbow, RENEW))
        # every 300 to 337.5 s something: three renewals, then a login
        assert 3 * 3600 / 337.5 / 4 <= logins <= 3 * 3600 / 300 / 4 + 1
        assert renewals // 3 in {logins, logins - 1}

    virtually(test)


@pytest.mark.parametrize(("kind", "renewals"), [("oauth", 0), ("opaque", 0)])
def test_tokens_of_another_kind_are_replaced_by_a_login(kind: str, renewals: int) -> None:
    async def test() -> None:
        async with meeting(token_seconds=600, token_kind=kind) as (rainbow, client):
            for _ in range(60):
                await client.notify([SOMEBODY])
                await asyncio.sleep(60)
            refused = [entry for entry in rainbow.record.requests if entry["status"] != 200]
            assert len(calls(rainbow, RENEW)) == renewals
            if kind == "oauth":  # it tells its life: replaced ahead of time
                assert refused == []
                assert 3600 / 337.5 <= len(calls(rainbow, LOGIN)) <= 3600 / 300 + 1
            else:  # it does not: replaced when it is refused
                assert len(calls(rainbow, LOGIN)) == 6
                assert {entry["status"] for entry in refused} == {401}
                assert len(refused) == 5

    virtually(test)


@pytest.mark.parametrize("kind", ["jwt", "opaque"])
def test_a_hundred_who_find_the_token_expired_cost_one_login(kind: str) -> None:
    async def test() -> None:
        async with meeting(running=False, token_kind=kind) as (rainbow, client):
            await client.login()
            for expire in (rainbow.sign_in.expire_tokens, lambda: None):
                expire()
                await asyncio.gather(*(client.notify([SOMEBODY]) for _ in range(100)))
                assert len(calls(rainbow, LOGIN)) == 2
            assert [entry["status"] for entry in calls(rainbow, NOTIFY)].count(200) == 200

    virtually(test)


def test_a_machine_that_slept_signs_in_once_when_it_wakes() -> None:
    slept = timedelta()

    async def test() -> None:
        nonlocal slept
        async with meeting(clock=lambda: now() + slept, token_seconds=3600) as (rainbow, client):
            await client.signed_in()
            await asyncio.sleep(600)
            slept = timedelta(hours=10)  # for everybody else
            await asyncio.gather(*(client.notify([SOMEBODY]) for _ in range(10)))
            assert len(calls(rainbow, LOGIN)) == 2
            slept = timedelta(hours=20)
            await asyncio.sleep(2400)  # nobody calls: the renewal finds out
            assert len(calls(rainbow, LOGIN)) == 3

    virtually(test)


def test_a_token_that_is_always_expired_costs_a_login_a_minute_at_most() -> None:
    async def test() -> None:
        async with meeting(running=False) as (rainbow, client):
            for _ in range(600):
                rainbow.sign_in.expire_tokens()
                with suppress(RainbowApiError):
                    await client.notify([SOMEBODY])
                rainbow.sign_in.expire_tokens()
                await asyncio.sleep(1)
            assert len(calls(rainbow, LOGIN)) <= 12

    virtually(test)


# --- limits


@pytest.mark.parametrize("form", ["seconds", "date"])
@pytest.mark.parametrize("status", [429, 503])
def test_what_is_put_off_is_made_by_nobody_before_its_time_and_nothing_else_is_held(status: int, form: str) -> None:
    async def test() -> None:
        dials: dict[str, Any] = {"refuse_next": 5, "refuse_status": status, "refuse_path": USERS}
        wait: dict[str, Any] = {"refuse_retry_after": 100, "refuse_retry_after_form": form, "clock_skew_seconds": -7200}
        async with meeting(**dials, **wait) as (rainbow, client):

            async def read() -> None:
                while True:
                    try:
                        assert len([user async for user in users(client)]) == 3
                    except RainbowError:
                        await asyncio.sleep(7)
                    else:
                        return

            async with asyncio.TaskGroup() as tasks:
                for _ in range(5):
                    tasks.create_task(read())
                await asyncio.sleep(50)
                await client.notify([SOMEBODY])
                assert len(calls(rainbow, USERS)) == 5  # that were under way when it was said
            assert len(calls(rainbow, USERS)) == 10
            assert 99 <= asyncio.get_running_loop().time() <= 110

    virtually(test)


def test_a_refused_call_stands_in_the_log_with_both_ids_as_the_lab_knows_them() -> None:
    async def test() -> None:
        dials: dict[str, Any] = {"refuse_next": 3, "refuse_status": 502, "refuse_retry_after": 0, "refuse_path": NOTIFY}
        with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
            async with meeting(running=False, **dials) as (rainbow, client):
                for _ in range(3):
                    with pytest.raises(RainbowError) as caught:
                        await client.notify([SOMEBODY])
                    assert caught.value.request_id == rainbow.record.requests[-1]["request_id"]
                await client.notify([SOMEBODY])
        made = [(entry["correlation_id"], entry["request_id"]) for entry in rainbow.record.requests]
        said = [
            (entry["correlation_id"], entry["request_id"])
            for entry in logs
            if entry["event"] in ("rainbow_request", "rainbow_request_failed")
        ]
        assert said == made
        assert len(set(made)) == len(made) == 6  # login, settings, four times notify
        levels = [entry["log_level"] for entry in logs if entry["event"] == "rainbow_request_failed"]
        assert levels == ["debug", "debug", "debug"]

    virtually(test)


# --- the whole daemon


def test_a_company_that_demands_everything_is_served(tmp_path: Path) -> None:
    """Short tokens, a clock that is days ahead, headers of its own, a token on notify."""
    region = {"match": [{"url": "/api/rainbow/*", "method": "*"}], "headers": [{"key": "x-region", "value": "eu"}]}
    dials = {
        "token_seconds": 120,
        "max_token_renew": 1,
        "clock_skew_seconds": 400_000,
        "strict_notify": True,
        "additional_headers": [region],
        "additional_headers_required": True,
    }

    async def test() -> None:
        house = House(tmp_path, 3, rainbow={"dials": dials})
        async with house.at_work():
            await asyncio.sleep(600)
            assert house.status()["state"] == "healthy"
            refused = Counter((entry["path"], entry["status"]) for entry in house.rainbow.record.requests)
            assert [each for each in refused if each[1] in (401, 403)] == []

    virtually(test)


def test_what_notify_carries_can_be_set(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        async with house.at_work() as daemon:
            await until(lambda: calls(house.rainbow, NOTIFY), within=120)
            assert {entry["header"] for entry in house.rainbow.record.notifies} == {"dummy"}
            assert {entry["bearer"] for entry in calls(house.rainbow, NOTIFY)} == {True}
            house.rainbow.record.clear()
            house.link |= {"notify_header": "v7", "notify_with_token": False}
            await daemon.reload()
            await until(lambda: calls(house.rainbow, NOTIFY), within=120)
            assert {entry["header"] for entry in house.rainbow.record.notifies} == {"v7"}
            assert {entry["bearer"] for entry in calls(house.rainbow, NOTIFY)} == {False}

    virtually(test)


def test_a_wrong_password_is_one_attempt_over_restarts_and_a_changed_one_is_tried_at_once(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        house.rainbow_password = "wrong"
        async with house.open():
            for _ in range(4):
                house.start()
                await until(lambda: "rainbow-authentication" in house.problems(), within=60)
                await asyncio.sleep(60)
                await house.stop()
            assert len(calls(house.rainbow, LOGIN)) == 1
            assert house.rainbow_password.encode() not in (tmp_path / "state.db").read_bytes()

            house.rainbow_password = house.rainbow.password
            house.start()
            await until(lambda: house.status()["state"] == "healthy", within=60)
            assert len(calls(house.rainbow, LOGIN)) == 2

    virtually(test)


def test_a_password_that_is_changed_at_rainbow_serves_until_the_token_ends_and_is_tried_once(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2, rainbow={"dials": {"token_seconds": 600, "max_token_renew": 0}})
        async with house.at_work():
            house.rainbow.dials.set({"refuse_logins": True})
            await until(lambda: "rainbow-authentication" in house.problems(), within=400, step=5)
            told = len(house.rainbow.record.notifies)
            house.appointment(house.people[0].login_email, start=now())
            await until(lambda: len(house.rainbow.record.notifies) > told, within=60)
            await asyncio.sleep(600)
            house.appointment(house.people[0].login_email, start=now())
            await until(lambda: house.status()["notify"]["waiting"] == 1, within=60)
            assert "401500" in house.status()["rainbow"]["reason"]
            assert [entry["status"] for entry in calls(house.rainbow, LOGIN)] == [200, 401]
            assert house.daemon is not None
            house.rainbow.dials.set({"refuse_logins": False})
            house.daemon.retry(None)
            await until(lambda: house.status()["notify"]["waiting"] == 0, within=60)
            assert house.status()["state"] == "healthy"

    virtually(test)


def test_a_locked_account_is_left_alone_until_it_opens_over_restarts_and_it_is_said_when(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        async with house.open():
            house.rainbow.sign_in.lock(house.rainbow.login, now())
            house.start()
            await until(lambda: "rainbow-authentication" in house.problems(), within=60)
            problem = house.problems()["rainbow-authentication"]
            assert "locked" in problem["text"]
            assert "It is tried again by itself at 2026-03-02 09:05 UTC." in problem["text"]
            await asyncio.sleep(300)
            await house.stop()
            house.start()
            await until(lambda: "rainbow-authentication" in house.problems(), within=60)
            assert "09:05" in house.status()["rainbow"]["reason"]
            await until(lambda: house.status()["state"] == "healthy", within=7200, step=60)
            assert minutes(calls(house.rainbow, LOGIN)) == [0, 65]

    virtually(test)


def test_a_link_that_was_lost_for_long_has_everybody_told_anew(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 3)
        async with house.at_work():
            await asyncio.sleep(60)
            for seconds, force in ((60, False), (600, True)):
                house.rainbow.record.clear()
                house.rainbow.outage.set({"link": "reset"})
                await asyncio.sleep(seconds)
                house.rainbow.outage.set({"link": ""})
                await until(lambda: house.status()["state"] == "healthy", within=120)
                await asyncio.sleep(60)
                forced = {who for entry in house.rainbow.record.notifies if entry["force"] for who in entry["ids"]}
                assert forced == ({person.id for person in house.people} if force else set())
            assert house.status()["notify"]["did_not_ask"] == 0

    virtually(test)


def test_whom_rainbow_does_not_ask_for_is_told_of_again_and_shown(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2, rainbow={"dials": {"ask": False}})
        async with house.open():
            house.start()
            await until(lambda: house.status()["notify"]["did_not_ask"] == 2, within=120)
            assert house.problems()["rainbow-did-not-ask"]["severity"] == "warning"
            first = minutes(list(house.rainbow.record.notifies))[0]
            await asyncio.sleep(400)
            told = [minute - first for minute in minutes(list(house.rainbow.record.notifies))]
            assert [minute for minute in told if minute > 0] == [1, 6]
            house.rainbow.dials.set({"ask": True})
            house.appointment(house.people[0].login_email, start=now())
            await until(lambda: house.status()["notify"]["did_not_ask"] == 1, within=60)
            assert house.problems()["rainbow-did-not-ask"]["text"].startswith("Rainbow was notified of 1 user")

    virtually(test)
