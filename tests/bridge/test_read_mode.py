"""Our rights are judged by an appointment with or without details, and tried anew daily."""

from datetime import UTC, datetime, timedelta

from rainbow_exchange.bridge.read_mode import Mode, ReadMode
from rainbow_exchange.ews.errors import EwsConnectionError, ResponseError
from rainbow_exchange.model import Agenda, Window

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def agenda(detailed: bool | None) -> Agenda:
    window = Window(start=NOW, end=NOW + DAY)
    return Agenda(mailbox="ann@acme.test", window=window, appointments=(), read_at=NOW, detailed=detailed)


def test_an_appointment_without_details_is_read_as_its_owner() -> None:
    mode = ReadMode(Mode.BATCHED)
    assert not mode.judge(agenda(None), NOW)
    assert not mode.judge(agenda(detailed=True), NOW)
    assert mode.judge(agenda(detailed=False), NOW)
    assert mode.current == "own"


def test_the_owners_way_is_kept_for_a_day_and_then_the_other_is_tried_anew() -> None:
    mode = ReadMode(Mode.OWN)
    mode.judge(agenda(detailed=True), NOW)
    mode.judge(agenda(detailed=True), NOW + DAY - timedelta(seconds=1))
    assert mode.current == "own"
    mode.judge(agenda(detailed=True), NOW + DAY)
    assert mode.current == "batched"


def test_who_may_not_act_as_the_owner_reads_with_others_for_a_day() -> None:
    mode = ReadMode(Mode.OWN)
    assert not mode.judge(EwsConnectionError("timeout"), NOW)
    assert mode.judge(ResponseError("ErrorImpersonateUserDenied"), NOW)
    assert not mode.judge(agenda(detailed=False), NOW + DAY - timedelta(seconds=1))
    assert mode.current == "batched"
    assert mode.judge(agenda(detailed=False), NOW + DAY)
