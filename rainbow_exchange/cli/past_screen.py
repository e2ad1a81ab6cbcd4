"""The screen of `rainbow-exchange explain --at`: how one person was shown then, and what had led to it. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from rainbow_exchange.cli.clock_words import Clock, shown_as

#: of the story, what lies so long before the instant, and after it
_BEFORE, _AFTER = timedelta(hours=2), timedelta(minutes=30)
_CHANGES = {"notified": "Exchange announces a change", "polled": "a change is found by polling"}
_NOT_TOLD = "not known"


def lines(answer: Mapping[str, Any], clock: Clock) -> Iterator[str]:
    """Give the lines below the verdict; `answer` as `docs/reference/commands.md` has it."""
    since = clock.at(answer["kept_since"], otherwise="not yet")
    yield f"Times are this machine's ({clock.zone()}); it is about {clock.day(answer['at'])}. Kept since {since}."
    yield ""
    for name, title in (("connector", "Connector"), ("exchange", "Exchange"), ("rainbow", "Rainbow")):
        side = answer[name]
        reason = f": {side['reason']}" if side["reason"] else ""
        yield f"{title:16} {side['state'] or _NOT_TOLD}{reason}"
    yield f"Mailbox          {_mailbox(answer['mailbox'])}"
    yield f"Calendar         {_known(answer['known'], clock)}"
    if later := answer["found_later"]:
        how = "announced by Exchange" if answer["changed_later"] else "not announced by Exchange"
        yield f"                 {_counted(later, clock)}, as read {clock.at(later['read_at'])}, {how}"
    yield f"Out of office    {_out(answer['absence'])}"
    yield f"Told             {_when(answer['told'], clock)}"
    yield f"Shown then       {_counted(answer['shown'], clock)}, automatic reply {_out(answer['reply_shown'])}"
    for outage in answer["outages"]:
        reason = f": {outage['reason']}" if outage["reason"] else ""
        span = f"from {clock.at(outage['from'])} to {clock.at(outage['to'])}"
        yield f"Outage           {outage['side']} {outage['state']} {span}{reason}"
    yield ""
    yield from _story(answer, clock)
    yield ""
    yield _beyond(answer, clock)


def _story(answer: Mapping[str, Any], clock: Clock) -> Iterator[str]:
    at = datetime.fromisoformat(answer["at"])
    passed = False
    for entry in answer["story"]:
        first, last = (datetime.fromisoformat(entry[name]) for name in ("first", "last"))
        if last < at - _BEFORE or first > at + _AFTER:
            continue
        if first > at and not passed:
            passed = True
            yield f"  ---- {clock.at(answer['at'])} ----"
        times = clock.at(entry["first"])
        if entry["count"] > 1:
            times = f"{times} to {clock.at(entry['last'])}, {entry['count']} times"
        yield f"  {times}  {said(entry, clock)}"


def said(entry: Mapping[str, Any], clock: Clock) -> str:
    """Say in a few words what happened."""
    detail = entry["detail"]
    match entry["what"]:
        case "mailbox":
            text = f"mailbox {_mailbox(entry)}"
        case "change":
            text = _CHANGES.get(detail["cause"], f"stream {detail['cause']}")
        case "read" if "failed" in detail:
            text = f"could not be read: {detail['failed']}"
        case "read":
            text = f"read, {len(detail['spans'])} appointment(s) of two days"
        case "absence":
            text = f"out of office {detail['state']}"
        case "told" if "refused" in detail:
            text = f"Rainbow refuses to be told: {detail['refused']}"
        case "told":
            text = (
                "Rainbow told of a change"
                if detail["of"]
                else "Rainbow told (a start, a beginning or end, or once more)"
            )
        case "events" | "autoreply" if "refused" in detail:
            text = f"Rainbow asks ({entry['what']}), answered with an error: {detail['refused']} ({detail['why']})"
        case "autoreply":
            text = f"Rainbow asks for the automatic reply, answered {detail['state']}"
        case _:
            text = f"Rainbow asks for the calendar, answered {_answer(detail, clock)}"
    return text


def _beyond(answer: Mapping[str, Any], clock: Clock) -> str:
    """End with what Rainbow knew; what a client makes of it is beyond us."""
    given, at = answer["answered"], datetime.fromisoformat(answer["at"])
    if given is None:
        return "Rainbow had not asked for this calendar by then, as far as is known."
    asked = clock.at(given["last"] if datetime.fromisoformat(given["last"]) <= at else given["first"])
    often = f" (and {given['count']} times alike, to {clock.at(given['last'])})" if given["count"] > 1 else ""
    if "refused" in given["detail"]:
        return f"Rainbow asked at {asked}{often} and was answered with an error, {given['detail']['refused']}."
    return (
        f"Rainbow asked at {asked}{often} and was answered {_answer(given['detail'], clock)}; if the client showed"
        " something else, look at the user's calendar-presence setting in Rainbow."
    )


def _answer(detail: Mapping[str, Any], clock: Clock) -> str:
    if "elsewhere" in detail:
        return "about other days"
    stale = ", from what was read last" if detail.get("stale") else ""
    following = detail["next"]
    then = f", then {shown_as(following)} from {clock.minute(following['start'])}" if following else ""
    return f"{_counted({'current': detail['now']}, clock)}{then}{stale}"


def _counted(found: Mapping[str, Any] | None, clock: Clock) -> str:
    if found is None:
        return _NOT_TOLD
    running = found["current"]
    return f"{shown_as(running)} until {clock.minute(running['end'])}" if running else "free"


def _known(known: Mapping[str, Any] | None, clock: Clock) -> str:
    if known is None:
        return _NOT_TOLD
    again = f", and alike until {clock.at(known['again_at'])}" if known["again_at"] else ""
    return f"{_counted(known, clock)}, as read {clock.at(known['read_at'])}{again}"


def _mailbox(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return "found before what is kept, or not known"
    detail = entry["detail"]
    return f"none: {detail['none']}" if "none" in detail else f"{detail['address']}, by {detail['by']}"


def _out(out: bool | None) -> str:
    return {True: "on", False: "off", None: _NOT_TOLD}[out]


def _when(entry: Mapping[str, Any] | None, clock: Clock) -> str:
    return _NOT_TOLD if entry is None else clock.at(entry["last"])
