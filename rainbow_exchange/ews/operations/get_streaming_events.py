"""GetStreamingEvents: a request that stays open and is answered by envelope after envelope.

Each envelope holds a heartbeat, notifications, an error, or the end. `event_stream` cuts the stream into envelopes.
https://learn.microsoft.com/exchange/client-developer/web-service-reference/getstreamingevents-operation
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from lxml import etree

from rainbow_exchange.ews.answers import child_text, children, local_name, refusal, text_of, within
from rainbow_exchange.ews.errors import MalformedResponse, ResponseError
from rainbow_exchange.ews.templates import append, set_text
from rainbow_exchange.ews.types import ResponseCode

ConnectionStatus = Literal["OK", "Closed"]
_STATUS: dict[str, ConnectionStatus] = {"ok": "OK", "closed": "Closed"}

#: children of a Notification that are no event
_ABOUT = ("SubscriptionId", "PreviousWatermark", "MoreEvents")
_SELDOM = ("{*}StatusEvent", "{*}PreviousWatermark", "{*}MoreEvents")


# Named tuples, since these are made by the thousand and a frozen dataclass takes three times as long to make.
class Notification(NamedTuple):
    """Something happened in the calendar of this subscription, in so many events. StatusEvents do not count."""

    subscription_id: str
    events: int


class StreamMessage(NamedTuple):
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
    code = ""
    for child in element:
        name = local_name(child)
        if name == "ResponseCode":
            code = text_of(child)
        elif name == "Notifications":
            notifications = _notifications(child)
        elif name == "ConnectionStatus":
            status = _STATUS.get(text_of(child).lower())
        elif name == "ErrorSubscriptionIds":
            bad_ids = tuple([text for entry in children(child, "SubscriptionId") if (text := text_of(entry))])
    usual = code == ResponseCode.NO_ERROR and element.get("ResponseClass") == "Success"
    return StreamMessage(notifications, status, None if usual else refusal(element), bad_ids)


def _notifications(element: etree._Element) -> tuple[Notification, ...]:
    # Thousands of these come at once after an outage: what Exchange always sends is read without a look at each event.
    read = _notification if next(element.iter(*_SELDOM), None) is None else _rare_notification
    return tuple([found for entry in children(element, "Notification") if (found := read(entry))])


def _notification(element: etree._Element) -> Notification | None:
    name = element[0] if len(element) else None
    if name is None or local_name(name) != "SubscriptionId":
        return _rare_notification(element)
    return Notification(text_of(name), len(element) - 1)


def _rare_notification(element: etree._Element) -> Notification | None:
    names = [local_name(child) for child in element]
    silent = names.count("StatusEvent")
    events = len(names) - sum(names.count(name) for name in _ABOUT)
    subscription_id = child_text(element, "SubscriptionId")
    if not subscription_id:
        raise MalformedResponse("a Notification without SubscriptionId")
    return Notification(subscription_id, events - silent) if events > silent or not silent else None
