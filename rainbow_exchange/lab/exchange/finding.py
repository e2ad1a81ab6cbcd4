"""FindItem (CalendarView or a plain list) and SyncFolderItems (ews.md §6)."""

import base64
import binascii
from dataclasses import replace
from datetime import timedelta

from rainbow_exchange.lab.exchange import item_fields
from rainbow_exchange.lab.exchange.call import Call
from rainbow_exchange.lab.exchange.errors import Fault, Refused
from rainbow_exchange.lab.exchange.item_fields import Entry
from rainbow_exchange.lab.exchange.items import moment
from rainbow_exchange.lab.exchange.mailbox import Access, Mailbox
from rainbow_exchange.lab.exchange.wire import (
    Element,
    Xml,
    answer,
    boolean,
    child,
    children,
    m,
    number,
    response_message,
    t,
    text,
)

_LONGEST_VIEW = timedelta(days=731)
_MOST_SYNCED = 512


def find(call: Call, request: Element) -> Xml:
    """Answer FindItem, a message for each folder named."""
    folders = list(children(child(request, "ParentFolderIds")))
    if not folders or request.get("Traversal") not in ("Shallow", "Associated", "SoftDeleted"):
        raise Fault("ErrorSchemaValidation", values={"Violation": "ParentFolderIds or Traversal"})
    if child(request, "Restriction") is not None or child(request, "SortOrder") is not None:
        raise Fault("ErrorInvalidRequest", "The lab's Exchange plays neither restrictions nor sort orders.")
    messages = []
    for folder in folders:
        try:
            mailbox, name = call.folder(folder, Access.REVIEWER)
            messages.append(response_message("FindItemResponseMessage", _found(call, request, mailbox, name)))
        except Refused as error:
            messages.append(response_message("FindItemResponseMessage", error=error))
    return answer("FindItem", *messages)


def _found(call: Call, request: Element, mailbox: Mailbox, folder: str) -> Xml:
    view = child(request, "CalendarView")
    limit = call.company.dials.find_item_limit
    charrefs = call.company.dials.charrefs_in_subjects
    uris = item_fields.found(request, unasked=call.company.dials.unasked_fields)
    offset = 0
    if view is not None:
        if folder != "calendar":
            raise Refused("ErrorCalendarFolderIsInvalidForCalendarView")
        start, end = moment(view.get("StartDate")), moment(view.get("EndDate"))
        if end < start:
            raise Refused("ErrorCalendarEndDateIsEarlierThanStartDate")
        if end - start > _LONGEST_VIEW:
            raise Refused("ErrorCalendarViewRangeTooBig")
        limit = min(limit, number(view.get("MaxEntriesReturned"), otherwise=limit))
        entries = [
            Entry(mailbox=mailbox, item=each.item, details=each.details, original=each.original, charrefs=charrefs)
            for each in mailbox.calendar.view(start, end, edges=call.company.flavour.edges)
        ]
        if call.company.dials.series_as_one:
            entries = _as_one(entries)
    else:
        page = child(request, "IndexedPageItemView")
        if page is not None:
            offset = number(page.get("Offset"), otherwise=0)
            limit = min(limit, number(page.get("MaxEntriesReturned"), otherwise=limit))
        stored = [each for each in mailbox.calendar.items.values() if each.folder == folder]
        if request.get("Traversal") != "Shallow":
            stored = []
        entries = [Entry(mailbox=mailbox, item=each, details=each.details, charrefs=charrefs) for each in stored]
    shown = entries[offset : offset + limit]
    last = offset + limit >= len(entries)
    paging = (
        {}
        if view is not None or child(request, "IndexedPageItemView") is None
        else {"IndexedPagingOffset": str(offset + len(shown))}
    )
    return m(
        "RootFolder",
        t("Items", *(item_fields.write(each, uris) for each in shown)),
        TotalItemsInView=str(len(entries)),
        IncludesLastItemInRange=boolean(last),
        **paging,
    )


def _as_one(entries: list[Entry]) -> list[Entry]:
    """Give each series as one instead of its meetings, as servers do that are not Exchange."""
    masters = {entry.item.number: entry for entry in entries if entry.original is not None}
    return [entry for entry in entries if entry.original is None] + [
        replace(entry, details=entry.item.details, original=None) for entry in masters.values()
    ]


def sync(call: Call, request: Element) -> Xml:
    """Answer SyncFolderItems: what was created, changed and deleted since the state, oldest first."""
    folder = next(children(child(request, "SyncFolderId")), None)
    if folder is None:
        raise Fault("ErrorSchemaValidation", values={"Violation": "SyncFolderId"})
    mailbox, name = call.folder(folder, Access.REVIEWER)
    most = number(text(request, "MaxChangesReturned"))
    if not 1 <= most <= _MOST_SYNCED:
        raise Fault("ErrorSchemaValidation", values={"Violation": "MaxChangesReturned"})
    since = _since(text(request, "SyncState").strip(), mailbox, name)
    uris = item_fields.found(request)
    calendar = mailbox.calendar
    changes: list[tuple[int, Xml]] = []
    for item in calendar.items.values():
        if item.folder == name and item.version > since:
            entry = Entry(mailbox=mailbox, item=item, details=item.details)
            kind = "Create" if item.created_version > since else "Update"
            changes.append((item.version, t(kind, item_fields.write(entry, uris))))
    if since:
        changes += [
            (version, t("Delete", t("ItemId", Id=mailbox.item_id(number), ChangeKey="DwAAAA==")))
            for version, left, number in calendar.tombstones
            if left == name and version > since
        ]
    changes.sort(key=lambda each: each[0])
    shown, last = changes[:most], len(changes) <= most
    reached = calendar.version if last else shown[-1][0]
    return answer(
        "SyncFolderItems",
        response_message(
            "SyncFolderItemsResponseMessage",
            m("SyncState", _state(mailbox, name, reached)),
            m("IncludesLastItemInRange", boolean(last)),
            m("Changes", *(element for _, element in shown)),
        ),
    )


def _state(mailbox: Mailbox, folder: str, version: int) -> str:
    return base64.b64encode(f"{mailbox.guid}:{folder}:{version}".encode()).decode()


def _since(state: str, mailbox: Mailbox, folder: str) -> int:
    if not state:
        return 0
    try:
        guid, name, version = base64.b64decode(state, validate=True).decode().split(":")
        if (guid, name) == (str(mailbox.guid), folder):
            return int(version)
    except (binascii.Error, ValueError):
        pass
    raise Refused("ErrorInvalidSyncStateData")
