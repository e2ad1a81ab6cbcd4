"""Whether one person is shown right, and if not, the first broken link of the chain. Pure.

It reads what `explain` has found, in the order in which a change goes: user, mailbox, Exchange, stream, agenda,
Rainbow, told, asked. The first that is broken explains those behind it, which are named as well.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rainbow_exchange.bridge.people import Trouble

SEE_STATUS = "rainbow-exchange status says more."
_RETRY = "It is tried again by itself; rainbow-exchange retry does not wait."
_WAIT = "Nothing has to be done: it happens by itself."

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
        return _undecided("told", "it was read, and Rainbow is about to be told.")
    if told["not_asked"]:
        return _undecided("asked", "Rainbow was told a moment ago and is expected to ask now.")
    if told["answered_at"]["events"] is None:
        return _undecided("asked", "Rainbow was told, and has not asked for the calendar so far.")
    polled = chain["stream"]["poll_seconds"]
    how = f" (by polling, up to {polled:.0f} s late)" if polled else ""
    return {
        "right": True,
        "broken": "",
        "because": f"changes are noticed{how}, the calendar was read, and Rainbow was told and has asked since.",
        "action": "If the client shows something else, look at the user's calendar-presence setting in Rainbow.",
        "also": [],
    }


def _undecided(link: str, because: str) -> dict[str, Any]:
    return {"right": None, "broken": link, "because": because, "action": _WAIT, "also": []}


def _links(chain: Mapping[str, Any], trouble: Trouble | None) -> Iterator[Link]:
    """Give what is broken, in the order of the chain."""
    mailbox, exchange = chain["mailbox"], chain["exchange"]
    down = exchange["state"] != "connected"
    if mailbox["state"] == "none":
        action = trouble.action if trouble else _RETRY
        yield "mailbox", f"no mailbox is found or allowed: {mailbox['reason']}.", action
    if down:
        yield "exchange", f"Exchange cannot be used: {exchange['reason']}", SEE_STATUS
    if mailbox["state"] == "not known yet":
        reason = f": {mailbox['reason']}" if mailbox["reason"] else ""
        action = trouble.action if trouble else _RETRY
        yield "mailbox", f"Exchange has not said yet whether there is a mailbox{reason}.", action
    if mailbox["state"] == "found":
        yield from _noticing(chain)
        yield from _reading(chain)
    yield from _telling(chain)


def _noticing(chain: Mapping[str, Any]) -> Iterator[Link]:
    stream = chain["stream"]
    if stream is None or stream["state"] in {"opening", "renewing"}:
        reason = f" ({stream['reason']})" if stream and stream["reason"] else ""
        yield "stream", f"no stream carries its changes at present{reason}: they are noticed late.", _RETRY


def _reading(chain: Mapping[str, Any]) -> Iterator[Link]:
    agenda = chain["agenda"]
    if agenda is None:
        yield "agenda", "the calendar was not read yet.", _WAIT
    elif agenda["reason"]:
        kept = "what was read last is shown" if agenda["read_at"] else "nothing is shown"
        yield "agenda", f"the calendar cannot be read ({agenda['reason']}): {kept}.", _RETRY
    elif agenda["read_at"] is None:
        yield "agenda", "the calendar was not read yet.", _WAIT
    absence = chain["absence"]
    if absence and absence["state"] is None and absence["reason"]:
        yield "absence", f"Exchange does not tell who is out of office ({absence['reason']}).", _RETRY


def _telling(chain: Mapping[str, Any]) -> Iterator[Link]:
    rainbow, told = chain["rainbow"], chain["told"]
    if rainbow["state"] != "connected":
        yield "rainbow", f"Rainbow cannot be told, or cannot ask: {rainbow['reason']}", SEE_STATUS
    if told["refused"]:
        yield (
            "told",
            "Rainbow does not let itself be told of this user.",
            "Was the user removed in Rainbow just now? It is tried again hourly.",
        )
    elif told["waits"] and told["failing"]:
        yield "told", f"Rainbow could not be told so far: {told['failing']}.", _RETRY
    elif told["late"]:
        yield (
            "asked",
            "Rainbow was told and has not asked since.",
            "It is told again. Is Exchange Calendar Synchronization on in Rainbow's administration?",
        )
