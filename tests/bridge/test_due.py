"""The due set."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_exchange.bridge.due import DueSet

COMPANY = [f"u{number:03d}" for number in range(250)]


def test_what_becomes_due_twice_is_taken_once() -> None:
    due = DueSet()
    due.add("a", 5.0)
    due.add("a", 3.0)
    due.add("a", 7.0)
    assert len(due) == 1
    assert due.take() == ({"a": 3.0}, False)
    assert len(due) == 0


def test_changes_overtake_boundaries() -> None:
    due = DueSet()
    for number in range(150):
        due.add(f"b{number}", 1.0, boundary=True)
    for number in range(120):
        due.add(f"c{number}", 2.0)
    first, _ = due.take()
    assert len(first) == 100
    assert all(user_id.startswith("c") for user_id in first)
    second, _ = due.take()
    assert sum(user_id.startswith("c") for user_id in second) == 20


def test_a_boundary_that_becomes_a_change_keeps_its_time_and_is_taken_once() -> None:
    due = DueSet()
    due.add("a", 1.0, boundary=True)
    due.add("a", 4.0)
    due.add("a", 5.0, boundary=True)
    assert due.oldest() == 1.0
    assert due.take() == ({"a": 1.0}, False)
    assert due.oldest() is None


@pytest.mark.parametrize("number", [1, 60, 1000, 10_000, 25_000])
def test_the_boundaries_of_a_minute_are_spread_over_it(number: int) -> None:
    due = DueSet()
    for each in range(number):
        due.add(str(each), 0.0, boundary=True)
    calls = []
    while due:
        calls.append(len(due.take()[0]))
    assert sum(calls) == number
    assert len(calls) <= 300  # five a second for a minute
    assert max(calls) <= max(3, 2 + -(-number // 300))


def test_forced_and_plain_never_share_a_call() -> None:
    due = DueSet()
    due.add("plain", 1.0)
    due.add("forced", 2.0, force=True)
    due.add("also forced", 3.0, force=True)
    due.add("boundary", 3.0, boundary=True)
    assert due.take() == ({"plain": 1.0, "boundary": 3.0}, False)
    assert due.take() == ({"forced": 2.0, "also forced": 3.0}, True)
    due.add("forced", 9.0)
    assert due.take() == ({"forced": 9.0}, False)


def test_whoever_is_forgotten_is_not_taken() -> None:
    due = DueSet()
    due.add("a", 1.0, force=True)
    due.add("b", 1.0, boundary=True)
    due.forget("a")
    due.forget("b")
    assert due.take() == ({}, False)


def test_who_is_set_apart_goes_first_in_a_call_of_its_own_and_is_not_due_twice() -> None:
    due = DueSet()
    due.add("a", 1.0)
    due.add("b", 2.0, boundary=True)
    due.add("c", 3.0)
    due.set_apart({"a": 1.0}, force=False)
    due.set_apart({"b": 2.0, "d": 0.5}, force=True)
    due.add("a", 9.0)
    due.forget("d")
    assert (len(due), due.oldest()) == (3, 1.0)
    assert due.take() == ({"b": 2.0}, True)
    assert due.take() == ({"a": 1.0}, False)
    assert due.take() == ({"c": 3.0}, False)


added = st.tuples(st.sampled_from(COMPANY), st.booleans(), st.booleans())


@given(st.lists(added, max_size=300))
def test_everybody_added_is_taken_exactly_once(adds: list[tuple[str, bool, bool]]) -> None:
    due = DueSet()
    forced, changed = set(), set()
    for user_id, force, boundary in adds:
        due.add(user_id, 1.0, force=force and not boundary, boundary=boundary)
        if force and not boundary:
            forced.add(user_id)
        if not boundary:
            changed.add(user_id)
    taken: list[str] = []
    while due:
        call, is_forced = due.take()
        assert 0 < len(call) <= 100
        assert all((user_id in forced) is is_forced for user_id in call)
        if any(user_id not in changed for user_id in call):
            assert due._changes.keys() <= forced  # no boundary goes before a change that could go too
        taken += call
    assert sorted(taken) == sorted({user_id for user_id, _, _ in adds})
