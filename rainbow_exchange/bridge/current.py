"""Which appointment counts at an instant: the one that colleagues are shown. Pure.

Nobody publishes how Rainbow chooses among several; taken here is what hides least: out of office before busy, busy
before tentative, of two alike the one that began last. What is free, or elsewhere at work, shows as nothing.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, TypeVar

#: by Rainbow's words for showAs; whatever is not here is shown as nothing
RANKS = {"oof": 3, "busy": 2, "tentative": 1}


class Span(Protocol):
    """An appointment of either side."""

    @property
    def start(self) -> datetime:
        """When it begins."""
        ...

    @property
    def end(self) -> datetime:
        """When it ends."""
        ...

    @property
    def show_as(self) -> str:
        """How it counts."""
        ...


T = TypeVar("T", bound=Span)


def current(spans: Iterable[T], at: datetime) -> T | None:
    """Return the one that counts at that instant, None where nobody is shown anything but free."""
    running = (span for span in spans if span.start <= at < span.end and span.show_as in RANKS)
    return max(running, key=lambda span: (RANKS[span.show_as], span.start, span.end), default=None)


def upcoming(spans: Iterable[T], at: datetime) -> T | None:
    """Return the next one that will count, None where none is known."""
    ahead = (span for span in spans if span.start > at and span.show_as in RANKS)
    return min(ahead, key=lambda span: (span.start, -RANKS[span.show_as]), default=None)
