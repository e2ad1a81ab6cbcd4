"""Whether the wall clock was set, or this machine has slept. Pure: the clocks are read by whoever asks.

A machine that sleeps stops the steady clock on Linux and not on Windows; a clock that is set moves the other one only.
Neither can be told from what was meant by an instant that was kept, so whoever keeps some has to begin anew.
"""

from datetime import datetime

#: seconds; what is less only makes a wait, or an age, longer or shorter by as much
TOLERATED = 60.0


class Clock:
    """Compares both clocks with what they were when it was asked last; that is to be `every` so many seconds."""

    def __init__(self, wall: datetime, steady: float, *, every: float) -> None:
        self._wall = wall
        self._steady = steady
        self._every = every

    def leap(self, wall: datetime, steady: float) -> float:
        """Return by how many seconds more than was waited for the clock went on, negative where it was set back.

        0 where that is too little to matter.
        """
        passed, waited = (wall - self._wall).total_seconds(), steady - self._steady
        self._wall, self._steady = wall, steady
        if abs(passed - waited) > TOLERATED:
            return passed - waited
        return waited if waited > self._every + TOLERATED else 0.0
