"""The screen of `rainbow-exchange status`: the daemon's answer as lines for a person."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rainbow_exchange.cli import log_level
from rainbow_exchange.diagnosis.mailboxes_query import PROBLEMS as PROBLEMS_OF_PEOPLE
from rainbow_exchange.network.shown import counted, few

#: how many mailboxes that wait for their next try stand on the screen, and how many problems with all that they say
SHOWN = 5
PROBLEMS = 5
#: characters of a problem's sentence, or of a reason, that stand there
_LONGEST = 1000


def lines(answer: Mapping[str, Any], *, now: datetime) -> Iterator[str]:
    """Give the lines of the screen; `answer` as `docs/reference/status.md` has it, `now` in the reader's own zone."""
    yield f"{str(answer['state']).capitalize()}{_since(answer['since'])}"
    boxes = answer["mailboxes"]
    if boxes["total"] is not None:
        account = answer["exchange"].get("account")
        ends = _certificate(answer["exchange"].get("certificate_ends"))
        yield f"  Exchange   {_side(answer['exchange'])}{f', as {account}' if account else ''}{ends}"
        yield f"  Rainbow    {_side(answer['rainbow'])}"
        if users := answer.get("users"):
            yield f"  Users      {users_line(users, now=now)}"
        yield (
            f"  Mailboxes  {boxes['total']}: {boxes['streamed']} streamed, {boxes['polled']} polled,"
            f" {boxes['uncovered']} not covered"
        )
        if throttling := answer.get("throttling"):
            yield f"  Throttling {throttling_line(throttling, now=now)}"
        latency = answer["latency"]
        if latency["told_p50"] is not None:
            yield f"  Told after {_seconds(latency['told_p50'])} (median), {_seconds(latency['told_p99'])} (99 %)"
        if latency.get("asked_p50") is not None:
            asked = f"{_seconds(latency['asked_p50'])} (median), {_seconds(latency['asked_p99'])} (99 %)"
            yield f"  Asked      {asked} after Rainbow was told"
        if hour := answer.get("last_hour"):
            yield f"  Last hour  {_last_hour(hour)}"
    if telling := telling_line(answer.get("notify") or {}, now=now):
        yield f"  To tell    {telling}"
    yield from _settings(answer.get("settings", []))
    yield from _process(answer, now)
    reports = answer.get("reports") or {}
    if reports.get("refused"):
        yield f"  Reports    {reports['waiting']} wait: Rainbow does not take them ({reports['refused']})"
    yield from _waiting("Not streamed", answer, "not_streamed", now)
    yield from _waiting("Not read", answer, "not_read", now)
    yield from _problems(answer["problems"])


def _process(answer: Mapping[str, Any], now: datetime) -> Iterator[str]:
    """Show what is not usual about the process."""
    if (log := answer.get("log")) and log["changed"]:
        yield f"  Log level  {log_level.sentence(log, now=now)}"
    if (loop := answer.get("event_loop")) and loop != "asyncio":
        yield f"  Event loop {loop}"


