import asyncio
import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import structlog
import trustme
from aiohttp import web

from rainbow_exchange.errors import UserError
from rainbow_exchange.rainbow.errors import RainbowConnectionError, RateLimited
from rainbow_exchange.rainbow.types import Account
from rainbow_exchange.rainbow.xmpp import XmppLink

if TYPE_CHECKING:
    from rainbow_exchange.rainbow.link import RainbowLink

RunLink = Callable[..., Any]
STREAM_ERROR = (
    '<stream:error xmlns:stream="http://etherx.jabber.org/streams">'
    '<{} xmlns="urn:ietf:params:xml:ns:xmpp-streams">{}</{}></stream:error>'
)
CLOSE = '<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>'


def fault(condition: str, text: str = "") -> str:
    return STREAM_ERROR.format(condition, text, condition)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(90_000):
        while not holds():  # noqa: ASYNC110  (what a link shows comes with no event)
            await asyncio.sleep(0.01)


async def test_dialogue_is_the_documented_one(server: Any, run_link: RunLink) -> None:
    life = run_link()
    visit = await server.visit()
    await visit.hear('type="get"')
    assert visit.query == {
        "x-rainbow-xmpp-dom": "rainbow.test",
        "x-rainbow-client": "sdk_node",
        "x-rainbow-client-version": visit.query["x-rainbow-client-version"],
        "x-rainbow-client-id": "app1",
    }
    assert visit.headers["Sec-WebSocket-Protocol"] == "xmpp"
    assert "Authorization" not in visit.headers
    assert [re.sub(r"\s.*", "", frame, flags=re.DOTALL) for frame in visit.frames] == [
        "<open",
        "<auth",
        "<open",
        "<iq",
        "<iq",
        "<presence",
    ]
    # "\0" "0a1b" "\0" "deadbeef"
    assert 'mechanism="PLAIN">ADBhMWIAZGVhZGJlZWY=<' in visit.frames[1]
    assert "<resource>node_x</resource>" in visit.frames[3]
    assert "disco#info" in visit.frames[4]
    assert "<appid>app1</appid><userid>5f01</userid><companyid>5fc1</companyid>" in visit.frames[5]
    assert life.told == ["account", "connected"]
    assert (life.link.connected, life.link.reason, life.link.counters.connects) == (True, "", 1)


async def test_link_goes_over_tls(server: Any, run_link: RunLink) -> None:
    await server.stop()
    authority, server.tls, trusting = (
        trustme.CA(),
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH),
        ssl.create_default_context(),
    )
    authority.issue_cert("127.0.0.1").configure_cert(server.tls)
    authority.configure_trust(trusting)
    await server.start()
    distrusting = run_link()
    await until(lambda: distrusting.link.reason.startswith("tls"))
    assert "tls: The certificate of 127.0.0.1 is not trusted: it was issued by “Testing CA" in distrusting.link.reason
    await distrusting.stop()
    trusted = run_link(ssl=trusting)
    await server.visit()
    await until(lambda: trusted.link.connected)


async def test_it_is_a_link(server: Any, run_link: RunLink) -> None:
    link: RainbowLink = run_link().link
    assert (link.connected, link.reason, link.stranger) == (False, "not connected yet", None)
    await server.visit()


async def test_end_is_orderly(server: Any, run_link: RunLink) -> None:
    life = run_link()
    visit = await server.visit()
    await life.stop()
    await visit.ended.wait()
    assert [re.sub(r"[\s/].*", "", frame) for frame in visit.frames[-2:]] == ["<presence", "<close"]
    assert 'type="unavailable"' in visit.frames[-2]
    assert life.told == ["account", "connected", "lost"]
    assert not life.link.connected


async def test_end_does_not_wait_for_a_server_that_is_silent(server: Any, run_link: RunLink) -> None:
    life = run_link()
    await server.visit()
    server.deaf = True
    began = asyncio.get_running_loop().time()
    await life.stop()
    assert asyncio.get_running_loop().time() - began <= 2


async def test_session_is_asked_for_where_the_server_insists(server: Any, run_link: RunLink) -> None:
    session = '<session xmlns="urn:ietf:params:xml:ns:xmpp-session"/>'
    server.second_features = server.second_features.replace("</stream:features>", session + "</stream:features>")
    server.says['id="session-1"'] = ['<iq xmlns="jabber:client" type="result" id="session-1"/>']
    run_link()
    assert any("<session" in frame for frame in (await server.visit()).frames)


