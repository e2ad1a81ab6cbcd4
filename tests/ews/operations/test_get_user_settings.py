from pathlib import Path

import pytest
from lxml import etree

from rainbow_exchange.ews.discovery.outcome import Located, NotHere, RedirectAddress, RedirectUrl
from rainbow_exchange.ews.errors import MalformedResponse, ResponseError, UnencodableText
from rainbow_exchange.ews.operations.get_user_settings import GetUserSettings, parse

FIXTURES = Path(__file__).parents[3] / "fixtures" / "ews"
AUTODISCOVER = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
URL = "https://autodiscover.acme.test/autodiscover/autodiscover.svc"


def answer(name: str) -> bytes:
    return (FIXTURES / f"{name}.xml").read_bytes()


def test_the_request_has_its_headers_and_users() -> None:
    root = etree.fromstring(GetUserSettings(addresses=["ada@acme.test", "a&b@acme.test"], url=URL).write())
    header = {etree.QName(each).localname: (each.text or "").strip() for each in root[0]}
    assert header == {
        "RequestedServerVersion": "Exchange2013_SP1",
        "Action": f"{AUTODISCOVER}/Autodiscover/GetUserSettings",
        "To": URL,
    }
    assert [each.text for each in root.iter(f"{{{AUTODISCOVER}}}Mailbox")] == ["ada@acme.test", "a&b@acme.test"]
    assert [each.text for each in root.iter(f"{{{AUTODISCOVER}}}Setting")] == [
        "InternalEwsUrl",
        "ExternalEwsUrl",
        "GroupingInformation",
    ]


def test_what_xml_cannot_carry_is_refused() -> None:
    with pytest.raises(UnencodableText):
        GetUserSettings(addresses=["ada\x01@acme.test"], url=URL).write()


def test_each_user_has_an_answer_of_their_own() -> None:
    request = GetUserSettings(addresses=["ada@acme.test", "bob@acme.test", "carl@acme.test"], url=URL)
    said = request.read(answer("Exchange2019/get_user_settings/three_users"))
    assert said == {
        "ada@acme.test": Located(
            internal_url="https://exch01.corp.acme.test/EWS/Exchange.asmx",
            external_url="https://mail.acme.test/EWS/Exchange.asmx",
        ),
        "bob@acme.test": RedirectAddress(address="bob@other.test"),
        "carl@acme.test": RedirectUrl(url="https://autodiscover.other.test/autodiscover/autodiscover.svc"),
    }


def test_a_recorded_answer_is_read(shared: Path) -> None:
    data = (shared / "ews/samples/GetUserSettings__ews-javascript-api_L409.xml").read_bytes()
    assert parse(data, 1) == [
        Located(external_url="https://outlook.office365.com/EWS/Exchange.asmx", grouping="DM2PR09")
    ]


def test_the_refusal_of_the_whole_request() -> None:
    with pytest.raises(ResponseError) as refused:
        parse(answer("Exchange2019/get_user_settings/busy"), 1)
    assert refused.value.code == "ServerBusy"


def test_too_few_answers_are_malformed() -> None:
    with pytest.raises(MalformedResponse, match="3 answers to a GetUserSettings for 2"):
        parse(answer("Exchange2019/get_user_settings/three_users"), 2)


def test_an_unknown_mailbox_is_not_here() -> None:
    data = answer("Exchange2019/get_user_settings/three_users").replace(b"RedirectAddress", b"InvalidUser")
    assert parse(data, 3)[1] == NotHere(code="InvalidUser")


def test_another_answer_is_malformed() -> None:
    with pytest.raises(MalformedResponse, match="no answer to GetUserSettings"):
        parse(b'<s:Envelope xmlns:s="urn:s"><s:Body><Other/></s:Body></s:Envelope>', 1)
