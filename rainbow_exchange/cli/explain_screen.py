"""The screen of `rainbow-exchange explain`: the daemon's answer as a story for a person. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from rainbow_exchange.cli import past_screen
from rainbow_exchange.cli.clock_words import Clock, Here, shown_as

_KINDS = {"login": "login", "work": "work address", "personal": "personal address", "external-uid": "external UID"}
_ANSWERS = {
    "domain": "not tried: its domain is not the company's (bridge.domains)",
    "form": "not tried: it is no address",
    "taken": "another user's mailbox, who has it as login",
    "shared": "another user has it too, and none as login",
}
_MODES = {"own": "by itself", "batched": "with others, by free/busy"}
_HOW = {
    "explained": {
        True: "is shown right, as far as we can tell,",
        False: "may be shown wrong",
        None: "is not settled yet,",
    },
    "past": {
        True: "was shown right, as far as we can tell,",
        False: "may have been shown wrong",
        None: "may have been shown right or wrong",
    },
}
_COUNTING = {"oof", "busy", "tentative"}


def lines(answer: Mapping[str, Any], here: Here) -> Iterator[str]:
    """Give the lines of the screen; `answer` as `docs/reference/commands.md` has it, `here` turns to the local zone."""
    clock = Clock(here, answer.get("at"))
    yield from _verdict(answer)
    if answer["state"] == "past":
        yield from past_screen.lines(answer, clock)
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
    if answer["state"] not in _HOW:
        yield f"{who}: {verdict['because']}"
    else:
        yield f"{who} {_HOW[answer['state']][verdict['right']]} because {verdict['because']}"
    yield from (f"Also: {because}" for because in verdict["also"])
    yield f"Next step: {verdict['action']}"


def _mailbox(answer: Mapping[str, Any], clock: Clock) -> Iterator[str]:
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


def _agenda(answer: Mapping[str, Any], clock: Clock) -> Iterator[str]:
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
    if absence:
        state = absence["state"] or "not known"
        dates = f" from {clock.at(absence['start'])} to {clock.at(absence['end'])}" if absence["start"] else ""
        reason = f" ({absence['reason']})" if absence["reason"] else ""
        yield f"Out of office    {state}{dates}, confirmed {clock.at(absence['confirmed_at'])}{reason}"
    yield f"Now              {_now(answer['now'], clock)}"
    yield f"Privacy          {answer['privacy']['level']}, by {answer['privacy']['rule']}"


def _rainbow(answer: Mapping[str, Any], clock: Clock) -> Iterator[str]:
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
    for number, entry in enumerate(each for each in answer["last"].values() if each):
        yield f"{'Last' if number == 0 else '':16} {clock.at(entry['last'])} {past_screen.said(entry, clock)}"


def _next(answer: Mapping[str, Any], clock: Clock) -> Iterator[str]:
    for number, each in enumerate(answer["next"]):
        yield f"{'Next' if number == 0 else '':16} {clock.at(each['at'])} {each['what']}"


def _now(now: Mapping[str, Any] | None, clock: Clock) -> str:
    if now is None:
        return "not known"
    until = f" until {clock.minute(now['until'])}" if now["until"] else ""
    return f"{shown_as({'show_as': now['shown']})}{until}: {now['because']}"


def _span(item: Mapping[str, str], clock: Clock) -> str:
    shown = shown_as(item)
    counts = "" if item["show_as"] in _COUNTING else " (shown as nothing)"
    return f"{clock.minute(item['start'])} - {clock.minute(item['end'])}  {shown}{counts}"


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _spoken(seconds: float) -> str:
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"  # noqa: PLR2004 - two hours
