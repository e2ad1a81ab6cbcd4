"""Every metric: kind, unit, labels and what it says. `docs/reference/metrics.md` is made of it.

Names keep Prometheus' rules: base units, `_total` for what only grows, `_timestamp_seconds` for an instant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One metric. `unit` is what a value counts; `labels`: name → all its values, or where they come from."""

    kind: Literal["gauge", "counter", "histogram"]
    unit: str
    help: str
    labels: Mapping[str, tuple[str, ...] | str] = field(default_factory=dict)


def _gauge(unit: str, text: str, **labels: tuple[str, ...] | str) -> Described:
    return Described(kind="gauge", unit=unit, help=text, labels=labels)


def _counter(unit: str, text: str, **labels: tuple[str, ...] | str) -> Described:
    return Described(kind="counter", unit=unit, help=text, labels=labels)


def _histogram(text: str) -> Described:
    return Described(kind="histogram", unit="seconds", help=text)


_SEVERITIES = ("error", "warning", "notice")
_INSTANT = "seconds since 1970"

#: title of a group on the page → name → what it is. A counter's name has `_total` besides when it is written.
GROUPS: Mapping[str, Mapping[str, Described]] = {
    "Is all well": {
        "build_info": _gauge("1", "Version of the program; always 1.", version="as in rainbow-exchange --version"),
        "state": _gauge(
            "1 or 0",
            "State of the connector: 1 for the one it is in, 0 for the others.",
            state=("starting", "healthy", "degraded", "switched off", "stopping"),
        ),
        "problems": _gauge("problems", "Problems that need a person.", severity=_SEVERITIES),
        "problem_open": _gauge(
            "1",
            "1 for each problem that is open; absent for the others.",
            id="the ids of the page Problems",
            severity=_SEVERITIES,
        ),
        "exchange_connected": _gauge("1 or 0", "Whether Exchange answers (1) or not (0)."),
        "rainbow_connected": _gauge("1 or 0", "Whether the link to Rainbow is up (1) or not (0)."),
        "start_time_seconds": _gauge(_INSTANT, "When the daemon started, in seconds since 1970."),
    },
    "Changes": {
        "changes_told": _counter("changes", "Changes of calendars that Exchange announced, or that polling found."),
        "told_latency_seconds": _histogram("Time from Exchange's notification to Rainbow's having been told."),
        "asked_latency_seconds": _histogram(
            "Time from Rainbow's having been told to the answer to its question about the calendar."
        ),
        "due_users": _gauge("users", "Users whose change Rainbow has not been told yet."),
        "due_oldest_seconds": _gauge(
            "seconds", "Age of the oldest change that Rainbow has not been told yet; 0 without one."
        ),
        "changes_recovered": _counter(
            "changes", "Changes that no notification announced and the background read found; should stay 0."
        ),
        "changes_found_after_gap": _counter(
            "changes", "Changes found when a mailbox was read because its stream had been interrupted."
        ),
    },
    "Exchange": {
        "mailboxes": _gauge(
            "mailboxes",
            "Mailboxes by how changes in them are noticed: announced by a stream, looked for, not at all.",
            coverage=("streamed", "polled", "uncovered"),
        ),
        "mailboxes_read": _gauge(
            "mailboxes",
            "Mailboxes by how they are read: free/busy of many at once, or each by itself.",
            mode=("batched", "own"),
        ),
        "streams": _gauge("streams", "Open streams from Exchange."),
        "streams_limit": _gauge(
            "streams", "Streams that Exchange allows, as learnt from its refusals; absent where none was met."
        ),
        "stream_oldest_age_seconds": _gauge(
            "seconds",
            "Age of the stream that has been open longest; 0 without one. Each lives for half an hour at most.",
        ),
        "stream_age_at_end_seconds": _histogram(
            "Age of streams when they ended, at their time or not; those opened anew because mailboxes came or went do"
            " not count."
        ),
        "stream_ends": _counter(
            "streams",
            "Streams that ended: closed (at their time), silent, cut, garbled, refused, or by ResponseCode.",
            how="`closed`, `silent`, `cut`, `garbled`, `refused`, `name`, `http-<status>`, a ResponseCode, `other`",
        ),
        "stream_reopenings": _counter(
            "streams", "Streams opened again with the mailboxes that they had; a fail-over makes new ones."
        ),
        "subscriptions_renewed": _counter(
            "subscriptions", "Subscriptions made anew, by what had ended them.", reason="as `how` above"
        ),
        "subscriptions_on_another_server": _counter(
            "subscriptions", "Subscriptions on another mailbox server than the stream they were meant for."
        ),
        "mailboxes_beyond_subscription_limit": _gauge(
            "mailboxes", "Mailboxes for which Exchange allows no subscription; above 0 its limit is met."
        ),
        "mailboxes_owner_bound": _gauge(
            "mailboxes",
            "Mailboxes whose subscriptions only their owners could read; above two, each mailbox has a stream of its"
            " own.",
        ),
        "mailboxes_lost": _counter(
            "mailboxes", "Mailboxes that could no longer be watched, by ResponseCode.", reason="a ResponseCode, `other`"
        ),
        "requests_in_flight": _gauge("requests", "Requests that Exchange is answering."),
        "requests_in_flight_limit": _gauge(
            "requests", "Requests that Exchange is asked at once, as learnt from its throttling."
        ),
        "ews_requests": _counter("requests", "Requests to Exchange.", operation="names of EWS operations"),
        "ews_errors": _counter(
            "errors", "Errors from Exchange, by ResponseCode or kind.", code="a ResponseCode, or a kind of failure"
        ),
        "ews_received_bytes": _counter("bytes", "Bytes received from Exchange."),
        "poll_period_seconds": _gauge(
            "seconds", "Time between two looks at a mailbox that no stream carries; absent where there is none."
        ),
        "out_of_office_period_seconds": _gauge("seconds", "Time between two looks at everybody's out-of-office."),
        "unreadable_appointments": _counter(
            "appointments", "Appointments left out for want of times that can be read, at each reading."
        ),
        "appointments_in_unknown_zones": _counter(
            "appointments",
            "Appointments told without a time zone because it is not known, at each reading. The log names each zone"
            " once.",
        ),
        "exchange_certificate_end_timestamp_seconds": _gauge(
            _INSTANT, "When the certificate of the Exchange server ends, in seconds since 1970."
        ),
    },
    "Back-offs": {
        "back_offs": _counter(
            "times",
            "Times that a side asked to slow down, or said that it was asked too much.",
            side=("exchange", "rainbow"),
            reason="a ResponseCode of Exchange's, or `http-<status>`",
        ),
    },
    "Rainbow": {
        "rainbow_requests": _counter("requests", "Requests to Rainbow.", operation="names of calls, as in the log"),
        "rainbow_errors": _counter("errors", "Errors from Rainbow.", code="kinds of errors"),
        "notify_calls": _counter("requests", "Calls by which Rainbow was told whose calendar changed."),
        "notify_failures": _counter("requests", "Such calls that failed."),
        "links_opened": _counter("connections", "Connections of the link to Rainbow."),
        "questions": _counter(
            "questions",
            "Questions from Rainbow about people, by outcome.",
            outcome=("answered", "stale", "not_found", "not_in_time", "bad_request"),
        ),
        "questions_from_strangers": _counter("questions", "Questions refused because of who asked."),
        "questions_without_room": _counter("questions", "Questions refused because 20,000 were waiting already."),
        "questions_malformed": _counter("questions", "Questions refused because they could not be understood."),
        "questions_in_unknown_zones": _counter(
            "questions", "Questions with dates in a time zone that is not known, read as UTC."
        ),
        "replies_too_long": _counter(
            "replies", "Replies not sent because whoever asked chose an id or an address too long to repeat."
        ),
        "callbacks": _counter(
            "callbacks",
            "Callbacks from Rainbow on the S2S link by name, or by why they were not taken.",
            kind="their names, `repeated`, `misdirected`, and why others were left alone",
        ),
        "commands": _counter(
            "orders",
            "Orders of Rainbow's administration by outcome.",
            outcome=("done", "failed", "unsupported", "doubled", "dropped", "settings", "notice"),
        ),
        "reports_sent": _counter("events", "Events that Rainbow was told: failures, recoveries, ends of commands."),
        "reports_waiting": _gauge(
            "events", "Events that Rainbow has not been told yet: failures, recoveries, ends of commands."
        ),
        "reports_dropped": _counter("events", "Events that Rainbow was never told, because too many waited."),
    },
    "People": {
        "users": _gauge("users", "Users of the company who take part."),
        "users_listed_timestamp_seconds": _gauge(
            _INSTANT, "When the users were last listed to the end, in seconds since 1970; absent before."
        ),
        "user_listings": _counter("listings", "Times that all users were listed."),
        "user_listing_failures": _counter("listings", "Times that they could not be."),
        "users_looked_up": _counter("addresses", "Addresses for which Rainbow was asked because nobody here has them."),
        "refused_users": _gauge("users", "Users of whom Rainbow does not want to be told."),
        "users_not_asked_for": _gauge("users", "Users for whom Rainbow has not asked within 30 s of being told."),
        "history_entries": _gauge("entries", "Entries of the last 24 hours that explain --at can tell of."),
        "history_entries_dropped": _counter(
            "entries", "Such entries that could not be written, or for which there was no room."
        ),
    },
    "The process": {
        "loop_lag_seconds": _histogram(
            "For how long the program was busy without a look at what else had come, each time: while one thing takes"
            " long, everything else waits."
        ),
        "loop_lag_longest_seconds": _gauge("seconds", "The longest of these in the last minute."),
        "tasks": _gauge(
            "tasks",
            "Tasks of the process by the part of the program that they belong to. At rest their number stays what it"
            " was.",
            kind="parts of the program; `unnamed`: of libraries",
        ),
        "threads": _gauge("threads", "Threads of the process."),
        "memory_blocks": _gauge(
            "blocks", "Blocks of memory that Python's objects hold; where they grow for hours, something leaks."
        ),
    },
}

METRICS: Mapping[str, Described] = {name: each for group in GROUPS.values() for name, each in group.items()}
