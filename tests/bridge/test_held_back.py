"""Who waits because Rainbow does not want to hear of him."""

from rainbow_exchange.bridge.held_back import HeldBack


def test_five_minutes_then_a_quarter_of_an_hour_then_hourly() -> None:
    held_back = HeldBack()
    now, waits = 0.0, []
    for _ in range(5):
        held_back.hold("ann", 0.0, now, force=False)
        until = held_back.next_at()
        assert until is not None
        waits.append(until - now)
        assert held_back.take(until - 1.0) == {}
        assert list(held_back.take(until)) == ["ann"]
        now = until
    assert waits == [300, 900, 3600, 3600, 3600]


def test_once_forced_stays_forced_and_the_first_reason_counts() -> None:
    held_back = HeldBack()
    held_back.hold("ann", 7.0, 10.0, force=False)
    assert "ann" in held_back
    held_back.add("ann", force=True)
    held_back.add("ann", force=False)
    held = held_back.take(1000.0)["ann"]
    assert (held.since, held.force) == (7.0, True)
    assert "ann" not in held_back
    assert list(held_back) == ["ann"]  # under way again, and still the one that was refused


def test_whoever_is_accepted_begins_anew() -> None:
    held_back = HeldBack()
    for _ in range(3):
        held_back.hold("ann", 0.0, 0.0, force=False)
    held_back.accepted("ann")
    assert (list(held_back), held_back.next_at()) == ([], None)
    held_back.hold("ann", 0.0, 0.0, force=False)
    assert held_back.next_at() == 300.0
