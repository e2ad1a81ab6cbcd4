"""The streams over which Exchange announces changes: how each stands, and how many the server allows.

Whoever is in one of them, `mailboxes` lists by its number.
"""

from datetime import datetime, timedelta
from typing import Any

from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.ews.views import StreamView
from rainbow_exchange.json_text import iso

#: streams on a page
PAGE = 100
#: what is not well comes first
_ORDER = ("backing-off", "waiting", "opening", "gathering", "streamed")


def streams(pipeline: Pipeline, *, offset: int = 0, limit: int = PAGE) -> dict[str, Any]:
    """Return the streams of one page, and what is to be said of all of them."""
    parts, now = pipeline.parts, pipeline.parts.now()
    views = sorted(parts.watcher.streams(), key=lambda each: (_ORDER.index(each.state), each.number))
    limits = parts.watcher.limits()
    waiting = sum(each.members for each in views if each.state == "waiting")
    polled = waiting + limits.beyond
    wait = limits.seconds_to_next_stream
    return {
        "streams": len(views),
        "open": sum(each.state == "streamed" for each in views),
        "members": sum(each.members for each in views),
        "reopenings": sum(each.reopenings for each in views),
        "limit": limits.streams_limit,
        "refusals": limits.stream_refusals,
        "next_stream_try": iso(now + timedelta(seconds=wait)) if wait > 0 else None,
        "polled": polled,
        "polled_without_subscription": limits.beyond,
        "poll_seconds": round(pipeline.changes.polling.period) if polled else None,
        "offset": offset,
        "next_offset": offset + limit if offset + limit < len(views) else None,
        "shown": [_shown(each, now) for each in views[offset : offset + limit]],
    }


def _shown(view: StreamView, now: datetime) -> dict[str, Any]:
    return {
        "number": view.number,
        "state": view.state,
        "reason": view.reason,
        "next_try": iso(view.next_try),
        "members": view.members,
        "own": view.own,
        "anchor": view.anchor,
        "opened_at": iso(view.opened_at),
        "age_seconds": _seconds(view.opened_at, now) if view.state == "streamed" else None,
        "last_heartbeat": iso(view.last_heartbeat),
        "reopenings": view.reopenings,
        "server": view.server,
        "front_end": view.front_end or None,
        "back_end": view.back_end or None,
    }


def _seconds(since: datetime | None, now: datetime) -> int | None:
    return None if since is None else max(0, round((now - since).total_seconds()))
