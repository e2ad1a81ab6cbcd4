import pytest

from rainbow_exchange.bridge.search import Search, parts


@pytest.mark.parametrize(
    ("members", "sizes"), [(100, [10] * 10), (95, [10] * 9 + [5]), (8, [1] * 8), (11, [2] * 5 + [1]), (1, [1])]
)
def test_a_batch_is_cut_into_ten_parts_at_most(members: int, sizes: list[int]) -> None:
    cut = list(parts(range(members)))
    assert [len(part) for part in cut] == sizes
    assert [member for part in cut for member in part] == list(range(members))


def test_most_must_have_answered_for_the_rest_to_be_suspected() -> None:
    search = Search(10)
    search.landed = 4
    assert not search.finds_a_culprit()
    search.landed = 5
    assert search.finds_a_culprit()
