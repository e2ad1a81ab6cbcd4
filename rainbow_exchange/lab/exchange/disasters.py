"""Fail-overs and moves to order, over the lab's own wire below /lab/ (ews.md §1 and §2)."""

import asyncio
from itertools import count
from typing import Any

from aiohttp import web

from rainbow_exchange.lab.exchange.back_ends import BackEnds
from rainbow_exchange.lab.exchange.controls import plainly
from rainbow_exchange.lab.exchange.dials import Dials
from rainbow_exchange.lab.exchange.mailbox import Directory
from rainbow_exchange.lab.exchange.streams import Streams
from rainbow_exchange.lab.exchange.subscriptions import Subscriptions
from rainbow_exchange.lab.outage import Outage

_ENDS = ("drop", "error", "silence")
#: how streams are told: the code, and what its text names besides
_MOVED = {
    "ErrorInvalidSubscription": "ErrorInvalidSubscription MailboxMoveStarted",
    "ErrorProxyRequestNotAllowed": "ErrorProxyRequestNotAllowed",
    "ErrorMailboxMoveInProgress": "ErrorMailboxMoveInProgress",
}


class Disasters:
    """The handlers. Faults in what is asked are answered with 400 or 404 and a sentence."""

    def __init__(
        self,
        *,
        back_ends: BackEnds,
        directory: Directory,
        subscriptions: Subscriptions,
        streams: Streams,
        dials: Dials,
        outage: Outage,
    ) -> None:
        self._dials = dials
        self._outage = outage
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._servers = count(2)
        self._movers = count()
        self._back_ends = back_ends
        self._directory = directory
        self._subscriptions = subscriptions
        self._streams = streams

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        app.router.add_post("/lab/fail-over", plainly(self._failed_over))
        app.router.add_post("/lab/mailboxes/{address}/move", plainly(self._moved))
        app.router.add_post("/lab/mailboxes/{address}/notify", plainly(self._notified))
        app.router.add_get("/lab/outage", plainly(self._away))
        app.router.add_post("/lab/outage", plainly(self._went_away))
        app.on_startup.append(self._begin)
        app.on_cleanup.append(self._end)

    async def _begin(self, _: web.Application) -> None:
        self.plan()

    async def _end(self, _: web.Application) -> None:
        for timer in self._timers.values():
            timer.cancel()

    def plan(self) -> None:
        """Have happen what the dials say happens every so many minutes."""
        for name in ("fail_over_minutes", "move_minutes"):
            if timer := self._timers.pop(name, None):
                timer.cancel()
            minutes = getattr(self._dials, name)
            if minutes > 0:
                self._timers[name] = asyncio.get_running_loop().call_later(minutes * 60, self._strike, name)

    def _strike(self, name: str) -> None:
        domain = self._back_ends.name.partition(".")[2]
        if name == "fail_over_minutes":
            self.fail_over(f"exch{next(self._servers):02}.{domain}")
        elif mailboxes := list(self._directory.by_address.values()):
            mailbox = mailboxes[next(self._movers) % len(mailboxes)]
            usual, other = self._back_ends.name, f"exch99.{domain}"
            self.move(mailbox.address, other if self._back_ends.home(mailbox) == usual else usual)
        minutes = getattr(self._dials, name)
        self._timers[name] = asyncio.get_running_loop().call_later(minutes * 60, self._strike, name)

    async def _failed_over(self, http: web.Request) -> web.Response:
        wanted = await http.json()
        return web.json_response({"forgotten": self.fail_over(**wanted)})

    def fail_over(self, server: str, *, streams: str = "drop", refuse_seconds: float = 0.0) -> int:
        """Forget all subscriptions and let `server` take over; return how many there were.

        `streams` is how the open ones learn of it: "drop" (reset), "error" (ErrorSubscriptionNotFound for each id), or
        "silence". Raises ValueError.
        """
        if streams not in _ENDS:
            raise ValueError(f"streams is one of {', '.join(_ENDS)}")
        if streams != "error":
            for stream in tuple(self._streams.open):
                stream.ordered(streams)
        forgotten = list(self._subscriptions)
        for each in forgotten:
            self._subscriptions.remove(each)
        self._back_ends.fail_over(server, refuses=refuse_seconds)
        return len(forgotten)

    async def _moved(self, http: web.Request) -> web.Response:
        wanted: dict[str, Any] = await http.json()
        return web.json_response({"forgotten": self.move(http.match_info["address"], **wanted)})

    async def _went_away(self, http: web.Request) -> web.Response:
        self._outage.set(await http.json())
        return web.json_response(self._outage.as_json())

    async def _away(self, _: web.Request) -> web.Response:
        return web.json_response(self._outage.as_json())

    async def _notified(self, http: web.Request) -> web.Response:
        """Tell the subscriptions of a mailbox that something has changed, though nothing has."""
        mailbox = self._directory.named(http.match_info["address"])
        return web.json_response({"subscriptions": self._subscriptions.cry_wolf(mailbox)})

    def move(
        self, address: str, server: str, *, code: str = "ErrorInvalidSubscription", takes_seconds: float = 0.0
    ) -> int:
        """Move a mailbox to `server`; streams name its subscriptions with `code`. Raises LookupError, ValueError."""
        mailbox = self._directory.named(address)
        if code not in _MOVED:
            raise ValueError(f"code is one of {', '.join(_MOVED)}")
        self._back_ends.move(mailbox, server, takes=takes_seconds)
        forgotten = self._subscriptions.of(mailbox.address)
        for each in forgotten:
            each.lost = _MOVED[code]
            self._subscriptions.remove(each)
        return len(forgotten)
