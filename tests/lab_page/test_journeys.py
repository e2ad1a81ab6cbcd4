"""What becomes of a change, and when it is given up."""

from datetime import UTC, datetime, timedelta

from rainbow_exchange.lab_page.journeys import Journey, Journeys

MADE = datetime(2026, 3, 2, 8, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return MADE + timedelta(seconds=seconds)


def begun(journeys: Journeys, key: str = "ada") -> Journey:
    return journeys.begin(key=key, user_id=key, who=key.title(), what="CreateItem", made=MADE, in_exchange=after(0.1))


def test_each_stage_has_its_time_and_its_place() -> None:
    journeys = Journeys()
    journey = begun(journeys)
    assert [took for _, took, _, _ in journey.stages()] == [0.1, None, None, None]
    assert journey.take(told=after(0.3), asked=None)
    assert journey.take(told=after(0.3), asked=after(0.35))
    assert not journey.take(told=None, asked=None)
    journeys.see("ada", after(0.5), "busy")
    assert journey.total == 0.5
    assert [(name, round(took or 0, 3), left, width) for name, took, left, width in journey.stages()] == [
        ("exchange", 0.1, 0.0, 20.0),
        ("told", 0.2, 20.0, 40.0),
        ("asked", 0.05, 60.0, 10.0),
        ("seen", 0.15, 70.0, 30.0),
    ]


def test_what_is_seen_belongs_to_whose_change_it_is() -> None:
    journeys = Journeys()
    ada, alan = begun(journeys), begun(journeys, "alan")
    journeys.see("ada", after(1), "busy")
    assert [ada.open, alan.open] == [False, True]
    assert list(journeys) == [alan, ada]


def test_a_newer_change_of_the_same_person_takes_its_place() -> None:
    journeys = Journeys()
    begun(journeys)
    newer = begun(journeys)
    assert list(journeys) == [newer]


def test_what_changes_nothing_for_colleagues_is_closed_three_seconds_after_the_answer() -> None:
    journeys = Journeys()
    journey = begun(journeys)
    assert not journeys.pass_time(after(60))
    journey.take(told=after(60), asked=after(61))
    assert not journeys.pass_time(after(63))
    assert journeys.pass_time(after(65))
    assert (journey.hidden, journey.total, journeys.unfinished()) == (True, None, [])


def test_a_change_is_followed_closely_at_first() -> None:
    journeys = Journeys()
    assert not journeys.hurried(after(0))
    begun(journeys)
    assert journeys.hurried(after(4))
    assert not journeys.hurried(after(6))


def test_nobody_waits_longer_than_five_minutes() -> None:
    journeys = Journeys()
    journey = begun(journeys)
    assert not journeys.pass_time(after(299))
    assert journeys.pass_time(after(301))
    assert journey.hidden
