"""A company of thousands is set apart from the collector of garbage once it is taken up, and given back in the end."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from rainbow_exchange.set_apart import SetApart, set_program_apart


@pytest.fixture(autouse=True)
def _given_back() -> Iterator[None]:
    before = gc.get_freeze_count()  # the interpreter sets a few apart by itself
    yield
    gc.unfreeze()
    assert gc.get_freeze_count() <= before


def test_it_is_done_once_and_given_back_with_the_bridge() -> None:
    gc.unfreeze()
    one, other, apart = object(), object(), SetApart()
    apart.review(None, people=0, settled=False)
    apart.review(one, people=50_000, settled=False)
    apart.review(one, people=1_999, settled=True)
    assert gc.get_freeze_count() == 0
    apart.review(one, people=2_000, settled=True)
    held = gc.get_freeze_count()
    assert held > 10_000  # all that this process consists of
    made = [[number] for number in range(1000)]
    apart.review(one, people=2_000, settled=True)
    assert gc.get_freeze_count() <= held
    apart.review(other, people=2_000, settled=False)
    assert gc.get_freeze_count() > 10_000  # all but what the one consisted of
    gc.unfreeze()
    apart.review(other, people=2_000, settled=False)
    assert (gc.get_freeze_count(), len(made)) == (0, 1000)
    apart.review(other, people=2_000, settled=True)
    assert gc.get_freeze_count() > 10_000


def test_a_bridge_that_is_gone_is_looked_through_and_the_program_stays_set_apart() -> None:
    class Bridge:
        def __init__(self) -> None:
            self.own = self

    one, apart = Bridge(), SetApart()
    was = weakref.ref(one)
    apart.review(one, people=2_000, settled=True)
    del one
    gc.collect()
    assert was() is not None
    apart.review(None, people=0, settled=False)
    assert was() is None
    assert gc.get_freeze_count() > 10_000
    gc.unfreeze()
    apart.review(None, people=0, settled=False)
    assert gc.get_freeze_count() == 0  # once


def test_what_would_take_long_to_be_looked_through_is_set_apart_before_and_after() -> None:
    cpu, took = [0.0], 0.004

    def clock() -> float:
        cpu[0] += took
        return cpu[0]

    gc.unfreeze()
    gc.disable()  # the only looks are ours
    try:
        one, apart = object(), SetApart(cpu=clock)
        with apart.watching():
            gc.collect(1)
            gc.collect(1)
            gc.collect(0)  # of which next to nothing is left
            apart.review(one, people=2_000, settled=False)
            assert gc.get_freeze_count() == 0
            gc.collect(1)
            apart.review(one, people=1_999, settled=False)
            assert gc.get_freeze_count() == 0
            apart.review(one, people=2_000, settled=False)
            held = gc.get_freeze_count()
            assert held > 10_000
            apart.review(one, people=2_000, settled=True)
            made = [[number] for number in range(1000)]
            gc.collect()
            gc.collect(1)
            apart.review(one, people=2_000, settled=True)
            assert gc.get_freeze_count() < held + 1000
            gc.collect(1)
            apart.review(one, people=2_000, settled=True)
            held = gc.get_freeze_count()
            assert held >= 1000 + len(made)
            more = [[number] for number in range(1000)]
            took = 0.02
            gc.collect()
            apart.review(one, people=2_000, settled=True)
            assert gc.get_freeze_count() >= held + len(more)
    finally:
        gc.enable()
    assert not any(getattr(each, "__self__", None) is apart for each in gc.callbacks)


def test_what_refers_to_itself_and_was_set_apart_is_freed_within_a_day() -> None:
    """Each connection does: what was open whenever something was set apart would add up."""

    class Connection:
        def __init__(self) -> None:
            self.own = self

    gc.unfreeze()
    clock = [1000.0]
    one, apart, open_now = object(), SetApart(clock=lambda: clock[0]), Connection()
    was = weakref.ref(open_now)
    apart.review(one, people=50_000, settled=True)
    del open_now
    gc.collect()
    clock[0] += 86_399
    apart.review(one, people=50_000, settled=True)
    assert was() is not None
    clock[0] += 2
    apart.review(one, people=50_000, settled=True)
    assert was() is None
    assert gc.get_freeze_count() > 10_000  # and is set apart again


def test_the_program_is_set_apart_before_it_runs() -> None:
    gc.unfreeze()
    set_program_apart()
    assert gc.get_freeze_count() > 10_000
