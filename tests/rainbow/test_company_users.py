import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.company_users import user_by_id, users, users_by_address
from rainbow_exchange.rainbow.errors import RainbowApiError, RainbowConnectionError, RateLimited, UnexpectedAnswer
from rainbow_exchange.rainbow.users import Reading

MakeClient = Callable[..., Awaitable[RainbowClient]]
USERS = "admin/v1.0/users"
COMPANY = "5f00000000000000000000c1"


def answer(body: Any, status: int = 200, **headers: str) -> web.Response:
    return web.Response(text=json.dumps(body), status=status, content_type="application/json", headers=headers)


def refusal(status: int, code: int, message: str, details: Any = "") -> web.Response:
    return answer({"errorCode": status, "errorMsg": message, "errorDetails": details, "errorDetailsCode": code}, status)


def user(number: int) -> dict[str, Any]:
    return {"id": f"u{number}", "loginEmail": f"u{number}@acme.test"}


def pages(count: int) -> Callable[[Any], web.Response]:
    """Answer like a company of so many users."""

    def page(seen: Any) -> web.Response:
        offset, limit = int(seen.query["offset"]), int(seen.query["limit"])
        users = [user(number) for number in range(count)][offset : offset + limit]
        return answer({"data": users, "total": count, "limit": limit, "offset": offset})

    return page


async def listed(client: RainbowClient, reading: Reading | None = None) -> list[str]:
    return [user.id async for user in users(client, reading)]


