"""Metrics in Prometheus' text format, made from a plain view when somebody asks (`docs/reference/metrics.md`).

No mail address, user or subject stands in a label.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

_PREFIX = "rainbow_exchange_"
_RECENT = 1000

#: name in the view → help. A plain number.
GAUGES = {
    "exchange_connected": "Whether Exchange answers (1) or not (0).",
    "exchange_certificate_end_seconds": "When the certificate of the Exchange server ends, in seconds since 1970.",
    "rainbow_connected": "Whether the link to Rainbow is up (1) or not (0).",
    "users": "Users of the company who take part.",
    "users_listed_seconds": "When the users were last listed to the end, in seconds since 1970; absent before.",
    "due_users": "Users whose change Rainbow has not been told yet.",
    "due_oldest_seconds": "Age of the oldest change that Rainbow has not been told yet.",
    "refused_users": "Users of whom Rainbow does not want to be told.",
    "users_not_asked_for": "Users for whom Rainbow has not asked within 30 s of being told.",
    "history_entries": "Entries of the last 24 hours that explain --at can tell of.",
    "streams": "Open streams from Exchange.",
    "mailboxes_owner_bound": "Mailboxes whose subscriptions only their owners could read; above two, each mailbox has a"
    " stream of its own.",
    "streams_limit": "Streams that Exchange allows, as learnt from its refusals; absent where none was met.",
    "requests_in_flight": "Requests that Exchange is answering.",
    "poll_period_seconds": "Time between two looks at a mailbox that no stream carries; absent where there is none.",
    "requests_in_flight_limit": "Requests that Exchange is asked at once, as learnt from its throttling.",
    "out_of_office_period_seconds": "Time between two looks at everybody's out-of-office.",
    "reports_waiting": "Events that Rainbow has not been told yet: failures, recoveries, ends of commands.",
    "start_time_seconds": "When the daemon started, in seconds since 1970.",
    "threads": "Threads of the process.",
    "memory_blocks": "Blocks of memory that Python's objects hold; where they grow for hours, something leaks.",
}
#: name in the view → (label, help). A mapping from the label's value to a number.
LABELLED_GAUGES = {
    "mailboxes": ("coverage", "Mailboxes by how changes in them are noticed: streamed, polled, uncovered."),
    "mailboxes_read": ("mode", "Mailboxes by how they are read: batched, own."),
    "problems": ("severity", "Problems that need a person."),
    "tasks": ("kind", "Tasks of the process by the part of the program that they belong to."),
}
#: name in the view → help. A plain number that only grows.
COUNTERS = {
    "changes_told": "Changes that Rainbow was told.",
    "user_listings": "Times that all users were listed.",
    "user_listing_failures": "Times that they could not be.",
    "users_looked_up": "Addresses for which Rainbow was asked because nobody here has them.",
    "notify_calls": "Calls by which Rainbow was told whose calendar changed.",
    "notify_failures": "Such calls that failed.",
    "changes_recovered": "Changes that no notification announced and the background read found; should stay 0.",
    "changes_found_after_gap": "Changes found when a mailbox was read because its stream had been interrupted.",
    "unreadable_appointments": "Appointments left out for want of times that can be read, at each reading.",
    "appointments_in_unknown_zones": "Appointments told without a time zone because it is not known, at each reading.",
    "history_entries_dropped": "Such entries that could not be written, or for which there was no room.",
    "stream_reopenings": "Streams opened again.",
    "subscriptions_on_another_server": "Subscriptions on another mailbox server than the stream they were meant for.",
    "ews_back_offs": "Times that Exchange asked to slow down.",
    "ews_received_bytes": "Bytes received from Exchange.",
    "links_opened": "Connections of the link to Rainbow.",
    "reports_sent": "Events that Rainbow was told: failures, recoveries, ends of commands.",
    "reports_dropped": "Events that Rainbow was never told, because too many waited.",
    "questions_from_strangers": "Questions refused because of who asked.",
    "questions_without_room": "Questions refused because 20,000 were waiting already.",
    "questions_malformed": "Questions refused because they could not be understood.",
    "replies_too_long": "Replies not sent because whoever asked chose an id or an address too long to repeat.",
    "questions_in_unknown_zones": "Questions with dates in a time zone that is not known, read as UTC.",
}
#: name in the view → (label, help). A mapping from the label's value to a number that only grows.
LABELLED_COUNTERS = {
    "ews_requests": ("operation", "Requests to Exchange."),
    "ews_errors": ("code", "Errors from Exchange, by ResponseCode or kind."),
    "stream_ends": ("how", "Streams that ended: closed (at their time), silent, cut, garbled, or by ResponseCode."),
    "subscriptions_renewed": ("reason", "Subscriptions made anew, by what had ended them."),
    "mailboxes_lost": ("reason", "Mailboxes that could no longer be watched, by ResponseCode."),
    "rainbow_requests": ("operation", "Requests to Rainbow."),
    "rainbow_errors": ("code", "Errors from Rainbow."),
    "commands": ("outcome", "Orders of Rainbow's administration by outcome."),
    "questions": ("outcome", "Questions from Rainbow by outcome."),
    "callbacks": ("kind", "Callbacks from Rainbow on the S2S link by name, or by why they were not taken."),
}
#: name in the view → help. A Latency.
HISTOGRAMS = {
    "told_latency_seconds": "Time from Exchange's notification to Rainbow's having been told.",
}


@dataclass(slots=True, kw_only=True)
class Latency:
    """How long something took: a histogram since start, and the recent values for quantiles."""

    bounds: tuple[float, ...] = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0)
    counts: list[int] = field(default_factory=list)
    total: float = 0.0
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, seconds: float) -> None:
        """Add one value."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds
        self.recent.append(seconds)

    def quantile(self, share: float) -> float | None:
        """Value that `share` (0 … 1) of the last 1000 do not exceed; None while there is none."""
        if not self.recent:
            return None
        ordered = sorted(self.recent)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def render(view: Mapping[str, Any]) -> bytes:
    """Write the values of `view` in Prometheus' text format.

    Its keys are those of the tables above and `version`; a key that is absent, or None, is left out of the answer.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_View(view))
    return generate_latest(registry)


class _View(Collector):
    def __init__(self, view: Mapping[str, Any]) -> None:
        self._view = view

    def collect(self) -> Iterator[Metric]:
        view = {key: value for key, value in self._view.items() if value is not None}
        if "version" in view:
            info = GaugeMetricFamily(f"{_PREFIX}build_info", "Version of the program; always 1.", labels=["version"])
            info.add_metric([str(view["version"])], 1)
            yield info
        for name in filter(view.__contains__, GAUGES):
            yield GaugeMetricFamily(_PREFIX + name, GAUGES[name], value=float(view[name]))
        for name in filter(view.__contains__, COUNTERS):
            yield CounterMetricFamily(_PREFIX + name, COUNTERS[name], value=float(view[name]))
        for name in filter(view.__contains__, LABELLED_GAUGES):
            label, text = LABELLED_GAUGES[name]
            gauge = GaugeMetricFamily(_PREFIX + name, text, labels=[label])
            for value, number in view[name].items():
                gauge.add_metric([str(value)], float(number))
            yield gauge
        for name in filter(view.__contains__, LABELLED_COUNTERS):
            label, text = LABELLED_COUNTERS[name]
            counter = CounterMetricFamily(_PREFIX + name, text, labels=[label])
            for value, number in view[name].items():
                counter.add_metric([str(value)], float(number))
            yield counter
        for name in filter(view.__contains__, HISTOGRAMS):
            latency: Latency = view[name]
            bounds = [f"{bound:g}" for bound in latency.bounds] + ["+Inf"]
            buckets = list(zip(bounds, map(float, accumulate(latency.counts)), strict=True))
            yield HistogramMetricFamily(_PREFIX + name, HISTOGRAMS[name], buckets=buckets, sum_value=latency.total)
