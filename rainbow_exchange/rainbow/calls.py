"""Who can make a call to Rainbow: the client of an account, or a token that somebody pasted."""

from collections.abc import Mapping
from typing import Any, Protocol

from rainbow_exchange.rainbow.answers import Reply


class Caller(Protocol):
    """Makes one call as somebody. Raises RainbowError only."""

    async def call(
        self, name: str, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Any = None
    ) -> Reply:
        """Make it; `name` stands for it in counters and log."""
        ...
