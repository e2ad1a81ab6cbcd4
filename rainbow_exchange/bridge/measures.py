"""The parts' own counters as one view of plain numbers, which `metrics.render` shows."""

from typing import Any

from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.telling import telling
from rainbow_exchange.bridge.throttling import meter
from rainbow_exchange.ews.client import EwsClient


def measures(pipeline: Pipeline, exchange: EwsClient) -> dict[str, Any]:
    """Return name → number, or name → label → number, by the names of `docs/reference/metrics.md`; no address."""
    parts = pipeline.parts
    told = telling(pipeline)
    throttling = meter(pipeline, exchange)
    listing = pipeline.membership.listing
    return {
        "users": len(parts.roster),
        "users_listed_seconds": listing.listed_at and listing.listed_at.timestamp(),
        "user_listings": listing.counters.listings,
        "user_listing_failures": listing.counters.failed,
        "users_looked_up": listing.counters.looked_up,
        "due_users": told.waiting,
        "due_oldest_seconds": told.oldest_seconds or 0.0,
        "refused_users": told.refused,
        "users_not_asked_for": told.did_not_ask,
        "notify_calls": parts.notifier.counters.calls,
        "notify_failures": parts.notifier.counters.failed_calls,
        "streams": throttling.streams_open,
        "mailboxes_owner_bound": len(parts.watcher.owner_bound.mailboxes),
        "streams_limit": throttling.streams_limit,
        "requests_in_flight": throttling.requests_in_flight,
        "requests_in_flight_limit": throttling.requests_limit,
        "poll_period_seconds": throttling.poll_period_seconds,
        "out_of_office_period_seconds": parts.absences.counters.period,
        "mailboxes_read": parts.reader.modes(),
        "changes_told": parts.counters.changes,
        "changes_recovered": parts.counters.recovered_changes,
        "changes_found_after_gap": parts.counters.changes_found_after_gap,
        "unreadable_appointments": parts.reader.counters.unreadable_appointments,
        "appointments_in_unknown_zones": parts.reader.counters.zones.appointments,
        "stream_reopenings": parts.watcher.counters.reopened,
        "stream_ends": parts.watcher.counters.ends,
        "subscriptions_on_another_server": parts.watcher.counters.on_another_server,
        "subscriptions_renewed": parts.watcher.counters.renewals,
        "mailboxes_lost": parts.watcher.counters.losses,
        "ews_back_offs": exchange.counters.back_offs,
        "ews_received_bytes": exchange.counters.bytes_received,
        "ews_requests": exchange.counters.requests,
        "ews_errors": exchange.counters.errors,
        "questions": {
            "answered": parts.answers.counters.answered,
            "stale": parts.answers.counters.stale,
            "not_found": parts.answers.counters.not_found,
            "not_in_time": parts.answers.counters.not_in_time,
        },
    }
