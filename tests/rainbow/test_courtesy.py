import re

import pytest

from rainbow_exchange.rainbow.courtesy import courtesy
from rainbow_exchange.rainbow.stanzas import Iq, read

INFO = "http://jabber.org/protocol/disco#info"
ITEMS = "http://jabber.org/protocol/disco#items"


def answered(payload: str, *, type_: str = "get", id_: str = ' id="7"') -> str:
    iq = read(f'<iq xmlns="jabber:client" type="{type_}"{id_} from="a@b/c">{payload}</iq>')
    assert isinstance(iq, Iq)
    return courtesy(iq, "me@b/r")


@pytest.mark.parametrize(
    ("payload", "inside"),
    [
        ('<ping xmlns="urn:xmpp:ping"/>', ""),
        (
            f'<query xmlns="{INFO}"/>',
            (
                f'<query xmlns="{INFO}"><identity category="client" type="bot"/><feature var="{INFO}"/>'
                f'<feature var="{ITEMS}"/><feature var="urn:xmpp:ping"/><feature var="urn:xmpp:calendar:0"/></query>'
            ),
        ),
        (f'<query xmlns="{ITEMS}"/>', f'<query xmlns="{ITEMS}"/>'),
    ],
)
def test_what_any_client_knows_is_answered(payload: str, inside: str) -> None:
    start = '<iq xmlns="jabber:client" type="result" to="a@b/c" from="me@b/r" id="7"'
    assert answered(payload) == (f"{start}>{inside}</iq>" if inside else f"{start}/>")


@pytest.mark.parametrize(
    ("payload", "type_", "id_", "error"),
    [
        ('<query xmlns="jabber:iq:version"/>', "get", ' id="7"', ("cancel", "service-unavailable")),
        ('<query xmlns="jabber:iq:roster"/>', "set", ' id="7"', ("cancel", "service-unavailable")),
        ('<ping xmlns="urn:xmpp:ping"/>', "set", ' id="7"', ("cancel", "service-unavailable")),
        ('<pong xmlns="urn:xmpp:ping"/>', "get", ' id="7"', ("cancel", "service-unavailable")),
        (f'<query xmlns="{INFO}" node="x"/>', "get", ' id="7"', ("cancel", "item-not-found")),
        (f'<query xmlns="{ITEMS}" node="x"/>', "get", ' id="7"', ("cancel", "item-not-found")),
        ("", "get", ' id="7"', ("modify", "bad-request")),
        ('<ping xmlns="urn:xmpp:ping"/><ping xmlns="urn:xmpp:ping"/>', "get", ' id="7"', ("modify", "bad-request")),
        ('<ping xmlns="urn:xmpp:ping"/>', "get", "", ("modify", "bad-request")),
        ('<ping xmlns="urn:xmpp:ping"/>', "odd", ' id="7"', ("modify", "bad-request")),
        ('<ping xmlns="urn:xmpp:ping"/>', "", ' id="7"', ("modify", "bad-request")),
    ],
)
def test_the_rest_is_answered_with_an_error(payload: str, type_: str, id_: str, error: tuple[str, str]) -> None:
    said = answered(payload, type_=type_, id_=id_)
    found = re.search(r'<error type="(\w+)"><([\w-]+) ', said)
    assert found is not None
    assert found.groups() == error
    assert 'type="error"' in said
    assert ('id="7"' in said) is bool(id_)
