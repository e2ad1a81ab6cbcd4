"""A storm is spread evenly, also where its parts come one after the other."""

from collections import Counter
from random import Random

from rainbow_exchange.ews.pace import Pace


def test_a_storm_in_parts_is_no_more_than_a_storm() -> None:
    pace = Pace(50, Random(3).random)
    moments = [now + pace.wait(now) for now in (10.0,) * 200 + (10.0,) * 200 + (11.5,) * 50]
    assert max(Counter(int(moment) for moment in moments).values()) <= 51
    assert 18.9 < max(moments) <= 19.0


def test_whoever_comes_alone_hardly_waits() -> None:
    pace = Pace(50, lambda: 0.5)
    assert [round(pace.wait(now), 3) for now in (0.0, 1.0, 1.0, 5.0)] == [0.01, 0.01, 0.03, 0.01]
