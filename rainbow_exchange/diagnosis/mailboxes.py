"""The people of the company as a list to look through: searched, filtered, sorted, and given a page at a time.

50,000 people take a while, so they are looked through in slices between which everything else goes on. The order that
was found is kept for the pages that follow. The form: `docs/reference/commands.md`, section "mailboxes".
"""

import asyncio
import heapq
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from rainbow_exchange.bridge.coverage import is_streamed, why_not_read, why_not_streamed
from rainbow_exchange.bridge.people import name_of
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.roster import Member
from rainbow_exchange.bridge.standings import trouble_of
from rainbow_exchange.diagnosis.mailboxes_query import PAGE, STATES, Query, read_query
from rainbow_exchange.diagnosis.mapping import mapping_of
from rainbow_exchange.rainbow.wording import write_date
from rainbow_exchange.words import _

SCHEMA_VERSION = 1
#: seconds that no loop's clock reaches
_FAR = 1e12
#: people looked at in one go
_SLICE = 200
#: how long an order counts for further pages, and how many are kept
_KEPT_FOR = timedelta(minutes=2)
_KEPT = 12
#: seconds for each person for which an order counts to whoever looks again and again: looking takes 2 % of that
_GLANCE = 0.0003
#: reasons that are counted apart; after a colon or semicolon a reason goes on with what concerns one person
_REASONS = 50


@dataclass(frozen=True, slots=True)
class _Order:
    """Whom a query has found, in its order."""

    pipeline: Pipeline
    at: datetime
    ids: tuple[str, ...]
    counts: dict[str, int]
    reasons: dict[str, int]


class Mailboxes:
    """Looks through the people of the bridge that `bridge` gives; `why_not` says why there is none."""

    def __init__(self, bridge: Callable[[], Pipeline | None], why_not: Callable[[], str]) -> None:
        self._bridge = bridge
        self._why_not = why_not
        self._orders: OrderedDict[Query, _Order] = OrderedDict()
        self._looking = asyncio.Lock()

    async def answer(self, wanted: object) -> dict[str, Any]:
        """Give a page: `wanted` has what `Query` has, "offset" and "limit", all optional.

        Raises ValueError.
        """
        query, offset, limit = read_query(wanted)
        return await self.page(query, offset=offset, limit=limit)

    async def page(self, query: Query, *, offset: int = 0, limit: int = PAGE, glance: bool = False) -> dict[str, Any]:
        """Give the people of one page. Only the first page of a query looks anew; later ones keep to its order.

        With `glance`, for whoever looks again every other second, any page keeps to an order that is not too old: what
        it says of each person is as of now, whom it names and counts may be some seconds old.
        """
        pipeline = self._bridge()
        if pipeline is None:
            self._orders.clear()
            return _not_ready(self._why_not())
        if not pipeline.membership.listing.listed and not len(pipeline.parts.roster):
            return _not_ready(
                _("Rainbow has not listed the users of the company so far. rainbow-exchange status says more.")
            )
        young = _KEPT_FOR
        if glance:
            young = timedelta(seconds=_GLANCE * len(pipeline.parts.roster) * (1 + len(self._orders)))
        elif offset == 0:
            young = timedelta(0)
        order = await self._order(pipeline, query, young)
        people = []
        for place, user_id in enumerate(order.ids[offset : offset + limit]):
            if place % _SLICE == _SLICE - 1:
                await asyncio.sleep(0)
            member = pipeline.parts.roster.get(user_id)
            if member is not None and _matches(pipeline, member, query):
                people.append(row(pipeline, member))
        return {
            "schema_version": SCHEMA_VERSION,
            "state": "shown",
            "reason": "",
            "as_of": write_date(order.at),
            "counts": order.counts,
            "reasons": order.reasons,
            "matching": len(order.ids),
            "offset": offset,
            "next_offset": offset + limit if offset + limit < len(order.ids) else None,
            "people": people,
        }

    async def _order(self, pipeline: Pipeline, query: Query, young: timedelta) -> _Order:
        """Give an order that is younger than that."""
        if (known := self._known(pipeline, query, young)) is not None:
            return known
        async with self._looking:
            if (known := self._known(pipeline, query, young)) is not None:  # somebody else has looked meanwhile
                return known
            order = await _look(pipeline, query, pipeline.parts.now())
        self._orders[query] = order
        self._orders.move_to_end(query)
        if len(self._orders) > _KEPT:
            self._orders.popitem(last=False)
        return order

    def _known(self, pipeline: Pipeline, query: Query, young: timedelta) -> _Order | None:
        known = self._orders.get(query)
        if known is None or known.pipeline is not pipeline or pipeline.parts.now() - known.at >= young:
            return None
        self._orders.move_to_end(query)
        return known


