"""People come and go at Rainbow, mailboxes are found and lost; what worked is remembered."""

import asyncio
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from rainbow_exchange.bridge.privacy import PrivacyRules
from rainbow_exchange.bridge.read_mode import Mode
from rainbow_exchange.bridge.roster import Coverage, Identifier, IdentifierKind
from rainbow_exchange.model import Mailbox
from rainbow_exchange.rainbow.link import QuestionRefused
from rainbow_exchange.rainbow.types import Question
from rainbow_exchange.state.store import Remembered, Store

if TYPE_CHECKING:
    from tests.bridge.conftest import Bridge, Exchange, Kit, MakeBridge, MakeExchange, MakeRainbow, Rainbow

ANN, BOB, EVE = "ann@acme.test", "bob@acme.test", "eve@acme.test"


@pytest.fixture
async def exchange(make_exchange: "MakeExchange") -> "Exchange":
    return await make_exchange(ANN, BOB, EVE, "ann.b@acme.test")


@pytest.fixture
async def rainbow(kit: "Kit", make_rainbow: "MakeRainbow") -> "Rainbow":
    return await make_rainbow(kit.person("ann"), kit.person("bob"))


@pytest.fixture
def bridge(exchange: "Exchange", rainbow: "Rainbow", make_bridge: "MakeBridge") -> "Bridge":
    """Give the bridge for Ann and Bob; users are listed every minute."""
    return make_bridge(exchange, rainbow, users_refresh_seconds=60.0)


async def refusal(bridge: "Bridge", email: str) -> str:
    with pytest.raises(QuestionRefused) as refused:
        await bridge.parts.answers.answer(Question(kind="events", email=email))
    return refused.value.condition


async def answered(bridge: "Bridge", email: str) -> list[str]:
    answer = await bridge.parts.answers.answer(Question(kind="events", email=email))
    answer.sent()
    return [event.subject for event in answer.events]


# --- remembered


async def test_what_worked_is_written_and_tried_first_after_a_restart(
    bridge: "Bridge", exchange: "Exchange", rainbow: "Rainbow", store: Store, make_bridge: "MakeBridge"
) -> None:
    async with bridge.at_work("ann", "bob"):
        await asyncio.sleep(3)
        assert store.remembered()["ann"] == Remembered(
            user_id="ann", identifier_kind="login", identifier=ANN, address=ANN, principal=None, read_mode="own"
        )
    await bridge.parts.watcher.close()
    exchange.lab.record.clear()
    again = make_bridge(exchange, rainbow)
    async with again.at_work("ann", "bob"):
        assert len(exchange.requests("Subscribe")) == 2
        assert again.member("ann").identifier == Identifier(IdentifierKind.LOGIN, ANN)


async def test_a_read_mode_learnt_late_is_remembered_at_the_stop(
    bridge: "Bridge", exchange: "Exchange", store: Store
) -> None:
    async with bridge.at_work("ann", "bob"):
        await asyncio.sleep(3)
        exchange.lab.dials.turn({"faults": {"FindItem": "ErrorAccessDenied"}})
        exchange.appointment(ANN)
        await asyncio.sleep(3)
        assert bridge.parts.reader.mode(ANN) is Mode.BATCHED
    await bridge.pipeline.membership.remember()
    assert store.remembered()["ann"].read_mode == "batched"
    assert store.remembered()["bob"].read_mode == "own"


async def test_what_was_written_by_another_version_is_ignored(
    exchange: "Exchange", rainbow: "Rainbow", store: Store, make_bridge: "MakeBridge"
) -> None:
    strange = Remembered(
        user_id="ann", identifier_kind="by-magic", identifier=ANN, address=EVE, principal=None, read_mode="own"
    )
    store.remember([strange])
    async with make_bridge(exchange, rainbow).at_work("ann", "bob") as bridge:
        assert bridge.member("ann").mailbox == Mailbox(address=ANN)


