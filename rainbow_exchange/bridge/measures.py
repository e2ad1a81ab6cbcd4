"""The parts' own counters as one view of plain numbers, which `metrics.render` shows."""

from collections.abc import Mapping
from typing import Any

from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.telling import telling
from rainbow_exchange.ews.client import EwsClient


def measures(pipeline: Pipeline, exchange: EwsClient, mailboxes: Mapping[str, int]) -> dict[str, Any]:
    """Return name → number, or name → label → number, by the names of `docs/reference/metrics.md`; no address.

    `mailboxes` are the users' by coverage.
    """
    parts = pipeline.parts
    told = telling(pipeline)
    watcher, limits = parts.watcher, parts.watcher.limits()
    listing = pipeline.membership.listing
    answers, now = parts.answers.counters, parts.now()
    opened = [stream.opened_at or now for stream in watcher.streams() if stream.state == "streamed"]
    return {
        "users": len(parts.roster),
        "users_listed_timestamp_seconds": listing.listed_at and listing.listed_at.timestamp(),
        "user_listings": listing.counters.listings,
        "user_listing_failures": listing.counters.failed,
        "users_looked_up": listing.counters.looked_up,
        "due_users": told.waiting,
        "due_oldest_seconds": told.oldest_seconds or 0.0,
        "refused_users": told.refused,
        "users_not_asked_for": told.did_not_ask,
        "notify_calls": parts.notifier.counters.calls,
        "notify_failures": parts.notifier.counters.failed_calls,
        "mailboxes": mailboxes,
        "streams": limits.streams_open,
        "stream_oldest_age_seconds": max(0.0, (now - min(opened, default=now)).total_seconds()),
        "stream_age_at_end_seconds": watcher.counters.ages,
        "mailboxes_beyond_subscription_limit": limits.beyond,
        "mailboxes_owner_bound": len(watcher.owner_bound.mailboxes),
        "streams_limit": limits.streams_limit,
        "requests_in_flight": exchange.in_flight.in_flight,
        "requests_in_flight_limit": int(exchange.in_flight.limit),
        "poll_period_seconds": pipeline.changes.polling.period if mailboxes["polled"] else None,
        "out_of_office_period_seconds": parts.absences.counters.period,
        "mailboxes_read": parts.reader.modes(),
        "changes_told": parts.counters.changes,
        "changes_recovered": parts.counters.recovered_changes,
        "changes_found_after_gap": parts.counters.changes_found_after_gap,
        "unreadable_appointments": parts.reader.counters.unreadable_appointments,
        "appointments_in_unknown_zones": parts.reader.counters.zones.appointments,
        "stream_reopenings": watcher.counters.reopened,
        "stream_ends": watcher.counters.ends,
        "subscriptions_on_another_server": watcher.counters.on_another_server,
        "subscriptions_renewed": watcher.counters.renewals,
        "mailboxes_lost": watcher.counters.losses,
        "ews_received_bytes": exchange.counters.bytes_received,
        "ews_requests": exchange.counters.requests,
        "ews_errors": exchange.counters.errors,
        "questions": {
            "answered": answers.answered - answers.stale,
            "stale": answers.stale,
            "not_found": answers.not_found,
            "not_in_time": answers.not_in_time,
            "bad_request": answers.bad_request,
        },
    }