async def test_question_amid_the_last_steps_of_the_login_is_answered(server: Any, run_link: RunLink) -> None:
    session = '<session xmlns="urn:ietf:params:xml:ns:xmpp-session"/>'
    question = '<iq xmlns="jabber:client" type="get" id="q1"><events xmlns="urn:xmpp:calendar:0" email="a@b"/></iq>'
    server.second_features = server.second_features.replace("</stream:features>", session + "</stream:features>")
    server.says['id="session-1"'] = [question, '<iq xmlns="jabber:client" type="result" id="session-1"/>']
    run_link()
    assert 'type="result"' in await (await server.visit()).hear('id="q1"')


async def test_ping_of_the_server_is_answered(server: Any, run_link: RunLink) -> None:
    run_link()
    visit = await server.visit()
    answer = await visit.ask(
        '<iq xmlns="jabber:client" type="get" id="s2c1" from="rainbow.test"><ping xmlns="urn:xmpp:ping"/></iq>'
    )
    assert 'type="result"' in answer
    assert 'to="rainbow.test"' in answer
    assert "<ping" not in answer


async def test_disco_is_answered(server: Any, run_link: RunLink) -> None:
    run_link()
    visit = await server.visit()
    answer = await visit.ask(
        '<iq xmlns="jabber:client" type="get" id="d7"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>'
    )
    assert 'var="urn:xmpp:ping"' in answer


@pytest.mark.parametrize(
    "iq",
    [
        '<iq xmlns="jabber:client" type="get" id="q1" from="a@b/c"><query xmlns="jabber:iq:version"/></iq>',
        '<iq xmlns="jabber:client" type="set" id="q1" from="a@b/c"><ping xmlns="urn:xmpp:ping"/></iq>',
        '<iq xmlns="jabber:client" type="get" id="q1" from="a@b/c"><x xmlns="urn:xmpp:calendar:0"/></iq>',
    ],
)
async def test_unknown_iq_is_answered_with_an_error(server: Any, run_link: RunLink, iq: str) -> None:
    run_link()
    answer = await (await server.visit()).ask(iq)
    assert 'type="error"' in answer
    assert 'to="a@b/c"' in answer
    assert "service-unavailable" in answer


@pytest.mark.parametrize(
    "frame",
    [
        '<iq xmlns="jabber:client" type="result" id="nobody"/>',
        '<iq xmlns="jabber:client" type="error" id="nobody"><error/></iq>',
        '<message xmlns="jabber:client" type="management"><x xmlns="jabber:iq:configuration"/></message>',
        '<presence xmlns="jabber:client"/>',
    ],
)
async def test_what_asks_nothing_is_not_answered(server: Any, run_link: RunLink, frame: str) -> None:
    life = run_link()
    visit = await server.visit()
    before = len(visit.frames)
    await visit.say(frame)
    await asyncio.sleep(5)
    assert len(visit.frames) == before
    assert life.link.connected


async def test_another_connector_on_our_account_is_noticed(server: Any, run_link: RunLink) -> None:
    life = run_link()
    visit = await server.visit()
    for resource in ("node_x", "node_y"):
        await visit.say(f'<presence xmlns="jabber:client" from="0a1b@rainbow.test/{resource}"/>')
    await visit.say('<presence xmlns="jabber:client" from="else@rainbow.test/node_z"/>')
    await until(lambda: life.link.other_resources == {"node_y"})
    assert life.link.others == 1
    await visit.say('<presence xmlns="jabber:client" from="0a1b@rainbow.test/node_y" type="unavailable"/>')
    await until(lambda: not life.link.other_resources)


async def test_quiet_link_is_pinged_and_stays(server: Any, run_link: RunLink) -> None:
    life = run_link()
    visit = await server.visit()
    await asyncio.sleep(100)
    pings = [frame for frame in visit.frames if "urn:xmpp:ping" in frame]
    assert len(pings) == 6
    assert 'to="rainbow.test"' in pings[0]
    assert life.link.counters.connects == 1


async def test_nothing_is_sent_to_keep_alive_but_pings(server: Any, run_link: RunLink) -> None:
    run_link()
    visit = await server.visit()
    await asyncio.sleep(100)
    assert all(frame.startswith("<") for frame in visit.frames)


async def test_server_that_is_silent_is_left(server: Any, run_link: RunLink) -> None:
    life = run_link()
    visit = await server.visit()
    server.answers_pings = False
    began = asyncio.get_running_loop().time()
    await (await server.visit(2)).hear("<presence")
    assert 25 <= server.visits[1].at - began <= 30
    assert life.told[:4] == ["account", "connected", "lost", "account"]
    await visit.ended.wait()


async def test_websocket_that_answers_no_ping_is_left(server: Any, run_link: RunLink) -> None:
    server.answers_pings = False
    run_link()
    first = await server.visit()
    await server.visit(2)
    assert 17 <= server.visits[1].at - first.at <= 20
    assert first.pings == 1


