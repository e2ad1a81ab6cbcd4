"""What Rainbow's clients should be shown, by the lab's own calendars; it shares no code with the product."""

from datetime import datetime, timedelta

from rainbow_exchange.lab.exchange.calendar import Details
from rainbow_exchange.lab.exchange.mailbox import Mailbox
from rainbow_exchange.lab.rainbow.presence import Known, automatic_reply

SHOW_AS = {
    "Free": "free",
    "Tentative": "tentative",
    "Busy": "busy",
    "OOF": "oof",
    "WorkingElsewhere": "workingelsewhere",
}
#: what stands for the subject of a private appointment, in English
PRIVATE = "Private appointment"
INSTANT = timedelta(microseconds=1)

Shown = tuple[str, str, datetime, datetime]


def appointments(mailbox: Mailbox, start: datetime, end: datetime) -> list[Shown]:
    """List what Outlook's owner would have others see of that time: subject, shown as, start, end."""
    found = [each.details for each in mailbox.calendar.view(start, end)]
    return sorted((_subject(each), SHOW_AS[each.show_as], each.start, each.end) for each in found)


def _subject(details: Details) -> str:
    return PRIVATE if details.sensitivity == "Private" else details.subject


def shown(known: Known, start: datetime, end: datetime) -> list[Shown] | None:
    """List what Rainbow would show of that time; None where it knows nothing of this person's calendar."""
    if known.events is None:
        return None
    found = [each for each in known.events if each.start < end and each.end > start]
    return sorted((each.subject, each.show_as, each.start, each.end) for each in found)


def times(appointments: list[Shown]) -> list[tuple[str, datetime, datetime]]:
    """List how and when, without the subjects."""
    return sorted(each[1:] for each in appointments)


def absence(mailbox: Mailbox, at: datetime) -> tuple[bool, str]:
    """Say whether the owner is out of office, and what they have to say."""
    out = mailbox.oof.effective(at)
    return out, mailbox.oof.internal if out else ""


def absence_shown(known: Known, at: datetime) -> tuple[bool, str] | None:
    """Say the same as Rainbow shows it; None where it was never told."""
    if known.auto_reply is None:
        return None
    reply = automatic_reply(known, at)
    return reply["enabled"], reply["message_text"] if reply["enabled"] else ""


def boundaries(mailbox: Mailbox, at: datetime) -> list[datetime]:
    """List the instants near `at` at which by itself something else is shown."""
    around = mailbox.calendar.view(at - timedelta(days=2), at + timedelta(days=2))
    found = [instant for each in around for instant in (each.details.start, each.details.end)]
    return [*found, mailbox.oof.start, mailbox.oof.end]


def told(appointments: list[Shown] | None) -> str:
    """Say it in words."""
    if appointments is None:
        return "that it is not known"
    each = (f"{subject!r} {how} {start:%d %H:%M} to {end:%d %H:%M}" for subject, how, start, end in appointments)
    return ", ".join(each) or "nothing"
