"""The lab's XMPP server, as strict as prosody, spoken to frame by frame."""

import asyncio
import base64
from typing import Any

import aiohttp
import pytest
import scramp  # type: ignore[import-untyped]  # the library ships no types

SASL = "{urn:ietf:params:xml:ns:xmpp-sasl}"
STREAM_ERROR = "{http://etherx.jabber.org/streams}error"
CONDITION = "{urn:ietf:params:xml:ns:xmpp-streams}"
STANZA = "{urn:ietf:params:xml:ns:xmpp-stanzas}"


async def test_without_the_subprotocol_the_handshake_is_refused(*, lab: Any) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="400"):
            await session.ws_connect(lab.url + "/websocket")


async def test_sign_in_bind_and_presence(*, connect: Any, admin: Any, lab: Any) -> None:
    xmpp = await connect()
    features = await xmpp.open()
    assert [each.text for each in features.iter("{urn:ietf:params:xml:ns:xmpp-sasl}mechanism")] == ["PLAIN"]
    local = admin.me["jid_im"].partition("@")[0]
    assert (await xmpp.authenticate(local, "wrong"))[0].tag == "{urn:ietf:params:xml:ns:xmpp-sasl}not-authorized"
    assert (await xmpp.authenticate(local, admin.me["jid_password"])).tag.endswith("}success")
    assert (await xmpp.open())[0].tag == "{urn:ietf:params:xml:ns:xmpp-bind}bind"
    await xmpp.say(
        '<iq xmlns="jabber:client" type="set" id="b1"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind">'
        "<resource>node_a</resource></bind></iq>"
    )
    xmpp.jid = (await xmpp.hear())[0][0].text
    assert xmpp.jid == f"{admin.me['jid_im']}/node_a"
    await xmpp.be_there()
    assert [entry.get("jid") for entry in lab.record.xmpp_logins] == [None, xmpp.jid]
    assert lab.record.presences[0]["priority"] == "5"


