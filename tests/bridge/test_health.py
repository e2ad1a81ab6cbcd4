"""What status and the page show: the state of either side, and what needs a person."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from rainbow_exchange.bridge.health import Health
from rainbow_exchange.bridge.password import PasswordWatch
from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.bridge.rainbow_health import RainbowHealth
from rainbow_exchange.bridge.sso_watch import SsoWatch
from rainbow_exchange.lab.exchange import LabMailbox
from rainbow_exchange.lab.exchange.calendar import details_from
from rainbow_exchange.lab.exchange.recurrence import Recurrence
from rainbow_exchange.rainbow.xmpp import XmppLink

if TYPE_CHECKING:
    from tests.bridge.conftest import Bridge, Kit, MakeBridge, MakeExchange, MakeRainbow

ANN, BOB = "ann@acme.test", "bob@acme.test"


class Bench:
    """The whole bridge with its link, and its health."""

    def __init__(self, kit: "Kit", bridge: "Bridge") -> None:
        rainbow = bridge.rainbow
        self.kit = kit
        self.bridge = bridge
        self.link = XmppLink(
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
        self.problems = Problems(now=kit.now)
        self.password = PasswordWatch(
            bridge.exchange.client,
            account=lambda: "svc-rainbow",
            settings={"svc-rainbow": "exchange.password"},
            now=kit.now,
            random=kit.half,
        )
        self.health = Health(
            pipeline=bridge.pipeline,
            exchange=bridge.exchange.client,
            exchange_url=bridge.exchange.lab.url,
            problems=self.problems,
            password=self.password,
        )
        self.rainbow_health = RainbowHealth(
            rainbow=rainbow.client,
            rainbow_url=rainbow.lab.url,
            link=self.link,
            sso=SsoWatch(rainbow.client),
            problems=self.problems,
        )
        self.rainbow_health.pipeline = bridge.pipeline

    def review(self) -> None:
        self.health.review()
        self.rainbow_health.review(asyncio.get_running_loop().time())

    def found(self) -> dict[str, str]:
        """Review, and tell the open problems with their texts."""
        self.review()
        return {problem.id: problem.text for problem in self.problems}

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["Bench"]:
        async with self.kit.running(self.bridge.pipeline.run(), self.link.run(), self.bridge.rainbow.client.run()):
            yield self

    async def settled(self) -> None:
        await self.kit.until(lambda: self.link.connected and self.health.settled())
        await asyncio.sleep(5)


MakeBench = Callable[["Bridge"], Bench]


@pytest.fixture
def make_bench(kit: "Kit") -> MakeBench:
    return lambda bridge: Bench(kit, bridge)


async def test_all_is_well(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    make_bench: MakeBench,
) -> None:
    exchange, rainbow = (
        await make_exchange(ANN, BOB),
        await make_rainbow(kit.person("ann"), kit.person("bob"), ask=True),
    )
    bench = make_bench(make_bridge(exchange, rainbow))
    assert bench.health.exchange() == {
        "state": "starting",
        "reason": "Exchange was not asked yet.",
        "account": "",
    }
    assert bench.rainbow_health.state()["state"] == "starting"
    assert not bench.health.settled()
    async with bench.at_work():
        await bench.settled()
        assert bench.found() == {}
        assert bench.health.exchange() == {"state": "connected", "reason": "", "account": ""}
        assert bench.rainbow_health.state() == {"state": "connected", "reason": ""}
        assert bench.health.mailboxes() == {"total": 2, "streamed": 2, "polled": 0, "uncovered": 0}
        measures = {**bench.health.measures(), **bench.rainbow_health.measures()}
        assert measures["mailboxes"] == {"streamed": 2, "polled": 0, "uncovered": 0}
        assert (measures["exchange_connected"], measures["rainbow_connected"]) == (True, True)
        assert (measures["due_users"], measures["due_oldest_seconds"]) == (0, 0.0)
        assert measures["streams"] == 1
        assert measures["questions"]["answered"] == 4
        assert "acme.test" not in str(measures)
        bench.bridge.parts.notifier.due.add("ann", bench.bridge.parts.loop_time() - 3.0)
        assert bench.health.measures()["due_oldest_seconds"] == pytest.approx(3.0)


async def test_people_without_a_mailbox_are_named_with_the_reason(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    make_bench: MakeBench,
) -> None:
    denied = [f"denied{number}" for number in range(7)]
    exchange = await make_exchange(
        *(f"{name}@acme.test" for name in denied),
        "info@acme.test",
        mailbox_errors={f"{name}@acme.test": "ErrorAccessDenied" for name in denied},
    )
    rainbow = await make_rainbow(
        *(kit.person(name) for name in denied),
        kit.person("nowhere"),
        kit.person("nameless", "nameless"),
        kit.person("one", work=("info@acme.test",)),
        kit.person("two", work=("info@acme.test",)),
        ask=True,
    )
    bench = make_bench(make_bridge(exchange, rainbow))
    async with bench.at_work():
        await bench.settled()
        found = bench.found()
        assert found["mailbox-not-found"] == ("No mailbox was found for 1 user: nowhere@acme.test (no-mailbox).")
        assert found["user-without-address"].startswith("No address that a mailbox could have is known of 1 user")
        assert "nameless (no-address; nameless not tried: form)" in found["user-without-address"]
        assert "one@acme.test (shared: info@acme.test), two@acme.test (shared" in found["mailbox-shared"]
        assert found["mailbox-denied"].startswith("Exchange denies access to the mailbox of 7 users: ")
        assert found["mailbox-denied"].count("ErrorAccessDenied") == 5
        assert found["mailbox-denied"].endswith(" and 2 more.")
        severities = {problem.id: problem.severity for problem in bench.problems}
        assert severities["mailbox-not-found"] == "notice"
        assert severities["mailbox-denied"] == "warning"
        assert bench.health.mailboxes() == {"total": 11, "streamed": 0, "polled": 0, "uncovered": 11}
        exchange.lab.dials.turn({"mailbox_errors": {}})
        await asyncio.sleep(3700)
        assert "mailbox-denied" not in bench.found()


async def test_a_mailbox_that_is_refused_again_and_again_is_named(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    make_bench: MakeBench,
) -> None:
    """Also where the server says what nobody has documented; the others are watched as ever."""
    exchange = await make_exchange(ANN, BOB, mailbox_errors={ANN: "ErrorNobodyKnows"})
    rainbow = await make_rainbow(kit.person("ann"), kit.person("bob"), ask=True)
    bench = make_bench(make_bridge(exchange, rainbow))
    async with bench.at_work():
        await asyncio.sleep(20)
        assert bench.found() == {
            "mailbox-postponed": (
                "Exchange refuses to watch the mailbox of 1 user for now: ann@acme.test (ErrorNobodyKnows)."
            )
        }
        assert not bench.health.settled()
        assert bench.health.exchange()["state"] == "connected"
        exchange.lab.dials.turn({"mailbox_errors": {}})
        await asyncio.sleep(300)
        assert bench.found() == {}
        assert bench.health.settled()


async def test_exchange_that_refuses_everybody_is_no_healthy_one(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    make_bench: MakeBench,
) -> None:
    exchange = await make_exchange(ANN, BOB, faults={"Subscribe": "ErrorInternalServerError"})
    rainbow = await make_rainbow(kit.person("ann"), kit.person("bob"), kit.person("nameless", "nameless"), ask=True)
    bench = make_bench(make_bridge(exchange, rainbow))
    async with bench.at_work():
        await asyncio.sleep(20)
        found = bench.found()
        assert found["exchange-error"] == "Exchange at 127.0.0.1 refuses requests with ErrorInternalServerError."
        assert bench.health.exchange()["state"] == "disconnected"


async def test_an_account_that_may_not_impersonate_is_told_the_setting(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    make_bench: MakeBench,
) -> None:
    exchange = await make_exchange(ANN, impersonation=False)
    rainbow = await make_rainbow(kit.person("ann"), ask=True)
    bench = make_bench(make_bridge(exchange, rainbow, impersonation=True))
    async with bench.at_work():
        await bench.settled()
        assert bench.found() == {
            "mailbox-impersonation-denied": (
                "Exchange does not let the service account act for 1 user: ann@acme.test (ErrorImpersonateUserDenied)."
            )
        }
        [problem] = bench.problems
        assert "exchange.impersonation = false" in problem.action


async def test_an_empty_company(
    make_exchange: "MakeExchange", make_rainbow: "MakeRainbow", make_bridge: "MakeBridge", make_bench: MakeBench
) -> None:
    bench = make_bench(make_bridge(await make_exchange(), await make_rainbow()))
    async with bench.at_work():
        await bench.settled()
        found = bench.found()
    assert list(found) == ["rainbow-company-empty"]
    assert bench.bridge.rainbow.lab.company_id in found["rainbow-company-empty"]


async def test_the_password_that_ends(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    make_bench: MakeBench,
) -> None:
    exchange = await make_exchange(ANN, password_expires="2026-03-09T09:00:00Z")
    bench = make_bench(make_bridge(exchange, await make_rainbow(kit.person("ann"), ask=True)))
    async with kit.running(bench.password.run()):  # nothing else: a day of the whole bridge takes its time
        await asyncio.sleep(60)
        assert bench.found() == {
            "exchange-password-expires": "The password of the Exchange account svc-rainbow expires"
            " on 2026-03-09 at 09:00 UTC, in 8 days. Without it nothing works."
        }
        assert [problem.severity for problem in bench.problems] == ["notice"]
        await asyncio.sleep(3700)
        bench.review()
        assert [problem.severity for problem in bench.problems] == ["warning"]
        bench.password.expires = None
        assert "exchange-password-expires" not in bench.found()


async def test_exchange_away_and_back(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    make_bench: MakeBench,
) -> None:
    exchange, rainbow = await make_exchange(ANN), await make_rainbow(kit.person("ann"), ask=True)
    port = int(exchange.lab.base.rpartition(":")[2])
    await exchange.lab.stop()
    bench = make_bench(make_bridge(exchange, rainbow))
    async with bench.at_work():
        await kit.until(lambda: "exchange-unreachable" in bench.found())
        assert bench.health.exchange()["state"] == "disconnected"
        assert not bench.health.settled()
        await exchange.lab.start(port=port)
        await kit.until(lambda: bench.found() == {}, limit=120)
        assert bench.health.exchange()["state"] == "connected"


async def test_a_wrong_exchange_password(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    make_bench: MakeBench,
) -> None:
    exchange, rainbow = await make_exchange(ANN, unauthorized=True), await make_rainbow(kit.person("ann"))
    bench = make_bench(make_bridge(exchange, rainbow))
    async with bench.at_work():
        await kit.until(lambda: "exchange-authentication" in bench.found())
        assert "refuses the user name or password" in bench.health.exchange()["reason"]


async def test_a_wrong_rainbow_password(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    make_bench: MakeBench,
) -> None:
    exchange, rainbow = await make_exchange(ANN), await make_rainbow(kit.person("ann"), refuse_logins=True)
    bench = make_bench(make_bridge(exchange, rainbow))
    async with bench.at_work():
        await kit.until(lambda: "rainbow-authentication" in bench.found())
        assert bench.rainbow_health.state()["state"] == "disconnected"
        assert "401500" in bench.rainbow_health.state()["reason"]


async def test_most_users_missing_at_once_are_a_problem_while_they_are_kept(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    make_bench: MakeBench,
) -> None:
    names = [f"u{number}" for number in range(6)]
    exchange = await make_exchange(*(f"{name}@acme.test" for name in names))
    rainbow = await make_rainbow(*map(kit.person, names), ask=True)
    bench = make_bench(make_bridge(exchange, rainbow))
    async with bench.at_work():
        await bench.settled()
        for name in names[1:]:
            rainbow.lab.people.remove(name)
        await bench.bridge.pipeline.membership.listing.refresh()
        assert bench.found() == {
            "rainbow-users-missing": "Rainbow's list lacks 5 users whom it had before: most of them, all at once."
        }
        await kit.until(lambda: len(bench.bridge.parts.roster) == 1, limit=1300)
        assert bench.found() == {}


async def test_a_user_of_whom_rainbow_does_not_want_to_hear(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    make_bench: MakeBench,
) -> None:
    exchange = await make_exchange(ANN, BOB)
    rainbow = await make_rainbow(kit.person("ann"), kit.person("bob"), ask=True, known_users_only=True)
    bench = make_bench(make_bridge(exchange, rainbow))
    async with bench.at_work():
        await bench.settled()
        rainbow.lab.people.remove("bob")
        exchange.appointment(BOB)
        exchange.appointment(ANN)
        before = bench.bridge.notified("ann")
        await kit.until(lambda: bench.bridge.notified("ann") > before, limit=10)
        await kit.until(lambda: list(bench.bridge.parts.notifier.held_back) == ["bob"], limit=10)
        assert bench.found() == {
            "rainbow-user-refused": "Rainbow does not let itself be told of 1 user: bob@acme.test."
        }
        assert bench.rainbow_health.state() == {"state": "connected", "reason": ""}
        # the users are listed anew ten minutes after the last listing at the earliest
        await kit.until(lambda: bench.bridge.parts.roster.get("bob") is None, limit=660)
        assert bench.found() == {}


async def test_a_calendar_that_may_be_watched_but_not_read_asks_for_the_right(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    make_bench: MakeBench,
) -> None:
    exchange = await make_exchange(
        ANN, faults={"FindItem": "ErrorAccessDenied", "GetUserAvailability": "ErrorNoFreeBusyAccess"}
    )
    bench = make_bench(make_bridge(exchange, await make_rainbow(kit.person("ann"), ask=True)))
    async with bench.at_work():
        await kit.until(lambda: "mailboxes-not-read" in bench.found(), limit=120)
        (problem,) = [each for each in bench.problems if each.id == "mailboxes-not-read"]
        assert problem.text == "The calendars of 1 mailbox cannot be read: ann@acme.test (ErrorNoFreeBusyAccess)."
        assert "Grant the service account Reviewer" in problem.action


async def test_rainbow_away_and_back(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    make_bench: MakeBench,
) -> None:
    exchange, rainbow = await make_exchange(ANN), await make_rainbow(kit.person("ann"), ask=True)
    port = int(rainbow.lab.url.rpartition(":")[2])
    bench = make_bench(make_bridge(exchange, rainbow))
    async with bench.at_work():
        await bench.settled()
        await rainbow.lab.stop()
        await kit.until(lambda: not bench.link.connected)
        assert "rainbow-link-lost" in bench.found()
        assert bench.rainbow_health.state()["state"] == "disconnected"
        await rainbow.lab.start(port=port)
        await kit.until(lambda: bench.link.connected, limit=300)
        await kit.until(lambda: bench.found() == {}, limit=300)


async def test_a_strangers_question_is_a_problem_that_names_the_setting_for_an_hour(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    make_bench: MakeBench,
) -> None:
    exchange, rainbow = await make_exchange(ANN), await make_rainbow(kit.person("ann"), ask=True)
    bench = make_bench(make_bridge(exchange, rainbow))
    async with bench.at_work():
        await bench.settled()
        await rainbow.lab.questions.ask("events", ANN, sender="mallory@elsewhere.test/1")
        assert "elsewhere.test" in bench.found()["rainbow-stranger-asked"]
        (problem,) = bench.problems
        assert 'rainbow.trusted_askers = ["elsewhere.test"]' in problem.action
        assert "mallory" not in problem.text + problem.action
        await asyncio.sleep(3601)
        assert bench.found() == {}


async def test_rainbow_that_does_not_ask_is_shown(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    make_bench: MakeBench,
) -> None:
    exchange, rainbow = await make_exchange(ANN), await make_rainbow(kit.person("ann"))
    bench = make_bench(make_bridge(exchange, rainbow))
    async with bench.at_work():
        await bench.settled()
        assert bench.found() == {}
        await asyncio.sleep(31)
        assert "1 user" in bench.found()["rainbow-did-not-ask"]
        rainbow.lab.dials.set({"ask": True})
        await asyncio.sleep(60)
        assert bench.found() == {}


async def test_mailboxes_that_no_stream_carries_are_shown_after_a_minute(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    make_bench: MakeBench,
) -> None:
    exchange = await make_exchange(ANN, faults={"GetStreamingEvents": "ErrorInternalServerTransientError"})
    bench = make_bench(make_bridge(exchange, await make_rainbow(kit.person("ann"))))
    async with bench.at_work():
        await bench.settled()
        assert bench.found() == {}
        for _ in range(30):
            await asyncio.sleep(4)
            bench.review()
        assert "Changes of 1 mailbox are" in bench.found()["mailboxes-not-streamed"]
        exchange.lab.dials.turn({"faults": {}})
        await kit.until(lambda: "mailboxes-not-streamed" not in bench.found(), limit=400)


@pytest.mark.parametrize(
    ("impersonation", "faults", "what"),
    [
        (False, {"GetMailTips": "ErrorInvalidRequest"}, "Exchange gives no mail tips (ErrorInvalidRequest)"),
        (
            True,
            {"GetMailTips": "ErrorInvalidRequest", "GetUserOofSettings": "ErrorAccessDenied"},
            "Exchange gives no mail tips and refuses their settings (ErrorAccessDenied)",
        ),
    ],
)
async def test_an_out_of_office_that_exchange_refuses_to_tell_is_a_problem(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    make_bench: MakeBench,
    faults: dict[str, str],
    what: str,
    *,
    impersonation: bool,
) -> None:
    exchange = await make_exchange(LabMailbox(address=ANN, right="reviewer"), faults=faults)
    rainbow = await make_rainbow(kit.person("ann"))
    bench = make_bench(make_bridge(exchange, rainbow, impersonation=impersonation, sending_as="svc-rainbow@acme.test"))
    async with bench.at_work():
        await bench.settled()
        assert bench.found() == {}
        for _ in range(55):
            await asyncio.sleep(4)
            bench.review()
        text = bench.found()["exchange-out-of-office-unreadable"]
        assert (
            text == f"The out-of-office of 1 mailbox cannot be read: {what}. Rainbow is answered that it is not known."
        )
        exchange.lab.dials.turn({"faults": {}})
        await asyncio.sleep(3800)
        assert "exchange-out-of-office-unreadable" not in bench.found()


async def test_where_series_come_as_one_nobody_looks_free_during_their_meetings(
    kit: "Kit",
    make_exchange: "MakeExchange",
    make_rainbow: "MakeRainbow",
    make_bridge: "MakeBridge",
    make_bench: MakeBench,
) -> None:
    exchange = await make_exchange(LabMailbox(address=ANN, right="freebusy"), BOB, series_as_one=True)
    bench = make_bench(make_bridge(exchange, await make_rainbow(kit.person("ann"), kit.person("bob"), ask=True)))
    weekly = Recurrence(
        pattern="WeeklyRecurrence", values={"Interval": "1", "DaysOfWeek": "Monday"}, first_day=date(2026, 2, 2)
    )
    start = kit.epoch - timedelta(days=28)  # a Monday, as is the day of the test
    exchange.lab.directory.by_address[ANN].calendar.create(
        details_from(
            {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat(), "subject": "Weekly"}
        ),
        recurrence=weekly,
    )
    async with bench.at_work():
        await bench.settled()
        reader = bench.bridge.parts.reader
        assert reader.modes() == {"batched": 2, "own": 0}
        agenda = reader.last(ANN)
        assert agenda is not None
        assert [(found.start, found.subject) for found in agenda.appointments] == [
            (kit.epoch, None),
            (kit.epoch + timedelta(days=7), None),
        ]
        assert list(bench.found()) == ["exchange-series-not-expanded"]
        assert [problem.severity for problem in bench.problems] == ["notice"]
