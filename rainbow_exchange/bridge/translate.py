"""Agenda → Rainbow's calendar events; OutOfOffice → Rainbow's auto reply. Pure; what may be shown, `privacy` decides.

Rainbow demands a subject that is not empty, so whatever is hidden, unreadable or empty gets a placeholder in the
company's language. The mapping of values is that of `docs/reference/rainbow-wire.md`.
"""

from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from rainbow_exchange.bridge.privacy import Privacy, PrivacyRules, SubjectRule
from rainbow_exchange.model import (
    Agenda,
    Appointment,
    Audience,
    Kind,
    OofState,
    OutOfOffice,
    ShowAs,
    Window,
)
from rainbow_exchange.rainbow.types import AutoReply, CalendarEvent
from rainbow_exchange.rainbow.wording import cut

SUBJECT_LIMIT = 1000

_TYPE = {
    Kind.SINGLE: "singleInstance",
    Kind.OCCURRENCE: "occurrence",
    Kind.EXCEPTION: "exception",
    Kind.MASTER: "seriesMaster",
}
_SHOW_AS = {
    ShowAs.FREE: "free",
    ShowAs.TENTATIVE: "tentative",
    ShowAs.BUSY: "busy",
    ShowAs.OOF: "oof",
    ShowAs.WORKING_ELSEWHERE: "workingelsewhere",
    # Exchange has an entry but cannot say how it counts: never shown as busy without knowing.
    ShowAs.NO_DATA: "free",
}
_AUDIENCE = {Audience.NONE: "none", Audience.KNOWN: "known", Audience.ALL: "all"}
_PRIVATE = {"en": "Private appointment", "fr": "Rendez-vous privé"}
_UNTITLED = {"en": "(no subject)", "fr": "(sans objet)"}
_HIDDEN = {
    "en": {"busy": "Busy", "tentative": "Tentative", "oof": "Out of office", "workingelsewhere": "Working elsewhere"},
    "fr": {"busy": "Occupé", "tentative": "Provisoire", "oof": "Absent", "workingelsewhere": "Travaille ailleurs"},
}
_HIDDEN_ELSE = {"en": "Appointment", "fr": "Rendez-vous"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A calendar event, and why its subject is what it is."""

    event: CalendarEvent
    subject: SubjectRule


def counts_as(show_as: ShowAs) -> str:
    """Return Rainbow's word for how an appointment counts."""
    return _SHOW_AS[show_as]


def language_of(tag: str | None) -> str:
    """Return the language of the placeholders for a language tag such as "fr-FR": "fr" or "en"."""
    return "fr" if (tag or "").lower().startswith("fr") else "en"


def shown(
    agenda: Agenda, window: Window, *, now: datetime, rules: PrivacyRules, privacy: Privacy, language: str = "en"
) -> tuple[Shown, ...]:
    """Return what `agenda` holds in `window`, current and next first, then what has ended, latest first.

    The order matters: an answer that is too long for Rainbow loses its tail.
    """
    inside = _inside(agenda, window, now)
    return tuple(_shown(entry, rules.subject(entry, privacy), language) for entry in inside)


def events(
    agenda: Agenda, window: Window, *, now: datetime, rules: PrivacyRules, privacy: Privacy, language: str = "en"
) -> tuple[CalendarEvent, ...]:
    """Return the same without why."""
    inside = _inside(agenda, window, now)
    return tuple(_event(entry, rules.subject(entry, privacy), language) for entry in inside)


def auto_reply(absence: OutOfOffice, *, now: datetime) -> AutoReply:
    """Return Rainbow's auto reply for `absence` as it stands at `now`: a schedule that has passed is disabled."""
    over = absence.state is OofState.SCHEDULED and absence.end is not None and absence.end <= now
    if absence.state is OofState.DISABLED or over:
        return AutoReply(state="disabled")
    external = absence.audience is not Audience.NONE
    return AutoReply(
        state=absence.state.value,
        start=absence.start if absence.state is OofState.SCHEDULED else None,
        end=absence.end if absence.state is OofState.SCHEDULED else None,
        internal_text=absence.internal_text,
        external_text=absence.external_text if external else None,
        audience=_AUDIENCE[absence.audience] if external else None,
    )


def _inside(agenda: Agenda, window: Window, now: datetime) -> list[Appointment]:
    start, end = window.start, window.end
    inside = [
        entry
        for entry in agenda.appointments
        # one without length counts where it begins
        if entry.start < end and (entry.end > start or entry.start == entry.end == start)
    ]
    ahead = sorted((entry for entry in inside if entry.end > now), key=attrgetter("start", "id"))
    ended = sorted((entry for entry in inside if entry.end <= now), key=attrgetter("end", "id"), reverse=True)
    return ahead + ended


def _shown(entry: Appointment, rule: SubjectRule, language: str) -> Shown:
    return Shown(event=_event(entry, rule, language), subject=rule)


def _event(entry: Appointment, rule: SubjectRule, language: str) -> CalendarEvent:
    show_as = _SHOW_AS[entry.show_as]
    return CalendarEvent(
        id=entry.id,
        subject=_subject(entry, show_as, rule, language),
        type=_TYPE[entry.kind],
        show_as=show_as,
        start=entry.start,
        end=entry.end,
        timezone=entry.timezone,
    )


def _subject(entry: Appointment, show_as: str, rule: SubjectRule, language: str) -> str:
    match rule:
        case SubjectRule.AS_WRITTEN:
            return cut((entry.subject or "").strip(), SUBJECT_LIMIT, len)
        case SubjectRule.UNTITLED:
            return _UNTITLED[language]
        case SubjectRule.MASKED:
            return _PRIVATE[language]
        case SubjectRule.HIDDEN | SubjectRule.NOT_TOLD:
            return _HIDDEN[language].get(show_as, _HIDDEN_ELSE[language])
