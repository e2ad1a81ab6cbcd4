"""What was true when: whatever Rainbow is answered must have been so, and must not be older than what it was answered.

A calendar that could not be read is no empty one: an answer that shows somebody free, or freer, who at no instant
since the last answer was so, is an invention. By the lab's own calendars; it shares no code with the product.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from rainbow_exchange.lab.exchange.mailbox import Mailbox, OutOfOffice, Right
from tests.torture import oracle

#: how old the last agenda may be that is answered while a mailbox cannot be read, and what an answer may take besides
STALE_AFTER = 12 * 3600.0
SLACK = 60.0
#: what is shown where only times and status may be read
HIDDEN = {
    "free": "Appointment",
    "tentative": "Tentative",
    "busy": "Busy",
    "oof": "Out of office",
    "workingelsewhere": "Working elsewhere",
}
AROUND = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Version:
    """What a mailbox had from `since` on (loop's time), by the wall clock around `at`."""

    since: float
    at: datetime
    appointments: tuple[oracle.Shown, ...]
    absence: OutOfOffice
    details: bool

    def shows(self, start: datetime, end: datetime) -> list[list[oracle.Shown]]:
        """Give what may be answered of this time: with the subjects, and without where nobody may read them."""
        inside = sorted(each for each in self.appointments if each[2] < end and each[3] > start)
        return [inside] if self.details else [inside, hidden(inside)]


def hidden(appointments: list[oracle.Shown]) -> list[oracle.Shown]:
    return sorted((HIDDEN[show_as], show_as, start, end) for _, show_as, start, end in appointments)


@dataclass(slots=True)
class Past:
    """The versions of one mailbox, and the first that what Rainbow was answered last may have come from."""

    versions: list[Version] = field(default_factory=list)
    events_from: int = 0
    absence_from: int = 0

    def ended(self, number: int) -> float:
        """Return until when a version was true."""
        return self.versions[number + 1].since if number + 1 < len(self.versions) else float("inf")


class Truth:
    """The past of every mailbox; `time` is the loop's and `now` the wall clock's."""

    def __init__(self, *, time: Callable[[], float], now: Callable[[], datetime]) -> None:
        self._time = time
        self._now = now
        self._pasts: dict[str, Past] = {}

    def watch(self, mailbox: Mailbox) -> None:
        """Take note of every change of this mailbox from now on; absences and rights are told by `note`."""
        mailbox.listeners.append(lambda _kind, mailbox, _item: self.note(mailbox))
        self.note(mailbox)

    def note(self, mailbox: Mailbox) -> None:
        """Take note of what a mailbox has now."""
        at = self._now()
        version = Version(
            since=self._time(),
            at=at,
            appointments=tuple(oracle.appointments(mailbox, at - AROUND, at + 3 * AROUND)),
            absence=mailbox.oof,
            details=mailbox.right is Right.REVIEWER,
        )
        self._pasts.setdefault(mailbox.address, Past()).versions.append(version)

    def judge(self, entry: dict[str, Any], mailbox: Mailbox | None) -> str:
        """Say what is wrong with an answer that Rainbow has just got, "" if nothing is."""
        if entry["outcome"] != "result" or "answer" not in entry:
            return ""
        if mailbox is None:
            return f"{entry['email']} has no mailbox, and was answered for"
        if entry["kind"] == "events":
            return self._judge_events(entry, mailbox)
        return self._judge_absence(entry, mailbox)

    def _judge_events(self, entry: dict[str, Any], mailbox: Mailbox) -> str:
        start, end = (datetime.fromisoformat(each) for each in entry["window"])
        answered = sorted(
            (each["subject"], each["showAs"], _instant(each["startDate"]), _instant(each["endDate"]))
            for each in entry["answer"]
        )
        past = self._pasts[mailbox.address]
        oldest = self._time() - STALE_AFTER - SLACK
        for number in range(past.events_from, len(past.versions)):
            if past.ended(number) >= oldest and answered in past.versions[number].shows(start, end):
                past.events_from = number
                return ""
        had = oracle.told(past.versions[-1].shows(start, end)[0])
        before = any(answered in version.shows(start, end) for version in past.versions)
        when = "so only before what it was answered last" if before else "never so"
        return (
            f"Rainbow was answered that {mailbox.address} from {start:%H:%M} to {end:%H:%M} has "
            f"{oracle.told(answered)}: {when}; it has {had}"
        )

    def _judge_absence(self, entry: dict[str, Any], mailbox: Mailbox) -> str:
        past, answer = self._pasts[mailbox.address], entry["answer"]
        oldest, at = self._time() - STALE_AFTER - SLACK, self._now()
        for number in range(past.absence_from, len(past.versions)):
            version = past.versions[number]
            last = at if number + 1 == len(past.versions) else past.versions[number + 1].at
            if past.ended(number) >= oldest and _fits(version.absence, answer, version.at, max(last, version.at)):
                past.absence_from = number
                return ""
        return (
            f"Rainbow was answered that {mailbox.address} is {answer['state']} ({answer['internalReplyMessage']!r}): "
            f"not so since what it was answered last; it is {past.versions[-1].absence.state}"
        )


def _fits(absence: OutOfOffice, answer: dict[str, Any], first: datetime, last: datetime) -> bool:
    """Whether an answer tells of an absence as it stood at some instant from `first` to `last`."""
    scheduled = absence.state == "Scheduled"
    if answer["state"] == "disabled":
        return absence.state == "Disabled" or (scheduled and (first < absence.start or absence.end <= last))
    if answer["internalReplyMessage"] != absence.internal or absence.state == "Disabled":
        return False
    if answer["state"] == "scheduled":
        return scheduled and (_instant(answer["startDate"]), _instant(answer["endDate"])) == (
            absence.start,
            absence.end,
        )
    # all that MailTips tell of a schedule is that it is in effect
    return not scheduled or (absence.start <= last and first < absence.end)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


class Heard(deque[dict[str, Any]]):
    """The record of questions that has each judged as it is answered, and keeps what was wrong."""

    def __init__(self, judge: Callable[[dict[str, Any]], str]) -> None:
        super().__init__(maxlen=50_000)
        self._judge = judge
        self.wrong: list[str] = []

    def append(self, entry: dict[str, Any]) -> None:
        super().append(entry)
        if wrong := self._judge(entry):
            self.wrong.append(wrong)
