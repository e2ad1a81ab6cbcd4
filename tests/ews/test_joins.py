from rainbow_exchange.ews.joins import Joins


def joins() -> Joins:
    return Joins(size=3, delay=0.5, interval=5.0)


def test_a_first_stream_is_due_after_the_last_newcomer_or_at_once_when_full() -> None:
    group = joins()
    group.came(10.0)
    assert group.due(1, 10.0) == 10.5
    group.came(10.3)
    assert group.due(2, 10.3) == 10.8
    group.came(10.4)
    assert group.due(3, 10.4) == 10.0


def test_newcomers_that_never_cease_are_waited_for_twenty_seconds() -> None:
    group = joins()
    for tenths in range(0, 400, 4):
        group.came(tenths / 10)
    assert group.due(2, 39.6) == 20.0


def test_a_stream_is_reopened_no_sooner_than_its_interval_allows() -> None:
    group = joins()
    group.opened(100.0)
    before = group.any
    assert group.due(2, 160.0) == 160.0
    group.went()
    assert (before, group.any) == (False, True)
    assert group.due(1, 101.0) == 105.0
    assert group.due(1, 101.0, interval=600.0) == 700.0
    group.forget_leavers()
    assert group.due(1, 101.0) == 101.0
