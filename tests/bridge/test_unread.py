"""Calendars that cannot be read are kept in the order in which they began to fail."""

from datetime import UTC, datetime, timedelta

from rainbow_exchange.bridge.read_mode import Mode, ReadMode
from rainbow_exchange.bridge.reads import Entry
from rainbow_exchange.bridge.unread import Unread
from rainbow_exchange.model import Mailbox

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def failing(name: str, reason: str, minutes: int) -> Entry:
    entry = Entry(Mailbox(address=f"{name}@acme.test"), ReadMode(Mode.OWN))
    entry.stale_reason, entry.failing_since = reason, NOON + timedelta(minutes=minutes)
    return entry


def test_they_are_counted_by_reason_and_by_how_long_it_lasts() -> None:
    unread = Unread()
    ann, bob, eve = failing("ann", "ErrorAccessDenied", 0), failing("bob", "timeout", 1), failing("eve", "timeout", 3)
    for each in (ann, bob, eve):
        unread.failed(each)
    assert [unread.since(NOON + timedelta(minutes=minutes)) for minutes in (-1, 0, 2, 3)] == [0, 1, 2, 3]
    assert dict(unread.reasons) == {"ErrorAccessDenied": 1, "timeout": 2}
    bob.stale_reason = "refused"  # it still fails, and has its place
    unread.failed(bob)
    assert list(unread) == [
        ("ann@acme.test", "ErrorAccessDenied"),
        ("bob@acme.test", "refused"),
        ("eve@acme.test", "timeout"),
    ]
    unread.over("bob@acme.test")
    unread.over("bob@acme.test")
    assert (len(unread), dict(unread.reasons)) == (2, {"ErrorAccessDenied": 1, "timeout": 1})
