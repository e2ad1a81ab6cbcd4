"""Durations, counted since the start in buckets: what a scrape misses, the next one has. Pure."""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

_RECENT = 1000


@dataclass(slots=True, kw_only=True)
class Histogram:
    """How often something took how long; `bounds` are the upper bounds of its buckets in seconds, ascending."""

    bounds: tuple[float, ...]
    counts: list[int] = field(init=False)
    total: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, seconds: float) -> None:
        """Add one value."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    def buckets(self) -> Iterator[tuple[str, int]]:
        """Give each upper bound, as Prometheus writes it, and how many values do not exceed it."""
        names = [*(f"{bound:g}" for bound in self.bounds), "+Inf"]
        return zip(names, accumulate(self.counts), strict=True)


#: fine around what is aimed at: half of all changes told within 0.3 s, nearly all within 1 s
_LATENCY = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0)


@dataclass(slots=True, kw_only=True)
class Latency(Histogram):
    """How long changes took, and the recent ones for quantiles."""

    bounds: tuple[float, ...] = _LATENCY
    recent: deque[float] = field(init=False, default_factory=lambda: deque(maxlen=_RECENT))

    def observe(self, seconds: float) -> None:
        """Add one value."""
        Histogram.observe(self, seconds)
        self.recent.append(seconds)

    def quantile(self, share: float) -> float | None:
        """Value that `share` (0 … 1) of the last 1000 do not exceed; None while there is none."""
        if not self.recent:
            return None
        ordered = sorted(self.recent)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
