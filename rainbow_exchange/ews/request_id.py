"""What Exchange calls the request that was answered last: its header `request-id`, by which its own logs have it.

Whoever called it in the same task reads it right after; a stream's stays for as long as its task does nothing else.
"""

from collections.abc import Callable
from contextvars import ContextVar

_LONGEST = 64
_LAST: ContextVar[str] = ContextVar("exchange_request_id", default="")


def note(header: Callable[[str], str | None]) -> str:
    """Keep it from an answer's headers, and give it; "" where the server names none."""
    said = "".join(each for each in (header("request-id") or "")[:_LONGEST] if each.isascii() and each.isprintable())
    _LAST.set(said)
    return said


def forget() -> None:
    """A request is sent: what the one before was called says nothing of it."""
    _LAST.set("")


def last() -> str:
    """Give it; "" before the first answer."""
    return _LAST.get()
