import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import structlog
from aiohttp import web

from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.errors import (
    RainbowAuthenticationError,
    RainbowConnectionError,
    RainbowError,
    RateLimited,
    UnexpectedAnswer,
)

MakeClient = Callable[..., Awaitable[RainbowClient]]
LOGIN = "authentication/v1.0/login"
RENEW = "authentication/v1.0/renew"
NOTIFY = "calendarprovider/v1.0/notify"
ME = {"id": "5f01", "loginEmail": "c@acme.test", "companyId": "5fc1", "jid_im": "a@rainbow.test", "jid_password": "p"}


def answer(body: Any, status: int = 200, **headers: str) -> web.Response:
    return web.Response(text=json.dumps(body), status=status, content_type="application/json", headers=headers)


def refusal(code: int, message: str = "Refused", status: int = 401) -> web.Response:
    return answer({"errorCode": status, "errorMsg": message, "errorDetailsCode": code}, status)


def token(name: str, *, life: int = 1000, **claims: Any) -> str:
    payload = {"iat": 1_767_600_000, "exp": 1_767_600_000 + life, "name": name, **claims}
    return f"h.{base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip('=')}.s"


def granted(name: str, **claims: Any) -> web.Response:
    return answer({"token": token(name, **claims), "loggedInUser": ME})


def script(*answers: Callable[[], web.Response]) -> Callable[[Any], web.Response]:
    """Give one answer after another, the last one again and again."""
    left: Iterator[Callable[[], web.Response]] = iter(answers)
    current = [answers[0]]

    def respond(_: Any) -> web.Response:
        current[0] = next(left, current[0])
        return current[0]()

    return respond


def latched(client: RainbowClient) -> tuple[object, object]:
    return client.refused, client.retry_at