def _problems(problems: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Show the first few in full, the gravest first, and name the others."""
    for problem in problems[:PROBLEMS]:
        yield ""
        yield f"{str(problem['severity']).capitalize()} {problem['id']}{_since(problem['since'])}"
        yield f"  {_cut(problem['text'])}"
        yield f"  Next step: {_cut(problem['action'])}"
        if problem["id"] in PROBLEMS_OF_PEOPLE:
            yield f"  Who: rainbow-exchange mailboxes --problem {problem['id']}"
    if more := problems[PROBLEMS:]:
        yield ""
        ids = few([str(problem["id"]) for problem in more], 4 * PROBLEMS)
        yield f"And {len(more)} more ({ids}): rainbow-exchange status --json"


def _waiting(title: str, answer: Mapping[str, Any], name: str, now: datetime) -> Iterator[str]:
    """Show the first few, as "ada@acme.test: polled, next try 10:42, because ErrorAccessDenied"."""
    entries = answer.get(name, [])
    if not entries:
        return
    yield f"  {title}"
    for entry in entries[:SHOWN]:
        shown = {"polled": "polled, ", "uncovered": "not covered, "}.get(entry.get("coverage", ""), "")
        when = f"next try {_clock(entry['next_try'], now)}, " if entry["next_try"] else ""
        yield f"    {entry['user']}: {shown}{when}because {_cut(entry['reason'])}"
    more = answer.get(f"{name}_total", len(entries)) - SHOWN
    if more > 0:
        yield f"    and {more} more: rainbow-exchange mailboxes --state {name.replace('_', '-')}"


def telling_line(notify: Mapping[str, Any], *, now: datetime) -> str:
    """Show who waits to be told of, and for whom Rainbow did not ask; "" where there is nothing to show."""
    shown = []
    if notify.get("waiting"):
        age = f", the oldest for {notify['oldest_seconds']:.0f} s" if notify["oldest_seconds"] is not None else ""
        again = f", next try {_clock(notify['next_try'], now)}" if notify["next_try"] else ""
        shown.append(f"{counted(notify['waiting'], 'user')} waiting{age}{again}")
    if notify.get("refused"):
        shown.append(f"{notify['refused']} refused by Rainbow")
    if notify.get("did_not_ask"):
        shown.append(f"Rainbow did not ask for {notify['did_not_ask']}")
    return "; ".join(shown)


def users_line(users: Mapping[str, Any], *, now: datetime) -> str:
    """Show who is known and how the list is kept, as "120, listed 10:42, again at 11:41"."""
    shown = str(users["total"])
    if users["listed_at"]:
        shown += f", listed {_clock(users['listed_at'], now)}"
    if being_listed := users["being_listed"]:
        shown += ", being listed"
        shown += f": {being_listed['done']} of {being_listed['total']}" if being_listed["total"] else ""
    elif users["next_listing"]:
        shown += f", again at {_clock(users['next_listing'], now)}"
    failure = users["last_failure"]
    if failure and failure["at"] > (users["listed_at"] or ""):
        shown += f"; the try at {_clock(failure['at'], now)} failed: {failure['reason']}"
    return f"{shown}; {users['missing']} missing at Rainbow" if users["missing"] else shown


def _last_hour(hour: Mapping[str, Any]) -> str:
    calendars, absences = hour["calendars"], hour["absences"]
    shown = f"{counted(calendars, 'change')} of calendars, {absences} of out-of-office"
    if hour["told_p50"] is not None:
        shown += f"; told after {_seconds(hour['told_p50'])} (median), {_seconds(hour['told_p99'])} (99 %)"
    return shown


def _settings(settings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Show where endpoint, account and switch come from, those that are set."""
    shown = {
        "exchange.url": "endpoint",
        "exchange.username": "account",
        "exchange.client_id": "client id",
        "switch": "switch",
    }
    found = {
        shown[entry["name"]]: entry["origin"]
        for entry in settings
        if entry["name"] in shown and entry["origin"] != "default"
    }
    if found:
        yield f"  Settings   {', '.join(f'{what}: {origin}' for what, origin in found.items())}"


def throttling_line(meter: Mapping[str, Any], *, now: datetime) -> str:
    """Show the meter on one line."""
    streams = counted(meter["streams_open"], "stream")
    if meter["streams_limit"] is not None:
        streams += f" of {meter['streams_limit']} allowed"
    if meter["next_stream_try"]:
        streams += f" (one more is tried at {_clock(meter['next_stream_try'], now)})"
    shown = f"{streams}, {meter['requests_in_flight']} of {meter['requests_limit']} requests in flight"
    if meter["poll_period_seconds"] is not None:
        shown += f", polling every {meter['poll_period_seconds']:.0f} s"
    if absences := meter.get("out_of_office_period_seconds"):
        shown += f", out-of-office every {absences:.0f} s"
    if meter["back_offs"]:
        when = f" at {_clock(meter['last_at'], now)}" if meter.get("last_at") else ""
        shown += f", {counted(meter['back_offs'], 'back-off')}, the last{when} for {meter['last_reason']}"
    return f"{shown}, held back until {_clock(meter['until'], now)}" if meter["until"] else shown


def _clock(instant: str, now: datetime) -> str:
    """Give the time of day, and the day as well where it is another than today."""
    try:
        when = datetime.fromisoformat(instant).astimezone(now.tzinfo)
    except ValueError:
        return instant
    return f"{when:%H:%M}" if when.date() == now.date() else f"{when:%Y-%m-%d %H:%M}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."


def _side(side: Mapping[str, Any]) -> str:
    return f"{side['state']} ({_cut(side['reason'])})" if side["reason"] else str(side["state"])


def _certificate(ends: str | None) -> str:
    return f", certificate valid until {ends[:10]}" if ends else ""


def _since(instant: str | None) -> str:
    if instant is None:
        return ""
    try:
        return f" since {datetime.fromisoformat(instant).astimezone():%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return f" since {instant}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"
