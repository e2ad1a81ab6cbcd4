"""What the parts tell the history: who it was, what happened, and nothing of what stands in a subject or a text.

Agendas are kept as spans of time and how they count, of the day on which they were read and the next.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from rainbow_exchange.bridge.current import Span, current, upcoming
from rainbow_exchange.bridge.history import NO_HISTORY, History, What
from rainbow_exchange.bridge.member import Member, folded
from rainbow_exchange.bridge.read_mode import Mode
from rainbow_exchange.bridge.roster import Roster
from rainbow_exchange.bridge.told import Told
from rainbow_exchange.bridge.translate import counts_as
from rainbow_exchange.ews.errors import EwsError, reason_of
from rainbow_exchange.model import Agenda, Window
from rainbow_exchange.rainbow.types import AutoReply, CalendarEvent

#: why a calendar may have changed: Exchange says so, by its stream; or looking at it showed something else
NOTIFIED, POLLED = "notified", "polled"
#: spans kept of one reading
MOST_SPANS = 40


class Recorder:
    """Notes what happens to the users of `roster`; of a mailbox that nobody has, nothing is noted."""

    def __init__(self, history: History = NO_HISTORY, roster: Roster | None = None) -> None:
        self.history = history
        self._roster = Roster() if roster is None else roster

    def found(self, member: Member) -> None:
        """A member has a mailbox, and it is watched."""
        if member.mailbox is not None and member.identifier is not None:
            self._note(member, What.MAILBOX, address=member.mailbox.address, by=member.identifier.kind.value)

    def without(self, member: Member) -> None:
        """A member has no mailbox, or has it no more, for the member's reason."""
        tries = [[each.identifier.kind.value, each.code] for each in member.tries]
        self._note(member, What.MAILBOX, none=member.reason or "taken", tries=tries)

    def signalled(self, address: str, cause: str) -> None:
        """A calendar has changed, or may have."""
        self._note(self._roster.holder(address), What.CHANGE, cause=cause)

    def read(self, address: str, result: Agenda | EwsError, mode: Mode) -> None:
        """A calendar was read, or could not be."""
        member = self._roster.holder(address)
        if member is None or not self.history.kept:
            return
        if isinstance(result, EwsError):
            self._note(member, What.READ, failed=reason_of(result))
            return
        first = result.read_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        days = Window(start=first, end=first + timedelta(days=2))
        if not result.window.covers(days):
            return  # for a question about other days
        known = [each for each in result.appointments if each.start < days.end and each.end > days.start]
        if len(known) > MOST_SPANS:  # what is over is of least use
            known = sorted(known, key=lambda each: each.end <= result.read_at)[:MOST_SPANS]
            known.sort(key=lambda each: each.start)
        spans = [[_minutes(each.start), _minutes(each.end), counts_as(each.show_as)] for each in known]
        self._note(member, What.READ, mode=mode.value, day=_minutes(first), spans=spans)

    def absence(self, member: Member, reply: AutoReply) -> None:
        """A member's out-of-office state is known, and is this."""
        self._note(member, What.ABSENCE, **_reply(reply))

    def told(self, user_id: str, kind: Told | None, seconds: float | None = None) -> None:
        """Rainbow has taken that somebody changed, in this; None: once more, or because time has passed.

        `seconds` is how long that took from the first signal.
        """
        self._note(self._roster.get(user_id), What.TOLD, seconds=seconds, of=kind.value if kind else "")

    def refused(self, user_id: str, reason: str) -> None:
        """Rainbow does not let itself be told of somebody."""
        self._note(self._roster.get(user_id), What.TOLD, refused=reason)

    def answered(
        self, user_id: str, events: Iterable[CalendarEvent], window: Window, now: datetime, *, stale: bool
    ) -> None:
        """Rainbow has asked for a calendar, and the answer has left."""
        member = self._roster.get(user_id)
        if member is None or not self.history.kept:
            return
        detail: dict[str, Any] = {"stale": True} if stale else {}
        if window.start <= now < window.end:
            told = list(events)
            detail |= {"now": _span(current(told, now)), "next": _span(upcoming(told, now))}
        else:
            detail["elsewhere"] = True
        self._note(member, What.EVENTS, **detail)

    def replied(self, user_id: str, reply: AutoReply) -> None:
        """Rainbow has asked for an automatic reply, and the answer has left."""
        self._note(self._roster.get(user_id), What.AUTO_REPLY, **_reply(reply))

    def question_refused(self, address: str, kind: str, condition: str, why: str) -> None:
        """Rainbow has asked, and was answered with an error."""
        what = What.EVENTS if kind == Told.EVENTS else What.AUTO_REPLY
        self._note(self._roster.find(address), what, refused=condition, why=why)

    def gone(self, user_ids: Iterable[str]) -> None:
        """These have left the company: nothing is kept of them."""
        self.history.forget(*user_ids)

    def _note(self, member: Member | None, what: What, *, seconds: float | None = None, **detail: Any) -> None:
        if member is not None:
            login = folded(member.user.login_email)
            self.history.note(member.user.id, what, login=login, seconds=seconds, **detail)


def _reply(reply: AutoReply) -> dict[str, Any]:
    return {
        "state": reply.state,
        "start": None if reply.start is None else _minutes(reply.start),
        "end": None if reply.end is None else _minutes(reply.end),
    }


def _span(span: Span | None) -> list[Any] | None:
    return None if span is None else [_minutes(span.start), _minutes(span.end), span.show_as]


def _minutes(instant: datetime) -> int:
    return int(instant.timestamp() // 60)
