"""The screen of `rainbow-exchange explain`: the daemon's answer as a story for a person. Pure."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

Here = Callable[[datetime], datetime]
_KINDS = {"login": "login", "work": "work address", "personal": "personal address", "external-uid": "external UID"}
_ANSWERS = {
    "domain": "not tried: its domain is not the company's (bridge.domains)",
    "form": "not tried: it is no address",
    "taken": "another user's mailbox, who has it as login",
    "shared": "another user has it too, and none as login",
}
_MODES = {"own": "by itself", "batched": "with others, by free/busy"}
_SHOWN = {"oof": "out of office", "workingelsewhere": "working elsewhere"}
_COUNTING = {"oof", "busy", "tentative"}


class _Clock:
    """Writes instants for people: the time of day in this machine's zone, with the day where it is another."""

    def __init__(self, here: Here, now: str | None) -> None:
        self._here = here
        self.now = self._read(now) if now else None

    def _read(self, instant: str) -> datetime:
        return self._here(datetime.fromisoformat(instant))

    def at(self, instant: str | None, *, otherwise: str = "never", seconds: bool = True) -> str:
        if instant is None:
            return otherwise
        read = self._read(instant)
        time = f"{read:%H:%M:%S}" if seconds else f"{read:%H:%M}"
        return time if self.now is None or read.date() == self.now.date() else f"{read:%a %d %b} {time}"

    def zone(self) -> str:
        if self.now is None:
            return ""
        offset = self.now.utcoffset() or timedelta()
        minutes = round(offset.total_seconds() / 60)
        return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def lines(answer: Mapping[str, Any], here: Here) -> Iterator[str]:
    """Give the lines of the screen; `answer` as `docs/reference/commands.md` has it, `here` turns to the local zone."""
    clock = _Clock(here, answer.get("at"))
    yield from _verdict(answer)
    if answer["state"] != "explained":
        return
    yield f"Times are this machine's ({clock.zone()}); it is {clock.at(answer['at'])}."
    yield ""
    yield f"Rainbow user     {answer['user']['name']} (id {answer['user']['id']})"
    for number, each in enumerate(answer["identifiers"]):
        said = _ANSWERS.get(each["answer"], each["answer"])
        yield f"{'Identifiers' if number == 0 else '':16} {_KINDS[each['kind']]} {each['value']}: {said}"
    yield from _mailbox(answer, clock)
    yield from _agenda(answer, clock)
    yield from _rainbow(answer, clock)
    yield from _next(answer, clock)


def _verdict(answer: Mapping[str, Any]) -> Iterator[str]:
    verdict = answer["verdict"]
    who = answer["user"]["name"] if answer["user"] else answer["address"]
    if answer["state"] != "explained":
        yield f"{who}: {verdict['because']}"
    else:
        how = {True: "is shown right, as far as we can tell,", False: "may be shown wrong", None: "is not settled yet,"}
        yield f"{who} {how[verdict['right']]} because {verdict['because']}"
    yield from (f"Also: {because}" for because in verdict["also"])
    yield f"Next step: {verdict['action']}"


def _mailbox(answer: Mapping[str, Any], clock: _Clock) -> Iterator[str]:
    mailbox, read, stream = answer["mailbox"], answer["read"], answer["stream"]
    reason = f" ({mailbox['reason']})" if mailbox["reason"] else ""
    yield f"Mailbox          {mailbox['address'] or mailbox['state']}{reason}"
    yield f"Exchange         {answer['exchange']['state']}{_because(answer['exchange']['reason'])}"
    if read:
        seen = {True: "; an appointment proved that", False: "; an appointment showed no details", None: ""}
        yield f"Read             {_MODES[read['mode']]}: {read['because']}{seen[read['subjects_seen']]}"
    if stream:
        how = f"polled every {stream['poll_seconds']:.0f} s" if stream["state"] == "polled" else stream["state"]
        yield f"Changes          {how}{_because(stream['reason'])}"
        if group := stream["group"]:
            alone = "a stream of its own" if group["own"] else f"a stream of {group['members']}"
            server = f" on {group['server']}" if group["server"] else ""
            yield f"Stream           {alone}{server}, anchor {group['anchor']}, {group['state']}"
            opened = clock.at(group["opened_at"], otherwise="never so far")
            old = f" ({_spoken(group['age_seconds'])} old)" if group["age_seconds"] is not None else ""
            yield f"                 opened {opened}{old}, last heartbeat {clock.at(group['last_heartbeat'])}"


def _agenda(answer: Mapping[str, Any], clock: _Clock) -> Iterator[str]:
    agenda, absence = answer["agenda"], answer["absence"]
    if agenda:
        old = f", {_spoken(agenda['age_seconds'])} ago" if agenda["age_seconds"] is not None else ""
        waits = "; it has changed since, and is read again" if agenda["waits"] else ""
        yield f"Calendar read    {clock.at(agenda['read_at'])}{old}{waits}"
        if agenda["reason"]:
            yield f"                 cannot be read since {clock.at(agenda['failing_since'])}: {agenda['reason']}"
        for item in agenda["items"]:
            mark = "  <- now" if item == agenda["current"] else ""
            yield f"                 {_span(item, clock)}{mark}"
        if not agenda["items"] and agenda["read_at"]:
            yield "                 nothing from an hour ago until this time tomorrow"
        if agenda["read_at"]:
            yield f"Now              {_now(agenda['current'], clock)}"
    if absence:
        state = absence["state"] or "not known"
        dates = f" from {clock.at(absence['start'])} to {clock.at(absence['end'])}" if absence["start"] else ""
        reason = f" ({absence['reason']})" if absence["reason"] else ""
        yield f"Out of office    {state}{dates}, confirmed {clock.at(absence['confirmed_at'])}{reason}"
    yield f"Privacy          {answer['privacy']['level']}, by {answer['privacy']['rule']}"


def _rainbow(answer: Mapping[str, Any], clock: _Clock) -> Iterator[str]:
    rainbow, told = answer["rainbow"], answer["told"]
    yield f"Rainbow          {rainbow['state']}, by {rainbow['link']}{_because(rainbow['reason'])}"
    waits = "; to be told now" if told["waits"] else ""
    yield f"Told             {clock.at(told['at'])}{waits}{_because(told['failing'])}"
    if told["refused"]:
        yield "                 Rainbow has refused to be told of this user"
    if told["not_asked"]:
        since = clock.at(told["not_asked_since"])
        yield f"                 not asked since {since} for: {', '.join(told['not_asked'])}"
    answered = told["answered_at"]
    yield f"Answered         calendar {clock.at(answered['events'])}, automatic reply {clock.at(answered['autoreply'])}"


def _next(answer: Mapping[str, Any], clock: _Clock) -> Iterator[str]:
    for number, each in enumerate(answer["next"]):
        yield f"{'Next' if number == 0 else '':16} {clock.at(each['at'])} {each['what']}"


def _now(running: Mapping[str, str] | None, clock: _Clock) -> str:
    if running is None:
        return "free: no appointment that counts is running"
    until = clock.at(running["end"], seconds=False)
    return f"{_SHOWN.get(running['show_as'], running['show_as'])} until {until}, by the appointment marked above"


def _span(item: Mapping[str, str], clock: _Clock) -> str:
    shown = _SHOWN.get(item["show_as"], item["show_as"])
    counts = "" if item["show_as"] in _COUNTING else " (shown as nothing)"
    return f"{clock.at(item['start'], seconds=False)} - {clock.at(item['end'], seconds=False)}  {shown}{counts}"


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _spoken(seconds: float) -> str:
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"  # noqa: PLR2004 - two hours