@asynccontextmanager
async def running(client: RainbowClient) -> AsyncIterator[None]:
    task = asyncio.create_task(client.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_token_is_renewed_at_half_life_and_a_login_follows_the_last_renewal(
    cloud: Any, make_client: MakeClient
) -> None:
    cloud.on(LOGIN, lambda _: granted("login", countRenewed=0, maxTokenRenew=2))
    renewed = iter([1, 2])
    cloud.on(RENEW, lambda _: answer({"token": token("renewed", countRenewed=next(renewed), maxTokenRenew=2)}))
    client = await make_client()
    async with running(client):
        await asyncio.sleep(1600)
    assert [round(seen.at) for seen in cloud.asked(LOGIN)] == [0, 1500]
    assert [round(seen.at) for seen in cloud.asked(RENEW)] == [500, 1000]
    assert (client.counters.sign_in.logins, client.counters.sign_in.renewals) == (2, 2)
    bearer = cloud.asked(RENEW)[1].headers["Authorization"]
    assert bearer == f"Bearer {token('renewed', countRenewed=1, maxTokenRenew=2)}"


async def test_renewal_has_jitter(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(LOGIN, lambda _: granted("login"))
    cloud.on(RENEW, lambda _: answer({"token": token("renewed")}))
    async with running(await make_client(random=lambda: 0.99)):
        await asyncio.sleep(600)
    assert [round(seen.at, 1) for seen in cloud.asked(RENEW)] == [561.9]


async def test_token_that_says_nothing_of_its_life_is_kept(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(LOGIN, lambda _: answer({"token": "opaque", "loggedInUser": ME}))
    async with running(await make_client()):
        await asyncio.sleep(100_000)
    assert (len(cloud.asked(LOGIN)), len(cloud.asked(RENEW))) == (1, 0)


@pytest.mark.parametrize("refused", [refusal(401000), answer({}, 200), answer({"token": 7})])
async def test_renewal_that_is_refused_is_followed_by_a_login(
    cloud: Any, make_client: MakeClient, refused: web.Response
) -> None:
    text, status = refused.text, refused.status
    cloud.on(LOGIN, script(lambda: granted("one"), lambda: granted("two", life=100_000)))
    cloud.on(RENEW, lambda _: web.Response(text=text, status=status, content_type="application/json"))
    async with running(await make_client()):
        await asyncio.sleep(2000)
    assert [round(seen.at) for seen in cloud.asked(LOGIN)] == [0, 500]
    assert len(cloud.asked(RENEW)) == 1


async def test_renewal_waits_for_a_rainbow_that_is_down(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(LOGIN, lambda _: granted("login"))
    cloud.on(
        RENEW,
        script(
            lambda: answer({}, 502),
            lambda: answer({}, 502),
            lambda: answer({}, 429, **{"Retry-After": "60"}),
            lambda: answer({"token": token("renewed", life=100_000)}),
        ),
    )
    with structlog.testing.capture_logs() as logs:
        async with running(await make_client()):
            await asyncio.sleep(900)
    assert [round(seen.at, 1) for seen in cloud.asked(RENEW)] == [500.0, 500.5, 501.5, 561.5]
    # the old token serves all the while: if none is left, all of Rainbow is out, and said to be
    assert [entry for entry in logs if entry["log_level"] != "debug"] == []
    told = [entry["event"] for entry in logs if entry["event"].startswith("rainbow_sign")]
    assert told == ["rainbow_sign_in_failed"] * 3 + ["rainbow_signed_in_again"]


async def test_login_by_a_call_puts_the_renewal_off(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(LOGIN, lambda _: granted("login"))
    cloud.on(RENEW, lambda _: answer({"token": token("renewed")}))
    client = await make_client()
    async with running(client):
        await asyncio.sleep(400)
        await client.login()
        await asyncio.sleep(450)
        assert cloud.asked(RENEW) == []
        await asyncio.sleep(100)
    assert [round(seen.at) for seen in cloud.asked(RENEW)] == [900]


async def test_forgotten_grant_is_replaced_at_once(cloud: Any, make_client: MakeClient) -> None:
    client = await make_client()
    async with running(client):
        await asyncio.sleep(10)
        client.forget()
        await asyncio.sleep(1)
    assert [round(seen.at) for seen in cloud.asked(LOGIN)] == [0, 10]


async def test_wrong_password_is_one_attempt(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(LOGIN, lambda _: refusal(401500, "Unknown login or wrong password"))
    client = await make_client()
    async with running(client):
        for _ in range(5):
            with pytest.raises(RainbowAuthenticationError) as caught:
                await client.notify(["u1"])
            await asyncio.sleep(90_000)
        with pytest.raises(RainbowAuthenticationError):
            await client.login()
    assert len(cloud.requests) == 1
    assert (caught.value.code, caught.value.detail) == (401500, "Unknown login or wrong password")
    assert client.refused is caught.value
    assert client.retry_at is None


async def test_wrong_password_is_not_tried_again_even_where_it_has_worked(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(LOGIN, script(lambda: granted("one"), lambda: refusal(401500)))
    cloud.on(RENEW, lambda _: refusal(401000))
    client = await make_client()
    async with running(client):
        await asyncio.sleep(200_000)
    assert len(cloud.asked(LOGIN)) == 2


async def test_refusal_of_an_earlier_life_stands(cloud: Any, make_client: MakeClient) -> None:
    earlier = RainbowAuthenticationError(401500, "wrong")
    client = await make_client(refused=earlier)
    async with running(client):
        await asyncio.sleep(100_000)
        with pytest.raises(RainbowAuthenticationError) as caught:
            await client.login()
    assert caught.value is earlier
    assert cloud.requests == []


@pytest.mark.parametrize(("minutes", "after"), [(10, 600), (-5, 0), (100_000, 3900)])
async def test_refusal_of_an_earlier_life_that_may_pass_waits_for_its_time(
    cloud: Any, make_client: MakeClient, minutes: float, after: float
) -> None:
    """A clock that was set back does not make it wait for ever."""
    cloud.on(LOGIN, lambda _: granted("one"))
    told: list[Any] = []
    client = await make_client(
        refused=RainbowAuthenticationError(401501),
        retry_at=datetime(2026, 1, 5, 8, 0, tzinfo=UTC) + timedelta(minutes=minutes),
        remember=lambda *what: told.append(what),
    )
    async with running(client):
        await asyncio.sleep(after + 100)
    assert [round(seen.at) for seen in cloud.asked(LOGIN)] == [after]
    assert told == [(None, None)]


async def test_what_is_refused_is_told_for_the_next_life(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(LOGIN, script(lambda: refusal(401500), lambda: refusal(401501)))
    told: list[Any] = []
    client = await make_client(remember=lambda *what: told.append(what))
    async with running(client):
        await asyncio.sleep(10)
        client.try_again()
        await asyncio.sleep(10)
    assert [(error.code, retry_at is None) for error, retry_at in told] == [(401500, True), (401501, False)]


async def test_somebody_may_have_a_refused_login_tried_once_more(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(LOGIN, script(lambda: refusal(401500), lambda: refusal(401500), lambda: granted("one")))
    client = await make_client()
    client.try_again()
    async with running(client):
        await asyncio.sleep(1000)
        client.try_again()
        await asyncio.sleep(1000)
        assert client.refused is not None
        client.try_again()
        await asyncio.sleep(1)
        assert client.account is not None
    assert [round(seen.at) for seen in cloud.asked(LOGIN)] == [0, 1000, 2000]


async def test_somebody_may_have_a_login_tried_that_rainbow_put_off(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(LOGIN, script(lambda: answer({}, 503, **{"Retry-After": "80000"}), lambda: granted("one")))
    client = await make_client()
    async with running(client):
        await asyncio.sleep(1000)
        client.try_again()
        await asyncio.sleep(1)
        assert client.account is not None
    assert [round(seen.at) for seen in cloud.asked(LOGIN)] == [0, 1000]


async def test_a_renewal_is_not_put_off_by_somebody_who_wants_a_retry(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(LOGIN, lambda _: granted("login"))
    cloud.on(RENEW, lambda _: answer({"token": token("renewed", life=100_000)}))
    client = await make_client()
    async with running(client):
        await asyncio.sleep(400)
        client.try_again()
        await asyncio.sleep(200)
    assert [round(seen.at) for seen in cloud.asked(RENEW)] == [500]


@pytest.mark.parametrize(("code", "after"), [(401501, 3900), (401521, 3600), (401523, 3600)])
async def test_refusal_that_may_pass_is_tried_again_in_its_time(
    cloud: Any, make_client: MakeClient, code: int, after: float
) -> None:
    cloud.on(LOGIN, script(lambda: refusal(code), lambda: granted("one")))
    client = await make_client()
    async with running(client):
        await asyncio.sleep(60)
        assert client.refused is not None
        assert client.refused.code == code
        assert client.retry_at is not None
        with pytest.raises(RainbowAuthenticationError):
            await client.login()
        await asyncio.sleep(after)
    assert [round(seen.at) for seen in cloud.asked(LOGIN)] == [0, after]
    assert latched(client) == (None, None)


async def test_refusal_that_nobody_documents_is_final_where_the_password_never_worked(
    cloud: Any, make_client: MakeClient
) -> None:
    cloud.on(LOGIN, lambda _: refusal(403999, status=403))
    async with running(await make_client()):
        await asyncio.sleep(100_000)
    assert len(cloud.asked(LOGIN)) == 1


async def test_refusal_that_nobody_documents_is_tried_ever_more_slowly_where_the_password_has_worked(
    cloud: Any, make_client: MakeClient
) -> None:
    cloud.on(LOGIN, script(lambda: granted("one", maxTokenRenew=0), lambda: refusal(401999)))
    async with running(await make_client()):
        await asyncio.sleep(10_000)
    times = [round(seen.at) for seen in cloud.asked(LOGIN)]
    assert [after - before for before, after in pairwise(times)] == [500, 60, 300, 900, 3600, 3600]


@pytest.mark.parametrize("status", [401, 403])
async def test_refusal_by_something_else_than_rainbow_is_tried_ever_more_slowly(
    cloud: Any, make_client: MakeClient, status: int
) -> None:
    cloud.on(LOGIN, lambda _: web.Response(status=status, text="<html>no</html>", content_type="text/html"))
    async with running(await make_client()):
        await asyncio.sleep(5000)
    assert [round(seen.at) for seen in cloud.asked(LOGIN)] == [0, 60, 360, 1260, 4860]


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"token": "t"},
        {"token": "two words", "loggedInUser": ME},
        {"loggedInUser": ME},
        {"token": "t", "loggedInUser": []},
        {"token": "t", "loggedInUser": {"id": "x"}},
        {"token": "t", "loggedInUser": {"id": 7, "companyId": "c"}},
    ],
)
async def test_login_answered_by_something_else_is_unexpected(cloud: Any, make_client: MakeClient, body: Any) -> None:
    cloud.on(LOGIN, lambda _: answer(body))
    client = await make_client()
    with pytest.raises(UnexpectedAnswer):
        await client.login()
    assert client.account is None
    assert isinstance(client.last_error, UnexpectedAnswer)


async def test_account_without_xmpp_is_an_account(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(LOGIN, lambda _: answer({"token": "t", "loggedInUser": {"id": "x", "companyId": "c", "roles": 7}}))
    account = await (await make_client()).login()
    assert (account.jid, account.jid_password, account.roles) == ("", "", ())


@pytest.mark.parametrize(
    ("response", "kind"), [(answer({}, 500), RainbowConnectionError), (answer({}, 429), RateLimited)]
)
async def test_rainbow_that_is_down_is_no_refusal(
    cloud: Any, make_client: MakeClient, response: web.Response, kind: type[RainbowError]
) -> None:
    status = response.status
    cloud.on(LOGIN, lambda _: answer({}, status))
    client = await make_client()
    with pytest.raises(kind):
        await client.login()
    assert client.refused is None


async def test_login_refused_as_a_bad_request_is_tried_again(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(LOGIN, script(lambda: refusal(400000, status=400), lambda: granted("one")))
    client = await make_client()
    async with running(client):
        await asyncio.sleep(5)
        assert client.account is not None


async def test_one_who_stops_waiting_does_not_end_the_login_of_the_others(cloud: Any, make_client: MakeClient) -> None:
    go = asyncio.Event()

    async def slow(_: Any) -> web.Response:
        await go.wait()
        return granted("one")

    cloud.on(LOGIN, slow)
    client = await make_client()
    first, second = (asyncio.create_task(client.signed_in()) for _ in range(2))
    await asyncio.sleep(1)
    first.cancel()
    await asyncio.wait([first])
    go.set()
    assert (await second).user_id == "5f01"
    assert len(cloud.asked(LOGIN)) == 1


async def test_closing_ends_a_login_under_way(cloud: Any, make_client: MakeClient) -> None:
    async def never(_: Any) -> web.Response:
        await asyncio.sleep(10)
        return granted("late")

    cloud.on(LOGIN, never)
    client = await make_client()
    waiting = asyncio.create_task(client.signed_in())
    await asyncio.sleep(1)
    await client.__aexit__(None, None, None)
    await asyncio.wait([waiting])
    assert waiting.cancelled()


async def test_logout_gives_the_token_back(cloud: Any, make_client: MakeClient) -> None:
    cloud.on("authentication/v1.0/logout", lambda _: answer({"status": "ok", "data": []}))
    client = await make_client()
    await client.logout()
    assert cloud.requests == []
    await client.login()
    await client.logout()
    assert cloud.requests[-1].path.endswith("/logout")
    assert cloud.requests[-1].headers["Authorization"].startswith("Bearer ey")
    assert client.account is None


async def test_a_refusal_that_comes_while_it_ends_is_remembered(cloud: Any, make_client: MakeClient) -> None:
    async def late(_: Any) -> web.Response:
        await asyncio.sleep(2.5)
        return refusal(401500)

    cloud.on(LOGIN, late)
    remembered: list[tuple[object, object]] = []
    client = await make_client(remember=lambda error, at: remembered.append((error, at)))
    running = asyncio.create_task(client.run())
    await asyncio.sleep(0.5)
    running.cancel()
    await client.logout()
    [(error, at)] = remembered
    assert isinstance(error, RainbowAuthenticationError)
    assert (error.code, at) == (401500, None)
    assert cloud.asked("authentication/v1.0/logout") == []


async def test_a_login_that_is_not_answered_keeps_the_end_for_three_seconds(
    cloud: Any, make_client: MakeClient
) -> None:
    async def never(_: Any) -> web.Response:
        await asyncio.sleep(1e6)
        return granted("late")

    cloud.on(LOGIN, never)
    client = await make_client()
    running = asyncio.create_task(client.run())
    await asyncio.sleep(0.5)
    running.cancel()
    began = asyncio.get_running_loop().time()
    await client.logout()
    assert asyncio.get_running_loop().time() - began == pytest.approx(3, abs=0.1)


async def test_logout_takes_no_longer_than_five_seconds(cloud: Any, make_client: MakeClient) -> None:
    async def never(_: Any) -> web.Response:
        await asyncio.sleep(3600)
        return answer({})

    cloud.on("authentication/v1.0/logout", never)
    client = await make_client()
    await client.login()
    began = asyncio.get_running_loop().time()
    await client.logout()
    assert asyncio.get_running_loop().time() - began == pytest.approx(5, abs=0.1)
