"""An answer that comes again is known by its bytes, and by all of them."""

from rainbow_exchange.ews.repeat import Repeat


def test_the_same_bytes_are_known_and_no_others() -> None:
    first = Repeat(())
    assert not first.came(b"answer")
    again = Repeat((), known=first.digest, server_version="15.1")
    assert again.came(b"answer")
    assert (again.unchanged, again.stands_for_it, again.server_version) == (True, (), "15.1")
    for other in (b"", b"answer ", b"Answer"):
        assert not again.came(other)
        assert not again.unchanged


def test_before_the_first_answer_nothing_is_known() -> None:
    assert not Repeat(()).came(b"")
