"""Agenda and absence in Rainbow's words, and what privacy leaves of them."""

from datetime import UTC, datetime, timedelta

import pytest

from rainbow_exchange.bridge import translate
from rainbow_exchange.bridge.privacy import Privacy, PrivacyRules
from rainbow_exchange.bridge.translate import SUBJECT_LIMIT, auto_reply, language_of
from rainbow_exchange.model import (
    Agenda,
    Appointment,
    Audience,
    Kind,
    OofState,
    OutOfOffice,
    Sensitivity,
    ShowAs,
    Window,
)
from rainbow_exchange.rainbow.types import AutoReply, CalendarEvent

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
DAY = Window(start=datetime(2026, 1, 5, tzinfo=UTC), end=datetime(2026, 1, 6, tzinfo=UTC))


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 1, 5, hour, minute, tzinfo=UTC)


def entry(
    name: str = "1",
    start: int = 13,
    end: int = 14,
    *,
    show_as: ShowAs = ShowAs.BUSY,
    subject: str | None = "Planning",
    kind: Kind = Kind.SINGLE,
    sensitivity: Sensitivity = Sensitivity.NORMAL,
    timezone: str | None = None,
) -> Appointment:
    return Appointment(
        id=name,
        start=at(start),
        end=at(end),
        show_as=show_as,
        subject=subject,
        kind=kind,
        sensitivity=sensitivity,
        timezone=timezone,
    )


def shown(
    *entries: Appointment, privacy: Privacy = Privacy.PRIVATE_MASKED, window: Window = DAY, language: str = "en"
) -> tuple[CalendarEvent, ...]:
    agenda = Agenda(mailbox="a@acme.test", window=DAY, appointments=entries, read_at=NOON)
    found = translate.shown(agenda, window, now=NOON, rules=PrivacyRules(), privacy=privacy, language=language)
    return tuple(each.event for each in found)


def test_an_appointment_in_rainbows_words() -> None:
    assert shown(entry(timezone="Europe/Paris")) == (
        CalendarEvent(
            id="1",
            subject="Planning",
            type="singleInstance",
            show_as="busy",
            start=at(13),
            end=at(14),
            timezone="Europe/Paris",
        ),
    )


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (Kind.SINGLE, "singleInstance"),
        (Kind.OCCURRENCE, "occurrence"),
        (Kind.EXCEPTION, "exception"),
        (Kind.MASTER, "seriesMaster"),
    ],
)
def test_kinds(kind: Kind, word: str) -> None:
    assert shown(entry(kind=kind))[0].type == word


@pytest.mark.parametrize(
    ("show_as", "word"),
    [
        (ShowAs.FREE, "free"),
        (ShowAs.TENTATIVE, "tentative"),
        (ShowAs.BUSY, "busy"),
        (ShowAs.OOF, "oof"),
        (ShowAs.WORKING_ELSEWHERE, "workingelsewhere"),
        (ShowAs.NO_DATA, "free"),
    ],
)
def test_show_as(show_as: ShowAs, word: str) -> None:
    assert shown(entry(show_as=show_as))[0].show_as == word


@pytest.mark.parametrize("sensitivity", [Sensitivity.PRIVATE, Sensitivity.PERSONAL, Sensitivity.CONFIDENTIAL])
def test_what_is_private_loses_its_subject_and_keeps_its_times(sensitivity: Sensitivity) -> None:
    (event,) = shown(entry(sensitivity=sensitivity, show_as=ShowAs.OOF))
    assert (event.subject, event.show_as, event.start, event.end) == ("Private appointment", "oof", at(13), at(14))


def test_full_shows_what_is_private() -> None:
    assert shown(entry(sensitivity=Sensitivity.PRIVATE), privacy=Privacy.FULL)[0].subject == "Planning"


@pytest.mark.parametrize(
    ("show_as", "english", "french"),
    [
        (ShowAs.BUSY, "Busy", "Occupé"),
        (ShowAs.TENTATIVE, "Tentative", "Provisoire"),
        (ShowAs.OOF, "Out of office", "Absent"),
        (ShowAs.WORKING_ELSEWHERE, "Working elsewhere", "Travaille ailleurs"),
        (ShowAs.FREE, "Appointment", "Rendez-vous"),
    ],
)
def test_busy_only_shows_no_subject_at_all(show_as: ShowAs, english: str, french: str) -> None:
    assert shown(entry(show_as=show_as), privacy=Privacy.BUSY_ONLY)[0].subject == english
    assert shown(entry(show_as=show_as), privacy=Privacy.BUSY_ONLY, language="fr")[0].subject == french


