"""Which kind of server the lab plays: Exchange as it is, or a server with other habits that also speaks EWS."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavour:
    """The habits in which EWS servers differ."""

    name: str
    soap_prefix: str
    stream_prefix: str
    """"" for Exchange's bare envelopes."""
    fault_status: int
    refuses_chunked: bool
    owner_bound: bool
    """Only the identity that made a subscription (the impersonated owner) may read it, not the account behind it."""
    empty_error_ids: bool
    """An empty ErrorSubscriptionIds stands in messages that say NoError."""
    status_events: bool
    """A heartbeat names every subscription with a StatusEvent; each message carries a ConnectionStatus."""
    error_id_prefix: str
    """Namespace prefix of SubscriptionId below ErrorSubscriptionIds: "m" as Microsoft's client reads it, or "t"."""
    edges: bool
    """CalendarView also returns what only touches the window."""


EXCHANGE = Flavour(
    name="exchange",
    soap_prefix="s",
    stream_prefix="",
    fault_status=500,
    refuses_chunked=False,
    owner_bound=False,
    empty_error_ids=False,
    status_events=False,
    error_id_prefix="m",
    edges=False,
)
OWNER_BOUND = Flavour(
    name="owner-bound",
    soap_prefix="SOAP",
    stream_prefix="SOAP",
    fault_status=200,
    refuses_chunked=True,
    owner_bound=True,
    empty_error_ids=True,
    status_events=True,
    error_id_prefix="t",
    edges=True,
)
FLAVOURS = {flavour.name: flavour for flavour in (EXCHANGE, OWNER_BOUND)}
