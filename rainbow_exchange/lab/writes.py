"""What owners change in their mailboxes, whoever it is: from the record of the lab's Exchange, in one waiting call."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
import structlog

from rainbow_exchange.backoff import backoff
from rainbow_exchange.lab.exchange.controls import NEWEST
from rainbow_exchange.lab.lab_calls import LabCalls
from rainbow_exchange.lab.owner_wire import Refused, instant

log = structlog.get_logger()

_OPERATIONS = ("CreateItem", "UpdateItem", "DeleteItem", "MoveItem", "SetUserOofSettings")
_WAITS = 30.0
#: seconds until a request that is not answered yet is looked at again
_AGAIN = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A request of an owner that was answered. `code` is NoError, or why nothing changed."""

    mailbox: str
    operation: str
    arrived: datetime
    answered: datetime
    code: str


class Writes:
    """The changes made from now on. While Exchange's record cannot be read, `changes` tries again later."""

    def __init__(self, lab: LabCalls) -> None:
        self._lab = lab
        self._since = "now"
        self._open = False
        self._told: set[int] = set()

    async def changes(self) -> AsyncGenerator[Write]:
        """Yield each, without end, once it is answered."""
        waits = backoff(0.5, 10.0)
        failing = False
        while True:
            try:
                found = await self._look()
            except (Refused, aiohttp.ClientError, TimeoutError) as error:
                if not failing:
                    log.warning("lab_writes_not_read", reason=type(error).__name__)
                failing = True
                await asyncio.sleep(next(waits))
                continue
            failing, waits = False, backoff(0.5, 10.0)
            for entry in found:
                yield _write(entry)
            if self._open:
                await asyncio.sleep(_AGAIN)

    async def _look(self) -> list[dict[str, Any]]:
        """Wait for requests; return those answered that were not returned before."""
        query = {"operation": ",".join(_OPERATIONS), "since": self._since, "wait": f"{_WAITS:g}"}
        found, headers = await self._lab.call_with_headers("GET", "requests", query=query, waits=_WAITS)
        unanswered = [entry["number"] for entry in found if not entry["answered"]]
        ended = [entry for entry in found if entry["answered"] and entry["number"] not in self._told]
        # the oldest that is not answered yet is to be found again, and with it all that came after it
        self._open = bool(unanswered)
        self._since = str(min(unanswered) - 1) if unanswered else headers[NEWEST]
        self._told = {entry["number"] for entry in found if entry["answered"]} if unanswered else set()
        return ended


def _write(entry: dict[str, Any]) -> Write:
    return Write(
        mailbox=entry["account"],
        operation=entry["operation"],
        arrived=instant(entry["arrived"]),
        answered=instant(entry["answered"]),
        code=entry["code"],
    )
