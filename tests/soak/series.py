"""From samples of a process to a verdict: flat, or what grew. Pure.

Counts (tasks of each kind, sockets, files, threads) are judged by calms: in each of them, when nothing is changed and
nothing fails, every count has to come back to what it was in the first one, to the last. Memory is judged by its slope
over the second half of the time up to the last calm, as the median of the slopes between all pairs of samples (Theil
and Sen's estimate: up to 29 % of the samples may be anything), which has to stay below a bound.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import median

#: pairs of samples are as many as half the square: a longer series is thinned out to so many
_MOST = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What the process held at one moment; `at` is in seconds, `calm` the number of the calm it lies in."""

    at: float
    calm: int | None
    counts: Mapping[str, float]
    sizes: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """How much a size may grow: so much a minute, and besides so much in all, as it takes to tell it from chance."""

    per_minute: float
    in_all: float
    unit: str
    scale: float = 1.0


@dataclass(slots=True)
class Verdict:
    """The figures, a sentence each, and what grew."""

    figures: list[str] = field(default_factory=list)
    grew: list[str] = field(default_factory=list)

    @property
    def flat(self) -> bool:
        return not self.grew


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the median of the slopes between all pairs of points; 0 for fewer than two."""
    step = max(1, -(-len(points) // _MOST))
    thin = points[::step]
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(thin, 2) if b[0] != a[0]]
    return median(slopes) if slopes else 0.0


def low_water(samples: Sequence[Sample], calm: int) -> dict[str, float]:
    """Return the lowest of each count in one calm; what was never seen in a sample counts as 0 there."""
    inside = [each.counts for each in samples if each.calm == calm]
    names = {name for counts in inside for name in counts}
    return {name: min(counts.get(name, 0) for counts in inside) for name in names}


def above(samples: Sequence[Sample], calm: int) -> dict[str, tuple[float, float]]:
    """Return what is more in this calm than in the first one, as (then, now)."""
    first, now = low_water(samples, 0), low_water(samples, calm)
    return {name: (first.get(name, 0), value) for name, value in sorted(now.items()) if value > first.get(name, 0)}


def judge(samples: Sequence[Sample], bounds: Mapping[str, Bound]) -> Verdict:
    """Judge a whole run. A run without a calm after the first one, or with too few samples, is not flat either."""
    verdict = Verdict()
    calms = sorted({each.calm for each in samples if each.calm is not None})
    if calms[:1] != [0] or len(calms) < 2:
        verdict.grew.append("nothing can be said: there was no second calm")
        return verdict
    _judge_counts(samples, calms, verdict)
    end = max(each.at for each in samples if each.calm is not None)
    later = [each for each in samples if (samples[0].at + end) / 2 <= each.at <= end]
    for name, bound in bounds.items():
        _judge_size(name, [(each.at / 60, each.sizes[name]) for each in later], bound, verdict)
    return verdict


def _judge_counts(samples: Sequence[Sample], calms: Sequence[int], verdict: Verdict) -> None:
    total = {calm: sum(low_water(samples, calm).values()) for calm in calms}
    first = low_water(samples, 0)
    shown = ", ".join(f"{name} {value:g}" for name, value in sorted(first.items()) if ":" not in name)
    verdict.figures.append(f"first calm: {shown}; {len(calms) - 1} more calms, in sum {total}")
    for calm in calms[1:]:
        for name, (then, now) in above(samples, calm).items():
            verdict.grew.append(f"{name} in calm {calm}: {now:g}, at first {then:g}")


def _judge_size(name: str, points: Sequence[tuple[float, float]], bound: Bound, verdict: Verdict) -> None:
    minutes = points[-1][0] - points[0][0] if points else 0.0
    if minutes <= 0:
        verdict.grew.append(f"nothing can be said of {name}: there are too few samples")
        return
    found, most = slope(points) / bound.scale, bound.per_minute + bound.in_all / minutes
    line = f"{name}: {found:+.1f} {bound.unit} a minute over the last {minutes:.1f} minutes (at most {most:.1f})"
    verdict.figures.append(line)
    if found > most:
        verdict.grew.append(line)
