"""When a change of somebody's came through at Rainbow: told, asked for, answered. From the lab's own record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import aiohttp

from rainbow_exchange.lab.lab_calls import LabCalls
from rainbow_exchange.lab.owner_wire import Refused, instant

Kind = Literal["events", "autoreply"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The way of a change through Rainbow, each stage None as long as it has not been reached.

    `told`: the connector named the person. `asked`: Rainbow put its question, which ended at `answered`, in the
    `outcome` result, or else error, malformed, timeout or no-link; it is seen once it has ended.
    """

    told: datetime | None = None
    asked: datetime | None = None
    answered: datetime | None = None
    outcome: str = ""


class RainbowRecord:
    """The record of the lab's Rainbow. Calls raise Refused, aiohttp.ClientError or TimeoutError."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._lab = LabCalls(session, url)

    async def stages(self, user: str, kind: Kind, since: datetime) -> Stages:
        """Tell how far a change has come that was made in somebody's mailbox at `since` or later."""
        told = next((_at(each) for each in await self._list("notifies", user, since)), None)
        if told is None:
            return Stages()
        for entry in await self._list("questions", user, told):
            if entry.get("kind") == kind:
                asked, outcome = _at(entry), str(entry.get("outcome", ""))
                answered = asked + timedelta(seconds=float(entry.get("seconds", 0.0)))
                return Stages(told=told, asked=asked, answered=answered, outcome=outcome)
        return Stages(told=told)

    async def link(self) -> str:
        """Name what Rainbow asks the connector over at present: xmpp, s2s, or "" where none is there."""
        answer = await self._lab.call("GET", "link")
        return str(answer.get("link", ""))

    async def _list(self, name: str, user: str, since: datetime) -> list[Mapping[str, Any]]:
        query = {"only": name, "user": user, "since": since.isoformat()}
        answer = await self._lab.call("GET", "requests", query=query)
        entries = answer.get(name)
        if not isinstance(entries, list):
            raise Refused("answer-not-understood")
        return sorted(entries, key=lambda each: str(each.get("at")))


def _at(entry: Mapping[str, Any]) -> datetime:
    return instant(str(entry.get("at")))
