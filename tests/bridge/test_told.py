"""What Rainbow was told and asked; who is due."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rainbow_exchange.bridge.told import Digest, Ledger, Told, digest_auto_reply, digest_events, utc_days, whole_days
from rainbow_exchange.model import Window
from rainbow_exchange.rainbow.types import AutoReply, CalendarEvent

DAY = timedelta(days=1)
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
EVENTS, AUTO_REPLY = Told.EVENTS, Told.AUTO_REPLY


def event(start: datetime, end: datetime, name: str = "1", subject: str = "Planning") -> CalendarEvent:
    return CalendarEvent(id=name, subject=subject, type="singleInstance", show_as="busy", start=start, end=end)


def days(first: datetime, count: int = 10) -> Window:
    return Window(start=first, end=first + count * DAY)


def digest(number: int) -> Digest:
    return Digest.of(0, [number])


# --- digests


def test_the_window_is_whole_utc_days() -> None:
    now = datetime(2026, 1, 5, 22, 30, tzinfo=UTC)
    assert utc_days(date(2026, 1, 4), 10, now) == Window(
        start=datetime(2026, 1, 4, tzinfo=UTC), end=datetime(2026, 1, 14, tzinfo=UTC)
    )


def test_whole_days_are_those_that_both_windows_hold_from_midnight_to_midnight() -> None:
    cache = Window(start=datetime(2026, 3, 1, tzinfo=UTC), end=datetime(2026, 3, 11, tzinfo=UTC))

    def days(start: str, end: str) -> tuple[date, date] | None:
        asked = Window(start=datetime.fromisoformat(start), end=datetime.fromisoformat(end))
        found = whole_days(asked, within=cache)
        return (found.start.date(), found.end.date()) if found else None

    assert days("2026-02-27T00:00:00Z", "2026-03-06T00:00:00Z") == (date(2026, 3, 1), date(2026, 3, 6))
    assert days("2026-03-02T00:00:01Z", "2026-03-04T23:59:59Z") == (date(2026, 3, 3), date(2026, 3, 4))
    assert days("2026-03-02T01:00:00+01:00", "2026-04-01T00:00:00Z") == (date(2026, 3, 2), date(2026, 3, 11))
    assert days("2026-03-02T08:00:00Z", "2026-03-03T08:00:00Z") is None
    assert days("2026-03-11T00:00:00Z", "2026-03-13T00:00:00Z") is None


def test_a_change_within_both_windows_is_seen() -> None:
    before = digest_events([event(MONDAY, MONDAY + DAY / 24)], days(MONDAY))
    assert digest_events([event(MONDAY, MONDAY + DAY / 12)], days(MONDAY)).differs(before)
    assert digest_events([event(MONDAY, MONDAY + DAY / 24, subject="Other")], days(MONDAY)).differs(before)
    assert digest_events([], days(MONDAY + DAY)).differs(
        digest_events([event(MONDAY + DAY, MONDAY + 2 * DAY)], days(MONDAY))
    )
    assert not digest_events([event(MONDAY, MONDAY + DAY / 24)], days(MONDAY)).differs(before)


def test_any_state_differs_from_none() -> None:
    assert digest_events([], days(MONDAY)).differs(None)


def test_windows_without_a_day_in_common_do_not_differ() -> None:
    busy = digest_events([event(MONDAY, MONDAY + DAY)], days(MONDAY, 10))
    for count in (1, 10, 11, 25):
        assert not busy.differs(digest_events([], days(MONDAY + 30 * DAY, count)))
        assert not digest_events([], days(MONDAY + 30 * DAY, count)).differs(busy)


def test_an_event_until_midnight_does_not_touch_the_next_day() -> None:
    until_midnight = event(MONDAY, MONDAY + DAY)
    assert not digest_events([until_midnight], days(MONDAY)).differs(
        digest_events([until_midnight], days(MONDAY + DAY))
    )
    next_day = Digest(
        digest_events([], days(MONDAY + DAY)).first, digest_events([until_midnight], days(MONDAY)).days[8:16]
    )
    assert not next_day.differs(digest_events([], days(MONDAY + DAY, 1)))


def test_a_moment_at_midnight_belongs_to_the_day_it_begins() -> None:
    moment = event(MONDAY + DAY, MONDAY + DAY)
    assert digest_events([moment], days(MONDAY)).days[:8] == digest_events([], days(MONDAY)).days[:8]
    assert digest_events([moment], days(MONDAY)).days[8:16] != digest_events([], days(MONDAY)).days[8:16]


def test_the_order_in_which_events_come_makes_no_difference() -> None:
    some = [event(MONDAY + n * DAY / 24, MONDAY + (n + 1) * DAY / 24, str(n)) for n in range(5)]
    assert digest_events(some, days(MONDAY)) == digest_events(reversed(some), days(MONDAY))


def test_replies_differ_by_what_they_say() -> None:
    away = AutoReply(state="enabled", internal_text="away")
    assert digest_auto_reply(away).differs(digest_auto_reply(AutoReply(state="enabled", internal_text="gone")))
    assert not digest_auto_reply(away).differs(digest_auto_reply(AutoReply(state="enabled", internal_text="away")))


spans = st.tuples(st.integers(-40, 300), st.integers(0, 60))


@given(st.lists(spans, max_size=12), st.integers(0, 15))
def test_a_window_that_slides_makes_nobody_due(hours: list[tuple[int, int]], slide: int) -> None:
    """Everything stays as it is; only what lies in the window at all changes."""
    calendar = [
        event(MONDAY + timedelta(hours=start), MONDAY + timedelta(hours=start + length), str(number))
        for number, (start, length) in enumerate(hours)
    ]

    def seen(window: Window) -> Digest:
        inside = [each for each in calendar if each.start < window.end and each.end >= window.start]
        return digest_events(inside, window)

    ledger = Ledger()
    ledger.set_state("u", EVENTS, seen(days(MONDAY)), 0.0)
    ledger.notified("u", ledger.snapshot("u"), 0.0)
    assert ledger.set_state("u", EVENTS, seen(days(MONDAY + slide * DAY)), 1.0) is False


# --- the ledger


def told(ledger: Ledger, user: str, kind: Told, number: int, now: float) -> None:
    """Take a state, notify, and have Rainbow ask and be answered."""
    ledger.set_state(user, kind, digest(number), now)
    ledger.notified(user, ledger.snapshot(user), now)
    ledger.asked(kind)
    ledger.answered(user, kind, digest(number), 0.0)


def test_a_user_is_due_until_a_notify_is_accepted() -> None:
    ledger = Ledger()
    assert not ledger.was_notified("u")
    assert ledger.set_state("u", EVENTS, digest(1), 0.0) is True
    assert ledger.set_state("u", EVENTS, digest(1), 1.0) is True
    ledger.notified("u", ledger.snapshot("u"), 2.0)
    assert ledger.was_notified("u")
    assert ledger.set_state("u", EVENTS, digest(1), 3.0) is False
    assert ledger.set_state("u", EVENTS, digest(2), 4.0) is True


def test_a_change_while_the_notify_was_under_way_is_due_again() -> None:
    ledger = Ledger()
    ledger.set_state("u", EVENTS, digest(1), 0.0)
    snapshot = ledger.snapshot("u")
    ledger.set_state("u", EVENTS, digest(2), 0.5)
    ledger.notified("u", snapshot, 1.0)
    assert ledger.set_state("u", EVENTS, digest(2), 1.5) is True


def test_a_kind_that_becomes_known_after_the_first_notify_is_not_due_by_itself() -> None:
    ledger = Ledger()
    ledger.set_state("u", EVENTS, digest(1), 0.0)
    ledger.notified("u", ledger.snapshot("u"), 0.0)
    assert ledger.set_state("u", AUTO_REPLY, digest(1), 10.0) is False
    assert ledger.set_state("u", AUTO_REPLY, digest(2), 20.0) is True


def test_whoever_is_not_asked_for_is_notified_again_after_1_5_30_minutes_then_daily() -> None:
    ledger = Ledger()
    ledger.set_state("u", EVENTS, digest(1), 0.0)
    ledger.notified("u", ledger.snapshot("u"), 0.0)
    now, waits = 0.0, []
    for _ in range(6):
        asleep = next(seconds for seconds in range(1, 100_000) if ledger.take_again(now + seconds))
        now += asleep
        waits.append(asleep)
        assert ledger.take_again(now + 100_000) == []  # until the notify is accepted
        ledger.notified("u", ledger.snapshot("u"), now)
    assert waits == [60, 300, 1800, 86400, 86400, 86400]


def test_the_first_repetition_comes_after_a_minute_also_when_the_absence_was_learnt_later() -> None:
    ledger = Ledger()
    ledger.set_state("u", EVENTS, digest(1), 0.0)
    ledger.notified("u", ledger.snapshot("u"), 0.0)
    ledger.set_state("u", AUTO_REPLY, digest(1), 5.0)
    assert ledger.take_again(59.9) == []
    assert ledger.take_again(65.0) == ["u"]


def test_whoever_was_answered_is_left_in_peace() -> None:
    ledger = Ledger()
    told(ledger, "u", EVENTS, 1, 0.0)
    assert ledger.take_again(1e6) == []
    assert ledger.unanswered() == []
    assert ledger.not_asked(1e6) == 0


def test_an_answer_given_before_the_notify_was_accepted_counts() -> None:
    ledger = Ledger()
    ledger.set_state("u", EVENTS, digest(1), 0.0)
    ledger.asked(EVENTS)
    ledger.answered("u", EVENTS, digest(1), 0.0)
    ledger.notified("u", ledger.snapshot("u"), 0.1)
    assert ledger.unanswered() == []


def test_an_answer_older_than_the_notify_does_not_count() -> None:
    ledger = Ledger()
    told(ledger, "u", EVENTS, 1, 0.0)
    ledger.set_state("u", EVENTS, digest(2), 10.0)
    ledger.notified("u", ledger.snapshot("u"), 10.0)
    ledger.answered("u", EVENTS, digest(1), 0.0)
    assert ledger.unanswered() == ["u"]
    assert ledger.take_again(70.0) == ["u"]


def test_the_schedule_begins_anew_after_an_answer() -> None:
    ledger = Ledger()
    ledger.set_state("u", EVENTS, digest(1), 0.0)
    ledger.notified("u", ledger.snapshot("u"), 0.0)
    ledger.take_again(60.0)
    ledger.notified("u", ledger.snapshot("u"), 60.0)
    ledger.asked(EVENTS)
    ledger.answered("u", EVENTS, digest(1), 0.0)
    ledger.set_state("u", EVENTS, digest(2), 1000.0)
    ledger.notified("u", ledger.snapshot("u"), 1000.0)
    assert ledger.take_again(1059.0) == []
    assert ledger.take_again(1060.0) == ["u"]


def test_the_schedule_begins_anew_with_each_change_and_not_with_each_repetition() -> None:
    """Somebody whose calendar changes often must not have to wait for a day after the last time."""
    ledger = Ledger()
    for number, now in enumerate((0.0, 10.0, 20.0, 30.0, 40.0)):
        ledger.set_state("u", EVENTS, digest(number), now)
        ledger.notified("u", ledger.snapshot("u"), now)
    assert ledger.take_again(99.0) == []
    assert ledger.take_again(100.0) == ["u"]
    ledger.notified("u", ledger.snapshot("u"), 100.0)
    assert ledger.take_again(399.0) == []
    assert ledger.take_again(400.0) == ["u"]


def test_the_schedule_begins_anew_when_the_link_is_back() -> None:
    ledger = Ledger()
    ledger.set_state("u", EVENTS, digest(1), 0.0)
    for now in (0.0, 60.0, 360.0, 2160.0):
        ledger.notified("u", ledger.snapshot("u"), now)
        ledger.take_again(now + 1_000_000)
    ledger.begin_anew()
    ledger.notified("u", ledger.snapshot("u"), 5000.0)
    assert ledger.take_again(5060.0) == ["u"]


def test_rainbow_did_not_ask_is_shown_after_30_seconds() -> None:
    ledger = Ledger()
    ledger.set_state("u", EVENTS, digest(1), 0.0)
    ledger.notified("u", ledger.snapshot("u"), 100.0)
    assert ledger.not_asked(130.0) == 0
    assert ledger.not_asked(130.1) == 1


def test_a_kind_that_rainbow_never_asked_for_does_not_count() -> None:
    ledger = Ledger()
    ledger.set_state("u", EVENTS, digest(1), 0.0)
    ledger.set_state("u", AUTO_REPLY, digest(1), 0.0)
    ledger.notified("u", ledger.snapshot("u"), 0.0)
    ledger.asked(EVENTS)
    ledger.answered("u", EVENTS, digest(1), 0.0)
    assert ledger.unanswered() == []
    assert ledger.take_again(1e6) == []


def test_a_kind_that_rainbow_asks_for_counts_for_everybody() -> None:
    ledger = Ledger()
    told(ledger, "other", AUTO_REPLY, 1, 0.0)
    told(ledger, "u", EVENTS, 1, 0.0)
    ledger.set_state("u", AUTO_REPLY, digest(1), 0.0)
    ledger.set_state("u", AUTO_REPLY, digest(2), 1.0)
    ledger.notified("u", ledger.snapshot("u"), 1.0)
    assert ledger.unanswered() == ["u"]


def test_where_rainbow_asks_nothing_at_all_the_calendar_counts() -> None:
    ledger = Ledger()
    ledger.set_state("u", AUTO_REPLY, digest(1), 0.0)
    ledger.notified("u", ledger.snapshot("u"), 0.0)
    assert ledger.unanswered() == []
    assert ledger.take_again(100.0) == []
    ledger.set_state("v", EVENTS, digest(1), 0.0)
    ledger.notified("v", ledger.snapshot("v"), 0.0)
    assert ledger.unanswered() == ["v"]


def test_a_kind_that_is_asked_for_later_makes_an_open_notify_wait_for_it() -> None:
    ledger = Ledger()
    ledger.set_state("u", AUTO_REPLY, digest(1), 0.0)
    ledger.notified("u", ledger.snapshot("u"), 0.0)
    ledger.asked(AUTO_REPLY)
    assert ledger.unanswered() == ["u"]


def test_who_is_forgotten_is_neither_due_nor_waited_for() -> None:
    ledger = Ledger()
    ledger.set_state("u", EVENTS, digest(1), 0.0)
    ledger.notified("u", ledger.snapshot("u"), 0.0)
    ledger.forget("u")
    assert ledger.unanswered() == []
    assert ledger.take_again(1e6) == []
    assert ledger.snapshot("u") == {}
    assert not ledger.was_notified("u")


def test_a_notify_or_an_answer_for_somebody_gone_changes_nothing() -> None:
    ledger = Ledger()
    ledger.notified("gone", {EVENTS: digest(1)}, 0.0)
    ledger.answered("gone", EVENTS, digest(1), 0.0)
    assert not ledger.was_notified("gone")
    assert ledger.unanswered() == []


def test_of_a_mailbox_that_is_gone_rainbow_is_told_until_it_was_refused() -> None:
    ledger = Ledger()
    ledger.set_state("u1", Told.EVENTS, Digest.of(739000, [1]), 0.0)
    ledger.notified("u1", ledger.snapshot("u1"), 0.0)
    ledger.answered("u1", Told.EVENTS, Digest.of(739000, [1]), 0.0)
    assert not ledger.withdrawing("u1")
    ledger.withdraw("u1")
    assert ledger.withdrawing("u1")
    ledger.notified("u1", ledger.snapshot("u1"), 10.0)
    assert ledger.take_again(69.0) == []
    assert ledger.take_again(70.0) == ["u1"]
    ledger.notified("u1", ledger.snapshot("u1"), 71.0)
    ledger.refused("u1", Told.EVENTS, 72.0)
    assert not ledger.withdrawing("u1")
    assert ledger.withdrawing("u1", doubted=72.0)
    assert not ledger.withdrawing("u1", doubted=72.1)
    assert ledger.unanswered() == []
    assert ledger.take_again(10_000.0) == []


def test_answers_that_left_shortly_before_the_link_was_lost_are_doubted() -> None:
    ledger = Ledger()
    for user, at in (("early", 40.0), ("late", 90.0), ("never told", 91.0)):
        ledger.set_state(user, EVENTS, digest(1), 0.0)
        if user != "never told":
            ledger.notified(user, ledger.snapshot(user), 30.0)
        ledger.answered(user, EVENTS, digest(1), at)
    assert ledger.unanswered() == []
    ledger.doubt(60.0, 100.0)
    assert ledger.unanswered() == ["late"]
    ledger.answered("late", EVENTS, digest(1), 110.0)
    assert ledger.unanswered() == []


def test_when_was_last_told_and_asked_is_known_also_where_the_answer_is_doubted() -> None:
    ledger = Ledger()
    assert ledger.last("u") == (None, None)
    ledger.set_state("u", EVENTS, digest(1), 0.0)
    assert ledger.last("u") == (None, None)
    ledger.notified("u", ledger.snapshot("u"), 30.0)
    ledger.answered("u", AUTO_REPLY, digest(1), 50.0)
    ledger.answered("u", EVENTS, digest(1), 40.0)
    ledger.doubt(0.0, 60.0)
    assert ledger.last("u") == (30.0, 40.0)
    assert (ledger.standing("u").asked_at, ledger.standing("u").answered_at) == (40.0, {})
    ledger.forget("u")
    assert ledger.last("u") == (None, None)
