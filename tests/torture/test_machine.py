"""Whatever people do and whatever fails, it ends right: histories of a state machine, each dealt from its number.

`make torture` runs thousands of them.
"""

import os
from collections import Counter
from collections.abc import Callable

import pytest

from tests.leaks.kept import KEPT
from tests.torture.machine import KINDS, History
from tests.torture.rig import heard, live_through, quiet
from tests.torture.steps import Step

HISTORIES = 200
PARTS = 2
#: how often each change, and each fault, is to have been done in all
USED = 50
#: outside of CI one history of so many is listened to for what may not come to light
HEARD = 1 if os.environ.get("CI") == "true" else 25

pytestmark = pytest.mark.timeout(900)


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_happens_it_ends_right(part: int, record_property: Callable[[str, object], None]) -> None:
    uses: Counter[str] = Counter()
    number = HISTORIES // PARTS
    with quiet():
        for each in range(part * number, (part + 1) * number):
            KEPT.forget()
            heard(at_debug=each % HEARD == 0)
            history = History(each)
            history.run()
            uses += history.uses
    record_property("histories", number)
    record_property("uses", {kind: uses[kind] for kind in KINDS})
    seldom = {kind: uses[kind] for kind in KINDS if uses[kind] < USED // PARTS}
    assert not seldom, f"done less often than {USED // PARTS} times in {number} histories: {seldom}"


def test_after_hours_or_a_whole_day_it_ends_right() -> None:
    """Everybody's appointments have changed, Rainbow has lost its memory, and the first question is lost."""
    hours = 2 * 3600.0
    changes = [Step(60, "make appointment", who, 0, 3) for who in range(3)]
    with quiet():
        live_through(
            [
                *changes,
                Step(30, "killed, memory lost", 0, hours, 0),
                *changes,
                Step(7, "go out of office", 1, 0, 2),
                Step(hours - 30, "breaks at question", 0, 20, 7),
                Step(300, "come back", 1, 0, 0),
            ]
        )
