"""FindItem with a CalendarView: one calendar's items in a window, series expanded.

Nothing is asked for that is not kept: no location, no organizer, no attendees, no body.
https://learn.microsoft.com/exchange/client-developer/web-service-reference/calendarview
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from lxml import etree

from rainbow_exchange.ews.answers import (
    by_name,
    first,
    instant,
    is_true,
    readable,
    response_message,
    text_of,
    whole_number,
    within,
)
from rainbow_exchange.ews.errors import MalformedResponse
from rainbow_exchange.ews.templates import append, blank, utc_seconds
from rainbow_exchange.model import Window

#: Exchange gives no more at once (EWSFindCountLimit)
MAX_ENTRIES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarItem:
    """One CalendarItem as on the wire; "" or None where the server left something out.

    `subject` is None where none was wanted.
    """

    start: datetime
    end: datetime
    item_id: str = ""
    uid: str = ""
    recurrence_id: str = ""
    subject: str | None = field(default="", repr=False)
    sensitivity: str = ""
    busy_status: str = ""
    calendar_item_type: str = ""
    my_response_type: str = ""
    is_cancelled: bool = False
    timezone_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindItemResponse:
    """The items, and whether these are all: where not, the window must be split.

    `unreadable` is how many were left out because their times are missing or none.
    """

    items: tuple[CalendarItem, ...]
    includes_last: bool
    unreadable: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FindItem:
    """Ask for the calendar of `mailbox_address`, or with None of whoever asks or is impersonated, in `window`.

    `subjects` False: none is wanted, and one that comes nevertheless is left out.
    """

    NAME: ClassVar[str] = "FindItem"
    TEMPLATE: ClassVar[str] = "find_item"

    window: Window
    mailbox_address: str | None = None
    max_entries: int = MAX_ENTRIES
    subjects: bool = True

    def fill(self, template: etree._Element, /) -> None:
        """Write window, mailbox and what is wanted. Raises UnencodableText."""
        if not self.subjects:
            subject = blank(template, ".//t:FieldURI[@FieldURI='item:Subject']")
            blank(template, ".//t:AdditionalProperties").remove(subject)
        view = blank(template, "m:CalendarView")
        view.set("MaxEntriesReturned", str(self.max_entries))
        view.set("StartDate", utc_seconds(self.window.start) + "Z")
        view.set("EndDate", utc_seconds(self.window.end, up=True) + "Z")
        if self.mailbox_address is not None:
            folder = blank(template, ".//t:DistinguishedFolderId")
            append(append(folder, "t:Mailbox"), "t:EmailAddress", self.mailbox_address)

    def parse(self, body: etree._Element, /) -> FindItemResponse:
        """Read the answer; see the module's parse."""
        return parse(body, subjects=self.subjects)


def parse(body: etree._Element, *, subjects: bool = True) -> FindItemResponse:
    """Read the answer. Raises ResponseError, MalformedResponse: also where it succeeded but holds no folder at all.

    Items of other kinds in the calendar are left out. One that lacks a time, or whose times cannot be read, is left out
    and counted; where no item can be read the answer is malformed, and so is one that counts items and holds none.
    """
    message = response_message(body, FindItem.NAME)
    folder = first(message, "RootFolder")
    items = within(message if folder is None else folder, "Items")
    if folder is None and items is None:
        raise MalformedResponse("a FindItem that succeeded without RootFolder")
    count = 0 if items is None else len(items)
    total = whole_number("" if folder is None else folder.get("TotalItemsInView") or "")
    said = None if folder is None else folder.get("IncludesLastItemInRange")
    includes_last = count < MAX_ENTRIES if total is None else total <= count
    if said is not None:
        includes_last = is_true(said)
    if includes_last and total and not count:
        raise MalformedResponse("a FindItem that counts items and holds none")
    read, unreadable = readable(
        _item if subjects else _item_without_subject,
        () if items is None else items.iterchildren("{*}CalendarItem"),
    )
    return FindItemResponse(items=tuple(read), includes_last=includes_last, unreadable=unreadable)


def _item(element: etree._Element) -> CalendarItem:
    found = by_name(element)
    return _calendar_item(found, text_of(found.get("Subject")))


def _item_without_subject(element: etree._Element) -> CalendarItem:
    return _calendar_item(by_name(element), None)


def _calendar_item(found: Mapping[str, etree._Element], subject: str | None) -> CalendarItem:
    item_id = found.get("ItemId")
    return CalendarItem(
        start=instant(text_of(found.get("Start"))),
        end=instant(text_of(found.get("End"))),
        item_id="" if item_id is None else item_id.get("Id") or "",
        uid=text_of(found.get("UID")),
        recurrence_id=text_of(found.get("RecurrenceId")),
        subject=subject,
        sensitivity=text_of(found.get("Sensitivity")),
        busy_status=text_of(found.get("LegacyFreeBusyStatus")),
        calendar_item_type=text_of(found.get("CalendarItemType")),
        my_response_type=text_of(found.get("MyResponseType")),
        is_cancelled=is_true(text_of(found.get("IsCancelled"))),
        timezone_id=_timezone_id(found),
    )


def _timezone_id(found: Mapping[str, etree._Element]) -> str | None:
    zone = found.get("StartTimeZone")
    named = None if zone is None else zone.get("Id")
    return named or text_of(found.get("StartTimeZoneId")) or None
