"""What the history has noted, in a sentence each: for whoever looks at it as it happens, or later. Pure.

No subject and no text is noted, so none can be said; of an appointment only how it counts.
"""

from collections.abc import Mapping
from typing import Any

from rainbow_exchange.bridge.history import What
from rainbow_exchange.bridge.people import in_words
from rainbow_exchange.bridge.recorder import NOTIFIED, POLLED
from rainbow_exchange.words import Said, _

#: cause of a first look: there was no stream before
_OPENED = "opened"
_SHOW_AS = {
    "free": _("free"),
    "tentative": _("tentative"),
    "busy": _("busy"),
    "oof": _("out of office"),
    "workingelsewhere": _("working elsewhere"),
}
_REPLY = {"enabled": _("on"), "disabled": _("off"), "scheduled": _("planned")}
_STATES = {
    "connected": _("connected"),
    "disconnected": _("disconnected"),
    "starting": _("starting"),
    "switched off": _("switched off"),
}
_IDENTIFIERS = {
    "login": _("the login"),
    "work": _("a work address"),
    "personal": _("a personal address"),
    "external-uid": _("the external UID"),
}


def said(what: What, detail: Mapping[str, Any], seconds: float | None = None) -> Said:
    """Say what happened. `detail` is what was noted of it, `seconds` how long it took, where that is known."""
    match what:
        case What.PROCESS:
            text = _("The connector runs.") if detail["state"] == "running" else _("The connector is stopping.")
        case What.EXCHANGE | What.RAINBOW:
            text = _side(what, detail)
        case What.MAILBOX:
            text = _mailbox(detail)
        case What.CHANGE:
            text = _change(str(detail["cause"]))
        case What.READ:
            text = _reading(detail)
        case What.ABSENCE:
            text = _("Out of office is {state}.", state=_reply(detail))
        case What.TOLD:
            text = _told(detail, seconds)
        case What.EVENTS:
            text = _events(detail)
        case What.AUTO_REPLY:
            text = _auto_reply(detail)
    return text


def is_bad(detail: Mapping[str, Any]) -> bool:
    """Whether it is something that did not succeed."""
    return "failed" in detail or "refused" in detail or "none" in detail or detail.get("state") == "disconnected"


def _side(what: What, detail: Mapping[str, Any]) -> Said:
    side = "Exchange" if what is What.EXCHANGE else "Rainbow"
    state, reason = _of(_STATES, detail["state"]), detail.get("reason")
    if reason:
        return _("{side} is {state}: {reason}", side=side, state=state, reason=reason)
    return _("{side} is {state}.", side=side, state=state)


def _mailbox(detail: Mapping[str, Any]) -> Said:
    if "none" in detail:
        return _("No mailbox of this person can be watched: {reason}", reason=in_words(detail["none"]))
    by = _of(_IDENTIFIERS, detail["by"])
    return _("The mailbox {address} is watched, found by {identifier}.", address=detail["address"], identifier=by)


def _change(cause: str) -> Said:
    if cause == NOTIFIED:
        return _("Exchange announced a change of the calendar.")
    if cause == POLLED:
        return _("A change of the calendar was found by polling.")
    if cause == _OPENED:
        return _("A stream of Exchange was opened for the calendar, which is looked at now.")
    return _("Exchange's stream had a gap ({reason}): the calendar is looked at again.", reason=cause)


def _reading(detail: Mapping[str, Any]) -> Said:
    if "failed" in detail:
        return _("The calendar could not be read: {reason}", reason=detail["failed"])
    return _("The calendar was read; appointments of today and tomorrow: {count}.", count=len(detail["spans"]))


def _told(detail: Mapping[str, Any], seconds: float | None) -> Said:
    if "refused" in detail:
        return _("Rainbow does not let itself be told: {reason}", reason=detail["refused"])
    if not detail["of"]:
        return _("Rainbow was told, though nothing had changed: at a start, a beginning or an end, or once more.")
    what = _("the calendar") if detail["of"] == "events" else _("the automatic reply")
    if seconds is None:
        return _("Rainbow was told that {what} has changed.", what=what)
    whole, tenths = f"{seconds:.1f}".split(".")  # between which each language writes its own mark
    return _(
        "Rainbow was told that {what} has changed, {whole}.{tenths} s after the first sign of it.",
        what=what,
        whole=whole,
        tenths=tenths,
    )


def _events(detail: Mapping[str, Any]) -> Said:
    if "refused" in detail:
        condition, why = detail["refused"], detail["why"]
        return _("Rainbow asked for the calendar; the answer was an error: {error} ({why}).", error=condition, why=why)
    if "elsewhere" in detail:
        return _("Rainbow asked for the calendar of other days, and was answered.")
    counts = _of(_SHOW_AS, detail["now"][2]) if detail.get("now") else _SHOW_AS["free"]
    if detail.get("stale"):
        return _("Rainbow asked for the calendar, and was answered “{counts}”, as it was read last.", counts=counts)
    return _("Rainbow asked for the calendar, and was answered “{counts}”.", counts=counts)


def _auto_reply(detail: Mapping[str, Any]) -> Said:
    if "refused" in detail:
        condition, why = detail["refused"], detail["why"]
        return _(
            "Rainbow asked for the automatic reply; the answer was an error: {error} ({why}).", error=condition, why=why
        )
    return _("Rainbow asked for the automatic reply, and was answered that it is {state}.", state=_reply(detail))


def _reply(detail: Mapping[str, Any]) -> Said | str:
    return _of(_REPLY, detail["state"])


def _of(words: Mapping[str, Said], name: object) -> Said | str:
    return words.get(str(name), str(name))