async def test_a_state_file_that_cannot_be_written_ends_nothing_and_is_said_once(
    kit: "Kit", bridge: "Bridge", exchange: "Exchange", store: Store
) -> None:
    store._connection.execute("PRAGMA query_only = ON")
    with capture_logs() as logs:
        async with bridge.at_work("ann", "bob"):
            await asyncio.sleep(10)
            exchange.appointment(ANN)
            await kit.until(lambda: bridge.notified("ann") == 2, limit=3)
            store._connection.execute("PRAGMA query_only = OFF")
            await asyncio.sleep(3)
    told = [(entry["event"], entry["log_level"]) for entry in logs if entry["event"].startswith("state_")]
    assert told[0] == ("state_not_written", "warning")
    assert [level for _, level in told[1:-1]] == ["debug"] * (len(told) - 2)
    assert told[-1] == ("state_written_again", "info")
    assert sorted(store.remembered()) == ["ann", "bob"]


# --- users come, go, change


async def test_a_removed_user_is_unsubscribed_and_forgotten(
    kit: "Kit", bridge: "Bridge", exchange: "Exchange", rainbow: "Rainbow", store: Store
) -> None:
    async with bridge.at_work("ann", "bob"):
        await asyncio.sleep(3)
        rainbow.lab.people.remove("ann")
        await kit.until(lambda: exchange.requests("Unsubscribe"), limit=70)
        await asyncio.sleep(3)
        assert bridge.notified("ann") == 2  # at the start, and once more
        assert bridge.parts.reader.last(ANN) is None
        assert bridge.parts.absences.current(ANN) is None
        assert bridge.parts.watcher.coverage(ANN) is None
        assert not bridge.parts.ledger.was_notified("ann")
        assert "ann" not in store.remembered()
        assert await refusal(bridge, ANN) == "item-not-found"
        exchange.lab.record.clear()
        exchange.appointment(ANN)
        await asyncio.sleep(10)
        assert exchange.requests("FindItem", ANN) == []
        assert bridge.streamed(BOB)


async def test_whoever_has_left_is_not_known_from_the_next_question_on_and_costs_no_request(
    bridge: "Bridge", rainbow: "Rainbow"
) -> None:
    async with bridge.at_work("ann", "bob"):
        rainbow.lab.people.remove("ann")
        await bridge.pipeline.membership.listing.refresh()
        assert await refusal(bridge, ANN) == "item-not-found"
        assert bridge.pipeline.membership.listing.counters.looked_up == 0


async def test_rainbow_may_refuse_to_hear_of_whoever_has_left(
    kit: "Kit", bridge: "Bridge", exchange: "Exchange", rainbow: "Rainbow"
) -> None:
    async with bridge.at_work("ann", "bob"):
        rainbow.lab.dials.set({"known_users_only": True})
        rainbow.lab.people.remove("ann")
        await bridge.pipeline.membership.listing.refresh()
        await kit.until(lambda: bridge.parts.notifier.counters.failed_calls == 1, limit=5)
        exchange.appointment(BOB)
        await kit.until(lambda: bridge.notified("bob") == 2, limit=5)
        await asyncio.sleep(3700)
        assert bridge.parts.notifier.counters.failed_calls == 1
        assert list(bridge.parts.notifier.held_back) == []


async def test_whoever_is_back_is_subscribed_and_told_again(kit: "Kit", bridge: "Bridge", rainbow: "Rainbow") -> None:
    listing = bridge.pipeline.membership.listing
    async with bridge.at_work("ann", "bob"):
        rainbow.lab.people.add(kit.person("ann", active=False))
        assert (await listing.refresh()).removed == 1
        assert await refusal(bridge, ANN) == "item-not-found"
        await kit.until(lambda: bridge.notified("ann") == 2, limit=5)
        rainbow.lab.people.add(kit.person("ann"))
        assert (await listing.refresh()).added == 1
        await kit.until(lambda: bridge.streamed(ANN), limit=10)
        await kit.until(lambda: bridge.notified("ann") >= 3, limit=5)
        assert await answered(bridge, ANN) == []