@pytest.mark.parametrize("name", ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_sign_in_by_scram_where_the_dial_offers_it(*, connect: Any, admin: Any, lab: Any, name: str) -> None:
    lab.dials.set({"sasl_mechanisms": [name]})
    xmpp = await connect()
    assert [each.text for each in (await xmpp.open()).iter(f"{SASL}mechanism")] == [name]
    local = admin.me["jid_im"].partition("@")[0]
    assert (await xmpp.authenticate(local, admin.me["jid_password"]))[0].tag == f"{SASL}invalid-mechanism"
    client = scramp.ScramClient([name], local, admin.me["jid_password"])

    async def step(kind: str, said: str) -> tuple[str, str]:
        content = base64.b64encode(said.encode()).decode()
        await xmpp.say(f'<{kind} xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="{name}">{content}</{kind}>')
        answer = await xmpp.hear()
        return answer.tag.removeprefix(SASL), base64.b64decode(answer.text or "").decode()

    kind, content = await step("auth", client.get_client_first())
    assert kind == "challenge"
    client.set_server_first(content)
    kind, content = await step("response", client.get_client_final())
    assert kind == "success"
    client.set_server_final(content)
    assert (await xmpp.open())[0].tag == "{urn:ietf:params:xml:ns:xmpp-bind}bind"


async def test_an_unknown_domain_is_refused(*, connect: Any) -> None:
    xmpp = await connect()
    xmpp.domain = "elsewhere.test"
    error = await xmpp.open()
    assert error[0].tag == f"{CONDITION}host-unknown"
    assert await xmpp.ended() == 1000


@pytest.mark.parametrize(
    ("frame", "condition"),
    [
        ('<presence priority="5"/>', "unsupported-stanza-type"),
        ('<presence xmlns="jabber:client">', "not-well-formed"),
        (f'<presence xmlns="jabber:client"><status>{"é" * 9300}</status></presence>', "policy-violation"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><presence xmlns="jabber:client">&b;</presence>', "not-well-formed"),
    ],
)
async def test_a_frame_that_is_not_allowed_ends_the_stream(*, link: Any, frame: str, condition: str) -> None:
    await link.say(frame)
    error = await link.hear()
    assert error.tag == STREAM_ERROR
    assert error[0].tag == CONDITION + condition
    assert await link.ended() == 1000


async def test_white_space_between_stanzas_ends_the_stream(*, link: Any) -> None:
    await link.say(" ")
    assert await link.ended() == 1007


async def test_nothing_is_taken_before_signing_in(*, connect: Any) -> None:
    xmpp = await connect()
    await xmpp.open()
    await xmpp.say('<presence xmlns="jabber:client"/>')
    assert (await xmpp.hear())[0].tag == f"{CONDITION}not-authorized"


async def test_the_newcomer_wins_a_resource(*, link: Any, connect: Any, admin: Any) -> None:
    second = await connect()
    await second.sign_in(admin.me, "node_x")
    assert second.jid == link.jid
    assert (await link.hear())[0].tag == f"{CONDITION}conflict"
    assert await link.ended() == 1000
    await second.be_there()


async def test_another_resource_is_seen_as_presence(*, link: Any, connect: Any, admin: Any) -> None:
    second = await connect()
    await second.sign_in(admin.me, "node_y")
    await second.be_there()
    assert (await link.hear()).get("from") == second.jid
    assert (await second.hear()).get("from") == link.jid
    await second.say('<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>')
    assert (await second.hear()).tag == "{urn:ietf:params:xml:ns:xmpp-framing}close"
    gone = await link.hear()
    assert (gone.get("from"), gone.get("type")) == (second.jid, "unavailable")


async def test_ping_and_disco_are_answered_and_the_rest_is_not_known(*, link: Any) -> None:
    await link.say('<iq xmlns="jabber:client" type="get" id="1" to="rainbow.test"><ping xmlns="urn:xmpp:ping"/></iq>')
    answer = await link.hear()
    assert (answer.get("type"), answer.get("id"), answer.get("from")) == ("result", "1", "rainbow.test")
    info = "http://jabber.org/protocol/disco#info"
    await link.say(f'<iq xmlns="jabber:client" type="get" id="2" to="rainbow.test"><query xmlns="{info}"/></iq>')
    assert (await link.hear())[0][0].get("category") == "server"
    await link.say('<iq xmlns="jabber:client" type="get" id="3"><query xmlns="jabber:iq:roster"/></iq>')
    answer = await link.hear()
    assert (answer.get("type"), answer[0][0].tag) == ("error", f"{STANZA}service-unavailable")


async def test_an_ordinary_user_reaches_the_connector_under_his_own_name(
    *, link: Any, connect: Any, colleague: Any
) -> None:
    """The server delivers to a full JID whoever asks, and stamps who it was: refusing is the connector's task."""
    stranger = await connect()
    await stranger.sign_in(colleague.me, "web")
    await stranger.say(
        f'<iq xmlns="jabber:client" type="get" id="q" to="{link.jid}" from="pcloud_enduser_1@rainbow.test/1">'
        '<events xmlns="urn:xmpp:calendar:0" email="a@acme.test"/></iq>'
    )
    question = await link.hear()
    assert question.get("from") == stranger.jid
    await link.answer(
        question, '<error type="auth"><forbidden xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>', "error"
    )
    assert (await stranger.hear())[0][0].tag == f"{STANZA}forbidden"
    await stranger.say(
        '<iq xmlns="jabber:client" type="get" id="n" to="x@rainbow.test/y"><ping xmlns="urn:xmpp:ping"/></iq>'
    )
    assert (await stranger.hear())[0][0].tag == f"{STANZA}service-unavailable"


async def test_a_stop_says_goodbye(*, link: Any, lab: Any) -> None:
    stopping = asyncio.create_task(lab.stop())
    assert (await link.hear())[0].tag == f"{CONDITION}system-shutdown"
    await link.ended()
    await stopping
