"""The link against a real XMPP server: prosody with WebSocket, on loopback."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.rainbow.link import Answer
from rainbow_exchange.rainbow.management import Command, Order
from rainbow_exchange.rainbow.types import Account, AutoReply, CalendarEvent, Question
from rainbow_exchange.rainbow.xmpp import XmppLink
from tests.peers.prosody import PROSODY, Prosody, asker, until

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(PROSODY is None, reason="prosody is not installed (apt-get install prosody)"),
]
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
def prosody(tmp_path: Path) -> Iterator[Prosody]:
    made = Prosody(tmp_path)
    yield made
    made.kill()


async def answer(question: Question) -> Answer:
    if question.kind == "autoreply":
        return Answer(auto_reply=AutoReply(state="enabled", internal_text="Away & out"))
    return Answer(
        events=(
            CalendarEvent(
                id="evt-1", subject="Café <R&D>", type="singleInstance", show_as="busy", start=START, end=START
            ),
        )
    )


@asynccontextmanager
async def connector(
    prosody: Prosody,
    *,
    password: str = "pw",  # noqa: S107  (the lab's)
    **more: Any,
) -> AsyncIterator[XmppLink]:
    async def account() -> Account:
        return Account(user_id="u1", company_id="c1", jid="connector@rainbow.test", jid_password=password)

    link = XmppLink(
        url=prosody.url,
        account=account,
        resource="node_x",
        answer=answer,
        app_id="app1",
        now=lambda: datetime.now(UTC),
        random=lambda: 0.0,
        **more,
    )
    task = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


def question(id_: str, type_: str, payload: str) -> str:
    return f"<iq xmlns='jabber:client' type='{type_}' id='{id_}' to='connector@rainbow.test/node_x'>{payload}</iq>"


EVENTS = (
    "<events xmlns='urn:xmpp:calendar:0' email='Bob@acme.test'><startDate>2026-01-05T00:00:00Z</startDate>"
    "<endDate>2026-01-06T00:00:00Z</endDate></events>"
)
AUTO_REPLY = "<autoreply xmlns='urn:xmpp:calendar:0' email='Bob@acme.test'/>"


@pytest.mark.parametrize(
    ("mechanism", "disabled"),
    [
        ("PLAIN", ("SCRAM-SHA-1", "SCRAM-SHA-256")),
        ("SCRAM-SHA-1", ("PLAIN", "SCRAM-SHA-256")),
        ("SCRAM-SHA-256", ("PLAIN", "SCRAM-SHA-1")),
        ("SCRAM-SHA-256", ()),
    ],
)
async def test_link_signs_in(prosody: Prosody, mechanism: str, disabled: tuple[str, ...]) -> None:
    await prosody.start(disabled=disabled).ready()
    async with connector(prosody) as link:
        await until(lambda: link.connected)
        assert f"mechanism='{mechanism}'" in prosody.log() or f'mechanism="{mechanism}"' in prosody.log()
        assert "Resource bound: connector@rainbow.test/node_x" in prosody.log()
        await asyncio.sleep(0.5)
        assert link.connected


@pytest.mark.parametrize("disabled", [(), ("SCRAM-SHA-1", "SCRAM-SHA-256")])
async def test_wrong_password_is_told(prosody: Prosody, disabled: tuple[str, ...]) -> None:
    await prosody.start(disabled=disabled).ready()
    async with connector(prosody, password="wrong") as link:
        await until(lambda: "refused the login (not-authorized)" in link.reason)


@pytest.mark.parametrize("type_", ["get", "set"])
async def test_rainbows_own_account_is_answered(prosody: Prosody, type_: str) -> None:
    await prosody.start().ready()
    async with connector(prosody) as link, asker(prosody, "pcloud_enduser_1") as ask:
        await until(lambda: link.connected)
        said = await ask(question("ev1", type_, EVENTS))
        assert "<subject>Café &lt;R&amp;D&gt;</subject>" in said
        assert re.search("""type=['"]result['"]""", said)
        assert re.search("""email=['"]Bob@acme.test['"]""", said)
        assert "<internalReplyMessage>Away &amp; out</internalReplyMessage>" in await ask(
            question("ar1", type_, AUTO_REPLY)
        )
        assert link.counters.answered == 2


async def test_mallory_is_refused(prosody: Prosody) -> None:
    await prosody.start().ready()
    async with connector(prosody) as link, asker(prosody, "mallory") as ask:
        await until(lambda: link.connected)
        for type_ in ("get", "set"):
            assert "<forbidden " in await ask(question(f"m{type_}", type_, EVENTS))
        assert (link.counters.strangers, link.stranger, link.counters.questions) == (2, "rainbow.test", 0)


