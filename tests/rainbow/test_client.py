import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog
from aiohttp import web

from rainbow_exchange.errors import UserError
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.company_users import users
from rainbow_exchange.rainbow.errors import (
    RainbowApiError,
    RainbowConnectionError,
    RateLimited,
)

MakeClient = Callable[..., Awaitable[RainbowClient]]
USERS = "admin/v1.0/users"
NOTIFY = "calendarprovider/v1.0/notify"
COMPANY = "5f00000000000000000000c1"


def answer(body: Any, status: int = 200, **headers: str) -> web.Response:
    return web.Response(text=json.dumps(body), status=status, content_type="application/json", headers=headers)


def refusal(status: int, code: int, message: str, details: Any = "") -> web.Response:
    return answer({"errorCode": status, "errorMsg": message, "errorDetails": details, "errorDetailsCode": code}, status)


def expired() -> web.Response:
    return refusal(401, 401000, "Unauthorized", "jwt expired")


def user(number: int) -> dict[str, Any]:
    return {"id": f"u{number}", "loginEmail": f"u{number}@acme.test"}


def pages(count: int) -> Callable[[Any], web.Response]:
    """Answer like a company of so many users."""

    def page(seen: Any) -> web.Response:
        offset, limit = int(seen.query["offset"]), int(seen.query["limit"])
        users = [user(number) for number in range(count)][offset : offset + limit]
        return answer({"data": users, "total": count, "limit": limit, "offset": offset})

    return page


async def listed(client: RainbowClient) -> list[str]:
    return [user.id async for user in users(client)]


async def test_login_is_a_get_with_both_headers(cloud: Any, make_client: MakeClient) -> None:
    client = await make_client()
    account = await client.login()
    assert (account.user_id, account.company_id, account.jid, account.jid_password, account.roles) == (
        "5f0000000000000000000001",
        COMPANY,
        "0a1b@rainbow.test",
        "deadbeef",
        ("user", "admin"),
    )
    seen = cloud.requests[0]
    assert (seen.method, seen.path, seen.query) == ("GET", "/api/rainbow/authentication/v1.0/login", {})
    assert seen.headers["Authorization"] == "Basic Y29ubmVjdG9yQGFjbWUudGVzdDpTZWNyZXQjMQ=="
    assert seen.headers["x-rainbow-app-auth"] == (
        "Basic YXBwMTpiZDJkMTlhZmQ1ZDU4MjNlZGZhNDdkMzRkNzQ4MmYzZDQ3NmVhMzFlNjM3M2MwMDljYzQzMDhjYjE4MzQxOTAx"
    )
    assert seen.headers["x-rainbow-client"] == "sdk_node"
    assert seen.headers["x-rainbow-client-id"] == "app1"
    assert seen.headers["Accept"] == seen.headers["Content-Type"] == "application/json"
    assert seen.headers["User-Agent"].startswith("rainbow-exchange/")
    assert re.fullmatch("[a-z0-9]{16}", seen.headers["x-rainbow-correlation-id"])
    assert client.account == account
    assert client.last_ok is not None


async def test_account_does_not_show_its_password(make_client: MakeClient) -> None:
    assert "deadbeef" not in repr(await (await make_client()).login())


async def test_each_request_has_a_correlation_id_that_stands_in_the_log(cloud: Any, make_client: MakeClient) -> None:
    numbers = iter(range(10_000))
    client = await make_client(random=lambda: next(numbers) % 36 / 36)
    cloud.on(USERS, lambda _: refusal(404, 404000, "Not found", "company"))
    with (
        structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs,
        pytest.raises(RainbowApiError) as caught,
    ):
        await listed(client)
    ids = [seen.headers["x-rainbow-correlation-id"] for seen in cloud.requests]
    assert len(set(ids)) == len(ids) == 3
    assert [entry["correlation_id"] for entry in logs if entry["event"].startswith("rainbow_request")] == ids
    assert caught.value.correlation_id == ids[-1]


