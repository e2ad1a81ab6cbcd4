"""How questions arrive and answers leave. `xmpp.py` is what Rainbow really speaks."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from rainbow_exchange.rainbow.errors import RainbowError
from rainbow_exchange.rainbow.types import AutoReply, CalendarEvent, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a question. `events` for "events" (current and next first), `auto_reply` for "autoreply".

    `sent` is called once, after the answer left on a live link; never when it could not be delivered.
    """

    events: tuple[CalendarEvent, ...] = ()
    auto_reply: AutoReply | None = None
    sent: Callable[[], None] = field(default=lambda: None)


class QuestionRefused(Exception):
    """The question is answered with this stanza error: an RFC 6120 condition and its type. `sent`: see `Answer`."""

    def __init__(self, condition: str, type_: str, *, sent: Callable[[], None] = lambda: None) -> None:
        super().__init__(condition)
        self.condition = condition
        self.type = type_
        self.sent = sent


class MalformedQuestion(Exception):
    """A question that cannot be understood; its argument says why, without any text of it."""


#: stands for the id of a question that nobody has asked
NO_ID = "preview"

Answerer = Callable[[Question], Awaitable[Answer]]
#: gives the answer for which nobody has to wait; None where somebody has to, or where it is no answer: ask the answerer
AtOnce = Callable[[Question], Answer | None]


def nothing_at_once(_question: Question) -> None:
    """Have everybody ask the answerer."""


@dataclass(slots=True)
class LinkCounters:
    """What a link has seen since start.

    `refused` are questions answered with an error on purpose; `overflowed` those of them for which there was no room,
    `malformed` those that could not be understood;
    `failed` those that could not be answered; `too_long` replies that were not sent because nobody may send them.
    """

    connects: int = 0
    questions: int = 0
    answered: int = 0
    refused: int = 0
    failed: int = 0
    strangers: int = 0
    orders: int = 0
    zones_unknown: int = 0
    overflowed: int = 0
    malformed: int = 0
    too_long: int = 0


class RainbowLink(Protocol):
    """A link that keeps itself connected. `kind`: "xmpp", "s2s"; `connected_since`: None while it is not connected."""

    kind: str
    counters: LinkCounters
    connected_since: datetime | None

    @property
    def connected(self) -> bool:
        """Whether questions can arrive and answers leave now."""
        ...

    @property
    def stranger(self) -> str | None:
        """Domain of the last stranger whose question was refused with `forbidden`."""
        ...

    @property
    def reason(self) -> str:
        """Why it is not connected; "" while it is."""
        ...

    @property
    def error(self) -> RainbowError | None:
        """What ended the last connection, or try to connect; None while it is connected and before the first try."""
        ...

    @property
    def others(self) -> int:
        """How many more connectors are at work for the same account."""
        ...

    def wire(self, question: Question, answer: Answer | QuestionRefused) -> str:
        """Return what would leave for an answer, byte for byte but for the id, and the address of whoever asks."""
        ...

    def try_again(self) -> None:
        """Connect at once where the next try would come later."""
        ...

    async def run(self) -> None:
        """Stay connected until cancelled; expected errors are met inside with back-off."""
        ...