@pytest.mark.parametrize(("drawn", "seconds"), [(0.0, 1), (0.5, 5.5), (1.0, 10)])
async def test_clients_of_a_server_that_shuts_down_come_back_one_after_the_other(
    server: Any, run_link: RunLink, drawn: float, seconds: float
) -> None:
    life = run_link(random=lambda: drawn)
    visit = await server.visit()
    await asyncio.sleep(60)
    began = asyncio.get_running_loop().time()
    await visit.say(fault("system-shutdown"))
    await visit.say(CLOSE)
    await server.visit(2)
    assert server.visits[1].at - began == pytest.approx(seconds, abs=0.5)
    await until(lambda: life.link.connected)
    assert life.told == ["account", "connected", "lost", "account", "connected"]


async def test_server_that_finds_us_to_break_its_rules_is_left_alone_for_longer(server: Any, run_link: RunLink) -> None:
    run_link()
    for number in range(1, 5):
        visit = await server.visit(number)
        await asyncio.sleep(60)
        await visit.say(fault("policy-violation", "stanza too large"))
    await server.visit(5)
    gaps = [round(after.at - before.at - 60) for before, after in pairwise(server.visits)]
    assert gaps == [20, 40, 80, 160]


async def test_stream_that_is_not_authorized_any_more_is_met_by_a_new_login(server: Any, run_link: RunLink) -> None:
    life = run_link()
    await (await server.visit()).say(fault("not-authorized"))
    await server.visit(2)
    await until(lambda: life.link.connected)
    assert life.told == ["account", "connected", "lost", "refused", "account", "connected"]


async def test_login_that_fails_for_now_is_repeated_as_it_is(server: Any, run_link: RunLink) -> None:
    failure = '<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><temporary-auth-failure/></failure>'
    usual, server.says["<auth "] = server.says["<auth "], [failure]
    life = run_link()
    await until(lambda: "temporary-auth-failure" in life.link.reason)
    server.says["<auth "] = usual
    await server.visit(2)
    assert server.visits[1].at <= 2
    assert "refused" not in life.told


async def test_wait_after_a_conflict_can_be_cut_short(server: Any, run_link: RunLink) -> None:
    life = run_link()
    visit = await server.visit()
    await visit.say(fault("conflict"))
    await until(lambda: not life.link.connected)
    await asyncio.sleep(60)
    assert len(server.visits) == 1
    life.link.try_again()
    await server.visit(2)
    await until(lambda: life.link.connected)
    assert server.visits[1].at <= 62


async def test_conflict_on_a_socket_that_was_replaced_already_means_nothing(server: Any, run_link: RunLink) -> None:
    life = run_link()
    first = await server.visit()
    server.answers_pings = False
    second = await server.visit(2)
    server.answers_pings = True
    with suppress(ConnectionError):
        await first.say(fault("conflict", "Replaced by new connection"))
    await asyncio.sleep(600)
    assert life.link.connected
    assert len(server.visits) == 2
    assert second.code is None


async def test_server_that_is_down_is_tried_ever_more_slowly_and_found_again(server: Any, run_link: RunLink) -> None:
    with structlog.testing.capture_logs() as logs:
        life = run_link()
        await server.visit()
        await server.stop()
        await until(lambda: not life.link.connected)
        await asyncio.sleep(86_400)
        assert "refused" in life.link.reason
        tries = life.told.count("account")
        assert 1380 <= tries <= 1450
        await server.start()
        began = asyncio.get_running_loop().time()
        await server.visit(2)
    assert server.visits[1].at - began <= 60
    told = [(entry["log_level"], entry["event"]) for entry in logs if entry["log_level"] in ("warning", "info")]
    assert told == [("info", "xmpp_connected")]


async def test_conflict_is_shown_and_tried_again_slowly(server: Any, run_link: RunLink) -> None:
    life = run_link()
    for number in range(1, 6):
        visit = await server.visit(number)
        await visit.say(fault("conflict", "Replaced by new connection"))
        await until(lambda: not life.link.connected)
        assert life.link.reason.startswith("conflict: another connector")
    await server.visit(6)
    times = [visit.at for visit in server.visits]
    gaps = [round((after - before) / 60) for before, after in pairwise(times)]
    assert gaps == [5, 10, 20, 40, 60]


async def test_refused_password_is_tried_slowly_and_told(server: Any, run_link: RunLink) -> None:
    server.says["<auth "] = [
        '<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><not-authorized/><text>No</text></failure>'
    ]
    life = run_link()
    await asyncio.sleep(1000)
    assert [round(visit.at) for visit in server.visits] == [0, 60, 180, 420, 900]
    assert life.told == ["account", "refused"] * 5
    assert life.link.reason == "Rainbow's XMPP server refused the login (not-authorized)"


