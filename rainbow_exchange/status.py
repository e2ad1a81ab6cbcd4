"""What the status says of both sides, in plain words and numbers (`docs/reference/status.md`)."""

from dataclasses import fields
from datetime import datetime
from typing import Any

from rainbow_exchange.bridge import coverage, throttling
from rainbow_exchange.bridge.coverage import NotRead, NotStreamed
from rainbow_exchange.bridge.discovery import Discovery
from rainbow_exchange.bridge.last_hour import Minute
from rainbow_exchange.bridge.listing import Listing
from rainbow_exchange.bridge.parts import BridgeCounters
from rainbow_exchange.bridge.telling import NOTHING_TO_TELL, Telling, telling
from rainbow_exchange.bridge.timings import Timings
from rainbow_exchange.json_text import iso
from rainbow_exchange.rainbow.link import LinkCounters
from rainbow_exchange.sides.both import Sides
from rainbow_exchange.sides.exchange import ExchangeSide
from rainbow_exchange.sides.holds import STARTING
from rainbow_exchange.sides.rainbow import RainbowSide

#: people that are named, of those who are not streamed and of those who cannot be read; the command `mailboxes` has all
LISTED = 500


def of(sides: Sides | None, timings: Timings) -> dict[str, Any]:
    """Return what both sides say, or why they are not there, and how long things take."""
    side = sides.rainbow if sides else None
    exchange, state = states(sides)
    rainbow = {
        "rainbow": state,
        "link": _link(side),
        "reports": _reports(side),
        **_timings(timings),
    }
    if sides and sides.exchange:
        why = _why_not_listed(sides)
        return {**rainbow, **_of_exchange(sides.exchange, exchange, why_not_listed=why)}
    return {**rainbow, **_without_exchange(exchange)}


def states(sides: Sides | None) -> tuple[dict[str, str], dict[str, str]]:
    """Return state and reason of Exchange, with the account, and of Rainbow."""
    hold = sides.hold if sides else None
    absent = {"state": hold.state, "reason": hold.reason} if hold else STARTING
    rainbow = sides.rainbow.health.state() if sides and sides.rainbow else absent
    if sides and sides.exchange:
        return sides.exchange.health.exchange(), rainbow
    return {"account": "", **(_looked_for(sides.discovery) if sides and sides.discovery else absent)}, rainbow


def _timings(timings: Timings) -> dict[str, Any]:
    """Say how long changes take, and what the last hour was like."""
    now = timings.now()
    return {
        "latency": {
            "told_p50": timings.told.quantile(0.5),
            "told_p99": timings.told.quantile(0.99),
            "asked_p50": timings.asked.quantile(0.5),
            "asked_p99": timings.asked.quantile(0.99),
        },
        "last_hour": _seen(timings.hour.whole(now))
        | {"minutes": [{"at": iso(at)} | _seen(minute) for at, minute in timings.hour.minutes(now)]},
    }


def _seen(minute: Minute) -> dict[str, Any]:
    shares = {"p50": 0.5, "p99": 0.99}
    return {"calendars": minute.calendars, "absences": minute.absences} | {
        f"{name}_{short}": None if (value := spread.quantile(share)) is None else round(value, 3)
        for name, spread in (("told", minute.told), ("asked", minute.asked))
        for short, share in shares.items()
    }


def _link(side: RainbowSide | None) -> dict[str, Any]:
    """Say what the link has seen over which Rainbow asks."""
    link = side.link if side else None
    counters = link.counters if link else LinkCounters()
    return {
        "kind": link.kind if link else None,
        "connected_since": iso(link.connected_since) if link and link.connected_since else None,
        "connections": counters.connects,
        "other_connectors": link.others if link else 0,
        "questions": counters.questions,
        "answered": counters.answered,
        "refused": counters.refused,
        "failed": counters.failed,
        "strangers": counters.strangers,
    }


def _reports(side: RainbowSide | None) -> dict[str, Any]:
    """Say what has become of the events that Rainbow is told."""
    if side is None:
        return {"sent": 0, "waiting": 0, "dropped": 0, "refused": None}
    outbox = side.reports.outbox
    return {
        "sent": outbox.counters.sent,
        "waiting": len(outbox),
        "dropped": outbox.counters.dropped,
        "refused": outbox.refusal and f"HTTP {outbox.refusal.status} ({outbox.refusal.code})",
    }


def _of_exchange(side: ExchangeSide, exchange: dict[str, str], *, why_not_listed: str) -> dict[str, Any]:
    pipeline, health = side.pipeline, side.health
    ends, boxes = health.certificate_ends(), health.mailboxes()
    missing = boxes["total"] - boxes["streamed"]
    return {
        "exchange": exchange | {"certificate_ends": ends and iso(ends)},
        "users": _users(pipeline.membership.listing, len(pipeline.parts.roster), why_not_listed),
        "mailboxes": boxes,
        "throttling": _dated(throttling.meter(pipeline, side.exchange)),
        "changes": _changes(pipeline.parts.counters),
        "notify": _dated(telling(pipeline)),
        "not_streamed_total": missing,
        "not_streamed": [_dated(each) for each in coverage.not_streamed(pipeline, most=min(missing, LISTED))],
        "not_read_total": len(pipeline.parts.reader.unread),
        "not_read": [_dated(each) for each in coverage.not_read(pipeline, most=LISTED)],
    }


def _without_exchange(exchange: dict[str, str]) -> dict[str, Any]:
    return {
        "exchange": exchange | {"certificate_ends": None},
        "users": None,
        "mailboxes": {"total": 0, "streamed": 0, "polled": 0, "uncovered": 0},
        "throttling": None,
        "changes": _changes(BridgeCounters()),
        "notify": _dated(NOTHING_TO_TELL),
        "not_streamed_total": 0,
        "not_streamed": [],
        "not_read_total": 0,
        "not_read": [],
    }


def _users(listing: Listing, total: int, why_not_listed: str) -> dict[str, Any]:
    """Return who is known, and how the list of them is kept."""
    done = listing.progress
    failed = listing.failed_at
    return {
        "total": total,
        "listed_at": listing.listed_at and iso(listing.listed_at),
        "next_listing": listing.next_at and iso(listing.next_at),
        "being_listed": done and {"done": done[0], "total": done[1]},
        "last_failure": failed and {"at": iso(failed), "reason": why_not_listed},
        "missing": listing.doubted,
    }


def _why_not_listed(sides: Sides) -> str:
    error = sides.exchange.pipeline.membership.listing.failure if sides.exchange else None
    return sides.rainbow.health.cause_of(error).text if error and sides.rainbow else ""


def _looked_for(discovery: Discovery) -> dict[str, str]:
    return {"state": "disconnected" if discovery.tried else "starting", "reason": discovery.reason}


def _changes(counters: BridgeCounters) -> dict[str, int]:
    return {
        "told": counters.changes,
        "found_after_gap": counters.changes_found_after_gap,
        "recovered": counters.recovered_changes,
    }


def _dated(view: NotStreamed | NotRead | Telling | throttling.Meter) -> dict[str, Any]:
    values = ((each.name, getattr(view, each.name)) for each in fields(view))
    return {name: iso(value) if isinstance(value, datetime) else value for name, value in values}
