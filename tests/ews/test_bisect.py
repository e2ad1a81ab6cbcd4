import pytest

from rainbow_exchange.ews.bisect import find_bad


class Asked:
    def __init__(self, bad: set[int], *, answers: int = 1000) -> None:
        self.bad = bad
        self.answers = answers
        self.asked = 0

    async def __call__(self, part: list[int]) -> bool | None:
        self.asked += 1
        return None if self.asked > self.answers else not self.bad & set(part)


@pytest.mark.parametrize("bad", [{0}, {199}, {77}, {3, 150}])
async def test_the_bad_ones_are_found_by_halving(bad: set[int]) -> None:
    server = Asked(bad)
    assert set(await find_bad(range(200), server)) >= bad
    assert server.asked <= 20


async def test_one_bad_among_two_hundred_is_found_exactly() -> None:
    assert await find_bad(range(200), Asked({77})) == [77]


async def test_when_all_are_bad_it_stops_asking() -> None:
    server = Asked(set(range(200)))
    assert sorted(await find_bad(range(200), server)) == list(range(200))
    assert server.asked <= 20


async def test_a_server_that_has_recovered_meanwhile_leaves_nobody_under_suspicion() -> None:
    assert await find_bad(range(200), Asked(set())) == []


async def test_one_alone_is_not_asked_about() -> None:
    server = Asked(set())
    assert await find_bad([5], server) == [5]
    assert await find_bad([], server) == []
    assert server.asked == 0


@pytest.mark.parametrize("answers", [0, 1, 2, 3])
async def test_a_server_that_cannot_be_asked_leaves_all_under_suspicion(answers: int) -> None:
    server = Asked({0, 1, 7}, answers=answers)
    assert set(await find_bad(range(8), server)) >= {0, 1, 7}
    assert server.asked <= answers + 1
