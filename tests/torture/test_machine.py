"""Whatever people do and whatever fails, it ends right: histories of a state machine, each dealt from its number."""

from collections import Counter

import pytest

from tests.torture.machine import KINDS, History, quiet

HISTORIES = 20
PARTS = 2

pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_happens_it_ends_right(part: int) -> None:
    uses: Counter[str] = Counter()
    with quiet():
        for number in range(part, HISTORIES, PARTS):
            history = History(number)
            history.run()
            uses += history.uses
    print(", ".join(f"{name} {uses[name]}" for name in KINDS))  # noqa: T201 - how often what was done
    assert len(uses) > len(KINDS) / 2
