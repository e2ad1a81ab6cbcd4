"""What a history is made of: steps, and which kinds of them each history is dealt."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

PAUSES = (0, 0.003, 0.05, 0.3, 1, 3, 10, 30, 90, 400)
SPANS = (0.001, 0.02, 0.3, 2, 8, 20, 45, 150, 600, 1500)


@dataclass(frozen=True, slots=True)
class Step:
    """After `pause` seconds `what` happens to `who`, for `lasts` seconds where it lasts; `how` is whatever else."""

    pause: float
    what: str
    who: int = 0
    lasts: float = SPANS[-1]
    how: int = 0

    def __str__(self) -> str:
        return f"after {self.pause:g} s: {self.what} (who {self.who}, lasts {self.lasts:g} s, how {self.how})"


def method(prefix: str, what: str) -> str:
    """Give the name of the method that does what a step says."""
    return f"{prefix}_" + re.sub(r"\W+", "_", what)


def dealt(number: int, among: Sequence[str], size: int) -> list[str]:
    """Deal the hand of the `number`-th history: hands follow each other through one shuffled deck after another.

    So few histories use each kind as often; which of its hand comes when is for hypothesis to draw.
    """
    hand: list[str] = []
    for place in range(number * size, (number + 1) * size):
        deck, card = divmod(place, len(among))
        hand.append(Random(deck).sample(among, len(among))[card])
    return hand
