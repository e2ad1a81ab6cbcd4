"""A group's first Subscribe goes alone, and the others do not wait for it for long."""

import asyncio

from rainbow_exchange.ews.first_alone import FirstAlone


class Group:
    """What those who take turns do, and when."""

    def __init__(self) -> None:
        self.turns = FirstAlone()
        self.went: list[tuple[str, bool, int]] = []

    async def go(self, name: str, seconds: float = 1.0, *, fails: bool = False) -> None:
        async with self.turns.turn() as first:
            self.went.append((name, first, round(asyncio.get_running_loop().time())))
            await asyncio.sleep(seconds)
            if fails:
                raise ConnectionError(name)


async def test_the_first_goes_alone_and_the_others_all_together() -> None:
    group = Group()
    await asyncio.gather(*(group.go(name) for name in "abc"))
    assert group.went == [
        ("a", True, 0),
        ("b", False, 1),
        ("c", False, 1),
    ]
    assert group.turns.done


async def test_where_the_first_fails_the_next_is_the_first() -> None:
    group = Group()
    results = await asyncio.gather(group.go("a", fails=True), group.go("b"), group.go("c"), return_exceptions=True)
    assert [isinstance(result, ConnectionError) for result in results] == [True, False, False]
    assert [(name, first) for name, first, _ in group.went] == [("a", True), ("b", True), ("c", False)]


async def test_a_first_that_hangs_is_waited_for_for_five_seconds() -> None:
    group = Group()
    await asyncio.gather(group.go("a", 60.0, fails=True), group.go("b"), group.go("c"), return_exceptions=True)
    assert group.went == [
        ("a", True, 0),
        ("b", True, 5),
        ("c", True, 5),
    ]
    await group.go("d")
    assert group.went[-1] == ("d", False, 60)
