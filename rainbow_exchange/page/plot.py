"""A small plot of an hour: where its lines go in an SVG of 340 by 150. Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from rainbow_exchange.bridge.last_hour import MINUTES

LEFT, RIGHT, TOP, BOTTOM = 38.0, 332.0, 10.0, 122.0
#: points that are further apart have no line between them
_MINUTES_APART = 5
#: as many points can still be told apart when each is a dot
_DOTS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: `pieces` are values of a polyline's `points`, `dots` the places of its points while those are few."""

    name: str
    pieces: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """`marks` are the heights of the horizontal lines, each with its value."""

    lines: tuple[Line, ...]
    marks: tuple[tuple[float, float], ...]


def plot(now: datetime, values: Mapping[str, Iterable[tuple[datetime, float]]]) -> Plot | None:
    """Draw lines by their names, each of minutes with their values; None where there is no value."""
    known = {name: [(_age(now, at), value) for at, value in points] for name, points in values.items()}
    highest = max((value for points in known.values() for _, value in points), default=None)
    if highest is None:
        return None
    top = _round_up(highest)

    def place(age: int, value: float) -> tuple[float, float]:
        x = RIGHT - (RIGHT - LEFT) * age / (MINUTES - 1)
        return round(x, 1), round(BOTTOM - (BOTTOM - TOP) * value / top, 1)

    lines = []
    for name, points in known.items():
        pieces: list[list[tuple[float, float]]] = []
        before = math.inf
        for age, value in points:
            if before - age > _MINUTES_APART:
                pieces.append([])
            pieces[-1].append(place(age, value))
            before = age
        shown = tuple(" ".join(f"{x},{y}" for x, y in piece) for piece in pieces if len(piece) > 1)
        dots = tuple(place(age, value) for age, value in points) if len(points) <= _DOTS else ()
        lines.append(Line(name=name, pieces=shown, dots=dots))
    marks = tuple((place(0, top * share)[1], top * share) for share in (0.0, 0.5, 1.0))
    return Plot(lines=tuple(lines), marks=marks)


def _age(now: datetime, at: datetime) -> int:
    """Give how many minutes ago the minute was that began at `at`."""
    return min(max(int(now.timestamp() // 60 - at.timestamp() // 60), 0), MINUTES - 1)


def _round_up(value: float) -> float:
    """Give the next value of which a person knows the half: 1, 2, 5 and so on."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)
