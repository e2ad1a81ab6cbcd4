"""Whether one person is shown right, and if not, the first broken link of the chain. Pure.

It reads what `explain` has found, in the order in which a change goes: user, mailbox, Exchange, stream, agenda,
Rainbow, told, asked. The first that is broken explains those behind it, which are named as well.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rainbow_exchange.bridge.troubles import Trouble
from rainbow_exchange.words import _

SEE_STATUS = _("rainbow-exchange status says more.")
_RETRY = _("It is tried again by itself; rainbow-exchange retry does not wait.")
_WAIT = _("Nothing has to be done: it happens by itself.")

Link = tuple[str, str, str]


def broken(link: str, because: str, action: str) -> dict[str, Any]:
    """Return the verdict on a chain that is broken here."""
    return {"right": False, "broken": link, "because": because, "action": action, "also": []}


def of(chain: Mapping[str, Any], trouble: Trouble | None) -> dict[str, Any]:
    """Return the verdict; `trouble` is what is wrong with the mailbox, where something is."""
    links = list(_links(chain, trouble))
    if links:
        (link, because, action), *others = links
        return broken(link, because, action) | {"also": [because for _, because, _ in others]}
    told = chain["told"]
    if told["at"] is None or told["waits"]:
        return _undecided("told", _("it was read, and Rainbow is about to be told."))
    if told["not_asked"]:
        return _undecided("asked", _("Rainbow was told a moment ago and is expected to ask now."))
    if told["answered_at"]["events"] is None:
        return _undecided("asked", _("Rainbow was told, and has not asked for the calendar so far."))
    polled = chain["stream"]["poll_seconds"]
    how = _(" (by polling, up to {seconds} s late)", seconds=f"{polled:.0f}") if polled else ""
    return {
        "right": True,
        "broken": "",
        "because": _(
            "changes are noticed{how}, the calendar was read, and Rainbow was told and has asked since.", how=how
        ),
        "action": _("If the client shows something else, look at the user's calendar-presence setting in Rainbow."),
        "also": [],
    }


def broken_links(chain: Mapping[str, Any]) -> dict[str, str]:
    """Return each link of the chain that is broken, with the reason."""
    return {link: because for link, because, _ in _links(chain, None)}


def _undecided(link: str, because: str) -> dict[str, Any]:
    return {"right": None, "broken": link, "because": because, "action": _WAIT, "also": []}


def _links(chain: Mapping[str, Any], trouble: Trouble | None) -> Iterator[Link]:
    """Give what is broken, in the order of the chain."""
    mailbox, exchange = chain["mailbox"], chain["exchange"]
    down = exchange["state"] != "connected"
    if mailbox["state"] == "none":
        action = trouble.action if trouble else _RETRY
        yield "mailbox", _("no mailbox is found or allowed: {reason}.", reason=mailbox["reason"]), action
    if down:
        yield "exchange", _("Exchange cannot be used: {reason}", reason=exchange["reason"]), SEE_STATUS
    if mailbox["state"] == "not known yet":
        because = _("Exchange has not said yet whether there is a mailbox.")
        if reason := mailbox["reason"]:
            because = _("Exchange has not said yet whether there is a mailbox: {reason}.", reason=reason)
        yield "mailbox", because, trouble.action if trouble else _RETRY
    if mailbox["state"] == "found":
        yield from _noticing(chain)
        yield from _reading(chain)
    yield from _telling(chain)


def _noticing(chain: Mapping[str, Any]) -> Iterator[Link]:
    stream = chain["stream"]
    if stream is None or stream["state"] in {"opening", "renewing"}:
        because = _("no stream carries its changes at present: they are noticed late.")
        if stream and (reason := stream["reason"]):
            because = _("no stream carries its changes at present ({reason}): they are noticed late.", reason=reason)
        yield "stream", because, _RETRY


def _reading(chain: Mapping[str, Any]) -> Iterator[Link]:
    agenda = chain["agenda"]
    if agenda is None:
        yield "agenda", _("the calendar was not read yet."), _WAIT
    elif agenda["reason"]:
        kept = _("what was read last is shown") if agenda["read_at"] else _("nothing is shown")
        yield "agenda", _("the calendar cannot be read ({reason}): {kept}.", reason=agenda["reason"], kept=kept), _RETRY
    elif agenda["read_at"] is None:
        yield "agenda", _("the calendar was not read yet."), _WAIT
    absence = chain["absence"]
    if absence and absence["state"] is None and absence["reason"]:
        yield "absence", _("Exchange does not tell who is out of office ({reason}).", reason=absence["reason"]), _RETRY


def _telling(chain: Mapping[str, Any]) -> Iterator[Link]:
    rainbow, told = chain["rainbow"], chain["told"]
    if rainbow["state"] != "connected":
        yield "rainbow", _("Rainbow cannot be told, or cannot ask: {reason}", reason=rainbow["reason"]), SEE_STATUS
    if told["refused"]:
        yield (
            "told",
            _("Rainbow does not let itself be told of this user."),
            _("Was the user removed in Rainbow just now? It is tried again hourly."),
        )
    elif told["waits"] and told["failing"]:
        yield "told", _("Rainbow could not be told so far: {failing}.", failing=told["failing"]), _RETRY
    elif told["late"]:
        yield (
            "asked",
            _("Rainbow was told and has not asked since."),
            _("It is told again. Is Exchange Calendar Synchronization on in Rainbow's administration?"),
        )