async def _look(pipeline: Pipeline, query: Query, now: datetime) -> _Order:
    """Look at everybody, a slice at a time."""
    counts = dict.fromkeys(("total", "streamed", "polled", "uncovered", "not_read"), 0)
    reasons: Counter[str] = Counter()
    runs: list[list[tuple[str, str]]] = [[]]
    for place, member in enumerate(pipeline.parts.roster):
        if place % _SLICE == _SLICE - 1:
            runs[-1].sort()
            runs.append([])
            await asyncio.sleep(0)
        counts["total"] += 1
        counts[_state(pipeline, member)] += 1
        counts["not_read"] += why_not_read(pipeline, member) is not None
        if reason := _reason(pipeline, member):
            reasons[reason.partition(";")[0].partition(":")[0]] += 1
        if _matches(pipeline, member, query):
            runs[-1].append((_key(pipeline, member, query.sort), member.user.id))
    runs[-1].sort()
    ids: list[str] = []
    for _sorted_by, user_id in heapq.merge(*runs):
        ids.append(user_id)
        if len(ids) % _SLICE == 0:
            await asyncio.sleep(0)
    return _Order(pipeline, now, tuple(ids), counts, dict(reasons.most_common(_REASONS)))


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
    if query.stream and query.stream != str(_stream(pipeline, member)):
        return False
    if query.reason and query.reason.lower() not in _reason(pipeline, member).lower():
        return False
    return not query.text or _says(_values(member), query.text.lower())


def _is_in(pipeline: Pipeline, member: Member, state: str) -> bool:
    if state == "not-read":
        return why_not_read(pipeline, member) is not None
    if state == "not-streamed":
        return not is_streamed(pipeline, member)
    return _state(pipeline, member) == state


def _values(member: Member) -> str:
    """Give everything that somebody may be looked for by, each on a line: one text is searched the fastest."""
    user = member.user
    emails = (*user.work_emails, *user.personal_emails, *user.other_emails)
    mailbox = member.mailbox.address if member.mailbox else ""
    return "\n".join((user.login_email, *emails, user.external_uid or "", user.id, mailbox)).lower()


def _says(values: str, text: str) -> bool:
    if "*" in text or "?" in text:
        return any(fnmatchcase(value.strip(), text) for value in values.split("\n"))
    return text in values


def _reason(pipeline: Pipeline, member: Member) -> str:
    if not is_streamed(pipeline, member):
        return why_not_streamed(pipeline, member).reason
    unread = why_not_read(pipeline, member)
    return unread.reason if unread else ""


def _stream(pipeline: Pipeline, member: Member) -> int | None:
    """Give the number of the stream that carries somebody, or is to."""
    return pipeline.parts.watcher.stream_number(member.mailbox.address) if member.mailbox else None


def _last(pipeline: Pipeline, member: Member) -> dict[str, float | None]:
    """Say when a calendar last changed, Rainbow was last told of it, and last asked; on the loop's clock."""
    entry = pipeline.parts.reader.entry(member.mailbox.address) if member.mailbox else None
    told, asked = pipeline.parts.ledger.last(member.user.id)
    return {"changed": entry.changed_at if entry else None, "told": told, "asked": asked}


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
        case "stream":
            number = _stream(pipeline, member)
            value = "" if number is None else f"{number:09}"
        case "changed" | "told" | "asked":
            moment = _last(pipeline, member)[sort]
            value = "" if moment is None else f"{_FAR - moment:020.3f}"
        case _:
            return name
    return f"{value or chr(0x10FFFF)}\0{name}"


def _next_try(pipeline: Pipeline, member: Member) -> datetime | None:
    if not is_streamed(pipeline, member):
        return why_not_streamed(pipeline, member).next_try
    unread = why_not_read(pipeline, member)
    return unread.next_try if unread else None


def row(pipeline: Pipeline, member: Member) -> dict[str, Any]:
    """Show one person, as a row of the list."""
    parts = pipeline.parts
    mailbox = member.mailbox.address if member.mailbox else None
    mode = parts.reader.mode(mailbox) if mailbox else None
    mapping = mapping_of(member, parts.roster)
    unread, next_try = why_not_read(pipeline, member), _next_try(pipeline, member)
    last = {name: moment and write_date(parts.wall(moment)) for name, moment in _last(pipeline, member).items()}
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
        "stream": _stream(pipeline, member),
        "last_change": last["changed"],
        "last_told": last["told"],
        "last_question": last["asked"],
        "finding": mapping.finding,
        "says": mapping.says,
        "suggestion": mapping.suggestion,
        "problem": mapping.problem or None,
        "tries": [
            {"kind": each.identifier.kind.value, "value": each.identifier.value, "code": each.code}
            for each in member.tries
        ],
    }
