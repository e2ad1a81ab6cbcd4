"""What is asked for all the time is worked out so seldom that it takes two hundredths of the time."""

from rainbow_exchange.web.seldom import Seldom


def test_what_costs_is_made_anew_once_fifty_times_as_long_has_passed() -> None:
    spent, now, made = [0.0], [100.0], [0]

    def make() -> int:
        spent[0] += 0.05
        made[0] += 1
        return made[0]

    seldom = Seldom(make, spent=lambda: spent[0], clock=lambda: now[0])

    assert [seldom.get(), seldom.get()] == [1, 1]
    now[0] += 2.4
    assert seldom.get() == 1
    now[0] += 0.2
    assert [seldom.get(), seldom.get()] == [2, 2]


def test_what_costs_nothing_is_always_new() -> None:
    made = iter(range(10))
    seldom = Seldom(lambda: next(made), spent=lambda: 0.0, clock=lambda: 0.0)

    assert [seldom.get() for _ in range(3)] == [0, 1, 2]
