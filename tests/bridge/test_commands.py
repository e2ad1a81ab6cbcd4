"""Orders of Rainbow's administration: carried out one at a time, and each answered with its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from rainbow_exchange.bridge.commands import Commands
from rainbow_exchange.bridge.synchronise import NotSynchronised
from rainbow_exchange.rainbow.management import Command, ConfigurationChanged, Notice
from rainbow_exchange.state.store import Store

if TYPE_CHECKING:
    from tests.bridge.conftest import Kit, MakeRainbow, Rainbow

SENDER = "rainbow.test"


class Desk:
    """Commands, what they did and said; `link` is up. A synchronisation takes a minute."""

    def __init__(self, kit: "Kit", rainbow: "Rainbow", store: Store, **changes: Any) -> None:
        self.kit = kit
        self.rainbow = rainbow
        self.runs: list[float] = []
        self.refreshed = 0
        self.told: list[tuple[str, str]] = []
        self.events: list[tuple[str, str, str, str]] = []
        self.failure = ""
        self.commands = Commands(
            rainbow.client,
            synchronise=self._synchronise,
            refresh_settings=self._refresh,
            told=self._told,
            store=store,
            now=kit.now,
            random=kit.half,
            **changes,
        )
        self.commands.tell_ended = self._tell

    async def _synchronise(self) -> str:
        self.runs.append(asyncio.get_running_loop().time())
        await asyncio.sleep(60)
        if self.failure:
            raise NotSynchronised(self.failure)
        return "12 users listed."

    def _refresh(self) -> None:
        self.refreshed += 1

    async def _tell(self, to: str, command_id: str) -> None:
        self.told.append((to, command_id))

    def _told(self, category: str, operation: str, description: str, *, id_: str, level: str = "INFO") -> None:
        assert category == "connector"
        self.events.append((id_, level, operation, description))

    def known(self, *ids: str) -> None:
        """Have Rainbow know commands of these ids."""
        management = self.rainbow.lab.management
        for id_ in ids:
            management._open[id_] = ({}, self.rainbow.lab.people.account.jid)

    def reports(self) -> list[tuple[str, int]]:
        """Give the end of the path and the answer of each report."""
        calls = [each for each in self.rainbow.lab.record.requests if each["path"].endswith("/report")]
        return [(each["path"].split("/")[-2], each["status"]) for each in calls]

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["Desk"]:
        async with self.kit.running(self.commands.run()):
            yield self


def synchro(id_: str = "") -> Command:
    return Command(name="manual_synchro", id=id_)


async def test_a_command_ends_with_a_report_a_message_and_an_event(
    kit: "Kit", make_rainbow: "MakeRainbow", store: Store
) -> None:
    async with Desk(kit, await make_rainbow(), store).at_work() as desk:
        desk.known("c1")
        desk.commands.take(synchro("c1"), SENDER)
        await asyncio.sleep(59)
        assert (desk.reports(), desk.told, desk.events) == ([], [], [])
        await asyncio.sleep(10)
        assert desk.reports() == [("c1", 200)]
        assert desk.told == [(SENDER, "c1")]
        assert desk.events == [("command:c1:ended", "INFO", "manual_synchro", "12 users listed.")]
        assert desk.commands.counters == {"done": 1}


async def test_one_run_serves_all_who_wait_for_it_and_one_id_is_one_command(
    kit: "Kit", make_rainbow: "MakeRainbow", store: Store
) -> None:
    async with Desk(kit, await make_rainbow(), store).at_work() as desk:
        desk.known("c1", "c2", "c3")
        desk.commands.take(synchro("c1"), SENDER)
        await asyncio.sleep(10)
        for id_ in ("c1", "c2", "c3", "c3"):
            desk.commands.take(synchro(id_), SENDER)
        await asyncio.sleep(200)
        # the second begins ten seconds after the first has ended
        assert desk.runs == pytest.approx([0, 70], abs=1)
        assert [id_ for _, id_ in desk.told] == ["c1", "c2", "c3"]
        assert desk.commands.counters == {"done": 3, "doubled": 2}
        desk.commands.take(synchro("c2"), SENDER)  # it comes once more: its end is known
        await asyncio.sleep(100)
        assert len(desk.runs) == 2
        assert desk.told[3:] == [(SENDER, "c2")]


async def test_a_flood_is_bounded(kit: "Kit", make_rainbow: "MakeRainbow", store: Store) -> None:
    async with Desk(kit, await make_rainbow(), store).at_work() as desk:
        for number in range(1000):
            desk.commands.take(synchro(f"c{number}"), SENDER)
        await asyncio.sleep(600)
        assert len(desk.runs) == 1
        assert desk.commands.counters == {"done": 20, "dropped": 980}


async def test_what_fails_says_so(kit: "Kit", make_rainbow: "MakeRainbow", store: Store) -> None:
    async with Desk(kit, await make_rainbow(), store).at_work() as desk:
        desk.failure = "The connector is not connected to Exchange at present."
        desk.commands.take(synchro(), "")
        await asyncio.sleep(100)
        # without an id there is nothing to report and to tell
        assert (desk.reports(), desk.told) == ([], [])
        assert [event[1:] for event in desk.events] == [("WARN", "manual_synchro", desk.failure)]


@pytest.mark.parametrize(
    ("name", "operation", "words"),
    [
        ("manual_dry_run", "manual_dry_run", "it synchronises no directory"),
        ("manual_synchro_directories", "manual_synchro_directories", "it synchronises no directory"),
        ("ada@acme.test", "unknown_command", "does not know the command"),
        ("", "unknown_command", "does not know the command"),
    ],
)
async def test_what_is_not_ours_to_do_is_ended_as_such(
    kit: "Kit", make_rainbow: "MakeRainbow", store: Store, name: str, operation: str, words: str
) -> None:
    async with Desk(kit, await make_rainbow(), store, message_when_ended=False).at_work() as desk:
        desk.known("c1")
        desk.commands.take(Command(name=name, id="c1"), SENDER)
        await asyncio.sleep(5)
        assert (desk.runs, desk.told) == ([], [])
        assert desk.reports() == [("c1", 200)]
        assert desk.commands.counters == {"unsupported": 1}
        ((id_, level, said, description),) = desk.events
        assert (id_, level, said) == ("command:c1:ended", "WARN", operation)
        assert words in description


async def test_a_report_is_repeated_while_rainbow_is_away_and_not_when_it_is_refused(
    kit: "Kit", make_rainbow: "MakeRainbow", store: Store
) -> None:
    async with Desk(kit, await make_rainbow(), store).at_work() as desk:
        desk.known("c1")
        desk.rainbow.lab.dials.set({"refuse_next": 2, "refuse_status": 503, "refuse_path": "/report"})
        desk.commands.take(synchro("c1"), SENDER)
        await asyncio.sleep(100)
        assert desk.reports() == [("c1", 503), ("c1", 503), ("c1", 200)]
        desk.commands.take(synchro("c2"), SENDER)
        await asyncio.sleep(100)
        assert desk.reports()[3:] == [("c2", 404)]
        assert desk.told == [(SENDER, "c1"), (SENDER, "c2")]


async def test_another_configuration_is_fetched_and_notices_are_counted(
    kit: "Kit", make_rainbow: "MakeRainbow", store: Store
) -> None:
    async with Desk(kit, await make_rainbow(), store).at_work() as desk:
        desk.commands.take(ConfigurationChanged(action="update"), SENDER)
        desk.commands.take(Notice(name="import_status"), SENDER)
        await asyncio.sleep(1)
        assert (desk.refreshed, desk.runs) == (1, [])
        assert desk.commands.counters == {"settings": 1, "notice": 1}


async def test_what_a_stop_interrupts_has_failed(kit: "Kit", make_rainbow: "MakeRainbow", store: Store) -> None:
    rainbow = await make_rainbow()
    async with Desk(kit, rainbow, store).at_work() as desk:
        desk.known("c1", "c2")
        desk.commands.take(synchro("c1"), SENDER)
        await asyncio.sleep(10)
        desk.commands.take(synchro("c2"), SENDER)
        desk.commands.take(synchro(), SENDER)
    async with Desk(kit, rainbow, store).at_work() as desk:
        await asyncio.sleep(10)
        assert desk.runs == []
        assert desk.told == [(SENDER, "c1"), (SENDER, "c2")]
        assert [(each[0], each[3]) for each in desk.events] == [
            ("command:c1:ended", "The connector was stopped meanwhile."),
            ("command:c2:ended", "The connector was stopped meanwhile."),
        ]
        assert desk.reports() == [("c1", 200), ("c2", 200)]
    async with Desk(kit, rainbow, store).at_work() as desk:
        await asyncio.sleep(10)
        assert desk.told == []


async def test_a_record_that_cannot_be_read_is_none(kit: "Kit", make_rainbow: "MakeRainbow", store: Store) -> None:
    rainbow = await make_rainbow()
    for kept in ("no json", "[" * 100_000, "{}", "[1]", '[["c1"]]'):
        store.set_value("commands", kept)
        async with Desk(kit, rainbow, store).at_work() as desk:
            await asyncio.sleep(1)
            assert desk.told == []
