"""What Rainbow's administration holds, in the forms in which a Rainbow may answer."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.company import company_record, exchange_configuration
from rainbow_exchange.rainbow.errors import RainbowApiError, UnexpectedAnswer

MakeClient = Callable[..., Awaitable[RainbowClient]]
COMPANY = "5f00000000000000000000c1"
CONFIG = "admin/v1.0/connectors/ldaps/config"
OURS = {"id": "1", "type": "exchange_config", "settings": {"company": {"url": "https://mail.acme.test/EWS"}}}
DIRECTORY = {"id": "2", "type": "ldap_config", "settings": {"company": {"login": "ldap", "password": "hush"}}}


def answer(body: Any, status: int = 200) -> Callable[[Any], web.Response]:
    return lambda _: web.Response(text=json.dumps(body), status=status, content_type="application/json")


def refused(status: int) -> Callable[[Any], web.Response]:
    return answer({"errorCode": status, "errorMsg": "no", "errorDetailsCode": status * 1000}, status)


async def test_the_record_as_an_administrator_reads_it(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(f"admin/v1.0/companies/{COMPANY}", answer({"data": {"id": COMPANY, "x": 1}}))
    assert await company_record(await make_client(), COMPANY) == {"id": COMPANY, "x": 1}


@pytest.mark.parametrize("status", [403, 404, 405])
async def test_the_record_as_anybody_of_the_company_reads_it(cloud: Any, make_client: MakeClient, status: int) -> None:
    cloud.on(f"admin/v1.0/companies/{COMPANY}", refused(status))
    cloud.on(f"enduser/v1.0/companies/{COMPANY}", answer({"id": COMPANY}))
    assert await company_record(await make_client(), COMPANY) == {"id": COMPANY}
    [seen] = cloud.asked(f"enduser/v1.0/companies/{COMPANY}")
    assert dict(seen.query) == {"format": "full", "selectedThemeObj": "false"}


async def test_a_record_that_cannot_be_read_is_an_error(cloud: Any, make_client: MakeClient) -> None:
    client = await make_client()
    for form in ("admin", "enduser"):
        cloud.on(f"{form}/v1.0/companies/{COMPANY}", refused(403))
    with pytest.raises(RainbowApiError):
        await company_record(client, COMPANY)
    cloud.on(f"admin/v1.0/companies/{COMPANY}", answer({"data": [1]}))
    with pytest.raises(UnexpectedAnswer):
        await company_record(client, COMPANY)


@pytest.mark.parametrize("body", [{"data": OURS}, OURS, {"data": [DIRECTORY, OURS]}])
async def test_the_configuration_by_its_type(cloud: Any, make_client: MakeClient, body: Any) -> None:
    cloud.on(CONFIG, answer(body))
    assert await exchange_configuration(await make_client(), COMPANY) == OURS
    [seen] = cloud.asked(CONFIG)
    assert dict(seen.query) == {"companyId": COMPANY, "type": "exchange_config"}


@pytest.mark.parametrize("first", [refused(400), refused(404), answer({"data": DIRECTORY}), answer({"data": None})])
@pytest.mark.parametrize(
    ("listed", "found"),
    [(answer({"data": [DIRECTORY, OURS]}), OURS), (answer({"data": [DIRECTORY]}), None), (refused(404), None)],
)
async def test_where_it_is_not_found_by_its_type_all_are_looked_through(
    cloud: Any, make_client: MakeClient, first: Any, listed: Any, found: Any
) -> None:
    cloud.on(CONFIG, first)
    cloud.on(f"{CONFIG}s", listed)
    assert await exchange_configuration(await make_client(), COMPANY) == found


async def test_a_configuration_that_may_not_be_read_is_an_error(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(CONFIG, refused(403))
    with pytest.raises(RainbowApiError):
        await exchange_configuration(await make_client(), COMPANY)


async def test_a_document_is_not_taken_at_any_size(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(f"admin/v1.0/companies/{COMPANY}", answer({"data": {"x": "y" * (1 << 20)}}))
    with pytest.raises(UnexpectedAnswer):
        await company_record(await make_client(), COMPANY)