async def test_whoever_left_while_we_were_away_is_told_of_once_more_and_forgotten(
    kit: "Kit", bridge: "Bridge", exchange: "Exchange", rainbow: "Rainbow", store: Store, make_bridge: "MakeBridge"
) -> None:
    async with bridge.at_work("ann", "bob"):
        await asyncio.sleep(3)
    await bridge.parts.watcher.close()
    rainbow.lab.people.add(kit.person("ann", active=False))
    rainbow.lab.dials.set({"refuse_next": 2, "refuse_status": 503, "refuse_retry_after": 5, "refuse_path": "/notify"})
    async with make_bridge(exchange, rainbow).at_work("bob") as again:
        await kit.until(lambda: "ann" not in store.remembered(), limit=10)
        assert again.notified("ann") == 2
        assert "bob" in store.remembered()


async def test_whoever_has_left_is_remembered_until_rainbow_was_told(
    kit: "Kit", bridge: "Bridge", rainbow: "Rainbow", store: Store
) -> None:
    async with bridge.at_work("ann", "bob"):
        await asyncio.sleep(3)
        rainbow.lab.people.remove("ann")
        rainbow.lab.dials.set({"refuse_next": 1, "refuse_status": 503, "refuse_retry_after": 30, "refuse_path": "/not"})
        await bridge.pipeline.membership.listing.refresh()
        await asyncio.sleep(20)
        assert (bridge.notified("ann"), "ann" in store.remembered()) == (1, True)
        await kit.until(lambda: bridge.notified("ann") == 2, limit=30)
        await asyncio.sleep(3)
        assert "ann" not in store.remembered()


async def test_most_of_those_who_are_remembered_are_not_held_to_have_left_by_the_first_list(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge", store: Store
) -> None:
    store.remember(
        Remembered(
            user_id=f"u{number}",
            identifier_kind="login",
            identifier=f"u{number}@acme.test",
            address=f"u{number}@acme.test",
            principal=None,
            read_mode="own",
        )
        for number in range(6)
    )
    rainbow = await make_rainbow(kit.person("ann"))
    bridge = make_bridge(await make_exchange(ANN), rainbow, users_refresh_seconds=600.0)
    async with bridge.at_work("ann"):
        await asyncio.sleep(800)
        assert bridge.notified("u1") == 0
        await asyncio.sleep(600)
        assert bridge.notified("u1") == 1
        assert sorted(store.remembered()) == ["ann"]


async def test_two_who_exchange_their_addresses_are_answered_for_by_the_new_ones(
    kit: "Kit", bridge: "Bridge", exchange: "Exchange", rainbow: "Rainbow"
) -> None:
    for address, subject in ((ANN, "In Ann's"), (BOB, "In Bob's")):
        exchange.appointment(address, subject=subject)
    async with bridge.at_work("ann", "bob"):
        for name in ("ann", "bob"):
            rainbow.lab.people.remove(name)
        rainbow.lab.people.add(kit.person("ann", BOB))
        rainbow.lab.people.add(kit.person("bob", ANN))
        result = await bridge.pipeline.membership.listing.refresh()
        assert (result.changed, result.removed, result.added) == (2, 0, 0)
        await kit.until(lambda: bridge.streamed(ANN, BOB), limit=10)
        assert (bridge.member("ann").mailbox, bridge.member("bob").mailbox) == (
            Mailbox(address=BOB),
            Mailbox(address=ANN),
        )
        assert await answered(bridge, ANN) == ["In Ann's"]
        assert await answered(bridge, BOB) == ["In Bob's"]
        await kit.until(lambda: min(bridge.notified("ann"), bridge.notified("bob")) >= 2, limit=5)


async def test_a_question_for_a_new_address_of_somebody_known_is_answered_from_the_new_mailbox(
    kit: "Kit", bridge: "Bridge", exchange: "Exchange", rainbow: "Rainbow"
) -> None:
    exchange.appointment(EVE, subject="In Eve's")
    async with bridge.at_work("ann", "bob"):
        rainbow.lab.people.add(kit.person("ann", EVE))
        assert await answered(bridge, EVE) == ["In Eve's"]
        assert bridge.member("ann").mailbox == Mailbox(address=EVE)
        await kit.until(lambda: bridge.parts.watcher.coverage(ANN) is None, limit=5)


