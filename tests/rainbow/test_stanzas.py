import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from rainbow_exchange.rainbow import stanzas
from rainbow_exchange.rainbow.errors import UnexpectedAnswer
from rainbow_exchange.rainbow.markup import printable
from rainbow_exchange.rainbow.stanzas import Close, Features, Iq, Open, Other, Presence, Sasl, StreamFault, read

IQ = Iq(type="get", id="7", from_="rainbow.test")


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" version="1.0"/>', Open()),
        ('<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>', Close()),
        (
            '<f:close xmlns:f="urn:ietf:params:xml:ns:xmpp-framing" see-other-uri="wss://a/"/>',
            Close(see_other_uri="wss://a/"),
        ),
        (
            (
                '<stream:error xmlns:stream="http://etherx.jabber.org/streams">'
                '<conflict xmlns="urn:ietf:params:xml:ns:xmpp-streams"/>'
                '<text xmlns="urn:ietf:params:xml:ns:xmpp-streams" xml:lang="en">Replaced</text>'
                '<x xmlns="other"/></stream:error>'
            ),
            StreamFault(condition="conflict", text="Replaced"),
        ),
        (
            (
                '<error xmlns="http://etherx.jabber.org/streams">'
                '<see-other-host xmlns="urn:ietf:params:xml:ns:xmpp-streams"> n1.rainbow.test </see-other-host></error>'
            ),
            StreamFault(condition="see-other-host", see_other_host="n1.rainbow.test"),
        ),
        ('<error xmlns="http://etherx.jabber.org/streams"/>', StreamFault(condition="undefined-condition")),
        (
            (
                '<stream:features xmlns:stream="http://etherx.jabber.org/streams">'
                '<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>PLAIN</mechanism>'
                "<mechanism> SCRAM-SHA-1 </mechanism><mechanism/></mechanisms></stream:features>"
            ),
            Features(mechanisms=("PLAIN", "SCRAM-SHA-1", "")),
        ),
        (
            (
                '<features xmlns="http://etherx.jabber.org/streams"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>'
                '<session xmlns="urn:ietf:params:xml:ns:xmpp-session"/></features>'
            ),
            Features(bind=True, session=True),
        ),
        (
            (
                '<features xmlns="http://etherx.jabber.org/streams"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>'
                '<session xmlns="urn:ietf:params:xml:ns:xmpp-session"><optional/></session></features>'
            ),
            Features(bind=True, session=False),
        ),
        (
            '<challenge xmlns="urn:ietf:params:xml:ns:xmpp-sasl"> cj0x </challenge>',
            Sasl(kind="challenge", content="cj0x"),
        ),
        ('<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>', Sasl(kind="success")),
        (
            '<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><text>No</text><account-disabled/></failure>',
            Sasl(kind="failure", content="account-disabled", text="No"),
        ),
        ('<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>', Sasl(kind="failure", content="not-authorized")),
        (
            (
                '<iq xmlns="jabber:client" type="error" id="1"><error type="cancel">'
                '<text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>'
                '<conflict xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>'
            ),
            Iq(type="error", id="1", from_="", condition="conflict"),
        ),
        ('<iq type="error" id="1"/>', Iq(type="error", id="1", from_="", condition="undefined-condition")),
        ('<iq type="get" id="1"/>', Iq(type="get", id="1", from_="", wrong="not one child")),
        ('<iq type="result"/>', Iq(type="result", id="", from_="", wrong="no id")),
        ('<iq type="odd" id="1"/>', Iq(type="odd", id="1", from_="", wrong="no type that there is")),
        ('<iq id="1"/>', Iq(type="", id="1", from_="", wrong="no type that there is")),
        (
            '<presence xmlns="jabber:client" from="a@b/c" type="unavailable"/>',
            Presence(type="unavailable", from_="a@b/c"),
        ),
        ('<presence from="a@b/c"/>', Presence(type="", from_="a@b/c")),
    ],
)
def test_frame_is_read(text: str, frame: stanzas.Frame) -> None:
    assert read(text) == frame


def test_iq_keeps_its_payload() -> None:
    iq = read('<iq xmlns="jabber:client" type="set" id="x" from="a/b"> <q xmlns="n"/></iq>')
    assert isinstance(iq, Iq)
    assert iq.payload is not None
    assert (iq.type, iq.id, iq.from_, iq.payload.tag) == ("set", "x", "a/b", "{n}q")


@pytest.mark.parametrize("text", ['<message xmlns="jabber:client"/>', '<iq xmlns="other"/>', "<unknown/>"])
def test_what_is_none_of_these_is_something_other(text: str) -> None:
    assert isinstance(read(text), Other)


BOMB = '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]><iq type="get">&y;</iq>'


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "<iq",
        "<iq></open>",
        "plain",
        "\ud800",
        BOMB,
        '<!DOCTYPE iq SYSTEM "file:///etc/passwd"><iq/>',
        "<stream:error/><b/>",
    ],
)
def test_frame_that_is_not_well_formed_is_refused(text: str) -> None:
    with pytest.raises(UnexpectedAnswer):
        read(text)


