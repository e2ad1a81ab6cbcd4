"""What Rainbow's clients would be shown about a person's calendar. Pure.

The rule is ours, as Rainbow publishes none; the first that applies at an instant wins:

1. the automatic reply is on: `out_of_office`, since and until its dates if it is scheduled, no subject;
2. an event with showAs `oof` is running: `out_of_office`;
3. an event with showAs `busy` is running: `busy`;
4. else `free`: events shown as free, tentative or workingelsewhere make nobody busy.

Of several running events of the winning kind the one that began last is shown, of these the longest. A person whose
events were never told, or who is no longer known to the connector (`item-not-found`), is `not_enabled`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rainbow_exchange.lab.rainbow.answers import ToldAutoReply, ToldEvent

NOT_ENABLED = "not_enabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The calendar presence of a person: `status` is free, busy, out_of_office, or not_enabled."""

    status: str
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def busy(self) -> bool:
        """Whether the person shows as not available."""
        return self.status in ("busy", "out_of_office")

    def as_json(self) -> dict[str, Any]:
        """Return the object of `POST states`."""
        return {
            "busy": self.busy,
            "status": self.status,
            "subject": self.subject,
            "since": iso(self.since),
            "until": iso(self.until),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What Rainbow knows of one person: the last answers, None where a question was never answered."""

    events: tuple[ToldEvent, ...] | None = None
    auto_reply: ToldAutoReply | None = None
    #: numbers of the questions these answers belong to: an answer to an older question never replaces a newer one
    events_asked: int = 0
    auto_reply_asked: int = 0

    def with_events(self, events: Sequence[ToldEvent] | None, asked: int) -> "Known":
        """Return what is known after this answer; None forgets."""
        if asked < self.events_asked:
            return self
        return replace(self, events=None if events is None else tuple(events), events_asked=asked)

    def with_auto_reply(self, auto_reply: ToldAutoReply | None, asked: int) -> "Known":
        """Return what is known after this answer; None forgets."""
        if asked < self.auto_reply_asked:
            return self
        return replace(self, auto_reply=auto_reply, auto_reply_asked=asked)

    def as_json(self) -> dict[str, Any]:
        """Return it with the names of Rainbow's wire."""
        return {
            "events": None if self.events is None else [event.as_json() for event in self.events],
            "autoReply": None if self.auto_reply is None else self.auto_reply.as_json(),
        }


def shown(known: Known, at: datetime) -> Shown:
    """Tell what a client sees at `at`."""
    reply = known.auto_reply
    if reply is not None and reply.active(at):
        return Shown(status="out_of_office", since=reply.start, until=reply.end)
    if known.events is None:
        return Shown(status=NOT_ENABLED)
    running = [event for event in known.events if event.start <= at < event.end]
    for show_as, status in (("oof", "out_of_office"), ("busy", "busy")):
        candidates = [event for event in running if event.show_as == show_as]
        if candidates:
            event = max(candidates, key=lambda each: (each.start, each.end))
            return Shown(status=status, subject=event.subject, since=event.start, until=event.end)
    return Shown(status="free")


def automatic_reply(known: Known, at: datetime) -> dict[str, Any]:
    """Return the object of `GET automatic_reply`: `enabled` is whether it is on now; no text or dates when off."""
    reply = known.auto_reply
    if reply is None or reply.state == "disabled":
        return {"enabled": False, "start": None, "end": None, "message_text": "", "message_thtml": ""}
    text = reply.internal_text
    return {
        "enabled": reply.active(at),
        "start": iso(reply.start),
        "end": iso(reply.end),
        "message_text": text,
        "message_thtml": text,
    }


def iso(instant: datetime | None) -> str | None:
    """Write an instant as Rainbow's JSON writes it: UTC with milliseconds."""
    return None if instant is None else f"{instant.isoformat(timespec='milliseconds')[:23]}Z"