async def test_an_added_user_is_subscribed_and_told(kit: "Kit", bridge: "Bridge", rainbow: "Rainbow") -> None:
    async with bridge.at_work("ann", "bob"):
        rainbow.lab.people.add(kit.person("eve"))
        await kit.until(lambda: bridge.notified("eve"), limit=70)
        assert bridge.streamed(ANN, BOB, EVE)


async def test_a_renamed_user_is_tried_anew(
    kit: "Kit", bridge: "Bridge", exchange: "Exchange", rainbow: "Rainbow"
) -> None:
    async with bridge.at_work("ann", "bob"):
        rainbow.lab.people.add(kit.person("ann", "ann.b@acme.test"))
        await kit.until(lambda: bridge.streamed("ann.b@acme.test"), limit=70)
        await kit.until(lambda: bridge.parts.watcher.coverage(ANN) is None)
        assert len(exchange.requests("Unsubscribe")) == 1
        exchange.appointment("ann.b@acme.test", subject="New name")
        await asyncio.sleep(5)
        assert await answered(bridge, "ann.b@acme.test") == ["New name"]


async def test_a_lost_mailbox_is_remembered_until_the_refusal_must_have_arrived(
    kit: "Kit", bridge: "Bridge", rainbow: "Rainbow", store: Store
) -> None:
    async with bridge.at_work("ann", "bob"):
        rainbow.lab.people.add(kit.person("ann", "nobody@acme.test"))
        await kit.until(lambda: bridge.member("ann").mailbox is None, limit=70)
        for kind in ("events", "autoreply"):
            with pytest.raises(QuestionRefused) as refused:
                await bridge.parts.answers.answer(Question(kind=kind, email="nobody@acme.test"))
            assert refused.value.sent is not None
            refused.value.sent()
        assert not bridge.parts.ledger.withdrawing("ann")
        await asyncio.sleep(50)
        assert sorted(store.remembered()) == ["ann", "bob"]
        await asyncio.sleep(15)
        assert sorted(store.remembered()) == ["bob"]


async def test_a_user_who_gets_another_login_for_the_same_mailbox_keeps_it(
    kit: "Kit", bridge: "Bridge", rainbow: "Rainbow"
) -> None:
    async with bridge.at_work("ann", "bob"):
        rainbow.lab.people.add(kit.person("ann", "ann@new-login.test", work=(ANN,)))
        await asyncio.sleep(65)
        assert bridge.member("ann").mailbox == Mailbox(address=ANN)
        assert bridge.streamed(ANN, BOB)


