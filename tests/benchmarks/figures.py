"""What a benchmark is given, and what it hands back: figures with their goals, lines to draw, holds of the loop. Pure.

A benchmark is a module with `async def run(plan: Plan) -> Outcome`; `tests.benchmarks.__main__` lists them. A figure is
a ratio to a peer in the same run, a count, or processor time of the product's process: never a time by the wall alone,
except where people wait for it (a change until it is told).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table: what each run gave, and the goal, which is a bound above or below, or none.

    Raises ValueError where no run gave anything: the benchmark that has nothing to say has failed, and not the table.
    """

    benchmark: str
    name: str
    unit: str
    values: tuple[float, ...]
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError(f"{self.benchmark}: nothing was measured of {self.name}")

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The lowest and the highest of all runs."""
        return min(self.values), max(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the median keeps to the goal; None where there is none."""
        if self.at_most is None and self.at_least is None:
            return None
        return (self.at_most is None or self.median <= self.at_most) and (
            self.at_least is None or self.median >= self.at_least
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One plot: a few lines, each a list of points."""

    benchmark: str
    name: str
    x_name: str
    y_name: str
    lines: Mapping[str, Sequence[tuple[float, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """The longest time that a product's loop was held, and while what: `start of 50,000`, `10 changes a second`."""

    where: str
    seconds: float


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a benchmark found."""

    figures: list[Figure] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    loops: list[Hold] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a benchmark is to run. `scale` below 1 makes companies smaller, for trying; `folder` is its own.

    `names` are all benchmarks of this run, in order; `holds` are what those before this one saw of the loop.
    """

    seed: int
    runs: int
    scale: float
    folder: Path
    names: Sequence[str] = ()
    holds: Sequence[Hold] = ()

    def scaled(self, number: int) -> int:
        """Return so many of something by the scale, at least one."""
        return max(1, round(number * self.scale))
