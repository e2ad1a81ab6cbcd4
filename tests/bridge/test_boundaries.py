"""Appointments and absences that begin and end make their user due."""

import pickle
from datetime import UTC, datetime, timedelta

from rainbow_exchange.bridge.boundaries import Boundaries, instants
from rainbow_exchange.model import Agenda, Appointment, OofState, OutOfOffice, ShowAs, Window

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 1, 5, hour, minute, tzinfo=UTC)


def test_every_start_and_end_is_an_instant() -> None:
    agenda = Agenda(
        mailbox="a@acme.test",
        window=Window(start=at(0), end=at(23)),
        appointments=(
            Appointment(id="1", start=at(9), end=at(10), show_as=ShowAs.BUSY),
            Appointment(id="2", start=at(13), end=at(14), show_as=ShowAs.OOF),
        ),
        read_at=NOON,
    )
    absence = OutOfOffice(state=OofState.SCHEDULED, start=at(15), end=at(18))
    assert list(instants(agenda, absence)) == [at(9), at(10), at(13), at(14), at(15), at(18)]


def test_only_a_schedule_has_instants() -> None:
    enabled = OutOfOffice(state=OofState.ENABLED)
    assert list(instants(None, enabled)) == []
    assert list(instants(None, None)) == []
    assert list(instants(None, OutOfOffice(state=OofState.SCHEDULED, end=at(18)))) == [at(18)]
    assert list(instants(None, OutOfOffice(state=OofState.SCHEDULED, start=at(15)))) == [at(15)]


def test_a_user_is_due_at_the_first_boundary_ahead() -> None:
    boundaries = Boundaries()
    boundaries.set("u", [at(9), at(14), at(13)], NOON)
    assert boundaries.next_at() == at(13)
    assert boundaries.take(at(12, 59)) == []
    assert boundaries.take(at(13)) == ["u"]
    assert boundaries.next_at() is None


def test_a_boundary_that_is_passing_now_is_not_set_again() -> None:
    boundaries = Boundaries()
    boundaries.set("u", [NOON], NOON)
    assert boundaries.next_at() is None


def test_a_new_agenda_moves_the_boundary() -> None:
    boundaries = Boundaries()
    boundaries.set("u", [at(13)], NOON)
    boundaries.set("u", [at(15)], NOON)
    assert boundaries.take(at(14)) == []
    assert boundaries.take(at(15)) == ["u"]


def test_an_agenda_without_anything_ahead_takes_the_boundary_away() -> None:
    boundaries = Boundaries()
    boundaries.set("u", [at(13)], NOON)
    boundaries.set("u", [at(11)], NOON)
    assert boundaries.next_at() is None
    assert boundaries.take(at(23)) == []


def test_a_part_is_taken_and_the_rest_stays_due() -> None:
    boundaries = Boundaries()
    for user_id in ("u", "v", "w"):
        boundaries.set(user_id, [at(13)], NOON)
    assert boundaries.take(at(13), 2) == ["u", "v"]
    assert boundaries.next_at() == at(13)
    assert boundaries.take(at(13), 2) == ["w"]


def test_whoever_is_forgotten_is_never_due() -> None:
    boundaries = Boundaries()
    boundaries.set("u", [at(13)], NOON)
    boundaries.set("v", [at(13)], NOON)
    boundaries.forget("u")
    assert boundaries.take(at(13)) == ["v"]


def test_the_same_boundary_set_often_makes_due_once() -> None:
    boundaries = Boundaries()
    for _ in range(5):
        boundaries.set("u", [at(13)], NOON)
    boundaries.set("u", [at(14)], NOON)
    boundaries.set("u", [at(13)], NOON)
    assert boundaries.take(at(13)) == ["u"]
    assert boundaries.take(at(13) + timedelta(days=1)) == []


def test_what_was_replaced_is_dropped_a_turn_at_a_time() -> None:
    boundaries = Boundaries()
    for number in range(1200):
        boundaries.set(f"u{number}", [at(13)], NOON)
        boundaries.set(f"u{number}", [at(15)], NOON)
    boundaries.set("ann", [at(14)], NOON)
    assert len(list(boundaries.prune())) == 2  # 500, 500, and the rest
    assert list(boundaries.prune()) == []
    assert boundaries.next_at() == at(14)
    assert boundaries.take(at(14)) == ["ann"]


def test_of_a_boundary_that_is_moved_again_and_again_the_old_ones_are_not_kept() -> None:
    boundaries = Boundaries()
    boundaries.set("v", [at(12, 30)], NOON)
    for moved in range(50_000):
        boundaries.set("u", [at(13) + timedelta(seconds=moved)], NOON)
    assert len(pickle.dumps(boundaries)) < 50_000
    assert boundaries.take(at(13)) == ["v"]
    assert boundaries.next_at() == at(13) + timedelta(seconds=49_999)
