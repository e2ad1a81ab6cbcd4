"""What a company's administrator sets, over Rainbow's wire."""

from typing import Any

import pytest

COMPANY = "5f00000000000000000000c1"
RECORD = f"/api/rainbow/admin/v1.0/companies/{COMPANY}"
SEEN = f"/api/rainbow/enduser/v1.0/companies/{COMPANY}"
CONFIG = "/api/rainbow/admin/v1.0/connectors/ldaps/config"
EXCHANGE = {
    "companyId": COMPANY,
    "type": "exchange_config",
    "settings": {"company": {"url": "https://a.test/EWS", "password": "hush"}},
}


async def test_the_record_is_changed_by_an_administrator_alone(lab: Any, admin: Any, colleague: Any) -> None:
    status, answer = await admin.call("PUT", RECORD, json={"exchangeCalendarCustomisation": "disabled", "secret": "x"})
    assert (status, answer["data"]["exchangeCalendarCustomisation"]) == (200, "disabled")
    assert (await admin.call("GET", RECORD))[1]["data"]["secret"] == "x"
    assert (await colleague.call("PUT", RECORD, json={"name": "Mine"}))[0] == 403
    assert (await colleague.call("GET", RECORD))[0] == 403
    assert set((await colleague.call("GET", SEEN))[1]["data"]) == {
        "id",
        "name",
        "status",
        "exchangeCalendarCustomisation",
    }
    assert (
        "exchangeCalendarCustomisation"
        not in (await admin.call("PUT", RECORD, json={"exchangeCalendarCustomisation": None}))[1]["data"]
    )
    assert lab.administration.company["name"] == "Acme"


@pytest.mark.parametrize(
    "body",
    [
        {"id": "5f00000000000000000000ff"},
        {"customData": "text"},
        {"customData": {str(number): "" for number in range(11)}},
        {"customData": {"x" * 65: ""}},
        {"customData": {"x": "y" * 513}},
    ],
)
async def test_what_a_record_cannot_hold_is_refused(admin: Any, body: dict[str, Any]) -> None:
    assert (await admin.call("PUT", RECORD, json=body))[0] == 400


async def test_configurations_are_made_listed_changed_and_deleted(admin: Any, colleague: Any) -> None:
    assert (await admin.call("GET", f"{CONFIG}?companyId={COMPANY}&type=exchange_config"))[0] == 404
    status, made = await admin.call("POST", CONFIG, json=EXCHANGE)
    assert status == 201
    one = f"{CONFIG}/{made['data']['id']}"
    assert (await admin.call("POST", CONFIG, json=EXCHANGE | {"type": "ldap_config"}))[0] == 201
    oldest = await admin.call("GET", f"{CONFIG}?companyId={COMPANY}&type=exchange_config")
    assert oldest[1]["data"] == made["data"]
    listed = (await admin.call("GET", f"{CONFIG}s?companyId={COMPANY}"))[1]["data"]
    assert [each["type"] for each in listed] == ["exchange_config", "ldap_config"]

    changed = await admin.call("PUT", one, json={"settings": {"company": {"login": "svc"}}})
    assert changed[1]["data"]["settings"] == {
        "company": {"url": "https://a.test/EWS", "password": "hush", "login": "svc"}
    }
    replaced = await admin.call("PUT", one, json={"strict": True, "settings": {"company": {"login": "svc"}}})
    assert replaced[1]["data"]["settings"] == {"company": {"login": "svc"}}
    for method, path in (("GET", one), ("PUT", one), ("DELETE", one), ("POST", CONFIG), ("GET", CONFIG)):
        assert (await colleague.call(method, path, json=EXCHANGE if method in ("PUT", "POST") else None))[0] == 403
    assert (await admin.call("DELETE", one))[0] == 200
    assert (await admin.call("GET", one))[0] == 404


@pytest.mark.parametrize("change", [{"type": "other"}, {"settings": []}, {"companyId": "5f00000000000000000000ff"}])
async def test_a_configuration_of_another_form_is_refused(admin: Any, change: dict[str, Any]) -> None:
    assert (await admin.call("POST", CONFIG, json=EXCHANGE | change))[0] in (400, 404)


async def test_a_changed_configuration_is_announced_to_the_connector(admin: Any, link: Any) -> None:
    made = (await admin.call("POST", CONFIG, json=EXCHANGE))[1]["data"]["id"]
    message = await link.hear()
    [order] = message
    assert message.get("type") == "management"
    assert order.tag == "{jabber:iq:configuration}connectorconfig"
    assert (order.get("action"), order.get("configId")) == ("create", made)


async def test_a_connector_reads_by_the_dial_and_never_writes(lab: Any, admin: Any) -> None:
    lab.dials.set({"connector_reads_company": False})
    assert (await admin.call("GET", RECORD))[0] == 403
    assert (await admin.call("GET", CONFIG))[0] == 403
    assert (await admin.call("GET", SEEN))[0] == 200
