from rainbow_exchange.bridge import way
from rainbow_exchange.bridge.told import Told
from rainbow_exchange.bridge.way import Change, OnTheWay


def test_what_happens_while_a_change_waits_is_one_with_it() -> None:
    on_the_way = OnTheWay()
    first = on_the_way.signalled("ada@acme.test", 1.0, "r-1")
    assert on_the_way.signalled("ada@acme.test", 2.0, "r-2") is first
    assert on_the_way.signalled("bob@acme.test", 2.0, "r-2") is not first
    assert (first.since, first.notified_by) == (1.0, "r-1")

    assert on_the_way.take("ada@acme.test") is first
    assert on_the_way.take("ada@acme.test") is None
    second = on_the_way.signalled("ada@acme.test", 3.0, "r-3")
    assert second.id != first.id
    on_the_way.take("ada@acme.test")
    on_the_way.put_back("ada@acme.test", second)
    assert on_the_way.take("ada@acme.test") is second


def test_a_question_is_for_the_change_that_was_told_last_or_is_being_told() -> None:
    on_the_way = OnTheWay()
    calendar, absence = Change("change", 1.0), Change("out-of-office", 2.0)
    assert on_the_way.asked("u1", Told.EVENTS) == ""
    on_the_way.due("u1", Told.EVENTS, calendar)
    on_the_way.due("u1", Told.AUTO_REPLY, absence)
    assert on_the_way.asked("u1", Told.EVENTS) == calendar.id
    assert on_the_way.told("u1") == [(Told.EVENTS, calendar), (Told.AUTO_REPLY, absence)]
    assert on_the_way.told("u1") == []
    assert on_the_way.asked("u1", Told.AUTO_REPLY) == absence.id
    on_the_way.answered("u1", Told.EVENTS)
    assert on_the_way.asked("u1", Told.EVENTS) == ""
    on_the_way.forget("u1", "ada@acme.test")
    assert on_the_way.asked("u1", Told.AUTO_REPLY) == ""


def test_what_becomes_due_while_a_call_tells_waits_for_the_next() -> None:
    on_the_way = OnTheWay()
    first, second, third = (Change("change", float(number)) for number in range(3))
    on_the_way.due("u1", Told.EVENTS, first)
    on_the_way.due("u1", Told.EVENTS, second, telling=True)
    assert on_the_way.asked("u1", Told.EVENTS) == first.id
    assert on_the_way.told("u1", again=True) == [(Told.EVENTS, first)]
    assert on_the_way.told("u1") == [(Told.EVENTS, second)]

    on_the_way.due("u1", Told.EVENTS, third, telling=True)  # that call fails, and the next tells of all
    assert on_the_way.told("u1") == [(Told.EVENTS, third)]
    on_the_way.due("u1", Told.EVENTS, second, telling=True)
    on_the_way.forget("u1", "ada@acme.test")
    assert on_the_way.told("u1") == []


def test_changes_that_rainbow_never_asks_for_do_not_pile_up() -> None:
    on_the_way = OnTheWay()
    for number in range(50_000):
        on_the_way.due(f"u{number}", Told.EVENTS, Change("change", 1.0))
        on_the_way.told(f"u{number}")
    kept = [number for number in range(50_000) if on_the_way.asked(f"u{number}", Told.EVENTS)]
    assert kept == list(range(50_000 - way.MOST_TOLD, 50_000))
