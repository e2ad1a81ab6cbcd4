from pathlib import Path

import pytest
from lxml import etree

from rainbow_exchange.ews.discovery.outcome import Located, NotHere, RedirectAddress, RedirectUrl
from rainbow_exchange.ews.errors import MalformedResponse
from rainbow_exchange.ews.operations.pox_autodiscover import PoxAutodiscover, parse

FIXTURES = Path(__file__).parents[3] / "fixtures" / "ews"
ASKED = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006}"


def answer(name: str) -> bytes:
    return (FIXTURES / f"{name}.xml").read_bytes()


def test_the_request_names_the_mailbox_and_the_answer_it_takes() -> None:
    root = etree.fromstring(PoxAutodiscover(address="a&b@acme.test").write())
    assert root.tag == f"{ASKED}Autodiscover"
    assert root.findtext(f"{ASKED}Request/{ASKED}EMailAddress") == "a&b@acme.test"
    assert root.findtext(f"{ASKED}Request/{ASKED}AcceptableResponseSchema") == (
        "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
    )


def test_a_recorded_answer_is_read(shared: Path) -> None:
    assert parse((shared / "ews/samples/POX_Autodiscover__ews-cpp_ok.xml").read_bytes()) == Located(
        internal_url="https://outlook.office365.com/EWS/Exchange.asmx",
        external_url="https://outlook.office365.com/EWS/Exchange.asmx",
        grouping="VI1PR09",
    )


def test_a_recorded_refusal_is_read(shared: Path) -> None:
    data = (shared / "ews/samples/POX_Autodiscover__ews-cpp_error.xml").read_bytes()
    assert PoxAutodiscover.read(data) == NotHere(code="500")


def test_the_protocols_of_later_servers_are_read() -> None:
    assert parse(answer("Exchange2019/pox_autodiscover/exhttp")) == Located(
        internal_url="https://mail.acme.test/EWS/Exchange.asmx",
        external_url="https://mail.acme.test/EWS/Exchange.asmx",
        grouping="Paris",
    )


def test_redirects_are_read() -> None:
    assert parse(answer("Exchange2019/pox_autodiscover/redirect_address")) == RedirectAddress(address="bob@other.test")
    assert parse(answer("Exchange2019/pox_autodiscover/redirect_url")) == RedirectUrl(
        url="https://autodiscover.other.test/autodiscover/autodiscover.xml"
    )


@pytest.mark.parametrize("data", [b"<html/>", b"<Autodiscover/>", b"<Autodiscover><Response/></Autodiscover>", b"no"])
def test_anything_else_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedResponse):
        parse(data)
