"""GetUserAvailability: the calendars of up to 100 mailboxes in one request, at the level their owners allow.

Of what the Detailed view sends, locations and who is invited are not read; subjects only where they were asked for.
The request's root element is called GetUserAvailabilityRequest. Its time zone has no bias at all, so that times without
offset, in question and answer, are UTC.
https://learn.microsoft.com/exchange/client-developer/web-service-reference/getuseravailability-operation
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from lxml import etree

from rainbow_exchange.ews.answers import (
    by_name,
    child_text,
    children,
    first,
    instant,
    is_true,
    readable,
    refusal,
    text_of,
    within,
)
from rainbow_exchange.ews.errors import EwsError, MalformedResponse, ResponseError
from rainbow_exchange.ews.templates import append, blank, set_text, utc_seconds
from rainbow_exchange.ews.treatment import error_from
from rainbow_exchange.ews.types import ResponseCode
from rainbow_exchange.model import Window

#: minutes of one digit of MergedFreeBusy
MERGED_INTERVAL = 30
#: the digit of MergedFreeBusy that says that nothing is known of a slot
_NO_DATA = "4"
#: the views in which no event means an empty calendar, unless the digits beside say otherwise
_OF_EVENTS = frozenset({"FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEventDetails:
    """What only those see who may read the calendar. `store_id` is an upper-hex store id, not an ItemId."""

    store_id: str
    subject: str | None = field(repr=False)
    is_recurring: bool
    is_exception: bool
    is_private: bool
    is_meeting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEvent:
    """One CalendarEvent; `busy_type` as on the wire."""

    start: datetime
    end: datetime
    busy_type: str
    details: CalendarEventDetails | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeBusyResponse:
    """One mailbox's FreeBusyView. `view_type` says what came: it may be poorer than Detailed, which was asked for.

    `merged` is MergedFreeBusy: a digit for each half hour of the window, where the server knows no more than that.
    `unreadable` is how many events were left out because their times are none.
    """

    view_type: str
    events: tuple[CalendarEvent, ...] = ()
    merged: str = ""
    unreadable: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GetUserAvailability:
    """Ask for what stands in the calendars of `addresses` (primary SMTP, at most 100) in `window` (at most 42 days).

    `subjects` False: times and how they count are wanted, and no details.
    """

    NAME: ClassVar[str] = "GetUserAvailability"
    TEMPLATE: ClassVar[str] = "get_user_availability"

    addresses: tuple[str, ...]
    window: Window
    subjects: bool = True

    def fill(self, template: etree._Element, /) -> None:
        """Write addresses and window. Raises UnencodableText."""
        mailboxes = blank(template, "m:MailboxDataArray")
        for address in self.addresses:
            mailbox = append(mailboxes, "t:MailboxData")
            append(append(mailbox, "t:Email"), "t:Address", address)
            append(mailbox, "t:AttendeeType", "Required")
            append(mailbox, "t:ExcludeConflicts", "false")
        set_text(template, ".//t:StartTime", utc_seconds(self.window.start))
        set_text(template, ".//t:EndTime", utc_seconds(self.window.end, up=True))
        set_text(template, ".//t:RequestedView", "Detailed" if self.subjects else "FreeBusy")

    def parse(self, body: etree._Element, /) -> tuple[FreeBusyResponse | EwsError, ...]:
        """Read the answer; see the module's parse."""
        return parse(body, subjects=self.subjects)

    def parse_in_parts(self, body: etree._Element, /) -> Generator[None, None, tuple[FreeBusyResponse | EwsError, ...]]:
        """Do the same, a mailbox at each step."""
        return parse_in_parts(body, subjects=self.subjects)


def parse(body: etree._Element, *, subjects: bool = True) -> tuple[FreeBusyResponse | EwsError, ...]:
    """Read the answer: one entry for each mailbox, in the order they were asked for.

    Where a mailbox could not be read there is its ResponseError, or MalformedResponse; an error is never an empty
    calendar. Details are left out where no `subjects` were asked for. Raises ResponseError where the whole request was
    refused, MalformedResponse.
    """
    reading = parse_in_parts(body, subjects=subjects)
    while True:
        try:
            next(reading)
        except StopIteration as over:
            result: tuple[FreeBusyResponse | EwsError, ...] = over.value
            return result


def parse_in_parts(
    body: etree._Element, *, subjects: bool = True
) -> Generator[None, None, tuple[FreeBusyResponse | EwsError, ...]]:
    """Do what `parse` does, and return the same, a mailbox at each step."""
    response = within(body, "GetUserAvailabilityResponse")
    if response is None:
        raise MalformedResponse("no answer to GetUserAvailability in the body")
    array = first(response, "FreeBusyResponseArray")
    entries = list(children(response if array is None else array, "FreeBusyResponse"))
    if not entries:
        message = within(response, "ResponseMessage")
        error = refusal(response if message is None else message)
        if error is not None:
            raise error
    event, results = _event if subjects else _times, list[FreeBusyResponse | EwsError]()
    for entry in entries:
        results.append(_read(entry, event))
        yield
    return tuple(results)


def _read(entry: etree._Element, event: Callable[[etree._Element], CalendarEvent]) -> FreeBusyResponse | EwsError:
    message = first(entry, "ResponseMessage")
    error = refusal(entry if message is None else message)
    if error is not None:
        return error
    view = first(entry, "FreeBusyView")
    view_type = child_text(view, "FreeBusyViewType")
    if view is None or view_type == "None":
        return _nothing_shown()
    array = first(view, "CalendarEventArray")
    events = [] if array is None else children(array, "CalendarEvent")
    try:
        read, unreadable = readable(event, events)
    except MalformedResponse as malformed:
        return malformed
    merged = child_text(view, "MergedFreeBusy")
    if not read and not merged.strip(_NO_DATA) and (merged or view_type not in _OF_EVENTS):
        return error_from(ResponseCode.FREE_BUSY_FAILED, "NoError, but no data either", fault=False)
    return FreeBusyResponse(view_type=view_type, events=tuple(read), merged=merged, unreadable=unreadable)


def _nothing_shown() -> ResponseError:
    """Say what an answer without error and without view means: None is a view that only answers have."""
    return error_from(ResponseCode.NO_FREE_BUSY_ACCESS, "NoError, but no free/busy view", fault=False)


def _event(event: etree._Element) -> CalendarEvent:
    found = by_name(event)
    details = found.get("CalendarEventDetails")
    return _calendar_event(found, None if details is None else _details(by_name(details)))


def _times(event: etree._Element) -> CalendarEvent:
    return _calendar_event(by_name(event), None)


def _calendar_event(found: Mapping[str, etree._Element], details: CalendarEventDetails | None) -> CalendarEvent:
    return CalendarEvent(
        start=instant(text_of(found.get("StartTime"))),
        end=instant(text_of(found.get("EndTime"))),
        busy_type=text_of(found.get("BusyType")),
        details=details,
    )


def _details(found: Mapping[str, etree._Element]) -> CalendarEventDetails:
    return CalendarEventDetails(
        store_id=text_of(found.get("ID")),
        subject=text_of(found["Subject"]) if "Subject" in found else None,
        is_recurring=is_true(text_of(found.get("IsRecurring"))),
        is_exception=is_true(text_of(found.get("IsException"))),
        # What cannot be read is private, as with a sensitivity that nobody knows.
        is_private=text_of(found.get("IsPrivate")).lower() not in {"false", "0", ""},
        is_meeting=is_true(text_of(found.get("IsMeeting"))),
    )