async def test_placeholders_speak_the_companys_language(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    exchange = await make_exchange(ANN)
    exchange.appointment(ANN, sensitivity="Private")
    bridge = make_bridge(exchange, await make_rainbow(kit.person("ann", language="fr")), privacy=PrivacyRules())
    async with bridge.at_work("ann"):
        assert await answered(bridge, ANN) == ["Rendez-vous privé"]


async def test_placeholders_are_told_anew_in_another_language(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    """The first who are listed may speak another language than most."""
    exchange = await make_exchange(ANN, BOB)
    exchange.appointment(ANN, sensitivity="Private")
    rainbow = await make_rainbow(kit.person("ann", language="fr"))
    bridge = make_bridge(exchange, rainbow, privacy=PrivacyRules())
    async with bridge.at_work("ann"):
        assert await answered(bridge, ANN) == ["Rendez-vous privé"]
        told = bridge.notified("ann")
        rainbow.lab.people.add(kit.person("ann"))  # in English
        await bridge.pipeline.membership.listing.refresh()
        await kit.until(lambda: bridge.notified("ann") == told + 1, limit=10)
        assert await answered(bridge, ANN) == ["Private appointment"]


# --- mailboxes are lost and taken over


async def test_a_mailbox_without_rights_stands_in_no_notify(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    exchange = await make_exchange(ANN, BOB, mailbox_errors={BOB: "ErrorAccessDenied"})
    bridge = make_bridge(exchange, await make_rainbow(kit.person("ann"), kit.person("bob")))
    async with bridge.at_work("ann"):
        await kit.until(lambda: bridge.member("bob").coverage is Coverage.FAILED)
        await asyncio.sleep(600)
        assert bridge.notified("bob") == 0
        assert bridge.notified("ann") > 0
        assert await refusal(bridge, BOB) == "item-not-found"


async def test_a_lost_mailbox_is_told_once_more_and_found_again_later(
    kit: "Kit", bridge: "Bridge", exchange: "Exchange"
) -> None:
    async with bridge.at_work("ann", "bob"):
        for email in (ANN, BOB):
            await answered(bridge, email)
        exchange.lab.dials.turn({"mailbox_errors": {ANN: "ErrorAccessDenied"}})
        for subscription in exchange.lab.subscriptions.of(ANN):
            exchange.lab.subscriptions.remove(subscription)
        await kit.until(lambda: bridge.member("ann").coverage is Coverage.FAILED, limit=120)
        assert bridge.member("ann").reason == "ErrorAccessDenied"
        await kit.until(lambda: bridge.notified("ann") == 2)
        assert await refusal(bridge, ANN) == "item-not-found"
        assert bridge.parts.reader.last(ANN) is None
        exchange.lab.dials.turn({"mailbox_errors": {}})
        await asyncio.sleep(3610)
        assert bridge.streamed(ANN, BOB)
        assert bridge.notified("ann") > 2


async def test_losing_a_mailbox_that_nobody_has_is_harmless(bridge: "Bridge") -> None:
    bridge.pipeline.membership.lost("nobody@acme.test", "ErrorAccessDenied")
    assert len(bridge.parts.notifier.due) == 0


async def test_a_mailbox_that_another_login_claims_changes_hands_without_a_second_subscribe(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    exchange = await make_exchange("info@acme.test")
    exchange.appointment("info@acme.test", subject="Planning")
    rainbow = await make_rainbow(kit.person("ann", work=("info@acme.test",)))
    bridge = make_bridge(exchange, rainbow, users_refresh_seconds=60.0)
    async with bridge.at_work("ann"):
        rainbow.lab.people.add(kit.person("bob", "info@acme.test"))
        await kit.until(lambda: bridge.notified("bob"), limit=70)
        await asyncio.sleep(5)
        assert len(exchange.requests("Subscribe", "info@acme.test")) == 1
        assert await answered(bridge, "info@acme.test") == ["Planning"]
        assert bridge.member("ann").reason == "taken"
        assert await refusal(bridge, ANN) == "item-not-found"


# --- somebody unknown


async def test_somebody_unknown_is_found_subscribed_and_answered(
    kit: "Kit", bridge: "Bridge", exchange: "Exchange", rainbow: "Rainbow"
) -> None:
    exchange.appointment(EVE, subject="First day")
    async with bridge.at_work("ann", "bob"):
        rainbow.lab.people.add(kit.person("eve"))
        assert await answered(bridge, EVE) == ["First day"]
        assert bridge.member("eve").coverage is Coverage.COVERED
        assert bridge.pipeline.membership.listing.counters.listings == 1


async def test_nobody_is_not_found(bridge: "Bridge") -> None:
    async with bridge.at_work("ann", "bob"):
        assert await refusal(bridge, "stranger@acme.test") == "item-not-found"


async def test_while_rainbow_cannot_say_who_it_is_the_question_is_to_be_repeated(
    bridge: "Bridge", rainbow: "Rainbow"
) -> None:
    async with bridge.at_work("ann", "bob"):
        await rainbow.lab.stop()
        assert await refusal(bridge, "stranger@acme.test") == "remote-server-timeout"
        assert await answered(bridge, ANN) == []


async def test_somebody_whose_mailbox_is_tried_again_later_is_not_tried_for_a_question(
    kit: "Kit", make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge"
) -> None:
    exchange = await make_exchange(ANN, mailbox_errors={ANN: "ErrorMailboxMoveInProgress"})
    bridge = make_bridge(exchange, await make_rainbow(kit.person("ann")))
    async with kit.running(bridge.pipeline.run()):
        await kit.until(lambda: bridge.parts.roster.get("ann") and bridge.member("ann").failures > 2)
        before = len(exchange.requests("Subscribe"))
        assert await refusal(bridge, ANN) == "remote-server-timeout"
        assert len(exchange.requests("Subscribe")) == before
