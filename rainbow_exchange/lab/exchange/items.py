"""CreateItem, UpdateItem, DeleteItem, MoveItem, GetItem: appointments and series, by their owner."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from rainbow_exchange.lab.exchange import item_fields, recurrence
from rainbow_exchange.lab.exchange.calendar import Details, change_key
from rainbow_exchange.lab.exchange.call import Call
from rainbow_exchange.lab.exchange.errors import Fault, Refused
from rainbow_exchange.lab.exchange.item_fields import Entry
from rainbow_exchange.lab.exchange.mailbox import Access, decoded
from rainbow_exchange.lab.exchange.wire import (
    Element,
    Xml,
    answer,
    child,
    children,
    local,
    m,
    read_back,
    response_message,
    t,
    text,
)
from rainbow_exchange.lab.exchange.zones import instant, zone

_ITEM_IDS = ("ItemId", "OccurrenceItemId", "RecurringMasterItemId")


def _each(operation: str, elements: Iterator[Element], work: Callable[[Element], tuple[Xml | None, ...]]) -> Xml:
    """Answer a batch: each element with a message of its own."""
    messages = []
    for element in elements:
        name = f"{operation}ResponseMessage"
        try:
            messages.append(response_message(name, *work(element)))
        except Refused as error:
            nothing = m("Items") if operation in ("CreateItem", "UpdateItem", "GetItem", "MoveItem") else None
            messages.append(response_message(name, nothing, error=error))
    if not messages:
        raise Fault("ErrorSchemaValidation", values={"Violation": "no items"})
    return answer(operation, *messages)


def _changes(element: Element, default_zone: str) -> dict[str, Any]:
    """Read the properties that a t:CalendarItem sets."""
    values: dict[str, Any] = {}
    for each in children(element):
        if reader := item_fields.READERS.get(local(each)):
            values |= reader(each)
    own = zone(values.get("zone", default_zone))
    for each in children(element):
        if local(each) in ("Start", "End"):
            values[local(each).lower()] = instant(each.text or "", own)
    return values


def create(call: Call, request: Element) -> Xml:
    """Answer CreateItem for calendar items."""
    target = next(children(child(request, "SavedItemFolderId")), None)

    def one(element: Element) -> tuple[Xml | None, ...]:
        if local(element) != "CalendarItem":
            raise Refused("ErrorInvalidRequest")
        if not request.get("SendMeetingInvitations"):
            raise Refused("ErrorSendMeetingInvitationsRequired")
        folder = target if target is not None else read_back(t("DistinguishedFolderId", Id="calendar"))
        mailbox, name = call.folder(folder, Access.OWNER)
        if name != "calendar":
            raise Refused("ErrorCannotCreateCalendarItemInNonCalendarFolder")
        values = {"zone": call.zone} | _changes(element, call.zone)
        if "start" not in values or "end" not in values:
            raise Refused("ErrorCalendarEndDateIsEarlierThanStartDate")
        pattern = child(element, "Recurrence")
        item = mailbox.calendar.create(
            Details(**values),
            recurrence=recurrence.read(pattern) if pattern is not None else None,
            uid=text(element, "UID"),
        )
        entry = Entry(mailbox=mailbox, item=item, details=item.details)
        return (m("Items", t("CalendarItem", entry.id_element())),)

    return _each("CreateItem", children(child(request, "Items")), one)


def update(call: Call, request: Element) -> Xml:
    """Answer UpdateItem for single appointments, series, and instances of series."""

    def one(element: Element) -> tuple[Xml | None, ...]:
        identifier = next((each for each in children(element) if local(each) in _ITEM_IDS), None)
        if identifier is None:
            raise Fault("ErrorSchemaValidation", values={"Violation": "ItemChange"})
        if not request.get("SendMeetingInvitationsOrCancellations"):
            raise Refused("ErrorSendMeetingInvitationsOrCancellationsRequired")
        mailbox, item, original = call.item(identifier, Access.OWNER)
        key = identifier.get("ChangeKey")
        stale = key is not None and key != change_key(mailbox.guid, item.version)
        if stale and request.get("ConflictResolution") == "NeverOverwrite":
            raise Refused("ErrorIrresolvableConflict")
        details = item.details if original is None else item.occurrence(original)
        pattern = None
        for field in children(child(element, "Updates")):
            if local(field) == "DeleteItemField":
                uri = (child(field, "FieldURI") if child(field, "FieldURI") is not None else field).get("FieldURI", "")  # type: ignore[union-attr] # checked in the line
                details = replace(details, **item_fields.EMPTIED.get(uri, {}))
                continue
            value = child(field, "CalendarItem")
            if value is None:
                continue
            details = replace(details, **_changes(value, details.zone))
            changed = child(value, "Recurrence")
            if changed is not None and original is None:
                pattern = recurrence.read(changed)
        if original is None:
            mailbox.calendar.update(item, details, recurrence=pattern)
        else:
            mailbox.calendar.update_occurrence(item, original, details)
        entry = Entry(mailbox=mailbox, item=item, details=details, original=original)
        return m("Items", t("CalendarItem", entry.id_element())), m("ConflictResults", t("Count", "0"))

    return _each("UpdateItem", children(child(request, "ItemChanges")), one)


def delete(call: Call, request: Element) -> Xml:
    """Answer DeleteItem: for good, or to the deleted items; an instance of a series only for itself."""
    kind = request.get("DeleteType", "")
    if kind not in ("HardDelete", "SoftDelete", "MoveToDeletedItems"):
        raise Fault("ErrorSchemaValidation", values={"Violation": "DeleteType"})

    def one(element: Element) -> tuple[Xml | None, ...]:
        mailbox, item, original = call.item(element, Access.OWNER)
        if item.folder == "calendar" and not request.get("SendMeetingCancellations"):
            raise Refused("ErrorSendMeetingCancellationsRequired")
        if original is not None:
            mailbox.calendar.delete_occurrence(item, original)
        elif kind == "MoveToDeletedItems" and item.folder != "deleteditems":
            mailbox.calendar.move(item, "deleteditems")
        else:
            mailbox.calendar.delete(item)
        return ()

    return _each("DeleteItem", children(child(request, "ItemIds")), one)


def move(call: Call, request: Element) -> Xml:
    """Answer MoveItem between folders of one mailbox."""
    target = next(children(child(request, "ToFolderId")), None)
    if target is None:
        raise Fault("ErrorSchemaValidation", values={"Violation": "ToFolderId"})

    def one(element: Element) -> tuple[Xml | None, ...]:
        goal, folder = call.folder(target, Access.OWNER)
        mailbox, item, original = call.item(element, Access.OWNER)
        if original is not None or goal is not mailbox:
            raise Refused("ErrorCalendarCannotMoveOrCopyOccurrence" if original else "ErrorMoveCopyFailed")
        mailbox.calendar.move(item, folder)
        return (m("Items", t("CalendarItem", Entry(mailbox=mailbox, item=item, details=item.details).id_element())),)

    return _each("MoveItem", children(child(request, "ItemIds")), one)


def get(call: Call, request: Element) -> Xml:
    """Answer GetItem by item id, by series and index, or by instance for its series."""
    uris = item_fields.shape(request)
    charrefs = call.company.dials.charrefs_in_subjects

    def one(element: Element) -> tuple[Xml | None, ...]:
        mailbox, item, original = call.item(element, Access.REVIEWER)
        details = item.details if original is None else item.occurrence(original)
        entry = Entry(mailbox=mailbox, item=item, details=details, original=original, charrefs=charrefs)
        return (m("Items", item_fields.write(entry, uris)),)

    return _each("GetItem", children(child(request, "ItemIds")), one)


def moment(value: str | None) -> datetime:
    """Read an attribute that must be a dateTime."""
    if not value:
        raise Fault("ErrorSchemaValidation", values={"Violation": "a dateTime is missing"})
    return instant(value)


def convert(call: Call, request: Element) -> Xml:
    """Answer ConvertId: an id is checked, and no other format of it is known here."""
    del call

    def one(element: Element) -> tuple[Xml | None, ...]:
        decoded(element.get("Id", ""))
        raise Refused("ErrorUnsupportedTypeForConversion")

    return _each("ConvertId", children(child(request, "SourceIds")), one)
