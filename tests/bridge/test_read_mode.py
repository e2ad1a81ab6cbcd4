"""Our rights are judged by an appointment with or without details, and tried anew daily."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rainbow_exchange.bridge.privacy import Privacy
from rainbow_exchange.bridge.read_mode import Mode, ReadMode, ReadModes
from rainbow_exchange.ews.errors import EwsAuthenticationError, EwsConnectionError, ResponseError, ServerBusy
from rainbow_exchange.model import Agenda, Mailbox, Window

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def agenda(detailed: bool | None, *, doubtful: bool = False) -> Agenda:
    window = Window(start=NOW, end=NOW + DAY)
    return Agenda(
        mailbox="ann@acme.test", window=window, appointments=(), read_at=NOW, detailed=detailed, doubtful=doubtful
    )


def test_an_appointment_without_details_is_read_as_its_owner() -> None:
    mode = ReadMode(Mode.BATCHED)
    assert not mode.judge(agenda(None), NOW)
    assert not mode.judge(agenda(detailed=True), NOW)
    assert mode.judge(agenda(detailed=False), NOW)
    assert mode.current == "own"


def test_what_may_have_been_cancelled_or_declined_is_read_as_its_owner() -> None:
    mode = ReadMode(Mode.BATCHED)
    assert mode.judge(agenda(detailed=True, doubtful=True), NOW)
    assert mode.current == "own"


def test_without_impersonation_it_is_read_by_whoever_may_and_tried_anew_daily() -> None:
    modes = ReadModes(own=False, hidden=lambda _: None, privacy=lambda _: Privacy.PRIVATE_MASKED)
    mode = modes.add(Mailbox(address="ann"), None, NOW)
    assert not modes.judge(mode, agenda(detailed=True), NOW)
    assert modes.judge(mode, agenda(detailed=True, doubtful=True), NOW)
    assert mode.current == "own"
    assert not modes.judge(mode, EwsConnectionError("timeout", "late"), NOW)
    assert not modes.judge(mode, ServerBusy("ErrorServerBusy"), NOW)
    assert not modes.judge(mode, agenda(detailed=True), NOW)
    assert mode.current == "own"
    assert not modes.judge(mode, agenda(detailed=True), NOW + DAY)
    assert mode.current == "batched"


@pytest.mark.parametrize("code", ["ErrorAccessDenied", "ErrorItemNotFound", "ErrorInternalServerError", "TimeLimit"])
def test_whoever_may_not_is_content_with_free_busy_for_a_day(code: str) -> None:
    mode = ReadMode(Mode.BATCHED, owner=False)
    assert mode.judge(agenda(detailed=True, doubtful=True), NOW)
    assert mode.judge(ResponseError(code), NOW)
    assert mode.current == "batched"
    assert not mode.judge(agenda(detailed=True, doubtful=True), NOW + timedelta(hours=23))
    assert mode.judge(agenda(detailed=True, doubtful=True), NOW + DAY)


def test_the_owners_way_is_kept_for_a_day_and_then_the_other_is_tried_anew() -> None:
    mode = ReadMode(Mode.OWN)
    mode.judge(agenda(detailed=True), NOW)
    mode.judge(agenda(detailed=True), NOW + DAY - timedelta(seconds=1))
    assert mode.current == "own"
    mode.judge(agenda(detailed=True), NOW + DAY)
    assert mode.current == "batched"


def test_where_private_subjects_are_masked_the_owners_way_is_kept_as_long_as_it_works() -> None:
    """Availability knows no other sensitivity than private."""
    mode = ReadMode(Mode.OWN, privacy=lambda _: Privacy.PRIVATE_MASKED)
    for days in range(5):
        assert not mode.judge(agenda(detailed=True), NOW + days * DAY)
    assert mode.current == "own"
    assert mode.judge(ResponseError("ErrorImpersonateUserDenied"), NOW)
    assert not mode.judge(agenda(detailed=True), NOW + DAY - timedelta(seconds=1))
    assert mode.current == "batched"
    assert mode.judge(agenda(detailed=True), NOW + DAY)
    assert mode.current == "own"


def test_where_no_subject_is_shown_many_are_read_together_and_nothing_is_learnt() -> None:
    level = Privacy.BUSY_ONLY
    modes = ReadModes(own=True, hidden=lambda _: None, privacy=lambda _: level)
    mode = modes.add(Mailbox(address="ann"), None, NOW)
    assert mode.current == "batched"
    assert not modes.judge(mode, agenda(None), NOW)
    assert not modes.judge(mode, agenda(detailed=False), NOW + DAY)
    assert mode.current == "batched"
    level = Privacy.PRIVATE_MASKED
    assert mode.current == "own"


def test_a_remembered_mode_counts_only_where_subjects_are_shown_in_full() -> None:
    levels = {"ann": Privacy.FULL, "bob": Privacy.PRIVATE_MASKED, "eve": Privacy.BUSY_ONLY}
    modes = ReadModes(own=True, hidden=lambda _: None, privacy=levels.__getitem__)
    started = {name: modes.add(Mailbox(address=name), Mode.BATCHED, NOW).current for name in levels}
    assert started == {"ann": "batched", "bob": "own", "eve": "batched"}


def test_who_may_not_act_as_the_owner_reads_with_others_for_a_day() -> None:
    mode = ReadMode(Mode.OWN)
    assert not mode.judge(EwsConnectionError("timeout"), NOW)
    assert mode.judge(ResponseError("ErrorImpersonateUserDenied"), NOW)
    assert not mode.judge(agenda(detailed=False), NOW + DAY - timedelta(seconds=1))
    assert mode.current == "batched"
    assert mode.judge(agenda(detailed=False), NOW + DAY)


def test_a_password_that_is_refused_tells_nothing_of_rights() -> None:
    mode = ReadMode(Mode.OWN)
    assert not mode.judge(EwsAuthenticationError(401), NOW)
    assert mode.current == "own"


def test_a_right_that_was_given_is_used_when_somebody_says_so() -> None:
    mode = ReadMode(Mode.OWN)
    assert not mode.try_again()
    assert mode.judge(ResponseError("ErrorImpersonateUserDenied"), NOW)
    assert mode.try_again()
    assert mode.judge(agenda(detailed=False), NOW)
    assert mode.current == "own"


def test_a_series_given_as_one_turns_everybody_to_free_busy_for_a_day() -> None:
    hidden: list[tuple[str, ...]] = []
    modes = ReadModes(own=True, hidden=hidden.append)
    ann, bob, eve = (modes.add(Mailbox(address=name), None, NOW) for name in ("ann", "bob", "eve"))
    eve.learnt = Mode.BATCHED
    series = replace(agenda(detailed=True), expanded=False)
    assert modes.judge(ann, series, NOW)
    assert modes.counts.turn() == Counter({Mode.BATCHED: 3, Mode.OWN: 0})
    assert hidden == [("bob",)]
    assert modes.judge(bob, series, NOW), "a read that was under way meanwhile"
    assert hidden == [("bob",)]
    assert modes.add(Mailbox(address="new"), Mode.OWN, NOW).current == "batched"
    later = NOW + DAY - timedelta(seconds=1)
    assert not modes.judge(eve, agenda(detailed=False), later)
    assert modes.unexpanded(later)
    assert modes.judge(eve, agenda(detailed=False), NOW + DAY)
    assert (eve.current, modes.unexpanded(NOW + DAY)) == ("own", False)


def test_where_nobody_is_read_as_the_owner_nothing_is_judged() -> None:
    modes = ReadModes(own=False, hidden=lambda _: None)
    mode = modes.add(Mailbox(address="ann"), Mode.OWN, NOW)
    assert not modes.judge(mode, agenda(detailed=False), NOW)
    assert mode.current == "batched"
    modes.forget("ann")
    assert modes.counts.turn() == Counter({Mode.BATCHED: 0, Mode.OWN: 0})


def test_a_mailbox_known_only_by_its_principal_is_always_read_by_its_owner() -> None:
    modes = ReadModes(own=True, hidden=lambda _: None)
    mailbox = Mailbox(address="u17@corp.test", principal="U17@corp.test")
    mode = modes.add(mailbox, Mode.BATCHED, NOW)
    assert mode.current is Mode.OWN
    assert modes.judge(mode, ResponseError("ErrorAccessDenied"), NOW) is False
    assert modes.judge(mode, ResponseError("ErrorAccessDenied"), NOW + timedelta(days=3)) is False
    assert mode.current is Mode.OWN


def test_modes_are_counted_as_they_hold_now() -> None:
    levels = {"ann": Privacy.FULL, "bob": Privacy.PRIVATE_MASKED, "eve": Privacy.BUSY_ONLY}
    modes = ReadModes(own=True, hidden=lambda _: None, privacy=levels.__getitem__)
    for name in levels:
        modes.add(Mailbox(address=name), None, NOW)
    assert modes.counts.turn() == Counter({"batched": 1, "own": 2})
    levels["eve"] = Privacy.FULL
    assert modes.counts.turn() == Counter({"batched": 0, "own": 3})
