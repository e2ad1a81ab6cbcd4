from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from rainbow_exchange.rainbow import companies, connectors
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.companies import Company
from rainbow_exchange.rainbow.connectors import Activated, ConnectorUser
from rainbow_exchange.rainbow.errors import RainbowApiError, RateLimited, UnexpectedAnswer
from tests.rainbow.conftest import Cloud, Seen, fault, reply

MakeClient = Callable[..., Awaitable[RainbowClient]]
LDAPS = "admin/v1.0/connectors/ldaps"
GENERATED = {"id": "5fa1", "companyId": "5fc1", "loginEmail": "ldap_1@acme.test", "password": "Gen#1"}


async def test_all_pages_are_read_and_each_connector_counts_once(cloud: Cloud, make_client: MakeClient) -> None:
    entries = [{"id": f"5f{number:03}", "loginEmail": f"ldap_{number}@acme.test"} for number in range(120)]

    def page(seen: Seen) -> web.Response:
        offset = int(seen.query["offset"])
        return reply({"data": entries[offset : offset + 100], "total": 120})

    cloud.on(LDAPS, page)
    found = await connectors.list_connectors(await make_client(), "5fc1")

    assert len(found) == 120
    assert found[0] == ConnectorUser(id="5f000", login="ldap_0@acme.test", name="")
    assert [(seen.query["companyId"], seen.query["offset"]) for seen in cloud.asked(LDAPS)] == [
        ("5fc1", "0"),
        ("5fc1", "100"),
    ]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-11-26T07:30:00.000Z", datetime(2026, 11, 26, 7, 30, tzinfo=UTC)),
        ("2026-11-26T07:30:00", None),
        ("yesterday", None),
        (1, None),
    ],
)
async def test_when_a_connector_came_to_be(
    cloud: Cloud, make_client: MakeClient, written: object, read: datetime | None
) -> None:
    cloud.on(LDAPS, lambda _: reply({"data": [{"id": "5f1", "creationDate": written}]}))

    (found,) = await connectors.list_connectors(await make_client(), "5fc1")

    assert found.created_at == read


async def test_a_list_that_never_ends_is_left_after_twenty_pages(cloud: Cloud, make_client: MakeClient) -> None:
    cloud.on(LDAPS, lambda _: reply({"data": [{"id": "5f1", "displayName": "AD/LDAP"}] * 100}))

    found = await connectors.list_connectors(await make_client(), "5fc1")

    assert found == [ConnectorUser(id="5f1", login="", name="AD/LDAP")]
    assert len(cloud.asked(LDAPS)) == 20


@pytest.mark.parametrize("answer", [{"data": {}}, "text", {"data": [{"loginEmail": "a@acme.test"}]}])
async def test_a_list_that_is_none_is_an_error(cloud: Cloud, make_client: MakeClient, answer: object) -> None:
    cloud.on(LDAPS, lambda _: reply(answer))

    with pytest.raises(UnexpectedAnswer, match="the list of connectors"):
        await connectors.list_connectors(await make_client(), "5fc1")


@pytest.mark.parametrize("answer", [GENERATED, {"data": GENERATED}])
async def test_an_activation_has_no_body_and_is_read_bare_or_in_data(
    cloud: Cloud, make_client: MakeClient, answer: dict[str, Any]
) -> None:
    cloud.on(f"{LDAPS}/activate", lambda _: reply(answer))

    activated = await connectors.activate(await make_client(), "5fc1")

    assert activated == Activated(id="5fa1", company_id="5fc1", login="ldap_1@acme.test", password="Gen#1")
    assert "Gen#1" not in repr(activated)
    (seen,) = cloud.asked(f"{LDAPS}/activate")
    assert (seen.method, seen.body, seen.query) == ("POST", b"", {"companyId": "5fc1"})


async def test_an_activation_that_does_not_name_its_company_is_of_the_one_asked_for(
    cloud: Cloud, make_client: MakeClient
) -> None:
    cloud.on(f"{LDAPS}/activate", lambda _: reply({"id": "5fa1", "loginEmail": "l@acme.test", "password": "p"}))

    assert (await connectors.activate(await make_client(), "5fc9")).company_id == "5fc9"


@pytest.mark.parametrize("answer", [[], {"data": []}, {"id": "5fa1", "loginEmail": "l@acme.test"}])
async def test_an_activation_without_credentials_is_an_error_and_not_repeated(
    cloud: Cloud, make_client: MakeClient, answer: object
) -> None:
    cloud.on(f"{LDAPS}/activate", lambda _: reply(answer))

    with pytest.raises(UnexpectedAnswer, match="the activation is"):
        await connectors.activate(await make_client(), "5fc1")
    assert len(cloud.asked(f"{LDAPS}/activate")) == 1


async def test_too_many_activations_are_told_with_their_delay(cloud: Cloud, make_client: MakeClient) -> None:
    cloud.on(f"{LDAPS}/activate", lambda _: reply({}, 429, Retry_After="240"))

    with pytest.raises(RateLimited) as caught:
        await connectors.activate(await make_client(), "5fc1")
    assert caught.value.retry_after == 240
    assert len(cloud.asked(f"{LDAPS}/activate")) == 1


async def test_one_that_is_gone_is_no_error_when_it_is_to_be_deleted(cloud: Cloud, make_client: MakeClient) -> None:
    client = await make_client()
    cloud.on(f"{LDAPS}/5fa1", lambda _: reply({"data": {"status": "deleted"}}))
    cloud.on(f"{LDAPS}/5fa3", lambda _: fault(403, 403000, "Access denied"))

    assert await connectors.delete(client, "5fa1") is True
    assert await connectors.delete(client, "5fa2") is False
    with pytest.raises(RainbowApiError, match="403000"):
        await connectors.delete(client, "5fa3")
    assert [seen.method for seen in cloud.asked(f"{LDAPS}/5fa1")] == ["DELETE"]


async def test_an_id_cannot_lead_to_another_address(cloud: Cloud, make_client: MakeClient) -> None:
    assert await connectors.delete(await make_client(), "../users/5f") is False

    assert cloud.requests[-1].raw_path == f"/api/rainbow/{LDAPS}/..%2Fusers%2F5f"


async def test_the_companies_that_somebody_manages(cloud: Cloud, make_client: MakeClient) -> None:
    cloud.on("admin/v1.0/companies", lambda _: reply({"data": [{"id": "5fc1", "name": "Acme"}, {"id": "5fc2"}, {}]}))
    client = await make_client()

    assert await companies.list_companies(client) == [Company(id="5fc1", name="Acme"), Company(id="5fc2", name="")]

    cloud.on("admin/v1.0/companies", lambda _: reply({"data": None}))
    with pytest.raises(UnexpectedAnswer):
        await companies.list_companies(client)
