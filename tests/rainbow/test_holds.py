from rainbow_exchange.rainbow.holds import Holds


def test_a_call_is_held_until_its_time_and_no_other_is() -> None:
    holds = Holds()
    holds.note("/users", 60, 100.0)
    assert holds.left("/users", 110.0) == 50.0
    assert holds.left("/users", 160.0) == 0.0
    assert holds.left("/notify", 110.0) == 0.0


def test_the_longer_wait_counts() -> None:
    holds = Holds()
    holds.note("/users", 60, 100.0)
    holds.note("/users", 5, 101.0)
    assert holds.left("/users", 101.0) == 59.0


def test_somebody_may_lift_it() -> None:
    holds = Holds()
    holds.note("/users", 60, 100.0)
    holds.lift()
    assert holds.left("/users", 101.0) == 0.0
