"""Many changes to calendars by one call of the lab's own wire, at a pace of the lab's own; a seed says which."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from random import Random
from typing import Any

from aiohttp import web

from rainbow_exchange.ending import ended_alone
from rainbow_exchange.lab.exchange.calendar import Details, Item
from rainbow_exchange.lab.exchange.controls import plainly
from rainbow_exchange.lab.exchange.mailbox import Directory, Mailbox
from rainbow_exchange.lab.exchange.written import Written
from rainbow_exchange.lab.names import made_subject

_KEPT = 200_000
_MOST = 1_000_000
#: a new appointment begins within so many minutes; one that is put off begins so many later
_BEGINS, _LATER = (5, 8 * 60), (15, 120)
_LENGTH = timedelta(minutes=30)
#: what begins later nobody needs to be told of yet
_NEAR = timedelta(days=7)


class Changes:
    """The handlers. Faults in what is asked are answered with 400 or 404 and a sentence."""

    def __init__(self, *, directory: Directory, written: Written, now: Callable[[], datetime]) -> None:
        self._directory = directory
        self._written = written
        self._now = now
        self._kept: deque[tuple[int, float, str, str]] = deque(maxlen=_KEPT)
        self._newest = 0
        self._left = 0
        self._orders: set[asyncio.Task[None]] = set()

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        app.router.add_get("/lab/written", plainly(self._show_written))
        app.router.add_get("/lab/changes", plainly(self._show))
        app.router.add_post("/lab/changes", plainly(self._order))
        app.router.add_delete("/lab/changes", plainly(self._withdraw))
        app.router.add_post("/lab/meetings", plainly(self._meet))
        app.on_cleanup.append(self._end)

    async def _show_written(self, http: web.Request) -> web.Response:
        asked = http.query.get("since", "0")
        since = self._written.newest if asked == "now" else int(asked)
        return web.json_response(self._written.as_json(since=since))

    async def _show(self, http: web.Request) -> web.Response:
        asked = http.query.get("since", "0")
        since = self._newest if asked == "now" else int(asked)
        found = list(takewhile(lambda each: each[0] > since, reversed(self._kept)))[::-1]
        changes = [
            {"number": number, "at": at, "mailbox": mailbox, "kind": kind} for number, at, mailbox, kind in found
        ]
        return web.json_response({"newest": self._newest, "left": self._left, "changes": changes})

    async def _order(self, http: web.Request) -> web.Response:
        """Plan so many changes, spread evenly over so many seconds, and answer at once."""
        wanted = await http.json()
        mailboxes = self._chosen(wanted)
        count = _whole(wanted, "count", len(mailboxes))
        seconds = float(wanted.pop("seconds", 0))
        random = Random(_whole(wanted, "seed", 1))
        _nothing_else(wanted)
        if not 0 <= seconds < float("inf"):
            raise ValueError("seconds is a finite number, 0 or more")
        if not 1 <= count <= _MOST or not mailboxes:
            raise ValueError(f"count is 1 to {_MOST}, of changes to one mailbox at least")
        self._left += count
        order = asyncio.create_task(self._make(mailboxes, count, seconds, random), name="lab-changes")
        self._orders.add(order)
        order.add_done_callback(self._orders.discard)
        return web.json_response({"planned": count}, status=202)

    async def _make(self, mailboxes: Sequence[Mailbox], count: int, seconds: float, random: Random) -> None:
        clock = asyncio.get_running_loop().time
        begin, made = clock(), 0
        try:
            for mailbox in _in_turn(mailboxes, count, random):
                await asyncio.sleep(max(0.0, begin + made * seconds / count - clock()))
                self._change(mailbox, random)
                made += 1
                self._left -= 1
        finally:
            self._left -= count - made

    def _change(self, mailbox: Mailbox, random: Random) -> None:
        """Make, put off or delete an appointment that is near and not over: whoever may see times only sees each."""
        now = self._now()
        calendar = mailbox.calendar
        kind = random.choice(("created", "moved", "deleted"))
        single = [each for each in calendar.items.values() if _may_change(each, now)] if kind != "created" else []
        if not single:
            kind = "created"
            start = now.replace(second=0, microsecond=0) + timedelta(minutes=random.randint(*_BEGINS))
            calendar.create(Details(start=start, end=start + _LENGTH, subject=made_subject(random), zone=mailbox.zone))
        else:
            item = random.choice(single)
            if kind == "moved":
                calendar.put_off(item, timedelta(minutes=random.randint(*_LATER)))
            else:
                calendar.delete(item)
        self._newest += 1
        self._kept.append((self._newest, self._now().timestamp(), mailbox.address, kind))

    async def _withdraw(self, _: web.Request) -> web.Response:
        """Make none of the changes that are still planned, and forget those made; numbers go on."""
        for order in tuple(self._orders):
            await ended_alone(order)
        self._kept.clear()
        return web.json_response({})

    async def _end(self, _: web.Application) -> None:
        for order in tuple(self._orders):
            await ended_alone(order)

    async def _meet(self, http: web.Request) -> web.Response:
        """Have a meeting begin at the same time in many mailboxes."""
        wanted = await http.json()
        mailboxes = self._chosen(wanted)
        count = _whole(wanted, "count", len(mailboxes))
        random = Random(_whole(wanted, "seed", 1))
        begin = datetime.fromisoformat(wanted.pop("begin"))
        length = timedelta(minutes=_whole(wanted, "minutes", 30))
        _nothing_else(wanted)
        if begin.tzinfo is None:
            raise ValueError("begin is an instant, with its offset")
        met = random.sample(mailboxes, min(max(count, 0), len(mailboxes)))
        for mailbox in met:
            mailbox.calendar.create(
                Details(start=begin, end=begin + length, subject=made_subject(random), zone=mailbox.zone)
            )
        return web.json_response({"meetings": len(met)})

    def _chosen(self, wanted: dict[str, Any]) -> list[Mailbox]:
        """Give the mailboxes that are named, or all."""
        named = wanted.pop("mailboxes", None)
        if named is None:
            return list(self._directory.by_address.values())
        return [self._directory.named(each) for each in named]


def _in_turn(mailboxes: Sequence[Mailbox], count: int, random: Random) -> Iterator[Mailbox]:
    """Yield so many of them, none again before all the others."""
    while count > 0:
        once = random.sample(mailboxes, min(count, len(mailboxes)))
        yield from once
        count -= len(once)


def _may_change(item: Item, now: datetime) -> bool:
    near = item.details.end > now and item.details.start < now + _NEAR
    return near and item.folder == "calendar" and item.recurrence is None


def _whole(wanted: dict[str, Any], name: str, otherwise: int) -> int:
    value = wanted.pop(name, otherwise)
    if type(value) is not int:
        raise ValueError(f"{name} is a whole number")
    return value


def _nothing_else(wanted: dict[str, Any]) -> None:
    if wanted:
        raise ValueError(f"not understood: {', '.join(sorted(wanted))}")
