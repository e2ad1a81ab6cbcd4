"""How a server of the lab is out of reach though something listens: it resets connections, or is silent."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rainbow_exchange.lab.dial_values import check_choice

HOWS = ("", "reset", "silent")


class Unreachable(Exception):
    """What was asked for is to be met with a reset."""


def _nothing() -> None:
    pass


class Outage:
    """What is away, each of `parts` by itself.

    A part that is silent takes connections, requests and frames, goes on with them once it is back, and says nothing in
    the meantime, as a process does that is held. `cut[part]` is to break what is open when that part resets.
    """

    def __init__(self, parts: Sequence[str]) -> None:
        self.parts = tuple(parts)
        self.cut: dict[str, Callable[[], object]] = dict.fromkeys(self.parts, _nothing)
        self._how = dict.fromkeys(self.parts, "")
        self._turned = asyncio.Event()

    def set(self, away: Mapping[str, Any]) -> None:
        """Say how each part is away ("": it is there). Raise BadDial."""
        for part, how in away.items():
            check_choice("away", part, self.parts)
            check_choice(part, str(how), HOWS)
        self._how |= away
        for part in self.parts:
            if self._how[part] == "reset":
                self.cut[part]()
        self._turned.set()
        self._turned = asyncio.Event()

    def as_json(self) -> dict[str, str]:
        """How each part is away."""
        return dict(self._how)

    async def passed(self, part: str) -> None:
        """Return once a part is there. Raise Unreachable while it resets."""
        while self._how[part] == "silent":
            await self._turned.wait()
        if self._how[part] == "reset":
            raise Unreachable
