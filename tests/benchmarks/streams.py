"""Notifications per second of processor time, against exchangelib and against the floor, on the same bytes.

Pieces of random size as from a socket, one notification an envelope and fifty. Before anything is timed, all three
must have told the same, and the ids that the two others see must be those that were written.
"""

from dataclasses import dataclass
from random import Random

from tests.benchmarks.figures import Figure, Outcome, Plan
from tests.benchmarks.stream_bytes import Stream, stream
from tests.benchmarks.stream_sides import Peer, by_floor, by_product, counted, items, items_by_floor, told
from tests.benchmarks.turns import in_turns

NOTIFICATIONS = 500
_ROUNDS = 10
_TIMES_EXCHANGELIB = 20.0
#: notifications in an envelope, and the most it may take of the floor's time
_SHAPES = {1: 1.8, 50: 1.9}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one run gave: notifications a second of processor time, and the two ratios."""

    a_second: float
    times_exchangelib: float
    times_floor: float


async def run(plan: Plan) -> Outcome:
    """Measure each shape as many times as there are runs, each with bytes of its own."""
    peer, outcome = Peer(), Outcome()
    for shape, most in _SHAPES.items():
        found = [measured(peer, f"{plan.seed}:{shape}:{number}", shape) for number in range(plan.runs)]
        name = "one notification an envelope" if shape == 1 else f"{shape} notifications an envelope"
        outcome.figures += (
            Figure(
                benchmark="streams",
                name=f"{name}: speed",
                unit="notifications per CPU second",
                values=tuple(each.a_second for each in found),
            ),
            Figure(
                benchmark="streams",
                name=f"{name}: speed, exchangelib's being 1",
                unit="times",
                values=tuple(each.times_exchangelib for each in found),
                at_least=_TIMES_EXCHANGELIB,
                note="exchangelib without the HTTP library it reads single bytes through",
            ),
            Figure(
                benchmark="streams",
                name=f"{name}: time, the floor's being 1",
                unit="times",
                values=tuple(each.times_floor for each in found),
                at_most=most,
                note="floor: find the end tag, lxml.fromstring, take the ids",
            ),
        )
    return outcome


def measured(peer: Peer, seed: str, shape: int, notifications: int = NOTIFICATIONS, rounds: int = _ROUNDS) -> Found:
    """Compare and time the three once. Raises ValueError where they do not tell the same."""
    made = stream(Random(seed), envelopes=notifications // shape, notifications=shape)
    compare(peer, made)
    data = b"".join(made.pieces)
    near = in_turns({"product": lambda: by_product(made.pieces), "floor": lambda: by_floor(made.pieces)}, rounds)
    far = in_turns({"exchangelib": lambda: counted(peer.read(data))}, 1)
    return Found(
        a_second=notifications * rounds / near["product"],
        times_exchangelib=far["exchangelib"] * rounds / near["product"],
        times_floor=near["product"] / near["floor"],
    )


def compare(peer: Peer, made: Stream) -> None:
    """Raise ValueError where one of the three does not tell what is to be told."""
    theirs = peer.read(b"".join(made.pieces))
    for name, of_each in {
        "the product": by_product(made.pieces),
        "the floor": by_floor(made.pieces),
        "exchangelib": counted(theirs),
    }.items():
        if tuple(told(of_each)) != made.told:
            raise ValueError(f"{name} does not tell what stands in the stream of its notifications")
    for name, seen in {"the floor": items_by_floor(made.pieces), "exchangelib": items(theirs)}.items():
        if tuple(seen) != made.items:
            raise ValueError(f"{name} does not see the items that stand in the stream")
