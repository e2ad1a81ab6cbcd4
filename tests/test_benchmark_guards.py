"""What benchmarks found must not get lost: ratios of processor time, small inputs, bounds far from what is reached."""

import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
import structlog

from tests.benchmarks.connector import connector
from tests.benchmarks.stanzas import Floor, WrongAnswerError, check, company, questions
from tests.benchmarks.stream_bytes import stream
from tests.benchmarks.stream_sides import Peer
from tests.benchmarks.streams import compare, measured


@pytest.fixture(autouse=True)
def _undisturbed() -> Iterator[None]:
    """What counts the lines that are run, and whoever listens to the log, slows down Python alone, and not lxml."""
    tracer, level = sys.gettrace(), logging.root.manager.disable
    sys.settrace(None)
    logging.disable(logging.INFO)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    yield
    structlog.reset_defaults()
    logging.disable(level)
    sys.settrace(tracer)


@pytest.mark.parametrize("notifications", [1, 50])
def test_a_stream_is_read_nearly_as_fast_as_lxml_parses_it(notifications: int) -> None:
    found = measured(Peer(), "guard", notifications, notifications=200, rounds=5)
    assert found.times_floor < 2.5
    assert found.times_exchangelib > 10


def test_a_benchmark_of_streams_times_nothing_before_all_have_told_the_same() -> None:
    made = stream(Random(1), envelopes=3, notifications=2)
    compare(Peer(), made)
    subscription, notification, item = made.told[-1]
    with pytest.raises(ValueError, match="the product does not tell"):
        compare(Peer(), replace(made, told=(*made.told, (subscription, notification, item + 1))))
    with pytest.raises(ValueError, match="the floor does not see"):
        compare(Peer(), replace(made, items=made.items[::-1]))


async def test_a_question_costs_little_more_than_lxml_takes_for_its_stanzas(tmp_path: Path) -> None:
    """Five bursts about other people each: what is asked about once is not made cheaper by it the next time."""
    now = datetime(2026, 3, 2, 8, tzinfo=UTC)
    people = company(Random(1), 1_500, now)
    asked, spent, least = questions(people, now), list[float](), list[float]()
    async with connector(people, tmp_path, now) as product:
        for first in range(0, len(people), 300):
            found = await product.ask(asked[first : first + 300], tmp_path / "answers")
            check(found.answers, people, range(first, first + 300))
            spent.append(found.cpu / 300)
            least.append(Floor(people[first : first + 300], now).run())
    assert min(spent) / min(least) < 6


def test_a_benchmark_of_answers_takes_none_that_is_wrong_missing_or_too_many() -> None:
    now = datetime(2026, 3, 2, 8, tzinfo=UTC)
    people = company(Random(1), 2, now)
    floor = Floor(people, now)
    right = [floor.answer(0), floor.answer(1)]
    check(right, people, range(2))
    for wrong in (right[:1], [*right, right[0]], [right[0], right[1].replace(b"busy", b"free", 1)]):
        with pytest.raises(WrongAnswerError):
            check(wrong, people, range(2))
