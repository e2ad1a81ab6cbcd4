"""The people of the company as a list to look through: searched, filtered, sorted, and given a page at a time.

50,000 people take a while, so they are looked through in slices between which everything else goes on. The order that
was found is kept for the pages that follow. The form: `docs/reference/commands.md`, section "mailboxes".
"""

import asyncio
import heapq
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from rainbow_exchange.bridge.coverage import is_streamed, why_not_read, why_not_streamed
from rainbow_exchange.bridge.people import name_of, trouble_of
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.roster import Member, addresses
from rainbow_exchange.diagnosis.mailboxes_query import PAGE, STATES, Query, read_query
from rainbow_exchange.diagnosis.mapping import mapping_of
from rainbow_exchange.rainbow.wording import write_date

SCHEMA_VERSION = 1
#: people looked at in one go
_SLICE = 200
#: how long an order counts for further pages, and how many are kept
_KEPT_FOR = timedelta(minutes=2)
_KEPT = 4


@dataclass(frozen=True, slots=True)
class _Order:
    """Whom a query has found, in its order."""

    pipeline: Pipeline
    at: datetime
    ids: tuple[str, ...]
    counts: dict[str, int]


class Mailboxes:
    """Looks through the people of the bridge that `bridge` gives; `why_not` says why there is none."""

    def __init__(self, bridge: Callable[[], Pipeline | None], why_not: Callable[[], str]) -> None:
        self._bridge = bridge
        self._why_not = why_not
        self._orders: OrderedDict[Query, _Order] = OrderedDict()
        self._looking = asyncio.Lock()

    async def answer(self, wanted: object) -> dict[str, Any]:
        """Give a page: `wanted` is `{"state", "problem", "reason", "text", "sort", "offset", "limit"}`, all optional.

        Raises ValueError.
        """
        query, offset, limit = read_query(wanted)
        return await self.page(query, offset=offset, limit=limit)

    async def page(self, query: Query, *, offset: int = 0, limit: int = PAGE) -> dict[str, Any]:
        """Give the people of one page. Only the first page of a query looks anew; later ones keep to its order."""
        pipeline = self._bridge()
        if pipeline is None:
            self._orders.clear()
            return _not_ready(self._why_not())
        if not pipeline.membership.listing.listed and not len(pipeline.parts.roster):
            return _not_ready(
                "Rainbow has not listed the users of the company so far. rainbow-exchange status says more."
            )
        order = await self._order(pipeline, query, anew=offset == 0)
        people = []
        for place, user_id in enumerate(order.ids[offset : offset + limit]):
            if place % _SLICE == _SLICE - 1:
                await asyncio.sleep(0)
            member = pipeline.parts.roster.get(user_id)
            if member is not None and _matches(pipeline, member, query):
                people.append(_row(pipeline, member))
        return {
            "schema_version": SCHEMA_VERSION,
            "state": "shown",
            "reason": "",
            "as_of": write_date(order.at),
            "counts": order.counts,
            "matching": len(order.ids),
            "offset": offset,
            "next_offset": offset + limit if offset + limit < len(order.ids) else None,
            "people": people,
        }

    async def _order(self, pipeline: Pipeline, query: Query, *, anew: bool) -> _Order:
        now = pipeline.parts.now()
        known = self._orders.get(query)
        if known and not anew and known.pipeline is pipeline and now - known.at < _KEPT_FOR:
            self._orders.move_to_end(query)
            return known
        async with self._looking:
            order = await _look(pipeline, query, now)
        self._orders[query] = order
        self._orders.move_to_end(query)
        if len(self._orders) > _KEPT:
            self._orders.popitem(last=False)
        return order


async def _look(pipeline: Pipeline, query: Query, now: datetime) -> _Order:
    """Look at everybody, a slice at a time."""
    counts = dict.fromkeys(("total", "streamed", "polled", "uncovered", "not_read"), 0)
    runs: list[list[tuple[str, str]]] = [[]]
    for place, member in enumerate(pipeline.parts.roster):
        if place % _SLICE == _SLICE - 1:
            runs[-1].sort()
            runs.append([])
            await asyncio.sleep(0)
        counts["total"] += 1
        counts[_state(pipeline, member)] += 1
        counts["not_read"] += why_not_read(pipeline, member) is not None
        if _matches(pipeline, member, query):
            runs[-1].append((_key(pipeline, member, query.sort), member.user.id))
    runs[-1].sort()
    ids: list[str] = []
    for _, user_id in heapq.merge(*runs):
        ids.append(user_id)
        if len(ids) % _SLICE == 0:
            await asyncio.sleep(0)
    return _Order(pipeline, now, tuple(ids), counts)


