"""That it bites: each of these mistakes, put into the product, is found by histories of what has to do with it."""

from contextlib import suppress

import pytest

from tests.torture.machine import History
from tests.torture.mistakes import MISTAKES
from tests.torture.rig import quiet

#: histories within which each is found
WITHIN = 30
STEPS = 10

pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the history by which it was found is right."""
    mistake = MISTAKES[name]
    faults = mistake.faults * (len(mistake.changes) // len(mistake.faults)) if mistake.faults else ()

    def live(number: int) -> None:
        History(number, among=(*faults, *mistake.changes), size=STEPS).run(shrink=False)

    def goes_wrong(number: int) -> bool:
        with suppress(AssertionError):
            live(number)
            return False
        return True

    mistake.make(monkeypatch)
    with quiet():
        number = next((number for number in range(WITHIN) if goes_wrong(number)), None)
        assert number is not None, f"not found in {WITHIN} histories"
        print(f"{name}: found in history {number}")  # noqa: T201 - how well it bites
        monkeypatch.undo()
        live(number)
