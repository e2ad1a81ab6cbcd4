"""What Exchange allows at present, as learnt from its refusals: the meter in status, and the problems that follow."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from rainbow_exchange.bridge.people import NAMED, name_of
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.network.shown import first, mailboxes
from rainbow_exchange.words import _

#: seconds for which mailboxes may wait for a stream before it is a problem
_POLLED_FOR = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """Limits are None where no refusal was met. `last_reason` is why Exchange asked to slow down last, `last_at` when.

    Before `until` some requests are not sent; at `next_stream_try` one more stream is tried.
    """

    requests_limit: int
    requests_in_flight: int
    streams_limit: int | None
    streams_open: int
    subscriptions_limited: bool
    back_offs: int
    last_reason: str
    last_at: datetime | None
    until: datetime | None
    next_stream_try: datetime | None
    poll_period_seconds: float | None
    out_of_office_period_seconds: float


def meter(pipeline: Pipeline, exchange: EwsClient) -> Meter:
    """Read the meter."""
    parts = pipeline.parts
    limits, polled = parts.watcher.limits(), parts.watcher.everybody.counts().waiting
    return Meter(
        requests_limit=int(exchange.in_flight.limit),
        requests_in_flight=exchange.in_flight.in_flight,
        streams_limit=limits.streams_limit,
        streams_open=limits.streams_open,
        subscriptions_limited=limits.subscriptions_limited,
        back_offs=exchange.counters.back_offs.total(),
        last_reason=exchange.counters.last_back_off,
        last_at=exchange.counters.last_back_off_at,
        until=_later(parts.now(), exchange.held_back_for()),
        next_stream_try=_later(parts.now(), limits.seconds_to_next_stream),
        poll_period_seconds=round(pipeline.changes.polling.period, 1) if polled else None,
        out_of_office_period_seconds=round(parts.absences.counters.period, 1),
    )


class ThrottlingReview:
    """Opens and closes the problems that throttling makes."""

    def __init__(self, pipeline: Pipeline, problems: Problems) -> None:
        self._pipeline = pipeline
        self._problems = problems
        self._since: float | None = None

    def review(self, polled: int) -> None:
        """Look at who is polled, which are so many, and why."""
        parts = self._pipeline.parts
        now = parts.loop_time()
        self._since = (self._since or now) if polled else None
        if self._since is None or now - self._since < _POLLED_FOR:
            self._problems.clear("mailboxes-polled")
        else:
            some = filter(None, map(parts.roster.holder, parts.watcher.everybody.polled()))
            period = round(self._pipeline.changes.polling.period)
            self._problems.report(
                "mailboxes-polled",
                severity="notice",
                text=_(
                    "Exchange allows no stream for {mailboxes}: {polled}. Their calendars are looked"
                    " at every {period} s instead.",
                    mailboxes=mailboxes(polled),
                    polled=first(some, NAMED, polled, name_of),
                    period=period,
                ),
                action=self._remedy(),
            )
        if parts.watcher.limits().subscriptions_limited and polled:
            self._problems.report(
                "exchange-subscriptions-exceeded",
                severity="warning",
                text=_("Exchange allows no more subscriptions (ErrorExceededSubscriptionCount)."),
                action=self._remedy_for_subscriptions(),
            )
        else:
            self._problems.clear("exchange-subscriptions-exceeded")

    def _remedy(self) -> str:
        if self._pipeline.parts.options.impersonation:
            return _(
                "Does another program stream these mailboxes? The limit is HangingConnectionLimit in EWS' web.config."
            )
        return _(
            "Use impersonation, which has a limit for each stream: rainbow-exchange throttling-policy"
            " print --group NAME. Without it, 3 (2013) or 10 (2016 and later) streams carry at most 600"
            " or 2,000 mailboxes."
        )

    def _remedy_for_subscriptions(self) -> str:
        if self._pipeline.parts.options.impersonation:
            return _("Does another program subscribe to these mailboxes without end? It is tried again by itself.")
        return _(
            "Raise EwsMaxSubscriptions, or use impersonation: rainbow-exchange throttling-policy print"
            " says how. Those without a subscription are polled."
        )


def _later(now: datetime, seconds: float) -> datetime | None:
    return now + timedelta(seconds=seconds) if seconds > 0 else None