def _state(pipeline: Pipeline, member: Member) -> str:
    """Say how changes of somebody's calendar are noticed: "streamed", "polled", "uncovered"."""
    watched = member.mailbox and pipeline.parts.watcher.coverage(member.mailbox.address)
    return {"streamed": "streamed", "waiting": "polled"}.get(watched or "", "uncovered")


def _not_ready(reason: str) -> dict[str, Any]:
    return {"schema_version": SCHEMA_VERSION, "state": "not-ready", "reason": reason}


def _matches(pipeline: Pipeline, member: Member, query: Query) -> bool:
    if query.state and not _is_in(pipeline, member, query.state):
        return False
    if query.problem and trouble_of(member) != query.problem:
        return False
    if query.reason and query.reason.lower() not in _reason(pipeline, member).lower():
        return False
    return not query.text or any(_says(value, query.text.lower()) for value in _values(member))


def _is_in(pipeline: Pipeline, member: Member, state: str) -> bool:
    if state == "not-read":
        return why_not_read(pipeline, member) is not None
    if state == "not-streamed":
        return not is_streamed(pipeline, member)
    return _state(pipeline, member) == state


def _values(member: Member) -> Iterator[str]:
    yield from addresses(member.user)
    yield member.user.id.lower()
    if member.mailbox is not None:
        yield member.mailbox.address


def _says(value: str, text: str) -> bool:
    return fnmatchcase(value, text) if "*" in text or "?" in text else text in value


def _reason(pipeline: Pipeline, member: Member) -> str:
    if not is_streamed(pipeline, member):
        return why_not_streamed(pipeline, member).reason
    unread = why_not_read(pipeline, member)
    return unread.reason if unread else ""


def _key(pipeline: Pipeline, member: Member, sort: str) -> str:
    """Give what somebody is sorted by; those without a value come last, and the login decides among equals."""
    name = name_of(member).lower()
    match sort:
        case "mailbox":
            value = member.mailbox.address if member.mailbox else ""
        case "state":
            value = str(STATES.index(_state(pipeline, member)))
        case "reason":
            value = _reason(pipeline, member)
        case "next-try":
            next_try = _next_try(pipeline, member)
            value = write_date(next_try) if next_try else ""
        case _:
            return name
    return f"{value or chr(0x10FFFF)}\0{name}"


def _next_try(pipeline: Pipeline, member: Member) -> datetime | None:
    if not is_streamed(pipeline, member):
        return why_not_streamed(pipeline, member).next_try
    unread = why_not_read(pipeline, member)
    return unread.next_try if unread else None


def _row(pipeline: Pipeline, member: Member) -> dict[str, Any]:
    """Show one person."""
    parts = pipeline.parts
    mailbox = member.mailbox.address if member.mailbox else None
    mode = parts.reader.mode(mailbox) if mailbox else None
    mapping = mapping_of(member, parts.roster)
    unread, next_try = why_not_read(pipeline, member), _next_try(pipeline, member)
    return {
        "user": name_of(member),
        "user_id": member.user.id,
        "state": _state(pipeline, member),
        "mailbox": mailbox,
        "identifier": member.identifier and {"kind": member.identifier.kind.value, "value": member.identifier.value},
        "read_mode": mode and mode.value,
        "read": not unread,
        "reason": _reason(pipeline, member),
        "next_try": write_date(next_try) if next_try else None,
        "finding": mapping.finding,
        "says": mapping.says,
        "suggestion": mapping.suggestion,
        "problem": mapping.problem or None,
        "tries": [
            {"kind": each.identifier.kind.value, "value": each.identifier.value, "code": each.code}
            for each in member.tries
        ],
    }
