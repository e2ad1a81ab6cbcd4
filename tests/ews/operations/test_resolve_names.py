from collections.abc import Callable

import pytest
from lxml import etree

from rainbow_exchange.ews.errors import ResponseError
from rainbow_exchange.ews.operations.resolve_names import Resolution, ResolveNames, parse
from rainbow_exchange.ews.soap import open_envelope

Read = Callable[[str], etree._Element]
ADA = Resolution(
    primary_address="ada.lovelace@acme.test",
    all_addresses=frozenset({"ada.lovelace@acme.test", "ada@acme.test"}),
)


def test_the_directory_is_asked_for_all_addresses(checked: Callable[..., etree._Element]) -> None:
    request = checked(ResolveNames(entry="ada@acme.test"))
    assert dict(request.attrib) == {"ReturnFullContactData": "true", "SearchScope": "ActiveDirectory"}
    assert [child.text for child in request] == ["ada@acme.test"]


def test_proxy_addresses_are_read_without_their_prefix(answer: Read) -> None:
    assert ResolveNames.parse(answer("Exchange2019/resolve_names/one")) == (ADA,)


def test_several_matches_are_an_answer_and_the_primary_one_may_be_among_the_proxies(answer: Read) -> None:
    assert parse(answer("Exchange2019/resolve_names/several")) == (
        ADA,
        Resolution(primary_address="adam@acme.test", all_addresses=frozenset({"adam@acme.test", "adam.old@acme.test"})),
    )


def test_no_match_is_no_error(answer: Read) -> None:
    assert parse(answer("Exchange2019/resolve_names/none")) == ()


def test_another_refusal_is_raised() -> None:
    refused = (
        b"<Envelope><Body><ResolveNamesResponseMessage ResponseClass='Error'>"
        b"<ResponseCode>ErrorADUnavailable</ResponseCode></ResolveNamesResponseMessage></Body></Envelope>"
    )
    with pytest.raises(ResponseError, match="ErrorADUnavailable"):
        parse(open_envelope(refused).body_element)
