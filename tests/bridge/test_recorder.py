"""What is noted of a reading: spans and how they count, of the day and the next, and never more than so many."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from rainbow_exchange.bridge.history import History, What
from rainbow_exchange.bridge.read_mode import Mode
from rainbow_exchange.bridge.recorder import Recorder
from rainbow_exchange.bridge.roster import Identifier, IdentifierKind, Roster
from rainbow_exchange.ews.errors import ResponseError
from rainbow_exchange.model import Agenda, Appointment, Mailbox, ShowAs, Window
from rainbow_exchange.rainbow.types import RainbowUser

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
WIDE = Window(start=MIDNIGHT - timedelta(days=1), end=MIDNIGHT + timedelta(days=9))


def meeting(start: datetime, minutes: float = 15, show_as: ShowAs = ShowAs.BUSY) -> Appointment:
    end = start + timedelta(minutes=minutes)
    return Appointment(id=str(start), start=start, end=end, show_as=show_as, subject="Sbj4711")


def recorder(folder: Path) -> Recorder:
    roster = Roster()
    member, _ = roster.add(RainbowUser(id="ada", login_email="Ada@acme.test"))
    mailbox = Mailbox(address="ada@acme.test")
    roster.claim(member, mailbox, Identifier(IdentifierKind.LOGIN, "ada@acme.test"))
    return Recorder(History.open(folder, now=lambda: NOON), roster)


def read(record: Recorder, *appointments: Appointment, window: Window = WIDE) -> None:
    agenda = Agenda(mailbox="ada@acme.test", window=window, appointments=appointments, read_at=NOON)
    record.read("ada@acme.test", agenda, Mode.OWN)


def test_the_day_and_the_next_and_no_subject(tmp_path: Path) -> None:
    record = recorder(tmp_path)
    at = [MIDNIGHT - timedelta(hours=3), NOON, NOON + timedelta(days=1), MIDNIGHT + timedelta(days=2)]
    read(record, *[meeting(each, show_as=ShowAs.WORKING_ELSEWHERE) for each in at])
    (entry,) = record.history.of("ada")
    minutes = int(NOON.timestamp()) // 60
    assert entry.detail == {
        "mode": "own",
        "day": minutes - 720,
        "spans": [
            [minutes, minutes + 15, "workingelsewhere"],
            [minutes + 1440, minutes + 1455, "workingelsewhere"],
        ],
    }
    assert record.history.who("ADA@acme.test") == "ada"
    record.history.close()
    assert b"Sbj4711" not in (tmp_path / "history.db").read_bytes()


def test_of_very_many_what_is_over_is_left_out(tmp_path: Path) -> None:
    record = recorder(tmp_path)
    read(record, *[meeting(MIDNIGHT + timedelta(minutes=15 * number)) for number in range(70)])
    (entry,) = record.history.of("ada")
    spans = entry.detail["spans"]
    minutes = int(NOON.timestamp()) // 60
    assert len(spans) == 40
    assert spans == sorted(spans)
    assert len([start for start, _, _ in spans if start >= minutes]) == 22  # all that are not over
    record.history.close()


def test_failures_and_readings_for_other_days_and_of_nobody(tmp_path: Path) -> None:
    record = recorder(tmp_path)
    record.read("ada@acme.test", ResponseError("ErrorAccessDenied"), Mode.OWN)
    read(record, window=Window(start=MIDNIGHT + timedelta(days=20), end=MIDNIGHT + timedelta(days=30)))
    record.read("bob@acme.test", ResponseError("ErrorAccessDenied"), Mode.OWN)
    (entry,) = record.history.of("ada")
    assert (entry.what, entry.detail) == (What.READ, {"failed": "ErrorAccessDenied"})
    record.history.close()
