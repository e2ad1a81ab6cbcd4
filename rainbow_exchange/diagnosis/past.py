"""How one person was shown at an instant of the last 24 hours, as far as the history tells. Pure.

What was known then is set against what Rainbow had been answered, and against what Exchange showed later: so a change
that was noticed late, or told late, is found as well as an outage. Nothing here knows more than was noted then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from rainbow_exchange.bridge.current import current
from rainbow_exchange.bridge.history import Entry, What
from rainbow_exchange.bridge.recorder import NOTIFIED
from rainbow_exchange.diagnosis import instants, past_verdict
from rainbow_exchange.json_text import iso

#: what lies so close before the instant that it may have to do with it
OUTAGES_BEFORE = timedelta(hours=1)
#: what a start takes, and the like, is no outage
_BRIEF = timedelta(seconds=5)
#: how long what was answered says anything: an answer without dates is about the next day
_SAYS_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Known:
    """A span that counts, as it was kept."""

    start: datetime
    end: datetime
    show_as: str


def past(person: Sequence[Entry], company: Sequence[Entry], at: datetime) -> dict[str, Any]:
    """Return what the entries of a person, and of the company, say of the instant `at`."""
    reading = _last(person, at, What.READ)
    known = _known_at(reading, at)
    later = _first_after(person, at, What.READ)
    told, answer = _last(person, at, What.TOLD), _last_telling(person, at, What.EVENTS)
    absence, reply = _last(person, at, What.ABSENCE), _last_telling(person, at, What.AUTO_REPLY)
    found: dict[str, Any] = {
        "kept_since": iso(min((each.first for each in person), default=None)),
        "connector": _state(_last(company, at, What.PROCESS), at),
        "exchange": _state(_last(company, at, What.EXCHANGE), at),
        "rainbow": _state(_last(company, at, What.RAINBOW), at),
        "mailbox": _brief(_last(person, at, What.MAILBOX)),
        "change": _brief(_last(person, at, What.CHANGE)),
        "read": _brief(reading),
        "known": known,
        "found_later": _found_later(known, later, at),
        "changed_later": _was_notified(person, at, later),
        "absence": _out_at(absence, at),
        "told": _brief(told),
        "answered": _brief(answer),
        "shown": _shown_at(answer, at),
        "reply": _brief(reply),
        "reply_shown": _out_at(reply, at),
        "outages": list(_outages(company, at)),
        "story": [_brief(each) for each in person],
    }
    # what is announced at the end of an outage had changed before it
    found["changed_later"] &= found["exchange"]["state"] == "connected"
    found["held"] = _held(found, reading, later, at)
    return found | {"verdict": past_verdict.of(found)}


def brief_last(person: Sequence[Entry]) -> dict[str, Any]:
    """Return what happened last of what is of interest at present."""
    wanted = {"change": What.CHANGE, "told": What.TOLD, "events": What.EVENTS, "autoreply": What.AUTO_REPLY}
    by_what = {each.what: each for each in sorted(person, key=lambda each: each.last)}
    return {name: _brief(by_what.get(what)) for name, what in wanted.items()}


def _last(entries: Iterable[Entry], at: datetime, what: What) -> Entry | None:
    """Return the last entry of a kind that had begun by then."""
    return max((each for each in entries if each.what is what and each.first <= at), key=_began, default=None)


def _last_telling(entries: Iterable[Entry], at: datetime, what: What) -> Entry | None:
    """Return the last answer that says anything of the present."""
    return _last((each for each in entries if "elsewhere" not in each.detail), at, what)


def _first_after(entries: Iterable[Entry], at: datetime, what: What) -> Entry | None:
    """Return the first successful one of a kind that began later."""
    return min(
        (each for each in entries if each.what is what and each.first > at and "failed" not in each.detail),
        key=_began,
        default=None,
    )


def _began(entry: Entry) -> datetime:
    return entry.first


def _brief(entry: Entry | None) -> dict[str, Any] | None:
    """Write an entry: what, when and how often, and its detail with instants and spans made readable."""
    if entry is None:
        return None
    detail: dict[str, Any] = {}
    for name, value in entry.detail.items():
        if name in {"now", "next"}:
            detail[name] = None if value is None else instants.span(_span(value))
        elif name == "spans":
            detail[name] = [instants.span(_span(each)) for each in value]
        elif name in {"start", "end", "day"}:
            detail[name] = None if value is None else iso(_instant(value))
        else:
            detail[name] = value
    return {
        "what": entry.what.value,
        "first": iso(entry.first),
        "last": iso(entry.last),
        "count": entry.count,
        "detail": detail,
    }


def _state(entry: Entry | None, at: datetime) -> dict[str, Any]:
    """Say how a side was then; not known where its last state is not known to have lasted until then."""
    if entry is None:
        return {"state": None, "reason": "", "since": None, "until": None}
    lasted = at <= entry.last + past_verdict.NOTED_WITHIN
    return {
        "state": entry.detail.get("state") if lasted else None,
        "reason": entry.detail.get("reason", "") if lasted else "",
        "since": iso(entry.first),
        "until": iso(entry.last),
    }


def _known_at(reading: Entry | None, at: datetime) -> dict[str, Any] | None:
    """Say what counted then by that reading; None where it does not tell."""
    if reading is None or "spans" not in reading.detail:
        return None
    day = _instant(reading.detail["day"])
    if not day <= at < day + timedelta(days=2):
        return None
    running = current(map(_span, reading.detail["spans"]), at)
    again = reading.last > at
    return {
        "current": running and instants.span(running),
        "read_at": iso(reading.first if again else reading.last),
        "again_at": iso(reading.last) if again else None,
    }


def _found_later(known: dict[str, Any] | None, later: Entry | None, at: datetime) -> dict[str, Any] | None:
    """Say what Exchange showed later of that instant, where it is something else; None where it is not."""
    if later is None or later.first - at > _SAYS_FOR:
        return None
    shown = _known_at(later, at)
    if shown is None or (known is not None and shown["current"] == known["current"]):
        return None
    return {"current": shown["current"], "read_at": iso(later.first)}


def _held(found: dict[str, Any], reading: Entry | None, later: Entry | None, at: datetime) -> dict[str, Any] | None:
    """Say what the calendar held then, where a later reading proves it; None where none does."""
    if found["known"] and reading is not None and reading.last > at:
        return {"current": found["known"]["current"]}
    if later is None or found["changed_later"]:
        return None
    shown = _known_at(later, at)
    return shown and {"current": shown["current"]}


def _was_notified(entries: Iterable[Entry], at: datetime, later: Entry | None) -> bool:
    """Say whether Exchange has announced a change between then and that reading: within a second, as a rule."""
    return later is not None and any(
        each.what is What.CHANGE
        and each.detail.get("cause") == NOTIFIED
        and at < each.last
        and each.first <= later.first
        for each in entries
    )


def _shown_at(answer: Entry | None, at: datetime) -> dict[str, Any] | None:
    """Say what Rainbow had to show by that answer: {"current": None} is free; None: the answer does not tell."""
    if answer is None or "refused" in answer.detail or at - answer.last > _SAYS_FOR:
        return None
    told = [_span(each) for name in ("now", "next") if (each := answer.detail.get(name)) is not None]
    running = current(told, at)
    if running is None and told and at >= max(each.end for each in told) and answer.detail.get("next"):
        return None  # what comes after the next one is not kept
    return {"current": running and instants.span(running)}


def _out_at(entry: Entry | None, at: datetime) -> bool | None:
    """Say whether replies were on then, as far as that entry tells."""
    if entry is None or "state" not in entry.detail:
        return None
    start, end = entry.detail.get("start"), entry.detail.get("end")
    begun = start is None or _instant(start) <= at
    return bool(entry.detail["state"] != "disabled" and begun and (end is None or at < _instant(end)))


def _outages(company: Iterable[Entry], at: datetime) -> Iterable[dict[str, Any]]:
    """Give the times around then at which the connector did not run, or a side was not there."""
    entries = sorted(company, key=_began)
    running = [each for each in entries if each.what is What.PROCESS and each.detail.get("state") == "running"]
    for before, after in pairwise(running):
        if _near(before.last, after.first, at):
            yield _outage(What.PROCESS, "not running", "", before.last, after.first)
    for each in entries:
        state = each.detail.get("state")
        if each.what in {What.EXCHANGE, What.RAINBOW} and state != "connected" and _near(each.first, each.last, at):
            yield _outage(each.what, str(state), each.detail.get("reason", ""), each.first, each.last)


def _near(start: datetime, end: datetime, at: datetime) -> bool:
    return start <= at and end >= at - OUTAGES_BEFORE and end - start >= _BRIEF


def _outage(what: What, state: str, reason: str, start: datetime, end: datetime) -> dict[str, Any]:
    known = {"from": iso(start), "to": iso(end)}
    return {"side": what.value, "state": state, "reason": reason, **known}


def _span(kept: Sequence[Any]) -> Known:
    return Known(_instant(kept[0]), _instant(kept[1]), str(kept[2]))


def _instant(minutes: int) -> datetime:
    return datetime.fromtimestamp(minutes * 60, UTC)
