"""A leak is told apart from what only comes and goes: by series made up for it."""

from collections.abc import Callable
from random import Random

import pytest

from tests.soak.series import Bound, Sample, judge, low_water, slope

BOUNDS = {
    "memory": Bound(per_minute=64, in_all=1024, unit="KiB", scale=1024),
    "blocks": Bound(per_minute=500, in_all=15_000, unit="blocks"),
}
Change = Callable[[float, int], float]


def nothing(_at: float, _cycle: int) -> float:
    return 0.0


def series(
    *, tasks: Change = nothing, sockets: Change = nothing, memory: Change = nothing, blocks: Change = nothing
) -> list[Sample]:
    """Ten minutes of a process that is busy for 50 s of each and calm for 10; the arguments add to what it holds.

    While it is busy there are hundreds of tasks; sockets are let go a few seconds into a calm; memory rises in the
    first minutes as a process does that has just begun, by steps, and wavers.
    """
    random, samples = Random(7), []
    for second in range(600):
        cycle, within = divmod(second, 60)
        calm = cycle if within >= 50 else None
        busy = random.randrange(5, 300) if calm is None else 0
        held = 9 + (within < 55) * random.randrange(1, 9)
        rss = (92 + min(second / 60, 3) * 5) * 2**20 + random.randrange(-20_000, 20_000)
        samples.append(
            Sample(
                at=float(second),
                calm=calm,
                counts={
                    "tasks": 44 + busy + tasks(second, cycle),
                    "tasks:read": 3.0 + busy,
                    "tasks:link": 1 + tasks(second, cycle),
                    "sockets": held + sockets(second, cycle),
                },
                sizes={
                    "memory": rss + memory(second, cycle),
                    "blocks": 430_000 + random.randrange(9000) + blocks(second, cycle),
                },
            )
        )
    return samples


def test_what_comes_and_goes_is_flat() -> None:
    verdict = judge(series(), BOUNDS)

    assert verdict.grew == []
    assert verdict.flat
    assert [line.partition(":")[0] for line in verdict.figures] == ["first calm", "memory", "blocks"]


def test_a_task_that_is_left_is_named_with_its_kind() -> None:
    verdict = judge(series(tasks=lambda second, _: float(second > 300)), BOUNDS)

    assert verdict.grew[0] == "tasks in calm 5: 45, at first 44"
    assert verdict.grew[1] == "tasks:link in calm 5: 2, at first 1"
    assert {line.partition(" ")[0] for line in verdict.grew} == {"tasks", "tasks:link"}


def test_a_kind_of_task_that_was_not_there_at_first_is_seen() -> None:
    samples = series()
    samples[-10:] = [
        Sample(at=each.at, calm=each.calm, counts={**each.counts, "tasks:leaky": 2}, sizes=each.sizes)
        for each in samples[-10:]
    ]

    assert judge(samples, BOUNDS).grew == ["tasks:leaky in calm 9: 2, at first 0"]


def test_a_single_socket_that_is_left_is_seen() -> None:
    assert judge(series(sockets=lambda _, cycle: float(cycle >= 8)), BOUNDS).grew == [
        "sockets in calm 8: 10, at first 9",
        "sockets in calm 9: 10, at first 9",
    ]


def test_what_is_lower_than_at_first_is_no_leak() -> None:
    assert judge(series(sockets=lambda _, cycle: -3.0 * (cycle > 0)), BOUNDS).flat


@pytest.mark.parametrize("kib_per_minute", [400.0, 5000.0])
def test_memory_that_rises_by_little_each_minute_is_seen(kib_per_minute: float) -> None:
    [line] = judge(series(memory=lambda second, _: second / 60 * kib_per_minute * 1024), BOUNDS).grew

    name, _, rest = line.partition(": ")
    assert name == "memory"
    assert float(rest.partition(" ")[0]) == pytest.approx(kib_per_minute, rel=0.02)


def test_memory_that_rises_less_than_can_be_told_from_chance_is_seen_by_a_longer_soak_only() -> None:
    def leak(second: float, _: int) -> float:
        return second / 60 * 150 * 1024

    short = series(memory=leak)
    long = [Sample(at=each.at * 10, calm=each.calm, counts=each.counts, sizes=each.sizes) for each in short]
    long = [
        Sample(at=each.at, calm=each.calm, counts=each.counts, sizes={**each.sizes, "memory": 9e7 + leak(each.at, 0)})
        for each in long
    ]
    assert judge(short, BOUNDS).flat
    assert not judge(long, BOUNDS).flat


def test_objects_that_are_kept_are_seen_where_memory_hides_them() -> None:
    [line] = judge(series(blocks=lambda second, _: second * 100), BOUNDS).grew

    name, _, rest = line.partition(": ")
    assert name == "blocks"
    assert float(rest.partition(" ")[0]) == pytest.approx(6000, rel=0.05)


def test_one_great_step_is_no_slope() -> None:
    """A cache that is filled once, late: a straight line drawn through the ends would call it 4 MiB a minute."""
    assert judge(series(memory=lambda second, _: 20 * 2**20 * (second > 570)), BOUNDS).flat


def test_a_run_that_shows_nothing_is_not_flat() -> None:
    assert judge([], BOUNDS).grew == ["nothing can be said: there was no second calm"]
    only_one = [each for each in series() if each.calm in {None, 0}]
    assert not judge(only_one, BOUNDS).flat


def test_the_slope_is_the_median_of_all_and_29_in_100_may_be_anything() -> None:
    points = [(float(number), 3.0 * number + 1) for number in range(100)]
    assert slope(points) == 3.0
    spoilt = [(x, 1e9 if x % 4 == 0 else y) for x, y in points]
    assert slope(spoilt) == pytest.approx(3.0, abs=0.01)
    assert slope(points[:1]) == slope([]) == 0.0


def test_the_low_water_of_a_calm_is_of_that_calm() -> None:
    samples = series(sockets=lambda _, cycle: float(cycle))

    assert low_water(samples, 4) == {"tasks": 44, "tasks:read": 3, "tasks:link": 1, "sockets": 13}