async def test_users_are_listed_in_pages_of_the_full_format(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(USERS, pages(5))
    client = await make_client(page_size=2)
    assert await listed(client) == ["u0", "u1", "u2", "u3", "u4"]
    asked = cloud.asked(USERS)
    assert [seen.query["offset"] for seen in asked] == ["0", "1", "2", "3"]
    assert {key: asked[0].query[key] for key in ("companyId", "format", "limit")} == {
        "companyId": COMPANY,
        "format": "full",
        "limit": "2",
    }
    assert all(seen.headers["Authorization"].startswith("Bearer ey") for seen in asked)


@pytest.mark.parametrize(
    ("status", "code", "words"), [(404, 404000, "Resource not found: company 5f"), (403, 403000, "Access denied: role")]
)
async def test_company_that_may_not_be_listed_is_named(
    cloud: Any, make_client: MakeClient, status: int, code: int, words: str
) -> None:
    message, details = words.split(": ")
    cloud.on(USERS, lambda _: refusal(status, code, message, details))
    with pytest.raises(RainbowApiError) as caught:
        await listed(await make_client(company_id="5f"))
    assert (caught.value.status, caught.value.code, caught.value.detail) == (status, code, words)
    assert len(cloud.asked(USERS)) == 1


@pytest.mark.parametrize(
    "second",
    [
        {"data": [user(1)], "total": 3},
        {"data": [], "total": 3},
        {"data": [user(2)]},
        {"data": {"rooms": []}},
        [],
    ],
)
async def test_pages_that_do_not_add_up_end_the_listing(cloud: Any, make_client: MakeClient, second: Any) -> None:
    cloud.on(
        USERS,
        lambda seen: answer(second if seen.query["offset"] == "1" else {"data": [user(0), user(1)], "total": 3}),
    )
    with pytest.raises(UnexpectedAnswer):
        await listed(await make_client(page_size=2))
    assert len(cloud.asked(USERS)) <= 55


async def test_a_company_that_grows_while_it_is_read_is_read_to_its_end_and_known_to_have_moved(
    cloud: Any, make_client: MakeClient
) -> None:
    sizes = iter([3, 4, 4])
    cloud.on(USERS, lambda seen: pages(next(sizes))(seen))  # noqa: PLW0108  (a size for each request)
    reading = Reading(limit=2)
    assert await listed(await make_client(page_size=2), reading) == ["u0", "u1", "u2", "u3"]
    assert reading.moved


async def test_a_company_that_stands_still_has_not_moved(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(USERS, pages(5))
    reading = Reading(limit=2)
    assert len(await listed(await make_client(page_size=2), reading)) == 5
    assert (reading.read, reading.total, reading.moved) == (5, 5, False)


@pytest.mark.parametrize(("data", "active"), [(user(1), True), (user(1) | {"isTerminated": True}, False)])
async def test_one_user_is_asked_for_by_id(
    cloud: Any, make_client: MakeClient, data: dict[str, Any], *, active: bool
) -> None:
    cloud.on(f"{USERS}/u1", lambda _: answer({"data": data}))
    found = await user_by_id(await make_client(), "u1")
    assert found is not None
    assert found.is_active is active


async def test_a_user_whom_rainbow_does_not_know_is_none(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(f"{USERS}/u1", lambda _: refusal(404, 404000, "Resource not found"))
    assert await user_by_id(await make_client(), "u1") is None


async def test_a_user_who_may_not_be_seen_is_not_held_to_be_gone(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(f"{USERS}/u1", lambda _: refusal(403, 403000, "Access denied"))
    with pytest.raises(RainbowApiError):
        await user_by_id(await make_client(), "u1")


@pytest.mark.parametrize("data", [user(2), None, {"id": "u1"}])
async def test_an_answer_about_somebody_else_is_none(cloud: Any, make_client: MakeClient, data: Any) -> None:
    cloud.on(f"{USERS}/u1", lambda _: answer({"data": data}))
    with pytest.raises(UnexpectedAnswer):
        await user_by_id(await make_client(), "u1")


async def test_a_token_that_expires_between_two_pages_costs_one_login(cloud: Any, make_client: MakeClient) -> None:
    once = iter([refusal(401, 401000, "Unauthorized", "jwt expired")])
    cloud.on(USERS, lambda seen: (next(once, None) if seen.query["offset"] == "1" else None) or pages(3)(seen))
    assert await listed(await make_client(page_size=2)) == ["u0", "u1", "u2"]
    assert [seen.query["offset"] for seen in cloud.asked(USERS)] == ["0", "1", "1"]


async def test_a_page_that_is_refused_for_the_rate_is_waited_for_and_the_list_goes_on_from_there(
    cloud: Any, make_client: MakeClient
) -> None:
    once = iter([answer({}, 429, **{"Retry-After": "7"})])
    cloud.on(USERS, lambda seen: (next(once, None) if seen.query["offset"] == "1" else None) or pages(3)(seen))
    assert await listed(await make_client(page_size=2)) == ["u0", "u1", "u2"]
    asked = cloud.asked(USERS)
    assert [seen.query["offset"] for seen in asked] == ["0", "1", "1"]
    assert 7 <= asked[2].at - asked[1].at < 8


async def test_users_that_cannot_be_read_are_left_out_and_counted(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(USERS, lambda _: answer({"data": [user(0), {"id": 7}], "total": 2}))
    client = await make_client()
    assert await listed(client) == ["u0"]
    assert client.counters.unreadable_users == 1


async def test_page_is_asked_for_again_when_rainbow_is_busy(cloud: Any, make_client: MakeClient) -> None:
    troubles = iter([answer({}, 429, **{"Retry-After": "30"}), answer({}, 502)])
    cloud.on(USERS, lambda seen: next(troubles, None) or pages(1)(seen))
    assert await listed(await make_client()) == ["u0"]
    times = [seen.at for seen in cloud.asked(USERS)]
    assert 30 <= times[1] - times[0] < 31
    assert 1 <= times[2] - times[1] < 2


async def test_page_that_never_comes_is_given_up(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(USERS, lambda _: answer({}, 500))
    with pytest.raises(RainbowConnectionError, match="http-500"):
        await listed(await make_client())
    assert len(cloud.asked(USERS)) == 4


async def test_long_wait_is_the_callers_business(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(USERS, lambda _: answer({}, 503, **{"Retry-After": "600"}))
    with pytest.raises(RateLimited) as caught:
        await listed(await make_client())
    assert caught.value.retry_after == 600
    assert len(cloud.asked(USERS)) == 1


async def test_user_is_looked_for_by_login_and_then_by_email(cloud: Any, make_client: MakeClient) -> None:
    def find(seen: Any) -> web.Response:
        users = [user(7), user(8)] if "email" in seen.query else [user(8)]
        return answer({"data": users, "total": len(users)})

    cloud.on(USERS, find)
    found = await users_by_address(await make_client(), "work@acme.test")
    assert [each.id for each in found] == ["u8", "u7"]
    assert [{key: seen.query.get(key) for key in ("loginEmail", "email")} for seen in cloud.asked(USERS)] == [
        {"loginEmail": "work@acme.test", "email": None},
        {"loginEmail": None, "email": "work@acme.test"},
    ]


async def test_an_address_is_looked_for_as_written_and_in_lower_case(cloud: Any, make_client: MakeClient) -> None:
    """Rainbow's filters may tell upper from lower case."""

    def find(seen: Any) -> web.Response:
        users = [user(7)] if seen.query.get("email") == "Work@acme.test" else []
        return answer({"data": users, "total": len(users)})

    cloud.on(USERS, find)
    found = await users_by_address(await make_client(), "Work@acme.test")
    assert [each.id for each in found] == ["u7"]
    assert [(seen.query.get("loginEmail"), seen.query.get("email")) for seen in cloud.asked(USERS)] == [
        ("Work@acme.test", None),
        ("work@acme.test", None),
        (None, "Work@acme.test"),
        (None, "work@acme.test"),
    ]


async def test_match_by_login_wins(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(USERS, lambda _: answer({"data": [user(8)], "total": 1}))
    assert [each.id for each in await users_by_address(await make_client(), "U8@acme.test")] == ["u8"]
    assert len(cloud.asked(USERS)) == 1


@pytest.mark.parametrize(("everybody", "asked", "found"), [(250, 3, True), (1200, 1, False)])
async def test_a_filter_that_is_not_exact_is_followed_over_some_pages(
    cloud: Any, make_client: MakeClient, everybody: int, asked: int, *, found: bool
) -> None:
    def find(seen: Any) -> web.Response:
        return pages(everybody if "email" in seen.query else 0)(seen)

    cloud.on(USERS, find)
    listed = await users_by_address(await make_client(), "work@acme.test")
    assert len([seen for seen in cloud.asked(USERS) if "email" in seen.query]) == asked
    assert ("u249" in {each.id for each in listed}) is found
