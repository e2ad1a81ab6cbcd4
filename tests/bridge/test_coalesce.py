"""Many change signals → one due mailbox; no signal is ever lost."""

from hypothesis import given
from hypothesis import strategies as st

from rainbow_exchange.bridge.coalesce import Coalescer


def test_a_signal_is_gathered_for_150_ms() -> None:
    coalescer = Coalescer()
    coalescer.signal("a", 10.0)
    coalescer.signal("a", 10.1)
    assert coalescer.next_at() == 10.15
    assert coalescer.take(10.149) == []
    assert coalescer.take(10.15) == [("a", 10.0)]
    assert coalescer.next_at() is None


def test_a_part_is_taken_and_the_rest_stays_due() -> None:
    coalescer = Coalescer()
    for number, name in enumerate("abc"):
        coalescer.signal(name, 10.0 + number / 100)
    assert coalescer.take(11.0, 2) == [("a", 10.0), ("b", 10.01)]
    assert coalescer.next_at() == 10.17
    assert coalescer.take(11.0, 2) == [("c", 10.02)]


def test_a_pair_of_notifications_costs_one_read() -> None:
    coalescer = Coalescer()
    coalescer.signal("a", 0.0)
    coalescer.signal("a", 0.01)
    assert coalescer.take(0.15) == [("a", 0.0)]
    assert coalescer.take(60.0) == []


def test_signals_during_the_quiet_time_are_one_trailing_read() -> None:
    coalescer = Coalescer(gather=0.15, quiet=2.0)
    coalescer.signal("a", 0.0)
    coalescer.take(0.15)
    for at in (0.2, 0.9, 1.7):
        coalescer.signal("a", at)
    assert len(coalescer) == 1
    assert coalescer.take(2.1) == []
    assert coalescer.take(2.15) == [("a", 0.2)]
    assert len(coalescer) == 0


def test_a_trailing_signal_is_due_early_enough_to_be_told_within_two_seconds() -> None:
    coalescer = Coalescer()
    coalescer.signal("a", 0.0)
    coalescer.take(0.15)
    coalescer.signal("a", 0.15)
    due_at = coalescer.next_at()
    assert due_at is not None
    assert due_at - 0.15 <= 1.5


def test_a_postponed_mailbox_is_due_at_once_when_a_real_signal_comes() -> None:
    coalescer = Coalescer()
    coalescer.signal("a", 0.0, after=300.0)
    assert coalescer.next_at() == 300.0
    coalescer.signal("a", 10.0)
    assert coalescer.next_at() == 10.15
    assert [mailbox for mailbox, _ in coalescer.take(10.15)] == ["a"]
    assert coalescer.take(301.0) == []


def test_a_postponed_mailbox_keeps_the_time_of_its_first_signal() -> None:
    coalescer = Coalescer()
    coalescer.signal("a", 0.0)
    coalescer.take(0.15)
    coalescer.signal("a", 30.0, after=5.0, since=0.0)  # it could not be read
    coalescer.signal("a", 34.0)
    assert coalescer.take(35.0) == [("a", 0.0)]


def test_a_forgotten_mailbox_is_not_due() -> None:
    coalescer = Coalescer()
    coalescer.signal("a", 0.0)
    coalescer.signal("b", 0.0)
    coalescer.forget("a")
    assert coalescer.take(1.0) == [("b", 0.0)]
    coalescer.signal("a", 2.0)
    coalescer.forget("a")
    assert coalescer.next_at() is None


def test_quiet_times_that_are_over_are_not_kept_for_ever() -> None:
    coalescer = Coalescer()
    for number in range(3000):
        coalescer.signal(str(number), float(number))
        coalescer.take(number + 0.5)
    assert len(coalescer._quiet_until) <= 1001


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3000), st.sampled_from([0, 0, 0, 400]))),
    st.lists(st.integers(0, 1000), min_size=1),
)
def test_every_signal_is_followed_by_a_take_at_or_after_it(
    signals: list[tuple[str, int, int]], polls: list[int]
) -> None:
    coalescer = Coalescer()
    at, steps = 0, iter(polls * (len(signals) + 1))
    owed: dict[str, float] = {}
    for mailbox, wait, after in signals:
        at += wait
        coalescer.signal(mailbox, at / 1000, after=after / 1000)
        owed[mailbox] = min(owed.get(mailbox, at / 1000), at / 1000)
        at += next(steps)
        for taken, first in coalescer.take(at / 1000):
            assert first == owed.pop(taken)
    assert {mailbox for mailbox, _ in coalescer.take(at / 1000 + 10)} == set(owed)
    assert len(coalescer) == 0
    assert coalescer.next_at() is None
