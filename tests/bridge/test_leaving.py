"""Users who have left: told of once more, and let be where Rainbow does not want to hear of them."""

from rainbow_exchange.bridge.leaving import Leaving


def leaving(count: int) -> Leaving:
    made = Leaving()
    for number in range(count):
        made.add(f"u{number}", float(number))
    return made


def test_a_hundred_go_into_a_call() -> None:
    made = leaving(250)
    assert (len(made), made.oldest()) == (250, 0.0)
    assert [len(made.take()) for _ in range(4)] == [100, 100, 50, 0]
    assert made.oldest() is None


def test_a_call_that_did_not_come_through_is_made_again() -> None:
    made = leaving(150)
    taken = made.take()
    made.put_back(taken)
    assert made.take() == taken


def test_a_refused_call_is_halved_until_whoever_is_refused_stands_alone_and_is_let_be() -> None:
    made = leaving(8)
    calls = 0
    told: set[str] = set()
    while made:
        taken = made.take()
        calls += 1
        if "u5" in taken:
            made.refused(taken)
        else:
            told |= taken.keys()
    assert told == {"u0", "u1", "u2", "u3", "u4", "u6", "u7"}
    assert calls == 7


def test_whoever_is_back_has_not_left() -> None:
    made = leaving(2)
    made.forget("u0")
    made.forget("u0")
    assert made.take() == {"u1": 1.0}
    made.add("u1", 1.0)
    made.forget("u1")
    assert len(made) == 0


def test_whoever_is_being_told_of_has_still_to_be_told_of() -> None:
    made = leaving(2)
    taken = made.take()
    assert "u0" in made
    made.put_back(taken)
    assert "u0" in made
    made.take()
    made.told()
    assert "u0" not in made
