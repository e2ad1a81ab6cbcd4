"""Everybody is gone over a part at a time; few are gone over at once."""

from collections.abc import Generator

from rainbow_exchange.bridge.turns import Turns, in_turns


def test_few_are_looked_at_in_one_turn_and_many_in_several() -> None:
    people = list(range(500))

    def look() -> Generator[None, None, int]:
        found = 0
        for some, more in in_turns(people):
            found += len(some)
            if more:
                yield
        return found

    turns = Turns(look, -1)
    assert (turns.turn(), turns.under_way) == (500, False)
    people.extend(range(700))
    assert [turns.turn() for _ in range(3)] == [500, 500, 1200]
    people.clear()
    assert turns.turn() == 0


def test_those_who_come_or_go_meanwhile_are_for_the_next_time() -> None:
    people = dict.fromkeys(range(501))
    parts = in_turns(people)
    first, more = next(parts)
    people.clear()
    assert (len(first), more) == (500, True)
    assert list(parts) == [([500], False)]