async def test_account_that_rainbow_does_not_give_is_waited_for(server: Any, run_link: RunLink) -> None:
    troubles: list[Exception] = [RainbowConnectionError("timeout"), RateLimited(50)]

    async def account() -> Account:
        if troubles:
            raise troubles.pop(0)
        return Account(user_id="u", company_id="c", jid="0a1b@rainbow.test", jid_password="p")

    life = run_link(account=account)
    await asyncio.sleep(30)
    assert life.link.reason == "retry after 50 s"
    visit = await server.visit()
    assert visit.at == pytest.approx(51, abs=1)


@pytest.mark.parametrize("jid", ["", "rainbow.test", "0a1b@rainbow.test"])
async def test_account_without_xmpp_is_said(server: Any, run_link: RunLink, jid: str) -> None:
    async def account() -> Account:
        return Account(user_id="u", company_id="c", jid=jid, jid_password="")

    life = run_link(account=account)
    await asyncio.sleep(10)
    assert life.link.reason == "Rainbow's login gave no XMPP account"
    assert server.visits == []


async def test_other_address_on_the_same_host_is_followed(server: Any, run_link: RunLink) -> None:
    life = run_link()
    visit = await server.visit()
    other = server.url.replace("/websocket", "/other")
    await visit.say(CLOSE.replace("/>", f' see-other-uri="{other}"/>'))
    second = await server.visit(2)
    assert second.path == "/other"
    await second.say(CLOSE)
    assert (await server.visit(3)).path == "/websocket"
    assert life.link.counters.connects == 3


@pytest.mark.parametrize(
    "said", [CLOSE.replace("/>", ' see-other-uri="ws://127.0.0.2:1/"/>'), fault("see-other-host", "evil.test")]
)
async def test_other_address_elsewhere_is_not_followed(server: Any, run_link: RunLink, said: str) -> None:
    life = run_link()
    visit = await server.visit()
    await visit.say(said)
    await until(lambda: not life.link.connected)
    await until(lambda: "not followed" in life.link.reason)
    assert (await server.visit(2)).path == "/websocket"


async def test_servers_that_send_us_round_are_left_to_the_back_off(server: Any, run_link: RunLink) -> None:
    uri = server.url.replace("/websocket", "/other")
    server.says["<auth "] = [CLOSE.replace("/>", f' see-other-uri="{uri}"/>')]
    life = run_link()
    await asyncio.sleep(600)
    assert len(server.visits) < 60
    assert not life.link.connected


async def test_redirect_of_the_handshake_is_not_followed(server: Any, run_link: RunLink) -> None:
    server.refuse = lambda _: web.Response(status=302, headers={"Location": "/elsewhere"})
    life = run_link()
    await asyncio.sleep(3)
    assert "http-302" in life.link.reason
    assert server.visits == []


async def test_handshake_that_is_refused_is_said(server: Any, run_link: RunLink) -> None:
    server.refuse = lambda _: web.Response(status=503)
    life = run_link()
    await asyncio.sleep(1)
    assert life.link.reason == "http-503: no WebSocket"


async def test_server_without_the_subprotocol_is_left(server: Any, run_link: RunLink) -> None:
    server.protocols = ()
    life = run_link()
    await until(lambda: life.link.reason == "the server does not speak XMPP over WebSocket")


async def test_silence_in_the_middle_of_the_login_is_a_timeout(server: Any, run_link: RunLink) -> None:
    server.says["<auth "] = []
    life = run_link()
    await asyncio.sleep(29)
    assert life.link.reason == "not connected yet"
    await asyncio.sleep(4)
    assert life.link.reason.startswith("timeout")


async def test_bug_in_an_answer_is_not_hidden(server: Any, run_link: RunLink) -> None:
    async def answer(_: object) -> Any:
        raise ZeroDivisionError

    life = run_link(answer)
    visit = await server.visit()
    said = await visit.ask(
        '<iq xmlns="jabber:client" type="get" id="q1" from="rainbow.test">'
        '<events xmlns="urn:xmpp:calendar:0" email="a@b"/></iq>'
    )
    assert "internal-server-error" in said
    await asyncio.wait([life.task])
    error = life.task.exception()
    assert isinstance(error, ExceptionGroup)
    assert error.subgroup(ZeroDivisionError) is not None


@pytest.mark.parametrize("url", ["ws://rainbow.test/websocket", "https://rainbow.test", "wss://"])
def test_address_that_would_betray_the_password_is_refused(url: str) -> None:
    async def never() -> Any:
        raise AssertionError

    with pytest.raises(UserError):
        XmppLink(
            url=url,
            account=never,
            resource="node_x",
            answer=lambda _: never(),
            app_id="app1",
            now=lambda: None,  # type: ignore[arg-type, return-value]  # never called
            random=lambda: 0.0,
        )
