"""Connector users of the lab's Rainbow, call by call, over a real socket."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

LDAPS = "/api/rainbow/admin/v1.0/connectors/ldaps"
USERS = "/api/rainbow/admin/v1.0/users"
COMPANY = "5f00000000000000000000c1"


async def activated(admin: Any) -> dict[str, Any]:
    status, body = await admin.call("POST", f"{LDAPS}/activate?companyId={COMPANY}")
    assert status == 200
    answer: dict[str, Any] = body
    return answer


async def test_an_activated_connector_signs_in_and_lists_users(*, admin: Any, rest: Any) -> None:
    made = await activated(admin)
    assert made["companyId"] == COMPANY
    assert (await admin.call("GET", LDAPS))[1]["data"][0]["id"] == made["id"]

    assert (await rest.login(made["loginEmail"]))[0] == 401
    status, body = await rest.login(made["loginEmail"], made["password"])
    assert (status, body["loggedInUser"]["id"]) == (200, made["id"])
    status, users = await rest.call("GET", f"{USERS}?limit=100")
    assert (status, users["total"]) == (200, 12)
    assert made["id"] not in {each["id"] for each in users["data"]}


async def test_only_an_administrator_of_the_company_has_anything_to_do_with_connectors(
    *, admin: Any, colleague: Any, rest: Any
) -> None:
    assert (await colleague.call("GET", LDAPS))[0] == 403
    assert (await colleague.call("POST", f"{LDAPS}/activate"))[0] == 403
    assert (await admin.call("GET", f"{LDAPS}?companyId=5f00000000000000000000c2"))[0] == 403
    assert (await admin.call("GET", f"{LDAPS}?limit=x"))[0] == 400

    made = await activated(admin)
    await rest.login(made["loginEmail"], made["password"])
    assert (await rest.call("GET", LDAPS))[0] == 403
    assert (await rest.call("DELETE", f"{LDAPS}/{made['id']}"))[0] == 403


async def test_a_deleted_connector_is_gone_with_its_token(*, lab: Any, admin: Any, rest: Any) -> None:
    made = await activated(admin)
    lab.dials.set({"connector_deletes_itself": True})
    await rest.login(made["loginEmail"], made["password"])

    assert (await rest.call("DELETE", f"{LDAPS}/{made['id']}"))[0] == 200
    assert (await rest.call("GET", f"{USERS}"))[0] == 401
    await admin.login(lab.login)
    assert (await admin.call("DELETE", f"{LDAPS}/{made['id']}"))[0] == 404
    assert (await admin.call("GET", LDAPS))[1]["data"] == []


async def test_the_roles_of_a_connector_are_a_dial(*, lab: Any, admin: Any, rest: Any) -> None:
    lab.dials.set({"connector_roles": ["user"]})
    made = await activated(admin)
    await rest.login(made["loginEmail"], made["password"])

    assert (await rest.call("GET", USERS))[0] == 403


@pytest.mark.parametrize("reason", ["licence", "sso"])
async def test_an_activation_is_refused_by_dial(*, lab: Any, admin: Any, reason: str) -> None:
    lab.dials.set({"refuse_activation": reason})

    assert (await admin.call("POST", f"{LDAPS}/activate"))[0] == 403
    assert (await admin.call("GET", LDAPS))[1]["total"] == 0


async def test_a_second_activation_is_what_the_dial_says(*, lab: Any, admin: Any, rest: Any) -> None:
    first = await activated(admin)
    assert (await admin.call("POST", f"{LDAPS}/activate"))[0] == 409

    lab.dials.set({"second_activation": "renew"})
    renewed = await activated(admin)
    assert renewed["id"] == first["id"]
    assert (await rest.login(first["loginEmail"], first["password"]))[0] == 401

    await admin.login(lab.login)
    lab.dials.set({"second_activation": "add"})
    assert (await activated(admin))["id"] != first["id"]
    assert (await admin.call("GET", LDAPS))[1]["total"] == 2


async def test_activations_beyond_the_free_ones_wait_twice_as_long_each_time(
    *, lab: Any, admin: Any, clock: Any
) -> None:
    lab.dials.set({"free_activations": 1, "second_activation": "add"})
    await activated(admin)

    for wait in (60, 120, 240):
        assert (await admin.call("POST", f"{LDAPS}/activate"))[0] == 429
        assert admin.headers["Retry-After"] == str(wait)
    clock.go_on(seconds=240)
    await activated(admin)


async def test_an_answer_may_stand_in_data_or_be_lost(*, lab: Any, admin: Any) -> None:
    lab.dials.set({"activation_in_data": True, "second_activation": "add"})
    assert list((await admin.call("POST", f"{LDAPS}/activate"))[1]) == ["data"]

    lab.dials.set({"lose_activation": True})
    with pytest.raises(aiohttp.ClientError):
        await admin.call("POST", f"{LDAPS}/activate")
    assert (await admin.call("GET", LDAPS))[1]["total"] == 2


async def test_the_connector_of_a_directory_is_there_until_somebody_deletes_it(*, lab: Any, admin: Any) -> None:
    lab.dials.set({"existing_connector": True})
    (foreign,) = (await admin.call("GET", LDAPS))[1]["data"]
    assert foreign["displayName"] == "AD/LDAP connector"
    assert (await admin.call("GET", LDAPS))[1]["data"] == [foreign]

    lab.dials.set({"second_activation": "renew"})
    assert (await activated(admin))["id"] == foreign["id"]
    assert (await admin.call("GET", LDAPS))[1]["data"] == [foreign]

    assert (await admin.call("DELETE", f"{LDAPS}/{foreign['id']}"))[0] == 200
    assert (await admin.call("GET", LDAPS))[1]["data"] == []


async def test_who_manages_several_companies(*, lab: Any, admin: Any) -> None:
    companies = "/api/rainbow/admin/v1.0/companies"
    other = {"id": "5f00000000000000000000c2", "name": "Other"}
    lab.dials.set({"managed_companies": [other]})
    assert [each["id"] for each in (await admin.call("GET", companies))[1]["data"]] == [COMPANY]

    lab.dials.set({"administrator_roles": ["admin", "bp_admin"]})
    assert (await admin.login(lab.login))[1]["loggedInUser"]["roles"] == ["admin", "bp_admin"]
    assert [each["id"] for each in (await admin.call("GET", companies))[1]["data"]] == [COMPANY, other["id"]]
    assert (await admin.call("GET", f"{LDAPS}?companyId={other['id']}"))[0] == 200


async def test_a_token_from_elsewhere(*, lab: Any, rest: Any, users: Any) -> None:
    for body, user_id in (({}, lab.people.account.id), ({"login": users[0].login_email}, users[0].id)):
        status, made = await rest.call("POST", "/lab/tokens", json=body)
        rest.token = made["token"]
        assert status == 200
        assert (await rest.call("GET", f"/api/rainbow/enduser/v1.0/users/{user_id}"))[1]["data"]["id"] == user_id
    assert (await rest.call("POST", "/lab/tokens", json={"login": "nobody@acme.test"}))[0] == 400


async def test_the_activated_connector_is_asked_and_its_link_ends_with_it(
    *, lab: Any, admin: Any, link: Any, rest: Any, connect: Callable[[], Awaitable[Any]]
) -> None:
    made = await activated(admin)
    administrators = dict(admin.me)
    await rest.login(made["loginEmail"], made["password"])
    connector = await connect()
    await connector.sign_in(rest.me, "node_y")
    await connector.be_there()

    asking = asyncio.create_task(rest.call("POST", "/lab/ask", json={"kind": "ping"}))
    question = await connector.hear()
    await connector.answer(question, "")
    assert (await asking)[1]["outcome"] == "result"
    assert administrators["id"] != rest.me["id"]
    assert question.get("to") == connector.jid

    await admin.login(lab.login)
    assert (await admin.call("DELETE", f"{LDAPS}/{made['id']}"))[0] == 200
    await connector.ended()
    asking = asyncio.create_task(admin.call("POST", "/lab/ask", json={"kind": "ping"}))
    await link.answer(await link.hear(), "")
    assert (await asking)[1]["outcome"] == "result"
