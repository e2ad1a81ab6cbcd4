"""What a colleague's Rainbow client shows of people: their calendar's status now, and their automatic reply."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rainbow_exchange.lab.owner_wire import Refused, instant
from rainbow_exchange.lab.rainbow_account import RainbowAccount

#: people whom one question may be about
MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is shown of one person. `status`: free, busy, out_of_office or not_enabled."""

    status: str
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A person's automatic reply; `enabled`: it is sent now. Without `text` none is set."""

    enabled: bool
    text: str
    start: datetime | None = None
    end: datetime | None = None


class Colleague:
    """A client of Rainbow's. All calls raise Refused, aiohttp.ClientError or TimeoutError."""

    def __init__(self, account: RainbowAccount) -> None:
        self._account = account

    async def states(self, people: Sequence[str]) -> dict[str, State]:
        """Give the states of at most 100 people by id; whom Rainbow does not know is left out."""
        if not people:
            return {}
        answer = await self._account.call("POST", "/calendar/v1.0/states", body={"users": list(people[:MOST])})
        if not isinstance(answer, dict):
            raise Refused("answer-not-understood")
        return {id_: _state(state) for id_, state in answer.items()}

    async def automatic_reply(self, person: str) -> Reply:
        """Give the automatic reply of somebody."""
        answer = await self._account.call("GET", "/calendar/v1.0/automatic_reply", query={"userid": person})
        match answer:
            case {"enabled": bool(enabled), "message_text": str(text), "start": start, "end": end}:
                return Reply(enabled=enabled, text=text, start=_moment(start), end=_moment(end))
            case _:
                raise Refused("answer-not-understood")


def _state(answer: Any) -> State:
    match answer:
        case {"status": str(status), "subject": str() | None as subject, "since": since, "until": until}:
            return State(status=status, subject=subject, since=_moment(since), until=_moment(until))
        case _:
            raise Refused("answer-not-understood")


def _moment(text: Any) -> datetime | None:
    return instant(text) if isinstance(text, str) else None