async def test_orders_are_taken_from_rainbows_own_account_and_their_end_reaches_it(prosody: Prosody) -> None:
    def order(id_: str) -> str:
        command = f"<connectorcommand xmlns='jabber:iq:configuration' command='manual_synchro' commandId='{id_}'/>"
        to = "connector@rainbow.test/node_x"
        return f"<message xmlns='jabber:client' type='management' id='{id_}' to='{to}'>{command}</message>"

    taken: list[tuple[Order, str]] = []
    await prosody.start().ready()
    async with (
        connector(prosody, on_order=lambda order, sender: taken.append((order, sender))) as link,
        asker(prosody, "pcloud_enduser_1") as ask,
        asker(prosody, "mallory") as ask_as_mallory,
    ):
        await until(lambda: link.connected)
        assert "<forbidden " in await ask_as_mallory(order("m1"))
        assert (link.counters.strangers, taken) == (1, [])
        said = ask(order("c1"))
        await until(lambda: bool(taken))
        assert taken == [(Command(name="manual_synchro", id="c1"), "pcloud_enduser_1@rainbow.test/4711")]
        await link.tell_ended(taken[0][1], "c1")
        assert re.search("""<command_ended [^>]*commandId=['"]c1['"]""", await said)


async def test_stranger_cannot_end_the_stream_nor_make_us_break_the_servers_limit(prosody: Prosody) -> None:
    await prosody.start(limit=18_432).ready()
    async with (
        connector(prosody) as link,
        asker(prosody, "mallory") as mallory,
        asker(prosody, "pcloud_enduser_1") as ask,
    ):
        await until(lambda: link.connected)
        for number, payload in enumerate(("<a>" * 400 + "</a>" * 400, '<a xml:id="1 2"/>')):
            assert "<bad-request " in await mallory(question(f"odd{number}", "get", payload))
        # an answer that repeats this id would be longer than the server allows
        ping = "<ping xmlns='urn:xmpp:ping'/>"
        overlong = mallory(question("x" * (18_400 - len(question("", "set", ping))), "set", ping))
        assert "<subject>" in await ask(question("after", "get", EVENTS))
        await until(lambda: link.counters.too_long == 1)
        assert link.counters.connects == 1
        overlong.cancel()


async def test_ping_and_disco_are_answered_and_the_rest_is_unknown(prosody: Prosody) -> None:
    await prosody.start().ready()
    async with connector(prosody) as link, asker(prosody, "mallory") as ask:
        await until(lambda: link.connected)
        said = await ask(question("p1", "get", "<ping xmlns='urn:xmpp:ping'/>"))
        assert re.search("""type=['"]result['"]""", said)
        for what in ("info", "items"):
            said = await ask(question(f"d{what}", "get", f"<query xmlns='http://jabber.org/protocol/disco#{what}'/>"))
            assert re.search("""type=['"]result['"]""", said)
        assert "<service-unavailable " in await ask(question("v1", "get", "<query xmlns='jabber:iq:version'/>"))
        assert "<service-unavailable " in await ask(question("v2", "set", "<query xmlns='jabber:iq:roster'/>"))


async def test_flood_is_answered_once_each(prosody: Prosody) -> None:
    await prosody.start().ready()
    async with connector(prosody) as link, asker(prosody, "pcloud_enduser_1") as ask:
        await until(lambda: link.connected)
        many = [question(f"q{number}", "get", EVENTS) for number in range(500)]
        assert "<subject>" in await ask(question("last", "get", EVENTS), many)
        await until(lambda: link.counters.answered == 501)
        assert link.counters.questions == 501


async def test_restart_of_the_server_is_met_by_a_new_connection(prosody: Prosody) -> None:
    await prosody.start().ready()
    async with connector(prosody) as link:
        await until(lambda: link.connected)
        prosody.stop()
        await until(lambda: not link.connected)
        await prosody.start().ready()
        await until(lambda: link.connected)
        async with asker(prosody, "pcloud_enduser_1") as ask:
            assert "<subject>" in await ask(question("ev2", "get", EVENTS))


async def test_second_connector_under_the_same_name_is_a_conflict(prosody: Prosody) -> None:
    await prosody.start().ready()
    async with connector(prosody) as first:
        await until(lambda: first.connected)
        async with connector(prosody) as second:
            await until(lambda: second.connected and not first.connected)
            assert first.reason.startswith("conflict")
            await asyncio.sleep(2)
            assert second.connected
