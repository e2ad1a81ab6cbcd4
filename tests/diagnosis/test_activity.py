"""What happens is told as it happens, by person and by kind, and never with a subject or a text."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rainbow_exchange.bridge.history import COMPANY, History, What
from rainbow_exchange.bridge.read_mode import Mode
from rainbow_exchange.bridge.recorder import NOTIFIED, POLLED, Recorder
from rainbow_exchange.bridge.roster import Identifier, IdentifierKind, Roster
from rainbow_exchange.bridge.told import Told
from rainbow_exchange.diagnosis.activity import Seen, look
from rainbow_exchange.ews.errors import ResponseError
from rainbow_exchange.model import Agenda, Appointment, Mailbox, ShowAs, Window
from rainbow_exchange.rainbow.types import AutoReply, CalendarEvent, RainbowUser
from tests.house import EPOCH, House, until, virtually

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = Window(start=NOON - timedelta(days=1), end=NOON + timedelta(days=8))


class Company:
    """Ada, whose login is not the address of her mailbox, and Bob; and what is noted of them."""

    def __init__(self, folder: Path) -> None:
        self.roster = Roster()
        ada, _ = self.roster.add(
            RainbowUser(id="id-1", login_email="Ada@acme.test", work_emails=("a.lovelace@acme.test",))
        )
        self.roster.claim(
            ada, Mailbox(address="a.lovelace@acme.test"), Identifier(IdentifierKind.WORK, "a.lovelace@acme.test")
        )
        self.roster.add(RainbowUser(id="id-2", login_email="bob@acme.test"))
        self.ada = ada
        self.history = History.open(folder, now=lambda: NOON)
        self.record = Recorder(self.history, self.roster)

    def seen(self, *, after: int = 0, who: str = "", kind: str = "", most: int = 100) -> Seen:
        return look(self.history.recent, self.roster.get, after=after, who=who, kind=kind, most=most)

    def texts(self, who: str = "", kind: str = "") -> list[str]:
        return [line.text for line in self.seen(who=who, kind=kind).lines]


def test_each_kind_has_its_sentence(tmp_path: Path) -> None:
    company = Company(tmp_path)
    record, address = company.record, "a.lovelace@acme.test"
    company.history.note(COMPANY, What.PROCESS, state="running", reason="")
    company.history.note(COMPANY, What.EXCHANGE, state="disconnected", reason="The name is not known.")
    company.history.note(COMPANY, What.RAINBOW, state="connected", reason="")
    record.found(company.ada)
    record.signalled(address, NOTIFIED)
    record.signalled(address, POLLED)
    record.signalled(address, "opened")
    record.signalled(address, "reopened late")
    meeting = Appointment(id="1", start=NOON, end=NOON + timedelta(hours=1), show_as=ShowAs.OOF, subject="Sbj4711")
    record.read(address, Agenda(mailbox=address, window=DAY, appointments=(meeting,), read_at=NOON), Mode.OWN)
    record.read(address, ResponseError("ErrorAccessDenied", "no"), Mode.OWN)
    record.absence(company.ada, AutoReply(state="scheduled", internal_text="Txt4711"))
    record.told("id-1", Told.EVENTS, 0.4449)
    record.told("id-1", Told.AUTO_REPLY)
    record.told("id-1", None)
    record.refused("id-2", "HTTP 404")
    event = CalendarEvent(
        id="1",
        subject="Sbj4711",
        type="singleInstance",
        show_as="oof",
        start=NOON,
        end=NOON + timedelta(hours=1),
    )
    record.answered("id-1", [event], DAY, NOON, stale=False)
    record.answered("id-1", [], DAY, NOON, stale=True)
    record.answered("id-1", [], Window(start=NOON + timedelta(days=2), end=NOON + timedelta(days=3)), NOON, stale=False)
    record.replied("id-1", AutoReply(state="enabled", internal_text="Txt4711"))
    record.question_refused("ada@acme.test", "events", "item-not-found", "nobody has this address")
    assert company.texts() == [
        "The connector runs.",
        "Exchange is disconnected: The name is not known.",
        "Rainbow is connected.",
        "The mailbox a.lovelace@acme.test is watched, found by a work address.",
        "Exchange announced a change of the calendar.",
        "A change of the calendar was found by polling.",
        "A stream of Exchange was opened for the calendar, which is looked at now.",
        "Exchange's stream had a gap (reopened late): the calendar is looked at again.",
        "The calendar was read; appointments of today and tomorrow: 1.",
        "The calendar could not be read: ErrorAccessDenied",
        "Out of office is planned.",
        "Rainbow was told that the calendar has changed, 0.4 s after the first sign of it.",
        "Rainbow was told that the automatic reply has changed.",
        "Rainbow was told, though nothing had changed: at a start, a beginning or an end, or once more.",
        "Rainbow does not let itself be told: HTTP 404",
        "Rainbow asked for the calendar, and was answered “out of office”.",
        "Rainbow asked for the calendar, and was answered “free”, as it was read last.",
        "Rainbow asked for the calendar of other days, and was answered.",
        "Rainbow asked for the automatic reply, and was answered that it is on.",
        "Rainbow asked for the calendar; the answer was an error: item-not-found (nobody has this address).",
    ]
    lines = company.seen().lines
    assert [line.text for line in lines if line.bad] == [lines[at].text for at in (1, 9, 14, 19)]
    assert {line.who for line in lines} == {"", "ada@acme.test", "bob@acme.test"}
    assert not any("4711" in repr(line) for line in lines)
    company.history.close()


def test_by_person_and_by_kind(tmp_path: Path) -> None:
    company = Company(tmp_path)
    for user in ("id-1", "id-2", "id-1"):
        company.record.told(user, Told.EVENTS)
    company.record.signalled("a.lovelace@acme.test", NOTIFIED)
    company.history.note(COMPANY, What.RAINBOW, state="connected", reason="")
    assert [line.person for line in company.seen(who=" LOVELACE ").lines] == ["id-1"] * 3
    assert [line.person for line in company.seen(who="bob").lines] == ["id-2"]
    assert [line.kind for line in company.seen(who="ada@", kind="changes").lines] == ["changes"]
    assert [line.kind for line in company.seen(kind="connections").lines] == ["connections"]
    assert len(company.seen(kind="of no kind").lines) == 5
    assert company.seen(who="nobody").lines == []
    company.history.close()


def test_what_is_too_much_is_counted(tmp_path: Path) -> None:
    company = Company(tmp_path)
    company.record.told("id-2", Told.EVENTS)
    before = company.seen()
    assert (len(before.lines), before.left_out, before.number) == (1, 0, 1)
    for _ in range(1000):  # of one kind 200 are kept
        company.record.told("id-1", Told.EVENTS)
    seen = company.seen(after=before.number, most=10)
    assert ([line.number for line in seen.lines], seen.left_out) == (list(range(992, 1002)), 990)
    seen = company.seen(after=before.number, who="ada", most=10)
    assert (len(seen.lines), seen.left_out) == (10, 190)
    assert company.seen(after=seen.number).lines == []
    company.history.close()


def test_a_change_on_its_way_through_the_connector(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        async with house.at_work() as daemon:
            await asyncio.sleep(30)
            recent, mailbox = daemon.sides.history.recent, house.people[0].mailbox
            bridge = daemon.sides.bridge()
            assert bridge is not None
            assert mailbox is not None
            number = recent.number
            house.appointment(mailbox.address, "Sbj4711", start=EPOCH + timedelta(hours=1))
            await until(lambda: recent.number >= number + 4, within=10)
            seen = look(recent, bridge.parts.roster.get, after=number, who=house.people[0].login_email, most=100)
            assert [line.kind for line in seen.lines][:4] == ["changes", "readings", "told", "questions"]
            assert "4711" not in repr(seen)

    virtually(test)
