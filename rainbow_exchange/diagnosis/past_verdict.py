"""Whether one person was shown right at an instant of the past, and if not, the first broken link. Pure.

The order is that of `verdict`: connector, mailbox, Exchange, agenda, Rainbow, told, asked, answered.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from rainbow_exchange.diagnosis import verdict
from rainbow_exchange.diagnosis.verdict import Link
from rainbow_exchange.words import _, unfilled

#: a state that lasts is noted every minute: after so long it is not known to have lasted
NOTED_WITHIN = timedelta(seconds=75)

_BEYOND = _("If the client showed something else, look at the user's calendar-presence setting in Rainbow.")
_NOTHING = _("Nothing can be done about it now; rainbow-exchange explain without --at says how it is.")


def of(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the verdict on what `past` has found."""
    links = list(_links(found))
    held, shown = found["held"], found["shown"]
    if links and held and shown and held["current"] == shown["current"] and found["absence"] == found["reply_shown"]:
        though = _(
            "Rainbow had been answered what the calendar held, as was read later; though {because}",
            because=links[0][1],
        )
        return {"right": True, "broken": "", "because": though, "action": _BEYOND, "also": []}
    if links:
        (link, because, action), *others = links
        return verdict.broken(link, because, action) | {"also": [because for _, because, _ in others]}
    if found["shown"] is None:
        return {
            "right": None,
            "broken": "asked",
            "because": _("what Rainbow was answered before does not tell what it showed then."),
            "action": _BEYOND,
            "also": [],
        }
    return {
        "right": True,
        "broken": "",
        "because": _("Rainbow had been answered what the calendar held, as far as it is known now."),
        "action": _BEYOND,
        "also": [],
    }


def _links(found: Mapping[str, Any]) -> Iterator[Link]:
    connector, mailbox, read = found["connector"], found["mailbox"], found["read"]
    if connector["since"] is None:
        yield "connector", _("it is not known whether the connector was running: nothing is kept from then."), _NOTHING
    elif connector["state"] != "running":
        because = _("the connector was not running, as far as is known.")
        yield "connector", because, _("The connector's log of that time says why.")
    if mailbox and "none" in mailbox["detail"]:
        reason = mailbox["detail"]["none"]
        yield (
            "mailbox",
            _("no mailbox was found or allowed then: {reason}.", reason=reason),
            _("explain without --at says how it is now."),
        )
    yield from _side(found["exchange"], "exchange", unfilled("Exchange could not be used then: {reason}"))
    if read and "failed" in read["detail"]:
        yield "agenda", _("the calendar could not be read then ({failed}).", failed=read["detail"]["failed"]), _NOTHING
    elif read is None and not mailbox:
        yield "user", _("nothing is kept of this person from that time or before."), _NOTHING
    elif found["known"] is None:
        yield "agenda", _("the calendar had not been read, or not for a day."), _NOTHING
    if found["known"] and found["found_later"] and not found["changed_later"]:
        because = _("Exchange showed something else later, and had not announced that: a change was noticed late.")
        yield "stream", because, _("If it happens often: does a load balancer cut idle connections?")
    yield from _side(
        found["rainbow"], "rainbow", unfilled("Rainbow could not be told, or could not ask then: {reason}")
    )
    yield from _answering(found)


def _side(side: Mapping[str, Any], link: str, text: str) -> Iterator[Link]:
    if side["state"] not in {"connected", None}:
        yield link, _(text, reason=side["reason"] or side["state"]), _("The log of that time says more.")


def _answering(found: Mapping[str, Any]) -> Iterator[Link]:
    told, answer, known, shown = found["told"], found["answered"], found["known"], found["shown"]
    if told and "refused" in told["detail"]:
        yield (
            "told",
            _("Rainbow had refused to be told of this user: {refused}.", refused=told["detail"]["refused"]),
            _NOTHING,
        )
    if answer is None:
        yield "asked", _("Rainbow is not known to have asked for the calendar by then."), _NOTHING
    elif "refused" in answer["detail"]:
        why = answer["detail"].get("why") or ""
        condition = answer["detail"]["refused"]
        yield (
            "answered",
            _("Rainbow had been answered {condition}.", condition=f"{condition} ({why})" if why else condition),
            _NOTHING,
        )
    elif known and shown and known["current"] != shown["current"]:
        yield "asked", _not_told(told, found["change"]), _NOTHING
    if found["absence"] is not None and found["reply_shown"] is not None and found["absence"] != found["reply_shown"]:
        yield "asked", _("what Rainbow had been answered about the automatic reply was not current any more."), _NOTHING


def _not_told(told: Mapping[str, Any] | None, change: Mapping[str, Any] | None) -> str:
    if change and (told is None or told["last"] < change["last"]):
        return _(
            "what Rainbow had been answered was not current any more: it had not been told of the last change yet."
        )
    return _("what Rainbow had been answered was not current any more: it had been told, and had not asked since.")
