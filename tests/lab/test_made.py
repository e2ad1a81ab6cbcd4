"""When something was made, and how long it took to be seen."""

from rainbow_exchange.lab.made import Made


def test_the_newest_change_counts_and_is_seen_once() -> None:
    made = Made()
    made.note("Ada@acme.test", 1.0)
    made.note("ada@ACME.test", 5.0)
    assert made.waiting() == ["ada@acme.test"]
    assert made.seen("ada@acme.test", 5.5) == 0.5
    assert made.seen("ada@acme.test", 6.0) is None


def test_what_nobody_saw_for_long_is_given_up() -> None:
    made = Made(keep=10)
    made.note("ada@acme.test", 1.0)
    assert made.seen("ada@acme.test", 12.0) is None
    made.note("ada@acme.test", 13.0)
    made.drop("ada@acme.test")
    assert made.seen("ada@acme.test", 13.5) is None
