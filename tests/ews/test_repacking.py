from dataclasses import dataclass

from rainbow_exchange.ews.repacking import repacking


@dataclass(eq=False)
class Group:
    name: str
    weight: int
    state: str = "streamed"
    key: str = ""
    size: int = 200

    @property
    def room(self) -> int:
        return self.size - self.weight


def carried_out(*groups: Group) -> list[tuple[str, str, int]]:
    moves = []
    for source, target, count in repacking(groups):
        source.weight -= count
        target.weight += count
        moves.append((source.name, target.name, count))
    return moves


def test_streams_with_room_take_over_those_that_wait() -> None:
    assert carried_out(Group("a", 200), Group("b", 150), Group("c", 30, "waiting")) == [("c", "b", 30)]
    assert carried_out(Group("a", 190), Group("b", 150), Group("c", 80, "waiting")) == [("c", "b", 50), ("c", "a", 10)]


def test_those_that_wait_fill_one_another_up() -> None:
    assert carried_out(Group("a", 200), Group("b", 120, "waiting"), Group("c", 90, "waiting")) == [("c", "b", 80)]


def test_two_half_empty_streams_are_joined_where_a_group_still_waits() -> None:
    groups = (
        Group("a", 100, key="x"),
        Group("b", 90, key="x"),
        Group("c", 150, key="x"),
        Group("d", 9, "waiting", "y"),
    )
    assert carried_out(*groups) == [("b", "a", 90)]
    assert carried_out(Group("a", 120, key="x"), Group("b", 90, key="x"), Group("d", 9, "waiting", "y")) == []


def test_nobody_moves_to_another_key_nor_where_nobody_waits() -> None:
    assert carried_out(Group("a", 10, key="x"), Group("b", 10, "waiting", "y")) == []
    assert carried_out(Group("a", 10), Group("b", 10)) == []
