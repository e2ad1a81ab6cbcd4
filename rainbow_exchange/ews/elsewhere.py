"""Mailboxes that are on another server than we thought: to be looked for before they are subscribed anew.

Source: protocols page on EWS, §1: for a move, and where a request came to the wrong site, find out about the mailbox
first, at most every five minutes.
"""

import asyncio
from collections.abc import Awaitable, Callable

from rainbow_exchange.ews.errors import EwsError, ResponseError
from rainbow_exchange.ews.rhythm import is_elsewhere
from rainbow_exchange.model import Mailbox

_FIND_EVERY = 300.0  # seconds between two searches for the same mailbox


class Elsewhere:
    """Those under suspicion, by address. `find` is awaited to have one looked for; it sets its own time limit."""

    def __init__(self, find: Callable[[Mailbox], Awaitable[None]]) -> None:
        self._find = find
        self._found_at: dict[str, float | None] = {}

    def __contains__(self, address: str) -> bool:
        return address in self._found_at

    def suspect(self, address: str, error: EwsError) -> None:
        """Take a refusal into account."""
        if isinstance(error, ResponseError) and is_elsewhere(error.code, error.text):
            self._found_at.setdefault(address, None)

    def clear(self, address: str) -> None:
        """It was found, or is nobody's business any more."""
        self._found_at.pop(address, None)

    async def find(self, mailbox: Mailbox) -> None:
        """Have it looked for, unless that was done a short while ago."""
        now, last = asyncio.get_running_loop().time(), self._found_at.get(mailbox.address)
        if last is None or now - last >= _FIND_EVERY:
            self._found_at[mailbox.address] = now
            await self._find(mailbox)


async def nowhere(_: Mailbox) -> None:
    """Know nothing of where mailboxes are."""
