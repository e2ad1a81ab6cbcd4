"""The properties of a calendar item on the wire, in the schema's order: how each is written and read."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from rainbow_exchange.lab.exchange.calendar import Details, Item, change_key
from rainbow_exchange.lab.exchange.mailbox import Mailbox
from rainbow_exchange.lab.exchange.wire import Element, Xml, boolean, children, named, number, t
from rainbow_exchange.lab.exchange.zones import written, zone


@dataclass(slots=True, kw_only=True)
class Entry:
    """What is written: a single item, a master (`details` are the series' own) or an instance of a series."""

    mailbox: Mailbox
    item: Item
    details: Details
    original: datetime | None = None
    charrefs: bool = False

    @property
    def kind(self) -> str:
        """Give the CalendarItemType."""
        if self.item.recurrence is None:
            return "Single"
        if self.original is None:
            return "RecurringMaster"
        return "Exception" if self.original in self.item.exceptions else "Occurrence"

    @property
    def id(self) -> str:
        """Give the ItemId."""
        if self.original is None:
            return self.mailbox.item_id(self.item.number)
        return self.mailbox.occurrence_id(self.item.number, self.original)

    def id_element(self) -> Xml:
        """Write t:ItemId."""
        return t("ItemId", Id=self.id, ChangeKey=change_key(self.mailbox.guid, self.item.version))


def _subject(entry: Entry) -> Xml | None:
    # Exchange leaves an empty subject out.
    subject = entry.details.subject + ("\x1f" if entry.charrefs else "")
    return t("Subject", subject) if subject else None


def _categories(entry: Entry) -> Xml | None:
    return (
        t("Categories", *(t("String", each) for each in entry.details.categories)) if entry.details.categories else None
    )


def _reminder_due(entry: Entry) -> Xml | None:
    return t("ReminderDueBy", written(entry.details.start)) if entry.details.reminder else None


def _my_response(entry: Entry) -> Xml:
    own = "Organizer" if entry.details.is_meeting else "Unknown"
    return t("MyResponseType", entry.details.my_response or own)


def _mailbox_element(address: str, name: str = "") -> Xml:
    return t("Mailbox", t("Name", name or address), t("EmailAddress", address), t("RoutingType", "SMTP"))


def _organizer(entry: Entry) -> Xml:
    address = entry.details.organizer or entry.mailbox.address
    return t("Organizer", _mailbox_element(address, "" if entry.details.organizer else entry.mailbox.name))


def _attendees(name: str, addresses: Iterable[str]) -> Xml | None:
    found = [t("Attendee", _mailbox_element(each), t("ResponseType", "Unknown")) for each in addresses]
    return t(name, *found) if found else None


def _duration(entry: Entry) -> Xml:
    minutes = int((entry.details.end - entry.details.start) / timedelta(minutes=1))
    days, rest = divmod(minutes, 24 * 60)
    clock = (f"{rest // 60}H" if rest >= 60 else "") + (f"{rest % 60}M" if rest % 60 else "")  # noqa: PLR2004 — minutes of an hour
    return t(
        "Duration",
        "P"
        + (f"{days}D" if days else "")
        + (f"T{clock}" if clock or not days else "")
        + ("" if clock or days else "0S"),
    )


def _recurrence(entry: Entry) -> Xml | None:
    master = entry.original is None and entry.item.recurrence is not None
    return entry.item.recurrence.element() if master and entry.item.recurrence else None


def _occurrence_info(name: str, entry: Entry, original: datetime) -> Xml:
    details = entry.item.occurrence(original)
    instance = replace(entry, original=original, details=details)
    return t(
        name,
        instance.id_element(),
        t("Start", written(details.start)),
        t("End", written(details.end)),
        t("OriginalStart", written(original)),
    )


def _first_or_last(name: str, entry: Entry) -> Xml | None:
    recurrence = entry.item.recurrence
    if recurrence is None or entry.original is not None:
        return None
    edge = recurrence.ends(entry.item.details.wall()[0])[0 if name == "FirstOccurrence" else 1]
    if edge is None:
        return None
    original = edge.replace(tzinfo=zone(entry.item.details.zone)).astimezone(entry.details.start.tzinfo)
    return None if original in entry.item.deleted else _occurrence_info(name, entry, original)


def _modified(entry: Entry) -> Xml | None:
    if entry.original is not None or not entry.item.exceptions:
        return None
    return t(
        "ModifiedOccurrences", *(_occurrence_info("Occurrence", entry, each) for each in sorted(entry.item.exceptions))
    )


def _deleted(entry: Entry) -> Xml | None:
    if entry.original is not None or not entry.item.deleted:
        return None
    return t(
        "DeletedOccurrences",
        *(t("DeletedOccurrence", t("Start", written(each))) for each in sorted(entry.item.deleted)),
    )


def _wall_clock(name: str, moment: datetime, entry: Entry) -> Xml:
    return t(name, moment.astimezone(zone(entry.details.zone)).isoformat(timespec="seconds"))


def _original_start(entry: Entry) -> Xml | None:
    return t("OriginalStart", written(entry.original)) if entry.kind == "Exception" and entry.original else None


def _is_recurring(entry: Entry) -> Xml:
    return t("IsRecurring", boolean(entry.original is not None))


Writer = Callable[[Entry], Xml | None]

# FieldURI -> writer, in the order of the schema
WRITERS: dict[str, Writer] = {
    "item:ParentFolderId": lambda e: t("ParentFolderId", Id=e.mailbox.folder_id(e.item.folder), ChangeKey="AQAAAA=="),
    "item:ItemClass": lambda e: t(
        "ItemClass", "IPM.Appointment" if e.original is None else "IPM.Appointment.Occurrence"
    ),
    "item:Subject": _subject,
    "item:Sensitivity": lambda e: t("Sensitivity", e.details.sensitivity),
    "item:Body": lambda e: t("Body", e.details.body, BodyType=e.details.body_type),
    "item:DateTimeReceived": lambda e: t("DateTimeReceived", written(e.item.created)),
    "item:Size": lambda e: t("Size", str(2000 + 2 * len(e.details.subject) + 2 * len(e.details.body))),
    "item:Categories": _categories,
    "item:Importance": lambda e: t("Importance", e.details.importance),
    "item:DateTimeSent": lambda e: t("DateTimeSent", written(e.item.created)),
    "item:DateTimeCreated": lambda e: t("DateTimeCreated", written(e.item.created)),
    "item:ReminderDueBy": _reminder_due,
    "item:ReminderIsSet": lambda e: t("ReminderIsSet", boolean(e.details.reminder)),
    "item:ReminderMinutesBeforeStart": lambda e: t("ReminderMinutesBeforeStart", str(e.details.reminder_minutes)),
    "item:HasAttachments": lambda _: t("HasAttachments", "false"),
    "item:Culture": lambda _: t("Culture", "en-US"),
    "item:LastModifiedName": lambda e: t("LastModifiedName", e.mailbox.name),
    "item:LastModifiedTime": lambda e: t("LastModifiedTime", written(e.item.modified)),
    "calendar:UID": lambda e: t("UID", e.item.uid),
    "calendar:RecurrenceId": lambda e: t("RecurrenceId", written(e.original)) if e.original else None,
    "calendar:DateTimeStamp": lambda e: t("DateTimeStamp", written(e.item.modified)),
    "calendar:Start": lambda e: t("Start", written(e.details.start)),
    "calendar:End": lambda e: t("End", written(e.details.end)),
    "calendar:OriginalStart": _original_start,
    "calendar:IsAllDayEvent": lambda e: t("IsAllDayEvent", boolean(e.details.all_day)),
    "calendar:LegacyFreeBusyStatus": lambda e: t("LegacyFreeBusyStatus", e.details.show_as),
    "calendar:Location": lambda e: t("Location", e.details.location) if e.details.location else None,
    "calendar:IsMeeting": lambda e: t("IsMeeting", boolean(e.details.is_meeting)),
    "calendar:IsCancelled": lambda e: t("IsCancelled", boolean(e.details.cancelled)),
    "calendar:IsRecurring": _is_recurring,
    "calendar:CalendarItemType": lambda e: t("CalendarItemType", e.kind),
    "calendar:MyResponseType": _my_response,
    "calendar:Organizer": _organizer,
    "calendar:RequiredAttendees": lambda e: _attendees("RequiredAttendees", e.details.required),
    "calendar:OptionalAttendees": lambda e: _attendees("OptionalAttendees", e.details.optional),
    "calendar:Duration": _duration,
    "calendar:Recurrence": _recurrence,
    "calendar:FirstOccurrence": lambda e: _first_or_last("FirstOccurrence", e),
    "calendar:LastOccurrence": lambda e: _first_or_last("LastOccurrence", e),
    "calendar:ModifiedOccurrences": _modified,
    "calendar:DeletedOccurrences": _deleted,
    "calendar:StartTimeZone": lambda e: t("StartTimeZone", Id=e.details.zone, Name=e.details.zone),
    "calendar:EndTimeZone": lambda e: t("EndTimeZone", Id=e.details.zone, Name=e.details.zone),
    "calendar:StartWallClock": lambda e: _wall_clock("StartWallClock", e.details.start, e),
    "calendar:EndWallClock": lambda e: _wall_clock("EndWallClock", e.details.end, e),
    "calendar:StartTimeZoneId": lambda e: t("StartTimeZoneId", e.details.zone),
    "calendar:EndTimeZoneId": lambda e: t("EndTimeZoneId", e.details.zone),
}  # fmt: skip
DEFAULT = (
    "item:Subject", "item:HasAttachments", "calendar:Start", "calendar:End", "calendar:LegacyFreeBusyStatus",
    "calendar:Location", "calendar:CalendarItemType", "calendar:Organizer",
)  # fmt: skip
# FindItem gives no body, no attendees and nothing of a whole series (ews.md §6).
NOT_FOUND = frozenset(
    {
        "item:Body", "calendar:RequiredAttendees", "calendar:OptionalAttendees", "calendar:Recurrence",
        "calendar:FirstOccurrence", "calendar:LastOccurrence", "calendar:ModifiedOccurrences",
        "calendar:DeletedOccurrences",
    }
)  # fmt: skip


def shape(request: Element) -> tuple[str, ...]:
    """Give the FieldURIs that a request's ItemShape asks for, in the schema's order."""
    base = next((each.text for each in named(request, "BaseShape")), "IdOnly")
    asked = {each.get("FieldURI", "") for each in named(request, "FieldURI")}
    asked |= set(WRITERS if base == "AllProperties" else DEFAULT if base == "Default" else ())
    return tuple(uri for uri in WRITERS if uri in asked)


def found(request: Element, *, unasked: bool = False) -> tuple[str, ...]:
    """Give what FindItem and SyncFolderItems write of an item, or with `unasked` whatever there is of it."""
    return tuple(WRITERS) if unasked else tuple(uri for uri in shape(request) if uri not in NOT_FOUND)


def write(entry: Entry, uris: Iterable[str]) -> Xml:
    """Write t:CalendarItem with its id and these properties."""
    return t("CalendarItem", entry.id_element(), *(WRITERS[uri](entry) for uri in uris))


def _addresses(element: Element) -> tuple[str, ...]:
    return tuple(each.text or "" for each in named(element, "EmailAddress"))


Reader = Callable[[Element], dict[str, Any]]


def _text(name: str) -> Reader:
    return lambda element: {name: element.text or ""}


def _flag(name: str) -> Reader:
    return lambda element: {name: (element.text or "").strip() in ("true", "1")}


# Element name -> how it changes the details. Start and End are read by `items`, with the zone at hand.
READERS: dict[str, Reader] = {
    "Subject": _text("subject"),
    "Sensitivity": _text("sensitivity"),
    "Body": lambda element: {"body": element.text or "", "body_type": element.get("BodyType", "Text")},
    "Categories": lambda element: {"categories": tuple(each.text or "" for each in children(element))},
    "Importance": _text("importance"),
    "ReminderIsSet": _flag("reminder"),
    "ReminderMinutesBeforeStart": lambda element: {"reminder_minutes": number(element.text)},
    "IsAllDayEvent": _flag("all_day"),
    "LegacyFreeBusyStatus": _text("show_as"),
    "Location": _text("location"),
    "RequiredAttendees": lambda element: {"required": _addresses(element)},
    "OptionalAttendees": lambda element: {"optional": _addresses(element)},
    "StartTimeZone": lambda element: {"zone": element.get("Id", "")},
}
# What a property holds after DeleteItemField
EMPTIED: dict[str, dict[str, Any]] = {
    "item:Subject": {"subject": ""},
    "item:Body": {"body": ""},
    "item:Categories": {"categories": ()},
    "calendar:Location": {"location": ""},
    "calendar:RequiredAttendees": {"required": ()},
    "calendar:OptionalAttendees": {"optional": ()},
}
