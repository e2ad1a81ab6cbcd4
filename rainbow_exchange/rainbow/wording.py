"""What both links have in common: what a question must say, dates as Rainbow has them, texts cut to fit (pure)."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo

from rainbow_exchange.rainbow.link import MalformedQuestion
from rainbow_exchange.rainbow.types import CalendarEvent, Question

Made = TypeVar("Made")

#: An address longer than SMTP allows (RFC 5321: 64 + 1 + 255) is nobody's.
_MAX_ADDRESS = 320
#: Characters; the longest name of a zone that there is has 32.
_LONGEST_ZONE = 128
#: How many bytes a subject may take: as many as let all events of an answer fit.
SUBJECT_BYTES = (2_000, 500, 120, 40)
_MIDNIGHT = re.compile(r"T24(:00:00(?:\.0+)?(?![\d.,]))")
_ELLIPSIS = "\u2026"
#: What makes one character of several code points, besides marks (UAX 29); nobody writes longer ones than this.
_JOINER = "\u200d"
_SKIN_TONES = frozenset(map(chr, range(0x1F3FB, 0x1F400)))
_FLAGS = frozenset(map(chr, range(0x1F1E6, 0x1F200)))
_MOST_OF_A_CHARACTER = 32


class NoDate(ValueError):
    """A text that is no xs:dateTime."""


def question(
    kind: str, email: str, start: tuple[str, str] = ("", ""), end: tuple[str, str] = ("", ""), *, id_: str = ""
) -> Question:
    """Make a question of what a link has brought; `start` and `end` are a date and a time zone, "" where absent.

    Raises MalformedQuestion for no address or a date that is none.
    """
    if not email.strip() or len(email) > _MAX_ADDRESS:
        raise MalformedQuestion("no address")
    try:
        (begins, begins_known), (ends, ends_known) = (
            read_date(text.strip(), zone) if text.strip() else (None, True) for text, zone in (start, end)
        )
    except NoDate:
        raise MalformedQuestion("a date is none") from None
    if begins is not None and ends is not None and ends < begins:
        raise MalformedQuestion("ends before it starts")
    zone_unknown = not (begins_known and ends_known)
    return Question(kind=kind, email=email, start=begins, end=ends, zone_unknown=zone_unknown, id=id_)


@lru_cache(maxsize=4096)  # an answer has many of them, and a company's appointments begin at the same few
def write_date(value: datetime) -> str:
    """Write an instant as xs:dateTime in UTC, to the second."""
    return value.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def read_date(text: str, zone_name: str = "") -> tuple[datetime, bool]:
    """Read an xs:dateTime with any fraction, `Z`, an offset or none. Raises NoDate.

    One without offset is in the zone of that name, else in UTC; the second value is whether the zone is known.
    """
    zone: tzinfo | None = UTC
    # The end of a day may be written as its 24th hour (XML Schema, dateTime).
    text, midnights = _MIDNIGHT.subn(r"T00\1", text, count=1) if "T24" in text else (text, 0)
    try:
        value = datetime.fromisoformat(text)
        if midnights:
            value += timedelta(days=midnights)
        if value.tzinfo is None:
            zone = _zone(zone_name.strip() or "UTC")
            value = value.replace(tzinfo=zone or UTC)
        return value.astimezone(UTC), zone is not None
    except (ValueError, OverflowError):
        raise NoDate from None


def cut(text: str, room: int, size: Callable[[str], int]) -> str:
    """Shorten `text` to what takes at most `room` once written, ending at a word and with "…".

    `size` says how much a text takes; that of two texts together is the sum.
    """
    if size(text) <= room:
        return text
    left = room - size(_ELLIPSIS)
    end = 0
    while end < len(text):
        left -= size(text[end])
        if left < 0:
            break
        end += 1
    if end == 0:
        return ""
    kept = text[:end]
    if not text[end].isspace():
        words = kept.rsplit(maxsplit=1)
        # One word that fills everything is cut inside: better than nothing.
        whole = len(words) > 1 and not kept[-1].isspace()
        kept = words[0] if whole else text[: _character_end(text, end)]
    kept = kept.rstrip()
    return kept + _ELLIPSIS if kept else ""


def _character_end(text: str, end: int) -> int:
    """Step back from `end` to where no character as people see it is cut: no mark, joiner, skin tone or half a flag."""
    for place in range(end, max(end - _MOST_OF_A_CHARACTER, 0), -1):
        before, after = text[place - 1], text[place]
        joined = (
            unicodedata.category(after).startswith("M")
            or _JOINER in (before, after)
            or after in _SKIN_TONES
            or (after in _FLAGS and before in _FLAGS and _run_of_flags(text, place) % 2)
        )
        if not joined:
            return place
    return end if end > _MOST_OF_A_CHARACTER else 0


def _run_of_flags(text: str, end: int) -> int:
    """Count the letters of flags that end there."""
    start = end
    while start and text[start - 1] in _FLAGS:
        start -= 1
    return end - start


def share(texts: Sequence[str], room: int, size: Callable[[str], int]) -> list[str]:
    """Cut two texts so that both together fit: each to half, or to what the other leaves."""
    first, second = map(size, texts)
    if first + second <= room:
        return list(texts)
    half = room // 2
    return [cut(texts[0], max(half, room - second), size), cut(texts[1], max(half, room - first), size)]


def fitting(
    events: Iterable[CalendarEvent],
    room: int,
    *,
    make: Callable[[CalendarEvent, int], Made],
    size: Callable[[Made], int],
) -> list[Made]:
    """Write events, each by `make(event, most bytes of its subject)`, so that all of them take at most `room`.

    Subjects are shortened before an event is left out; then those at the end are.
    """
    told = list(events)
    made: list[Made] = []
    for most in SUBJECT_BYTES:
        made, left = [], room
        for event in told:
            each = make(event, most)
            left -= size(each)
            if left < 0:
                break
            made.append(each)
        if len(made) == len(told):
            break
    return made


@lru_cache(maxsize=256)
def _zone(name: str) -> tzinfo | None:
    """Give the zone of that IANA name, None where this machine does not know it."""
    if len(name) > _LONGEST_ZONE:  # a thousand slashes are as many folders, and as many calls within each other
        return None
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # the name is looked for as a file: anything may stand in it
        return None
