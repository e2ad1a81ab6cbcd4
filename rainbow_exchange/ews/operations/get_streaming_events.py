"""GetStreamingEvents: a request that stays open and is answered by envelope after envelope.

Each envelope holds a heartbeat, notifications, an error, or the end. `event_stream` cuts the stream into envelopes.
https://learn.microsoft.com/exchange/client-developer/web-service-reference/getstreamingevents-operation
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from lxml import etree

from rainbow_exchange.ews.answers import children, local_name, refusal, text_of, within
from rainbow_exchange.ews.errors import MalformedResponse, ResponseError
from rainbow_exchange.ews.templates import append, set_text

ConnectionStatus = Literal["OK", "Closed"]
_STATUS: dict[str, ConnectionStatus] = {"ok": "OK", "closed": "Closed"}

#: children of a Notification that are no event
_ABOUT = ("{*}SubscriptionId", "{*}PreviousWatermark", "{*}MoreEvents")


@dataclass(frozen=True, slots=True)
class Notification:
    """Something happened in the calendar of this subscription, in so many events. StatusEvents do not count."""

    subscription_id: str
    events: int


@dataclass(frozen=True, slots=True)
class StreamMessage:
    """One response message of a stream. A heartbeat has connection_status "OK" and no notifications.

    `error` is to be looked at first: servers send errors with connection_status "OK". `error_subscription_ids` are
    those it is about; there may be none.
    """

    notifications: tuple[Notification, ...] = ()
    connection_status: ConnectionStatus | None = None
    error: ResponseError | None = None
    error_subscription_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GetStreamingEvents:
    """Open a stream for these subscriptions, at most 200, for 1 to 30 minutes."""

    NAME: ClassVar[str] = "GetStreamingEvents"
    TEMPLATE: ClassVar[str] = "get_streaming_events"

    subscription_ids: tuple[str, ...]
    connection_timeout_minutes: int

    def fill(self, template: etree._Element, /) -> None:
        """Write ids and time limit. Raises UnencodableText."""
        for subscription_id in self.subscription_ids:
            append(template[0], "t:SubscriptionId", subscription_id)
        set_text(template, "m:ConnectionTimeout", str(self.connection_timeout_minutes))

    @staticmethod
    def parse(body: etree._Element, /) -> tuple[StreamMessage, ...]:
        """Read one envelope's body; see the module's parse."""
        return parse(body)


def parse(body: etree._Element) -> tuple[StreamMessage, ...]:
    """Read the body of one envelope; errors are in the messages, not raised. Raises MalformedResponse.

    A notification of nothing but StatusEvents ("nothing new", which some servers send each period) is left out.
    """
    messages = tuple([_message(element) for element in body.iter("{*}GetStreamingEventsResponseMessage")])
    if messages:
        return messages
    response = within(body, "GetStreamingEventsResponse")
    if response is None:
        raise MalformedResponse("no answer to GetStreamingEvents in the envelope")
    return (_message(response),)


def _message(element: etree._Element) -> StreamMessage:
    notifications: tuple[Notification, ...] = ()
    status: ConnectionStatus | None = None
    bad_ids: tuple[str, ...] = ()
    for child in element.iterchildren("{*}*"):
        name = local_name(child)
        if name == "Notifications":
            notifications = _notifications(child)
        elif name == "ConnectionStatus":
            status = _STATUS.get(text_of(child).lower())
        elif name == "ErrorSubscriptionIds":
            bad_ids = tuple([text for entry in children(child, "SubscriptionId") if (text := text_of(entry))])
    return StreamMessage(notifications, status, refusal(element), bad_ids)


def _notifications(element: etree._Element) -> tuple[Notification, ...]:
    found = []
    for notification in children(element, "Notification"):
        subscription_id = ""
        events = len(notification)
        for about in notification.iterchildren(*_ABOUT):
            events -= 1
            if local_name(about) == "SubscriptionId":
                subscription_id = text_of(about)
        if not subscription_id:
            raise MalformedResponse("a Notification without SubscriptionId")
        silent = sum(1 for _ in children(notification, "StatusEvent"))
        if events > silent or not silent:
            found.append(Notification(subscription_id, events - silent))
    return tuple(found)
