"""What can happen to a company: histories of steps, each the same for the same seed, and the way to shorter ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

#: what people and administrators do
CHANGES = (
    "make appointment",
    "move appointment",
    "delete appointment",
    "go out of office",
    "come back",
    "add user",
    "remove user",
    "rename user",
    "deactivate user",
    "activate user",
    "ask",
)
#: what befalls the Rainbow side, for a while
OUTAGES = (
    "rest resets",
    "rest is silent",
    "link resets",
    "link is silent",
    "both reset",
    "both are silent",
    "killed",
    "killed, memory lost",
    "shut down",
    "too many requests",
    "unavailable",
    "rest is late",
    "xmpp logins refused",
)
#: what befalls it in an instant
BLOWS = ("link cut", "conflict", "tokens expired", "tokens void", "account locked")
#: a call that is broken off: then everything is away for a while
BREAKS = (
    "breaks at login",
    "breaks at settings",
    "breaks at renew",
    "breaks at a page",
    "breaks at notify",
    "breaks at logout",
    "breaks at bind",
    "breaks at question",
    "breaks at answer",
)
#: what befalls the daemon itself
RESTARTS = ("stopped", "crashed")
FAULTS = (*OUTAGES, *BLOWS, *BREAKS, *RESTARTS)

PAUSES = (0, 0.003, 0.05, 0.3, 1, 3, 10, 30, 90, 400)
SPANS = (0.001, 0.02, 0.3, 2, 8, 20, 45, 150, 600, 1500)
A_DAY = 86_400.0


@dataclass(frozen=True)
class Step:
    """After `pause` seconds `what` happens to `who`, for `lasts` seconds where it lasts; `how` is whatever else."""

    pause: float
    what: str
    who: int
    lasts: float
    how: int


def history(
    seed: int, *, changes: int = 7, faults: int = 7, among: Sequence[str] = FAULTS, longest: float = SPANS[-1]
) -> list[Step]:
    """Draw a history: people do as much as goes wrong, since a fault shows only in what was to be told.

    Neighbouring seeds share out what there is, so that few histories use each as often.
    """
    random = Random(seed)
    names = [*_dealt(seed, faults, among), *_dealt(seed, changes, CHANGES)]
    random.shuffle(names)
    return [
        Step(
            pause=random.choice(PAUSES),
            what=name,
            who=random.randrange(4),
            lasts=random.choice((*SPANS, longest)),
            how=random.randrange(16),
        )
        for name in names
    ]


def _dealt(seed: int, number: int, among: Sequence[str]) -> list[str]:
    share = -(-len(among) // number)
    deck = Random(seed // share).sample(among, len(among))
    first = seed % share * number
    return [deck[(first + each) % len(deck)] for each in range(number)]


def shortened(steps: list[Step], fails: Callable[[list[Step]], bool]) -> list[Step]:
    """Leave out, and make shorter, what a history need not have to fail."""
    number = 0
    while number < len(steps):
        without = [*steps[:number], *steps[number + 1 :]]
        if fails(without):
            steps = without
        else:
            number += 1
    for number, step in enumerate(steps):
        quick = [*steps[:number], replace(step, pause=PAUSES[5], lasts=SPANS[3]), *steps[number + 1 :]]
        if quick != steps and fails(quick):
            steps = quick
    return steps
