"""What Rainbow is told of failures and recoveries: each once, over restarts too, and never a flood of them."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog

from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.bridge.reported import SUBJECTS
from rainbow_exchange.bridge.reports import Reports
from rainbow_exchange.state.store import Store

if TYPE_CHECKING:
    from tests.bridge.conftest import Kit, MakeRainbow, Rainbow


class Desk:
    """Reports with problems to open and close by hand; everything works that has no problem."""

    def __init__(self, kit: "Kit", rainbow: "Rainbow", store: Store) -> None:
        self.kit = kit
        self.rainbow = rainbow
        self.problems = Problems(now=kit.now)
        self.working = {"exchange", "rainbow", "link", "mailboxes"}
        self.affected: dict[str, list[str]] = {}
        self.every = 1.0
        self.reports = Reports(
            rainbow.client,
            problems=self.problems,
            store=store,
            now=kit.now,
            random=kit.half,
        )

    def open(self, problem: str) -> None:
        self.problems.report(problem, severity="error", text="ada@acme.test said: away", action="Call Ada.")

    async def keep(self) -> None:
        while True:
            self.reports.review(working=self.working, affected=lambda problem: self.affected.get(problem, []))
            await asyncio.sleep(self.every)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["Desk"]:
        async with self.kit.running(self.keep(), self.reports.run()):
            yield self

    def told(self) -> list[tuple[str, str, str]]:
        """Give level, operation and description of each event that Rainbow stored."""
        return [(each["level"], each["operation"], each["description"]) for each in self.rainbow.lab.record.events]


DOWN = ("ERROR", "connect", "Exchange does not answer the connector.")
UP = ("INFO", "connect", "Exchange answers again.")


async def test_a_failure_and_its_recovery_are_two_events(kit: "Kit", make_rainbow: "MakeRainbow", store: Store) -> None:
    async with Desk(kit, await make_rainbow(), store).at_work() as desk:
        await asyncio.sleep(10)
        assert desk.told() == []
        desk.open("exchange-unreachable")
        await asyncio.sleep(300)
        assert desk.told() == [DOWN]
        desk.problems.clear("exchange-unreachable")
        await asyncio.sleep(60)
        assert desk.told() == [DOWN, UP]
        down, up = desk.rainbow.lab.record.events
        assert (down["category"], down["eventId"]) == (
            "exchange",
            "exchange:20260302T080010.000Z:exchange-unreachable",
        )
        assert (down["date"], up["date"]) == ("2026-03-02T08:00:10.000Z", "2026-03-02T08:05:10.000Z")
        assert up["eventId"] == "exchange:20260302T080010.000Z:over"
        assert desk.rainbow.lab.record.counts["events_doubled"] == 0
        assert (desk.reports.outbox.counters.sent, len(desk.reports.outbox)) == (2, 0)


async def test_another_cause_is_told_and_the_recovery_only_once_it_works(
    kit: "Kit", make_rainbow: "MakeRainbow", store: Store
) -> None:
    async with Desk(kit, await make_rainbow(), store).at_work() as desk:
        desk.open("exchange-unreachable")
        desk.working.discard("exchange")
        await asyncio.sleep(60)
        desk.problems.clear("exchange-unreachable")  # it answers, and nobody knows more yet
        await asyncio.sleep(60)
        assert desk.told() == [DOWN]
        desk.open("exchange-authentication")
        await asyncio.sleep(60)
        refused = ("ERROR", "sign_in", "Exchange refuses the connector's account or its password.")
        assert desk.told() == [DOWN, refused]
        desk.problems.clear("exchange-authentication")
        desk.working.add("exchange")
        await asyncio.sleep(60)
        accepted = ("INFO", "sign_in", "Exchange accepts the connector's account again.")
        assert desk.told() == [DOWN, refused, accepted]


@pytest.mark.parametrize("sent_before", [True, False])
async def test_a_restart_in_the_middle_doubles_nothing(
    kit: "Kit", make_rainbow: "MakeRainbow", tmp_path: Path, sent_before: bool
) -> None:
    rainbow = await make_rainbow()
    if not sent_before:
        rainbow.lab.dials.set({"refuse_next": 1000, "refuse_status": 503, "refuse_path": "connectors/events"})
    first = Store.open(tmp_path / "s.db")
    async with Desk(kit, rainbow, first).at_work() as desk:
        desk.open("exchange-unreachable")
        await asyncio.sleep(60)
    first.close()
    rainbow.lab.dials.set({"refuse_next": 0})
    await asyncio.sleep(60)
    second = Store.open(tmp_path / "s.db")
    async with Desk(kit, rainbow, second).at_work() as desk:
        desk.working.discard("exchange")  # not asked yet
        await asyncio.sleep(30)
        desk.open("exchange-unreachable")
        await asyncio.sleep(30.5)
        assert desk.told() == [DOWN]
        desk.problems.clear("exchange-unreachable")
        desk.working.add("exchange")
        await asyncio.sleep(30)
    assert desk.told() == [DOWN, UP]
    assert [each["date"] for each in rainbow.lab.record.events] == [
        "2026-03-02T08:00:00.000Z",
        "2026-03-02T08:03:01.000Z",
    ]
    second.close()


async def test_a_failure_that_ended_while_it_was_stopped_is_told_to_be_over(
    kit: "Kit", make_rainbow: "MakeRainbow", store: Store
) -> None:
    rainbow = await make_rainbow()
    async with Desk(kit, rainbow, store).at_work() as desk:
        desk.open("exchange-unreachable")
        await asyncio.sleep(60)
    async with Desk(kit, rainbow, store).at_work() as desk:
        await asyncio.sleep(30)
        assert desk.told() == [DOWN, UP]


async def test_what_comes_and_goes_all_the_time_is_told_in_sum(
    kit: "Kit", make_rainbow: "MakeRainbow", store: Store
) -> None:
    async with Desk(kit, await make_rainbow(), store).at_work() as desk:
        desk.every = 3
        for _ in range(100):  # for 20 minutes
            desk.open("rainbow-link-lost")
            await asyncio.sleep(6)
            desk.problems.clear("rainbow-link-lost")
            await asyncio.sleep(6)
        lost = ("WARN", "link", "The link over which Rainbow asks for calendars was lost.")
        up = ("INFO", "link", "The link over which Rainbow asks for calendars is up again.")
        assert desk.told() == [lost, up] * 3
        desk.every = 30
        await asyncio.sleep(3600)
        summed = "is up again. It failed and recovered 97 more times, not reported one by one."
        assert desk.told()[6:] == [("INFO", "link", f"The link over which Rainbow asks for calendars {summed}")]
        desk.open("rainbow-link-lost")
        await asyncio.sleep(60)
        assert desk.told()[7:] == [lost]


async def test_what_lasts_is_told_although_it_had_come_and_gone_before(
    kit: "Kit", make_rainbow: "MakeRainbow", store: Store
) -> None:
    async with Desk(kit, await make_rainbow(), store).at_work() as desk:
        for _ in range(3):
            desk.open("exchange-unreachable")
            await asyncio.sleep(6)
            desk.problems.clear("exchange-unreachable")
            await asyncio.sleep(6)
        desk.open("exchange-unreachable")
        desk.every = 30
        await asyncio.sleep(1800)
        assert desk.told() == [DOWN, UP] * 3
        await asyncio.sleep(1800)
        assert desk.told() == [DOWN, UP] * 3 + [DOWN]
        assert desk.rainbow.lab.record.events[-1]["date"] == "2026-03-02T08:00:36.000Z"


async def test_mailboxes_are_counted_and_their_users_named_by_rainbows_ids(
    kit: "Kit", make_rainbow: "MakeRainbow", store: Store
) -> None:
    async with Desk(kit, await make_rainbow(), store).at_work() as desk:
        desk.affected["mailbox-denied"] = [f"5f{number:02}" for number in range(22)]
        desk.working.discard("mailboxes")  # some were not tried yet
        desk.open("mailbox-denied")
        await asyncio.sleep(60)
        assert desk.told() == []
        desk.working.add("mailboxes")
        await asyncio.sleep(60)
        many = (
            "Mailboxes not subscribed: 22. The connector's account has no right."
            " Users: 5f00, 5f01, 5f02, 5f03, 5f04, 5f05, 5f06, 5f07, 5f08, 5f09, 5f10, 5f11, 5f12, 5f13, 5f14, 5f15,"
            " 5f16, 5f17, 5f18, 5f19 and 2 more."
        )
        first = ("WARN", "subscribe", many)
        assert desk.told() == [first]
        desk.every = 30
        desk.affected["mailbox-denied"] = ["5f03"]
        await asyncio.sleep(1800)
        assert desk.told() == [first]
        await asyncio.sleep(1800)
        one = "Mailboxes not subscribed: 1. The connector's account has no right. Users: 5f03."
        assert desk.told() == [first, ("WARN", "subscribe", one)]
        desk.problems.clear("mailbox-denied")
        await asyncio.sleep(60)
        assert desk.told()[2:] == [("INFO", "subscribe", "No mailbox fails for this reason any more.")]


async def test_a_refusal_is_met_once_an_hour_and_said_once(
    kit: "Kit", make_rainbow: "MakeRainbow", store: Store
) -> None:
    rainbow = await make_rainbow()
    rainbow.lab.dials.set({"refuse_next": 3, "refuse_status": 403, "refuse_path": "connectors/events"})
    with structlog.testing.capture_logs() as logs:
        async with Desk(kit, rainbow, store).at_work() as desk:
            desk.open("exchange-unreachable")
            desk.every = 300
            await asyncio.sleep(2.9 * 3600)
            assert getattr(desk.reports.outbox.refusal, "status", None) == 403
            assert (rainbow.lab.dials.refuse_next, len(desk.reports.outbox), desk.told()) == (0, 1, [])
            await asyncio.sleep(3600)
            assert (desk.told(), desk.reports.outbox.refusal) == ([DOWN], None)
    said = [(entry["event"], entry["log_level"]) for entry in logs if entry["event"].startswith("events_")]
    assert said == [("events_refused", "info"), ("events_taken_again", "info")]


async def test_of_too_many_the_oldest_are_dropped_and_counted(
    kit: "Kit", make_rainbow: "MakeRainbow", store: Store
) -> None:
    rainbow = await make_rainbow()
    desk = Desk(kit, rainbow, store)
    for number in range(230):
        desk.reports.told("connector", "test", f"number {number}", id_=f"e{number}")
    assert (len(desk.reports.outbox), desk.reports.outbox.counters.dropped) == (200, 30)
    async with desk.at_work():
        await asyncio.sleep(60)
    sent = [each["eventId"] for each in rainbow.lab.record.events]
    assert sent == [f"e{number}" for number in range(30, 230)]
    calls = [each for each in rainbow.lab.record.requests if each["path"].endswith("connectors/events")]
    assert len(calls) == 4


async def test_a_record_that_cannot_be_read_is_none(kit: "Kit", make_rainbow: "MakeRainbow", store: Store) -> None:
    rainbow = await make_rainbow()
    opened = '{"open": {"%s": {"since": "2026-03-02T07:00:00%s", "problem": "%s"}}}'
    for kept in (
        "no json",
        "[" * 100_000,
        "[]",
        '{"open": {"exchange": {"since": "yesterday"}}}',
        '{"waiting": [1]}',
        opened % ("exchange", "", "exchange-unreachable"),
        opened % ("exchange", "+00:00", "exchange-of-another-version"),
        opened % ("another", "+00:00", "exchange-unreachable"),
    ):
        store.set_value("reports", kept)
        async with Desk(kit, rainbow, store).at_work() as desk:
            await asyncio.sleep(5)
            assert (len(desk.reports.outbox), desk.told()) == (0, [])


def test_nothing_that_is_reported_holds_what_is_not_ours() -> None:
    texts = [text for subject in SUBJECTS for each in subject.failures for text in (each.text, each.over)]
    assert all(text.isascii() and "@" not in text and text.count("{}") <= 1 for text in texts)
    problems = [each.problem for subject in SUBJECTS for each in subject.failures]
    assert len(set(problems)) == len(problems)
    assert {each.level for subject in SUBJECTS for each in subject.failures} == {"ERROR", "WARN", "INFO"}


def test_every_problem_is_told_or_it_is_said_why_not() -> None:
    docs = Path(__file__).parent.parent.parent / "docs"
    page = (docs / "reference" / "problems.md").read_text(encoding="utf-8")
    problems = set(re.findall(r"^### ([a-z-]+)\n\n(?!\*\*notice\*\*:)", page, re.MULTILINE))
    untold = (
        (docs / "explanation" / "reported-to-rainbow.md").read_text(encoding="utf-8").partition("## What is not told")
    )
    told = {each.problem for subject in SUBJECTS for each in subject.failures}

    assert problems - told == set(re.findall(r"`([a-z]+-[a-z-]+)`", untold[2]))
