"""The stages in their order, over sockets: from Exchange's appointment to what Rainbow's clients are shown."""

import asyncio
from typing import TYPE_CHECKING, Any

from rainbow_exchange.model import Gap, Lost, MailboxChanged
from rainbow_exchange.rainbow.xmpp import XmppLink

if TYPE_CHECKING:
    from tests.bridge.conftest import Bridge, Kit, MakeBridge, MakeExchange, MakeRainbow

ANN = "ann@acme.test"


def link_of(bridge: "Bridge", kit: "Kit") -> XmppLink:
    rainbow = bridge.rainbow
    return XmppLink(
        url=f"ws{rainbow.lab.url.removeprefix('http')}/websocket",
        account=rainbow.client.signed_in,
        resource="node_test",
        answer=bridge.parts.answers.answer,
        trusted_askers=None,
        app_id=rainbow.lab.app_id,
        now=kit.now,
        random=kit.half,
        on_connected=bridge.pipeline.changes.link_restored,
        on_refused=rainbow.client.forget,
    )


def shown(bridge: "Bridge", name: str = "ann") -> dict[str, Any]:
    lab = bridge.rainbow.lab
    user = lab.people.by_id(name)
    assert user is not None
    return lab.questions.shown(user).as_json()


async def test_an_appointment_makes_a_person_busy_and_its_end_free(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    exchange, rainbow = await make_exchange(ANN), await make_rainbow(kit.person("ann"), ask=True)
    bridge = make_bridge(exchange, rainbow)
    link = link_of(bridge, kit)
    async with kit.running(bridge.pipeline.run(), link.run()):
        await kit.until(lambda: bridge.parts.ledger.was_notified("ann") and not bridge.parts.ledger.unanswered())
        assert shown(bridge)["busy"] is False
        item = exchange.appointment(ANN, hours=-0.5, subject="Planning")
        await kit.until(lambda: shown(bridge)["busy"], limit=2.0)
        assert shown(bridge)["subject"] == "Planning"
        exchange.lab.directory.by_address[ANN].calendar.delete(item)
        await kit.until(lambda: not shown(bridge)["busy"], limit=4.0)
        # What was asked counts as told: nobody is told again.
        told = bridge.notified("ann")
        await asyncio.sleep(120)
        assert bridge.notified("ann") == told
        assert bridge.parts.ledger.not_asked(bridge.parts.loop_time()) == 0


async def test_signals_go_where_they_belong(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    bridge = make_bridge(await make_exchange(ANN), await make_rainbow(kit.person("ann")))
    async with bridge.at_work("ann"):
        reads = bridge.parts.reader.counters
        before = reads.requests
        bridge.pipeline.signal(MailboxChanged(mailbox=ANN))
        await kit.until(lambda: reads.requests == before + 1)
        bridge.pipeline.signal(Gap(mailboxes=(ANN,), reason="reopened"))
        await kit.until(lambda: reads.requests == before + 2)
        assert bridge.parts.counters.signals == 1
        bridge.pipeline.signal(Lost(mailbox=ANN, code="ErrorAccessDenied"))
        assert bridge.member("ann").mailbox is None


async def test_nothing_is_left_running_at_the_end(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    before = asyncio.all_tasks()
    exchange = await make_exchange(ANN)
    bridge = make_bridge(exchange, await make_rainbow(kit.person("ann")))
    async with bridge.at_work("ann"):
        pass
    report = await bridge.parts.watcher.close(5.0)
    assert (report.unsubscribed, report.left) == (1, 0)
    assert len(list(exchange.lab.subscriptions)) == 0
    ours = ("bridge:", "changes:", "enrol:", "read:", "stream:", "look-up")
    left = [task.get_name() for task in asyncio.all_tasks() - before if task.get_name().startswith(ours)]
    assert left == []
