import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from rainbow_exchange.rainbow import connections
from rainbow_exchange.rainbow.connections import Connection
from rainbow_exchange.rainbow.errors import RainbowApiError, UnexpectedAnswer
from tests.rainbow.conftest import Seen, fault, reply

MakeClient = Callable[..., Any]
PATH = "ucs/v1.0/connections"
ONE = {"id": "cnx-1", "resource": "s2s_1", "callback_url": "https://c.acme.test/x"}


async def test_calls_are_the_documented_ones(cloud: Any, make_client: MakeClient) -> None:
    client = await make_client()
    cloud.on(PATH, lambda seen: reply({"data": [ONE] if seen.method == "GET" else ONE}, 201))
    cloud.on(f"{PATH}/cnx-1", lambda seen: reply({"data": ONE}, 204 if seen.method == "DELETE" else 200))
    cloud.on(f"{PATH}/cnx-1/presences", lambda _: reply({"data": {}}, 202))
    made = Connection(id="cnx-1", callback_url="https://c.acme.test/x")
    assert await connections.listed(client) == [made]
    assert await connections.create(client, "https://c.acme.test/x") == made
    assert await connections.get(client, "cnx-1") == made
    assert await connections.exists(client, "cnx-1")
    await connections.be_present(client, "cnx-1")
    await connections.delete(client, "cnx-1")
    calls = [(seen.method, seen.path) for seen in cloud.requests if "/ucs/" in seen.path]
    path = f"/api/rainbow/{PATH}"
    assert calls == [
        ("GET", path),
        ("POST", path),
        ("GET", f"{path}/cnx-1"),
        ("HEAD", f"{path}/cnx-1"),
        ("PUT", f"{path}/cnx-1/presences"),
        ("DELETE", f"{path}/cnx-1"),
    ]
    created, present = cloud.asked(PATH)[1], cloud.asked(f"{PATH}/cnx-1/presences")[0]
    assert json.loads(created.body) == {"connection": {"callback_url": "https://c.acme.test/x"}}
    assert json.loads(present.body) == {"presence": {"show": "", "status": "mode=auto"}}
    assert created.headers["Authorization"].startswith("Bearer ")


@pytest.mark.parametrize("status", [404, 410])
async def test_connection_that_is_gone_is_no_error(cloud: Any, make_client: MakeClient, status: int) -> None:
    client = await make_client()
    cloud.on(f"{PATH}/cnx-1", lambda _: fault(status, status * 1000, "gone"))
    assert await connections.get(client, "cnx-1") is None
    assert not await connections.exists(client, "cnx-1")
    await connections.delete(client, "cnx-1")


async def test_server_that_knows_no_head_is_asked_otherwise(cloud: Any, make_client: MakeClient) -> None:
    client = await make_client()

    def answer(seen: Seen) -> Any:
        return fault(405, 405000, "no") if seen.method == "HEAD" else reply({"data": ONE})

    cloud.on(f"{PATH}/cnx-1", answer)
    assert await connections.exists(client, "cnx-1")


async def test_server_that_has_no_head_at_all_is_asked_otherwise(cloud: Any, make_client: MakeClient) -> None:
    client = await make_client()
    cloud.on(f"{PATH}/cnx-1", lambda seen: fault(501, 501000, "no") if seen.method == "HEAD" else reply({"data": ONE}))
    assert await connections.exists(client, "cnx-1")


async def test_answers_without_the_envelope_are_understood(cloud: Any, make_client: MakeClient) -> None:
    client = await make_client()
    cloud.on(PATH, lambda _: reply(ONE, 201))
    cloud.on(f"{PATH}/cnx-1", lambda _: reply(ONE))
    made = Connection(id="cnx-1", callback_url="https://c.acme.test/x")
    assert await connections.create(client, "https://c.acme.test/x") == made
    assert await connections.get(client, "cnx-1") == made


@pytest.mark.parametrize("said", ["", "{}", '{"data": {}}', '"OK"'])
async def test_connection_that_was_made_without_its_id_is_found_in_the_list(
    cloud: Any, make_client: MakeClient, said: str
) -> None:
    client = await make_client()
    others = [{"id": "cnx-0", "callback_url": "https://c.acme.test/other"}, {"id": "cnx-2"}]
    there = [*others, ONE]
    cloud.on(
        PATH, lambda seen: web.Response(text=said, status=201) if seen.method == "POST" else reply({"data": there})
    )
    assert (await connections.create(client, "https://c.acme.test/x")).id == "cnx-1"
    there.remove(ONE)
    with pytest.raises(UnexpectedAnswer, match="which S2S connection"):
        await connections.create(client, "https://c.acme.test/x")


async def test_any_other_refusal_is_one(cloud: Any, make_client: MakeClient) -> None:
    client = await make_client()
    cloud.on(f"{PATH}/cnx-1", lambda _: fault(403, 403000, "Access denied"))
    for call in (connections.get, connections.exists, connections.delete):
        with pytest.raises(RainbowApiError):
            await call(client, "cnx-1")


@pytest.mark.parametrize("data", [None, {}, [{}], [{"id": ".."}], [{"id": 3}], ["cnx-1"]], ids=range(6))
async def test_list_that_is_none_is_unexpected(cloud: Any, make_client: MakeClient, data: object) -> None:
    client = await make_client()
    cloud.on(PATH, lambda _: reply({"data": data}))
    with pytest.raises(UnexpectedAnswer):
        await connections.listed(client)


async def test_id_leads_to_no_other_path(cloud: Any, make_client: MakeClient) -> None:
    client = await make_client()
    with pytest.raises(RainbowApiError):
        await connections.be_present(client, "../../users")
    assert cloud.requests[-1].path.startswith(f"/api/rainbow/{PATH}/")
