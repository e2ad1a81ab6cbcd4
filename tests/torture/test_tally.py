"""What a long torture has done so far."""

from pathlib import Path

import pytest

from tests.torture.company import Tortured
from tests.torture.machine import History
from tests.torture.rig import quiet
from tests.torture.tally import Lived, Tally


def test_run_again_it_goes_on_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "build" / "torture.jsonl"
    tally = Tally.open(file, first=40)
    tally.add(Lived(41, 1.5, {"ask": 2}))
    tally.add(Lived(43, 1.5, {"ask": 1, "come back": 1}, "history 43 went wrong"))
    with file.open("a") as written:
        written.write('{"number": 44, "sec')  # killed while it wrote
    again = Tally.open(file, first=0)
    assert again.left(5) == [40, 42, 44]
    assert again.uses == {"ask": 3, "come back": 1}
    assert [each.wrong for each in again.wrong] == ["history 43 went wrong"]
    again.add(Lived(44, 0.1, {}))
    assert Tally.open(file, first=0).left(5) == [40, 42]


@pytest.fixture
def unstarted(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Have companies that are never started: what is told of them is the same."""

    async def nothing(_: Tortured) -> None:
        pass

    for part in ("set_up", "rest", "end", "nothing_left"):
        monkeypatch.setattr(Tortured, part, nothing)
    return monkeypatch


def test_what_goes_wrong_is_told_with_the_fewest_steps(unstarted: pytest.MonkeyPatch) -> None:
    def check(company: Tortured) -> None:
        if company.uses["change text"] > 1:
            raise AssertionError("two texts were changed")

    unstarted.setattr(Tortured, "check_so_far", check)
    with quiet(), pytest.raises(AssertionError) as wrong:
        History(7, among=("make series", "change text", "delete series", "change text"), size=8).run()
    told = str(wrong.value).splitlines()
    assert told[:2] == ["history 7, with impersonation, went wrong:", "    two texts were changed"]
    assert told[2].startswith("These steps lead to it (the fewest that do, of ")
    assert told[3:] == [
        "     1. after 0 s: change text (who 0, lasts 0.001 s, how 0)",
        "     2. after 0 s: change text (who 0, lasts 0.001 s, how 0)",
        "To repeat it: python -m tests.torture --only 7",
    ]


def test_what_does_not_go_wrong_again_is_told_all_the_same(unstarted: pytest.MonkeyPatch) -> None:
    once = iter([True])

    def check(_: Tortured) -> None:
        if next(once, False):
            raise AssertionError("something was wrong")

    unstarted.setattr(Tortured, "check_so_far", check)
    with quiet(), pytest.raises(AssertionError, match="something was wrong") as wrong:
        History(7, among=("change text",), size=2).run()
    assert "It did so once, and not when the same was done again:" in str(wrong.value)


def test_where_all_are_done_it_begins_anew(tmp_path: Path) -> None:
    """Nobody is told that all went well because it did so the last time."""
    file = tmp_path / "torture.jsonl"
    tally = Tally.go_on(file, 2, first=4)
    tally.add(Lived(4, 1.0, {"ask": 1}))
    assert Tally.go_on(file, 2, first=9).left(2) == [5]
    tally.add(Lived(5, 1.0, {"ask": 1}))
    begun = Tally.go_on(file, 2, first=9)
    assert (begun.left(2), begun.uses.total()) == ([9, 10], 0)
    assert Tally.open(file, first=1).first == 9