async def test_configured_company_is_the_one_listed_and_notified(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(USERS, pages(0))
    cloud.on(NOTIFY, lambda _: answer({}))
    client = await make_client(company_id="5fc2")
    assert client.company_id == "5fc2"
    assert await listed(client) == []
    await client.notify(["u1"])
    assert cloud.asked(USERS)[0].query["companyId"] == cloud.asked(NOTIFY)[0].query["companyId"] == "5fc2"


async def test_company_is_the_accounts_own_where_none_is_configured(make_client: MakeClient) -> None:
    client = await make_client()
    assert client.company_id is None
    await client.signed_in()
    assert client.company_id == COMPANY


async def test_notify_is_the_documented_post(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(NOTIFY, lambda _: web.Response(text="Accepted", status=202))
    client = await make_client()
    await client.notify(["u1", "u2"])
    await client.notify(["u3"], force=True)
    first, second = cloud.asked(NOTIFY)
    assert (first.method, first.query, json.loads(first.body)) == (
        "POST",
        {"companyId": COMPANY},
        {"value": ["u1", "u2"]},
    )
    assert second.query == {"companyId": COMPANY, "force": "true"}
    assert first.headers["X-Rainbow-EWS-connector"] == "dummy"
    assert first.headers["Authorization"].startswith("Bearer ey")
    assert first.headers["Content-Length"] == str(len(first.body))
    assert client.counters.notified == 3


async def test_what_nobody_documents_about_notify_can_be_switched(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(NOTIFY, lambda _: answer({}))
    await (await make_client(notify_header="v7", notify_bearer=False)).notify(["u1"])
    headers = cloud.asked(NOTIFY)[0].headers
    assert headers["X-Rainbow-EWS-connector"] == "v7"
    assert "Authorization" not in headers


async def test_notify_is_not_repeated_by_the_client(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(NOTIFY, lambda _: answer({}, 429, **{"Retry-After": "2"}))
    client = await make_client()
    with pytest.raises(RateLimited):
        await client.notify(["u1"])
    assert len(cloud.asked(NOTIFY)) == 1
    assert client.counters.notified == 0
    assert client.counters.transport.back_offs == {"http-429": 1}


async def test_nobody_is_notified_by_no_request(cloud: Any, make_client: MakeClient) -> None:
    await (await make_client()).notify([])
    assert cloud.requests == []


async def test_more_than_a_hundred_ids_are_a_mistake_of_the_caller(make_client: MakeClient) -> None:
    with pytest.raises(ValueError, match="101"):
        await (await make_client()).notify([str(number) for number in range(101)])


async def test_expired_token_costs_one_login_for_all_who_wait(cloud: Any, make_client: MakeClient) -> None:
    client = await make_client()
    await client.login()
    old = cloud.requests[-1].headers
    first = f"Bearer {client._sign_in.grant.token.text}"  # type: ignore[union-attr]  # signed in just now
    assert old["Authorization"] == first  # the settings were read with it
    cloud.on(NOTIFY, lambda seen: expired() if seen.headers["Authorization"] == first else answer({}))
    await asyncio.gather(*(client.notify([f"u{number}"]) for number in range(20)))
    assert cloud.logins == 2
    assert client.counters.sign_in.logins == 2
    assert len(cloud.asked(NOTIFY)) == 40


async def test_token_that_stays_expired_is_not_chased(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(NOTIFY, lambda _: expired())
    with pytest.raises(RainbowApiError):
        await (await make_client()).notify(["u1"])
    assert (cloud.logins, len(cloud.asked(NOTIFY))) == (2, 2)


async def test_unexplained_401_is_met_by_a_login_only_when_the_token_is_old(
    cloud: Any, make_client: MakeClient
) -> None:
    cloud.on(NOTIFY, lambda _: refusal(401, 401000, "Unauthorized", "session closed"))
    client = await make_client()
    with pytest.raises(RainbowApiError):
        await client.notify(["u1"])
    assert (cloud.logins, len(cloud.asked(NOTIFY))) == (1, 1)
    await asyncio.sleep(61)
    with pytest.raises(RainbowApiError):
        await client.notify(["u1"])
    assert (cloud.logins, len(cloud.asked(NOTIFY))) == (2, 3)


async def test_headers_that_rainbow_asks_for_are_added(cloud: Any, make_client: MakeClient) -> None:
    asked = [{"key": "X-Region", "value": "eu"}, {"key": "Authorization", "value": "Bearer stolen"}]
    rule = {"match": [{"url": "/api/rainbow/calendarprovider/*", "method": "*"}], "headers": asked}
    cloud.on("enduser/v1.0/settings/apis", lambda _: answer({"data": {"additionalHeaders": [rule]}}))
    cloud.on(NOTIFY, lambda _: answer({}))
    await (await make_client()).notify(["u1"])
    headers = cloud.asked(NOTIFY)[0].headers
    assert headers["X-Region"] == "eu"
    assert headers["Authorization"].startswith("Bearer ey")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"url": "http://openrainbow.com"}, "in clear"),
        ({"app_id": "app\n1"}, "rainbow.app_id"),
        ({"notify_header": "é"}, "rainbow.notify_header"),
    ],
)
async def test_settings_that_cannot_work_are_named_before_anything_is_sent(
    make_client: MakeClient, changes: dict[str, str], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        await make_client(**changes)


async def test_last_error_is_kept(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(NOTIFY, lambda _: answer({}, 502))
    client = await make_client()
    with pytest.raises(RainbowConnectionError):
        await client.notify(["u1"])
    assert isinstance(client.last_error, RainbowConnectionError)
    assert client.counters.transport.errors["RainbowConnectionError"] == 1
    assert client.counters.transport.requests["notify"] == 1