def test_a_subject_is_never_empty() -> None:
    assert shown(entry(subject=None))[0].subject == "Busy"
    assert shown(entry(subject=None, show_as=ShowAs.FREE))[0].subject == "Appointment"
    assert shown(entry(subject=""))[0].subject == "(no subject)"
    assert shown(entry(subject="  "), language="fr")[0].subject == "(sans objet)"
    assert shown(entry(sensitivity=Sensitivity.PRIVATE), language="fr")[0].subject == "Rendez-vous privé"


def test_a_subject_is_cut_at_a_thousand_characters() -> None:
    assert shown(entry(subject="é" * 1500))[0].subject == "é" * 999 + "…"
    assert shown(entry(subject="é" * SUBJECT_LIMIT))[0].subject == "é" * 1000


@pytest.mark.parametrize("subject", ["\u200f\u200b", "\ufffd", "\u00a0\u2003", "\ufeff", "\x00"])
def test_a_subject_without_anything_to_see_has_a_placeholder(subject: str) -> None:
    assert shown(entry(subject=subject))[0].subject == "(no subject)"
    assert shown(entry(subject=f"{subject}x"))[0].subject.endswith("x")


def test_current_and_next_come_first_and_what_has_ended_last() -> None:
    entries = (entry("early", 6, 7), entry("late", 10, 12), entry("now", 11, 13), entry("next", 15, 16))
    assert [event.id for event in shown(*entries)] == ["now", "next", "late", "early"]


def test_only_what_overlaps_the_window_is_shown() -> None:
    window = Window(start=at(9), end=at(11))
    entries = (entry("before", 8, 9), entry("into", 8, 10), entry("out", 10, 12), entry("after", 11, 12))
    assert {event.id for event in shown(*entries, window=window)} == {"into", "out"}


def test_a_moment_counts_where_it_begins() -> None:
    window = Window(start=at(9), end=at(11))
    entries = (entry("at start", 9, 9), entry("at end", 11, 11))
    assert [event.id for event in shown(*entries, window=window)] == ["at start"]


def test_languages() -> None:
    assert [language_of(tag) for tag in ("fr", "fr-FR", "FR", "en-GB", "de", None, "")] == [
        "fr", "fr", "fr", "en", "en", "en", "en",
    ]  # fmt: skip


def test_nobody_away_is_disabled() -> None:
    kept = OutOfOffice(state=OofState.DISABLED, internal_text="old text", audience=Audience.ALL)
    assert auto_reply(kept, now=NOON) == AutoReply(state="disabled")


@pytest.mark.parametrize(("audience", "word"), [(Audience.ALL, "all"), (Audience.KNOWN, "known")])
def test_an_absence_with_both_texts(audience: Audience, word: str) -> None:
    absence = OutOfOffice(state=OofState.ENABLED, internal_text="in", external_text="out", audience=audience)
    assert auto_reply(absence, now=NOON) == AutoReply(
        state="enabled", internal_text="in", external_text="out", audience=word
    )


def test_an_external_text_that_nobody_outside_gets_is_not_sent() -> None:
    absence = OutOfOffice(state=OofState.ENABLED, internal_text="in", external_text="out", audience=Audience.NONE)
    assert auto_reply(absence, now=NOON) == AutoReply(state="enabled", internal_text="in")


def test_a_schedule_is_scheduled_until_it_is_over() -> None:
    absence = OutOfOffice(state=OofState.SCHEDULED, start=at(13), end=at(14), internal_text="away")
    scheduled = AutoReply(state="scheduled", start=at(13), end=at(14), internal_text="away")
    assert auto_reply(absence, now=NOON) == scheduled
    assert auto_reply(absence, now=at(13, 30)) == scheduled
    assert auto_reply(absence, now=at(14)) == AutoReply(state="disabled")
    assert auto_reply(absence, now=NOON + timedelta(days=3)) == AutoReply(state="disabled")
