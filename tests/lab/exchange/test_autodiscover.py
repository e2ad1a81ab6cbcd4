"""The lab's autodiscover over its own wire, apart from the product's reading of it."""

from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

A = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
ASKED = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
ASKED_FOR = ("ExternalEwsUrl", "GroupingInformation", "Nothing")
SVC, XML = "/autodiscover/autodiscover.svc", "/Autodiscover/Autodiscover.xml"


def soap(*addresses: str, version: bool = True) -> str:
    users = "".join(f"<a:User><a:Mailbox>{address}</a:Mailbox></a:User>" for address in addresses)
    asked = "<a:RequestedServerVersion>Exchange2013</a:RequestedServerVersion>" if version else ""
    settings = "".join(
        f"<a:Setting>{name}</a:Setting>" for name in ("ExternalEwsUrl", "GroupingInformation", "Nothing")
    )
    return (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="{A}"><s:Header>{asked}</s:Header>'
        f"<s:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users>{users}</a:Users>"
        f"<a:RequestedSettings>{settings}</a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage></s:Body>"
        "</s:Envelope>"
    )


def pox(address: str) -> str:
    return f'<Autodiscover xmlns="{ASKED}"><Request><EMailAddress>{address}</EMailAddress></Request></Autodiscover>'


@pytest.fixture
def ask(wire: Any) -> Callable[..., Any]:
    """Give a POST as the service account, unless `signed_in` is False."""

    async def posted(path: str, body: str, *, signed_in: bool = True) -> tuple[int, Any]:
        headers = wire.login("svc-rainbow") if signed_in else {}
        url = wire.lab.base + path
        async with wire.http.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            data = await answer.read()
            xml = answer.content_type == "text/xml"
            return answer.status, etree.fromstring(data) if xml else answer.headers.get("Location")

    return posted


def texts(root: Any, name: str) -> list[str]:
    return [each.text for each in root.iter(f"{{*}}{name}")]


async def test_it_answers_in_both_forms(wire: Any, ask: Callable[..., Any]) -> None:
    await wire.dials(groupings={"alice@acme.test": "Paris"})
    status, root = await ask(SVC, soap("alice@acme.test", "nobody@acme.test"))
    assert status == 200
    assert texts(root, "ErrorCode") == ["NoError", "NoError", "SettingIsNotAvailable", "InvalidUser"]
    assert texts(root, "Value") == [wire.lab.url, "Paris"]
    status, root = await ask(XML, pox("alice@acme.test"))
    assert (status, texts(root, "Action"), texts(root, "EwsUrl")) == (200, ["settings"], [wire.lab.url] * 2)
    status, root = await ask(XML, pox("nobody@acme.test"))
    assert (status, texts(root, "ErrorCode")) == (200, ["500"])


async def test_it_wants_a_sign_in_and_a_request_of_its_own_kind(ask: Callable[..., Any]) -> None:
    assert (await ask(SVC, soap("alice@acme.test"), signed_in=False))[0] == 401
    assert (await ask(SVC, soap("alice@acme.test", version=False)))[0] == 400
    assert (await ask(SVC, soap()))[0] == 400
    assert (await ask(SVC, soap(*["alice@acme.test"] * 101)))[0] == 400
    assert (await ask(SVC, pox("alice@acme.test")))[0] == 400
    assert (await ask(XML, soap("alice@acme.test")))[0] == 400


async def test_a_redirect_of_http_comes_before_any_sign_in(wire: Any, ask: Callable[..., Any]) -> None:
    await wire.dials(autodiscover_http_redirects={SVC: "https://other.test/x.svc"}, autodiscover_forms=["soap"])
    assert await ask(SVC, soap("alice@acme.test"), signed_in=False) == (302, "https://other.test/x.svc")
    assert (await ask(XML, pox("alice@acme.test")))[0] == 404
    async with wire.http.get(wire.lab.base + SVC, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "https://other.test/x.svc")


async def test_redirects_in_the_answer(wire: Any, ask: Callable[..., Any]) -> None:
    await wire.dials(autodiscover_redirect_addresses={"alice@acme.test": "alice@other.test"})
    _, root = await ask(SVC, soap("alice@acme.test"))
    assert texts(root, "RedirectTarget") == ["alice@other.test"]
    _, root = await ask(XML, pox("alice@acme.test"))
    assert (texts(root, "Action"), texts(root, "RedirectAddr")) == (["redirectAddr"], ["alice@other.test"])
    await wire.dials(autodiscover_redirect_addresses={}, autodiscover_redirect_urls={"127.0.0.1": "https://b.test/y"})
    _, root = await ask(SVC, soap("alice@acme.test"))
    assert (texts(root, "ErrorCode")[1], texts(root, "RedirectTarget")) == ("RedirectUrl", ["https://b.test/y"])
    _, root = await ask(XML, pox("alice@acme.test"))
    assert texts(root, "RedirectUrl") == ["https://b.test/y"]
