"""A mailbox's owner at the keyboard: creates, changes and deletes appointments over EWS, and sets the out-of-office.

The requests are written by hand here and know nothing of the product's templates.
"""

import base64
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import aiohttp
from lxml import etree

from rainbow_exchange.ews.namespaces import MESSAGES, SOAP, TYPES

_MAX_ANSWER = 4 * 2**20
_NSMAP = {"soap": SOAP, "t": TYPES, "m": MESSAGES}


class Refused(Exception):
    """Exchange did not do it. `code` is its ResponseCode, or `http-<status>`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An appointment to make. `show_as` as EWS spells it: Free, Tentative, Busy, OOF, WorkingElsewhere."""

    subject: str
    start: datetime
    end: datetime
    show_as: str = "Busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemId:
    """Where an appointment is kept."""

    id: str
    change_key: str


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
        self._session = session
        self._url = url
        self._auth = "Basic " + base64.b64encode(f"{address}:{password}".encode()).decode()
        self._ssl = ssl_context
        self._timeout = aiohttp.ClientTimeout(total=seconds)

    async def create(self, plans: Sequence[Plan]) -> list[ItemId]:
        """Make appointments in one request; their ids in the same order."""
        call = etree.Element(f"{{{MESSAGES}}}CreateItem", {"SendMeetingInvitations": "SendToNone"}, nsmap=_NSMAP)
        folder = etree.SubElement(call, f"{{{MESSAGES}}}SavedItemFolderId")
        etree.SubElement(folder, f"{{{TYPES}}}DistinguishedFolderId", {"Id": "calendar"})
        items = etree.SubElement(call, f"{{{MESSAGES}}}Items")
        for plan in plans:
            item = etree.SubElement(items, f"{{{TYPES}}}CalendarItem")
            _text(item, "Subject", plan.subject)
            _text(item, "Start", _instant(plan.start))
            _text(item, "End", _instant(plan.end))
            _text(item, "LegacyFreeBusyStatus", plan.show_as)
        answer = await self._call(call)
        ids = [ItemId(id=each.get("Id", ""), change_key=each.get("ChangeKey", "")) for each in _all(answer, "ItemId")]
        if len(ids) != len(plans):
            raise Refused("ids-missing")
        return ids

    async def change(
        self, item: ItemId, *, subject: str | None = None, start: datetime | None = None, end: datetime | None = None
    ) -> ItemId:
        """Change an appointment; its id with the new change key."""
        attributes = {"ConflictResolution": "AlwaysOverwrite", "SendMeetingInvitationsOrCancellations": "SendToNone"}
        call = etree.Element(f"{{{MESSAGES}}}UpdateItem", attributes, nsmap=_NSMAP)
        changes = etree.SubElement(call, f"{{{MESSAGES}}}ItemChanges")
        change = etree.SubElement(changes, f"{{{TYPES}}}ItemChange")
        _item_id(change, item)
        updates = etree.SubElement(change, f"{{{TYPES}}}Updates")
        fields = {
            ("item:Subject", "Subject"): subject,
            ("calendar:Start", "Start"): None if start is None else _instant(start),
            ("calendar:End", "End"): None if end is None else _instant(end),
        }
        for (uri, name), value in fields.items():
            if value is not None:
                field = etree.SubElement(updates, f"{{{TYPES}}}SetItemField")
                etree.SubElement(field, f"{{{TYPES}}}FieldURI", {"FieldURI": uri})
                _text(etree.SubElement(field, f"{{{TYPES}}}CalendarItem"), name, value)
        found = _all(await self._call(call), "ItemId")
        return ItemId(id=found[0].get("Id", ""), change_key=found[0].get("ChangeKey", "")) if found else item

    async def delete(self, item: ItemId) -> None:
        """Delete an appointment."""
        attributes = {"DeleteType": "MoveToDeletedItems", "SendMeetingCancellations": "SendToNone"}
        call = etree.Element(f"{{{MESSAGES}}}DeleteItem", attributes, nsmap=_NSMAP)
        _item_id(etree.SubElement(call, f"{{{MESSAGES}}}ItemIds"), item)
        await self._call(call)

    async def be_out(self, text: str | None, *, now: datetime) -> None:
        """Switch the out-of-office reply on with this text, or off with None."""
        call = etree.Element(f"{{{MESSAGES}}}SetUserOofSettingsRequest", nsmap=_NSMAP)
        _text(etree.SubElement(call, f"{{{TYPES}}}Mailbox"), "Address", self.address)
        settings = etree.SubElement(call, f"{{{TYPES}}}UserOofSettings")
        _text(settings, "OofState", "Disabled" if text is None else "Enabled")
        _text(settings, "ExternalAudience", "None" if text is None else "Known")
        duration = etree.SubElement(settings, f"{{{TYPES}}}Duration")
        _text(duration, "StartTime", _instant(now))
        _text(duration, "EndTime", _instant(now + timedelta(days=1)))
        for name in ("InternalReply", "ExternalReply"):
            _text(etree.SubElement(settings, f"{{{TYPES}}}{name}"), "Message", text or "")
        await self._call(call)

    async def _call(self, operation: etree._Element) -> etree._Element:
        envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap=_NSMAP)
        header = etree.SubElement(envelope, f"{{{SOAP}}}Header")
        etree.SubElement(header, f"{{{TYPES}}}RequestServerVersion", {"Version": "Exchange2013_SP1"})
        etree.SubElement(envelope, f"{{{SOAP}}}Body").append(operation)
        body = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        headers = {"Authorization": self._auth, "Content-Type": "text/xml; charset=utf-8"}
        async with self._session.post(
            self._url, data=body, headers=headers, timeout=self._timeout, ssl=self._ssl or True
        ) as answer:
            content = await answer.content.read(_MAX_ANSWER)
            status = answer.status
        try:
            parsed = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
        except etree.XMLSyntaxError as error:
            raise Refused(f"http-{status}") from error
        codes = [each.text or "" for each in _all(parsed, "ResponseCode")]
        wrong = [code for code in codes if code != "NoError"]
        if status != HTTPStatus.OK or wrong or not codes:
            raise Refused(wrong[0] if wrong else f"http-{status}")
        return parsed


def _all(parent: etree._Element, name: str) -> list[etree._Element]:
    return [each for each in parent.iter(tag=etree.Element) if etree.QName(each).localname == name]


def _text(parent: etree._Element, name: str, value: str) -> None:
    etree.SubElement(parent, f"{{{TYPES}}}{name}").text = value


def _item_id(parent: etree._Element, item: ItemId) -> None:
    etree.SubElement(parent, f"{{{TYPES}}}ItemId", {"Id": item.id, "ChangeKey": item.change_key})


def _instant(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