@given(st.text())
def test_whatever_comes_is_read_or_refused(text: str) -> None:
    for frame in (text, f"<iq>{text}</iq>"):
        try:
            read(frame)
        except UnexpectedAnswer:
            continue


def same(written: str, expected: str) -> bool:
    return etree.canonicalize(written) == etree.canonicalize(expected)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (
            stanzas.open_("rainbow.test"),
            '<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="rainbow.test" version="1.0"/>',
        ),
        (stanzas.close(), '<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>'),
        (
            stanzas.auth("PLAIN", "AGEAYg=="),
            '<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">AGEAYg==</auth>',
        ),
        (stanzas.response(""), '<response xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>'),
        (stanzas.response("YQ=="), '<response xmlns="urn:ietf:params:xml:ns:xmpp-sasl">YQ==</response>'),
        (
            stanzas.bind("bind-1", "node_x"),
            (
                '<iq xmlns="jabber:client" type="set" id="bind-1"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind">'
                "<resource>node_x</resource></bind></iq>"
            ),
        ),
        (
            stanzas.session("session-1"),
            (
                '<iq xmlns="jabber:client" type="set" id="session-1">'
                '<session xmlns="urn:ietf:params:xml:ns:xmpp-session"/></iq>'
            ),
        ),
        (
            stanzas.ping("p1", "rainbow.test"),
            '<iq xmlns="jabber:client" type="get" id="p1" to="rainbow.test"><ping xmlns="urn:xmpp:ping"/></iq>',
        ),
        (
            stanzas.disco_info("d1", "rainbow.test"),
            (
                '<iq xmlns="jabber:client" type="get" id="d1" to="rainbow.test">'
                '<query xmlns="http://jabber.org/protocol/disco#info"/></iq>'
            ),
        ),
        (
            stanzas.initial_presence(app_id="app1", user_id="5f01", company_id="5fc1", client="sdk_node", version="2"),
            (
                '<presence xmlns="jabber:client"><application xmlns="jabber:iq:application"><appid>app1</appid>'
                "<userid>5f01</userid><companyid>5fc1</companyid><xrbclient>sdk_node</xrbclient>"
                "<xrbversion>2</xrbversion></application><priority>5</priority><status>mode=auto</status></presence>"
            ),
        ),
        (stanzas.unavailable(), '<presence xmlns="jabber:client" type="unavailable"/>'),
        (
            stanzas.write(stanzas.result(IQ, "me@b/c")),
            '<iq xmlns="jabber:client" type="result" to="rainbow.test" from="me@b/c" id="7"/>',
        ),
        (
            stanzas.error(IQ, "me@b/c", "forbidden", "auth"),
            (
                '<iq xmlns="jabber:client" type="error" to="rainbow.test" from="me@b/c" id="7"><error type="auth">'
                '<forbidden xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>'
            ),
        ),
        (
            stanzas.no_items(IQ, "me@b/c"),
            (
                '<iq xmlns="jabber:client" type="result" to="rainbow.test" from="me@b/c" id="7">'
                '<query xmlns="http://jabber.org/protocol/disco#items"/></iq>'
            ),
        ),
        (
            stanzas.stream_error("restricted-xml"),
            (
                '<stream:error xmlns:stream="http://etherx.jabber.org/streams">'
                '<restricted-xml xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></stream:error>'
            ),
        ),
        (
            stanzas.disco_result(Iq(type="get", id="7", from_=""), "me@b/c"),
            (
                '<iq xmlns="jabber:client" type="result" from="me@b/c" id="7">'
                '<query xmlns="http://jabber.org/protocol/disco#info"><identity category="client" type="bot"/>'
                '<feature var="http://jabber.org/protocol/disco#info"/>'
                '<feature var="http://jabber.org/protocol/disco#items"/><feature var="urn:xmpp:ping"/>'
                '<feature var="urn:xmpp:calendar:0"/></query></iq>'
            ),
        ),
    ],
)
def test_frame_is_written(written: str, expected: str) -> None:
    assert same(written, expected)


@given(st.text())
def test_attributes_and_texts_of_any_characters_make_a_frame(text: str) -> None:
    frame = read(stanzas.error(Iq(type="get", id=text, from_="a/b"), "me@b/c", "forbidden", "auth"))
    assert isinstance(frame, Iq)
    assert frame.id == printable(text)


def test_bound_jid_is_what_the_server_gave() -> None:
    iq = read('<iq type="result"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><jid>a@b/c</jid></bind></iq>')
    assert isinstance(iq, Iq)
    assert stanzas.bound_jid(iq) == "a@b/c"


@pytest.mark.parametrize(
    "payload", ["", "<x/>", '<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><jid>a@b</jid></bind>']
)
def test_bind_without_a_full_jid_is_unexpected(payload: str) -> None:
    iq = read(f'<iq type="result">{payload}</iq>')
    assert isinstance(iq, Iq)
    with pytest.raises(UnexpectedAnswer):
        stanzas.bound_jid(iq)
