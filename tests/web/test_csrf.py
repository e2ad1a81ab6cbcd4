"""Masked differently each time, known again, and worth nothing changed."""

import base64

from rainbow_exchange.web import csrf


def test_each_session_has_its_own() -> None:
    assert csrf.token("a") == csrf.token("a")
    assert csrf.token("a") != csrf.token("b")
    assert len(csrf.token("é\udcff")) == 32


def test_what_was_masked_is_known_again_and_looks_like_nothing_before() -> None:
    known = csrf.token("a")
    masked = [csrf.masked(known) for _ in range(50)]

    assert all(csrf.matches(each, known) for each in masked)
    assert not any(csrf.matches(each, csrf.token("b")) for each in masked)
    columns = list(zip(*(base64.urlsafe_b64decode(each) for each in masked), strict=True))
    assert len(columns) == 64
    assert all(len(set(column)) > 20 for column in columns), "no byte stays the same"


def test_what_is_changed_short_long_or_none_does_not_match() -> None:
    known = csrf.token("a")
    raw = bytearray(base64.urlsafe_b64decode(csrf.masked(known)))
    raw[40] ^= 1

    for other in (bytes(raw), raw[:63], raw[:32], b"", b"\0" * 64):
        assert not csrf.matches(base64.urlsafe_b64encode(bytes(other)).decode(), known)
    for text in ("", "é", "=", "A", "\udcff"):
        assert not csrf.matches(text, known)
