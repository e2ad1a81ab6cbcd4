"""A mailbox's owner at the keyboard: reads and keeps the calendar over EWS, and the out-of-office.

The requests are written by hand here and know nothing of the product's templates.
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import aiohttp
from lxml import etree

from rainbow_exchange.lab.owner_wire import (
    OwnerWire,
    Refused,
    add,
    every,
    instant,
    message,
    text_of,
    within,
    written,
)

__all__ = ["Absence", "Entry", "ItemId", "Owner", "Plan", "Refused"]

#: of an appointment, what a list of a calendar shows
_SHOWN = (
    *("item:Subject", "item:Sensitivity", "calendar:Start", "calendar:End", "calendar:IsAllDayEvent"),
    *("calendar:LegacyFreeBusyStatus", "calendar:CalendarItemType"),
)
_MOST_ENTRIES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An appointment to make. `show_as` as EWS spells it: Free, Tentative, Busy, OOF, WorkingElsewhere.

    So is `sensitivity`: Normal, Personal, Private, Confidential.
    """

    subject: str
    start: datetime
    end: datetime
    show_as: str = "Busy"
    sensitivity: str = "Normal"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemId:
    """Where an appointment is kept."""

    id: str
    change_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An appointment of a calendar as its owner sees it; `series`: one meeting of several."""

    item: ItemId
    subject: str
    start: datetime
    end: datetime
    show_as: str
    sensitivity: str
    all_day: bool
    series: bool

    @property
    def private(self) -> bool:
        """Whether its subject is nobody's business."""
        return self.sensitivity != "Normal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """The out-of-office as its owner set it. `start` and `end` mean something in the state Scheduled only."""

    state: Literal["Disabled", "Enabled", "Scheduled"]
    internal: str
    external: str
    start: datetime
    end: datetime
    audience: Literal["None", "Known", "All"] = "Known"

    def on(self, at: datetime) -> bool:
        """Whether a reply is sent at `at`."""
        return self.state == "Enabled" or (self.state == "Scheduled" and self.start <= at < self.end)


class Owner:
    """One owner, signed in with Basic. All calls raise Refused, aiohttp.ClientError or TimeoutError."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        url: str,
        address: str,
        password: str,
        ssl_context: ssl.SSLContext | None = None,
        seconds: float = 15.0,
    ) -> None:
        self.address = address
        self._wire = OwnerWire(
            session, url=url, address=address, password=password, ssl_context=ssl_context, seconds=seconds
        )

    async def agenda(self, start: datetime, end: datetime) -> list[Entry]:
        """List what lies between two instants, by its beginning, at most the first 500."""
        call = message("FindItem", {"Traversal": "Shallow"})
        shape = within(call, "ItemShape")
        add(shape, "BaseShape", "IdOnly")
        more = add(shape, "AdditionalProperties")
        for uri in _SHOWN:
            add(more, "FieldURI", FieldURI=uri)
        within(
            call, "CalendarView", MaxEntriesReturned=str(_MOST_ENTRIES), StartDate=written(start), EndDate=written(end)
        )
        add(within(call, "ParentFolderIds"), "DistinguishedFolderId", Id="calendar")
        found = [_entry(each) for each in every(await self._wire.call(call), "CalendarItem")]
        return sorted(found, key=lambda each: (each.start, each.end, each.item.id))

    async def create(self, plans: Sequence[Plan]) -> list[ItemId]:
        """Make appointments in one request; their ids in the same order."""
        call = message("CreateItem", {"SendMeetingInvitations": "SendToNone"})
        add(within(call, "SavedItemFolderId"), "DistinguishedFolderId", Id="calendar")
        items = within(call, "Items")
        for plan in plans:
            item = add(items, "CalendarItem")
            add(item, "Subject", plan.subject)
            if plan.sensitivity != "Normal":
                add(item, "Sensitivity", plan.sensitivity)
            add(item, "Start", written(plan.start))
            add(item, "End", written(plan.end))
            add(item, "LegacyFreeBusyStatus", plan.show_as)
        ids = [_id(each) for each in every(await self._wire.call(call), "ItemId")]
        if len(ids) != len(plans):
            raise Refused("ids-missing")
        return ids

    async def change(
        self,
        item: ItemId,
        *,
        subject: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        show_as: str | None = None,
        sensitivity: str | None = None,
    ) -> ItemId:
        """Change what is given of an appointment; its id with the new change key."""
        fields = {
            ("item:Subject", "Subject"): subject,
            ("item:Sensitivity", "Sensitivity"): sensitivity,
            ("calendar:Start", "Start"): None if start is None else written(start),
            ("calendar:End", "End"): None if end is None else written(end),
            ("calendar:LegacyFreeBusyStatus", "LegacyFreeBusyStatus"): show_as,
        }
        given = {names: value for names, value in fields.items() if value is not None}
        if not given:
            return item
        attributes = {"ConflictResolution": "AlwaysOverwrite", "SendMeetingInvitationsOrCancellations": "SendToNone"}
        call = message("UpdateItem", attributes)
        change = add(within(call, "ItemChanges"), "ItemChange")
        _add_id(change, item)
        updates = add(change, "Updates")
        for (uri, name), value in given.items():
            field = add(updates, "SetItemField")
            add(field, "FieldURI", FieldURI=uri)
            add(add(field, "CalendarItem"), name, value)
        found = every(await self._wire.call(call), "ItemId")
        return _id(found[0]) if found else item

    async def delete(self, item: ItemId) -> None:
        """Delete an appointment."""
        attributes = {"DeleteType": "MoveToDeletedItems", "SendMeetingCancellations": "SendToNone"}
        call = message("DeleteItem", attributes)
        _add_id(within(call, "ItemIds"), item)
        await self._wire.call(call)

    async def out_of_office(self) -> Absence:
        """Read the out-of-office."""
        call = message("GetUserOofSettingsRequest")
        add(add(call, "Mailbox"), "Address", self.address)
        answer = await self._wire.call(call)
        state, audience = text_of(answer, "OofState"), text_of(answer, "ExternalAudience")
        if state not in ("Disabled", "Enabled", "Scheduled") or audience not in ("None", "Known", "All"):
            raise Refused("absence-not-understood")
        return Absence(
            state=state,  # type: ignore[arg-type]  # one of them, as was just looked at
            audience=audience,  # type: ignore[arg-type]  # same
            start=instant(text_of(answer, "Duration", "StartTime")),
            end=instant(text_of(answer, "Duration", "EndTime")),
            internal=text_of(answer, "InternalReply", "Message"),
            external=text_of(answer, "ExternalReply", "Message"),
        )

    async def set_out_of_office(self, absence: Absence) -> None:
        """Set the out-of-office."""
        call = message("SetUserOofSettingsRequest")
        add(add(call, "Mailbox"), "Address", self.address)
        settings = add(call, "UserOofSettings")
        add(settings, "OofState", absence.state)
        add(settings, "ExternalAudience", absence.audience)
        duration = add(settings, "Duration")
        add(duration, "StartTime", written(absence.start))
        add(duration, "EndTime", written(absence.end))
        add(add(settings, "InternalReply"), "Message", absence.internal)
        add(add(settings, "ExternalReply"), "Message", absence.external)
        await self._wire.call(call)

    async def be_out(self, text: str | None, *, now: datetime) -> None:
        """Switch the out-of-office reply on with this text, or off with None."""
        await self.set_out_of_office(
            Absence(
                state="Disabled" if text is None else "Enabled",
                audience="None" if text is None else "Known",
                start=now,
                end=now + timedelta(days=1),
                internal=text or "",
                external=text or "",
            )
        )


def _entry(element: etree._Element) -> Entry:
    found = every(element, "ItemId")
    if not found:
        raise Refused("ids-missing")
    return Entry(
        item=_id(found[0]),
        subject=text_of(element, "Subject"),
        start=instant(text_of(element, "Start")),
        end=instant(text_of(element, "End")),
        show_as=text_of(element, "LegacyFreeBusyStatus"),
        sensitivity=text_of(element, "Sensitivity") or "Normal",
        all_day=text_of(element, "IsAllDayEvent") == "true",
        series=text_of(element, "CalendarItemType") not in ("", "Single"),
    )


def _id(element: etree._Element) -> ItemId:
    return ItemId(id=element.get("Id", ""), change_key=element.get("ChangeKey", ""))


def _add_id(parent: etree._Element, item: ItemId) -> None:
    add(parent, "ItemId", Id=item.id, ChangeKey=item.change_key)
