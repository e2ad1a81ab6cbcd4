"""The lab's Exchange on a real socket, and a client that writes its envelopes by hand."""

import base64
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from lxml import etree

from rainbow_exchange.lab.exchange import LabExchange, LabMailbox

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
M = "http://schemas.microsoft.com/exchange/services/2006/messages"
T = "http://schemas.microsoft.com/exchange/services/2006/types"
NAMES = {"s": SOAP, "m": M, "t": T}
PASSWORD = "lab-password"

MAILBOXES = (
    LabMailbox(
        address="alice@acme.test",
        display_name="Alice Martin",
        aliases=("al@acme.test",),
        upn="am@corp.test",
        right="none",
    ),
    LabMailbox(address="bob@acme.test", display_name="Bob Martin", right="reviewer", sid="S-1-5-21-1-2-3-1001"),
    LabMailbox(address="carol@acme.test", display_name="Carol Durand", right="freebusy"),
)  # fmt: skip


def envelope(
    body: str, *, impersonate: str = "", kind: str = "PrimarySmtpAddress", version: str = "Exchange2013_SP1"
) -> bytes:
    """Write a request by hand."""
    header = f'<t:RequestServerVersion Version="{version}"/>'
    if impersonate:
        sid = f"<t:ConnectingSID><t:{kind}>{impersonate}</t:{kind}></t:ConnectingSID>"
        header += f"<t:ExchangeImpersonation>{sid}</t:ExchangeImpersonation>"
    return (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:m="{M}" xmlns:t="{T}"><s:Header>{header}</s:Header>'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def subscribe_body(mailbox: str = "", events: str = "Created Modified Deleted Moved Copied FreeBusyChanged") -> str:
    """Write a Subscribe on a calendar."""
    named = f"<t:Mailbox><t:EmailAddress>{mailbox}</t:EmailAddress></t:Mailbox>" if mailbox else ""
    types = "".join(f"<t:EventType>{event}Event</t:EventType>" for event in events.split())
    return (
        "<m:Subscribe><m:StreamingSubscriptionRequest><t:FolderIds>"
        f'<t:DistinguishedFolderId Id="calendar">{named}</t:DistinguishedFolderId></t:FolderIds>'
        f"<t:EventTypes>{types}</t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>"
    )


def streaming_body(*ids: str, minutes: int = 30) -> str:
    """Write a GetStreamingEvents."""
    written = "".join(f"<t:SubscriptionId>{each}</t:SubscriptionId>" for each in ids)
    return (
        f"<m:GetStreamingEvents><m:SubscriptionIds>{written}</m:SubscriptionIds>"
        f"<m:ConnectionTimeout>{minutes}</m:ConnectionTimeout></m:GetStreamingEvents>"
    )


def create_body(subject: str, start: str, end: str, more: str = "") -> str:
    """Write a CreateItem of an appointment."""
    return (
        '<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem>'
        f"<t:Subject>{subject}</t:Subject><t:Start>{start}</t:Start><t:End>{end}</t:End>{more}"
        "</t:CalendarItem></m:Items></m:CreateItem>"
    )


FIELDS = (
    "item:Subject", "item:Sensitivity", "calendar:Start", "calendar:End", "calendar:CalendarItemType", "calendar:UID",
)  # fmt: skip


def view_body(start: str, end: str, mailbox: str = "", most: int = 1000) -> str:
    """Write a FindItem with a CalendarView."""
    named = f"<t:Mailbox><t:EmailAddress>{mailbox}</t:EmailAddress></t:Mailbox>" if mailbox else ""
    uris = "".join(f'<t:FieldURI FieldURI="{uri}"/>' for uri in FIELDS)
    return (
        '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>'
        f"<t:AdditionalProperties>{uris}</t:AdditionalProperties></m:ItemShape>"
        f'<m:CalendarView MaxEntriesReturned="{most}" StartDate="{start}" EndDate="{end}"/>'
        f'<m:ParentFolderIds><t:DistinguishedFolderId Id="calendar">{named}</t:DistinguishedFolderId>'
        "</m:ParentFolderIds></m:FindItem>"
    )


def availability_body(*addresses: str, start: str, end: str, zone: str = "", view: str = "Detailed") -> str:
    """Write a GetUserAvailabilityRequest; without `zone` everything is UTC."""
    mailboxes = "".join(
        f"<t:MailboxData><t:Email><t:Address>{each}</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData>"
        for each in addresses
    )
    rule = "<t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>1</t:DayOrder><t:Month>1</t:Month>"
    rule += "<t:DayOfWeek>Sunday</t:DayOfWeek>"
    zone = zone or f"<t:Bias>0</t:Bias><t:StandardTime>{rule}</t:StandardTime><t:DaylightTime>{rule}</t:DaylightTime>"
    return (
        f"<m:GetUserAvailabilityRequest><t:TimeZone>{zone}</t:TimeZone>"
        f"<m:MailboxDataArray>{mailboxes}</m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow>"
        f"<t:StartTime>{start}</t:StartTime><t:EndTime>{end}</t:EndTime></t:TimeWindow>"
        f"<t:MergedFreeBusyIntervalInMinutes>60</t:MergedFreeBusyIntervalInMinutes>"
        f"<t:RequestedView>{view}</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>"
    )


@dataclass
class Answer:
    """An answer: HTTP status, headers, bytes, and the parsed body."""

    status: int
    headers: Any
    data: bytes

    @property
    def root(self) -> Any:
        return etree.fromstring(self.data)

    @property
    def body(self) -> Any:
        return self.root.find("s:Body", NAMES)[0]

    def all(self, path: str) -> list[str]:
        return [each.text or "" for each in self.root.iterfind(f".//{path}", NAMES)]

    def one(self, path: str) -> str:
        [found] = self.all(path)
        return found

    @property
    def code(self) -> str:
        """The first code of the answer, of a fault or of a response message."""
        return next(each.text or "" for each in self.root.iter("{*}ResponseCode"))


@dataclass
class Wire:
    """A client of the lab: EWS requests by an account, and the lab's own wire."""

    lab: LabExchange
    http: aiohttp.ClientSession
    streams: list[aiohttp.ClientResponse] = field(default_factory=list)

    subscribe_body = staticmethod(subscribe_body)
    streaming_body = staticmethod(streaming_body)
    create_body = staticmethod(create_body)
    view_body = staticmethod(view_body)
    availability_body = staticmethod(availability_body)

    @staticmethod
    def login(account: str, password: str = PASSWORD) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(f"{account}:{password}".encode()).decode()}

    async def call(
        self, body: str, *, account: str = "svc-rainbow", headers: dict[str, str] | None = None, **options: Any
    ) -> Answer:
        sent = self.login(account) | {"Content-Type": "text/xml; charset=utf-8"} | (headers or {})
        async with self.http.post(self.lab.url, data=envelope(body, **options), headers=sent) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def subscribe(self, mailbox: str = "", **options: Any) -> str:
        answer = await self.call(subscribe_body(mailbox), **options)
        return answer.one("m:SubscriptionId")

    async def create(
        self, subject: str, start: str, end: str, more: str = "", *, account: str = "alice@acme.test"
    ) -> Any:
        answer = await self.call(create_body(subject, start, end, more), account=account)
        assert answer.code == "NoError", answer.data
        return answer.root.find(".//t:ItemId", NAMES)

    async def stream(
        self, *ids: str, minutes: int = 30, account: str = "svc-rainbow", **options: Any
    ) -> "StreamReader":
        sent = self.login(account) | {"Content-Type": "text/xml; charset=utf-8"}
        data = envelope(streaming_body(*ids, minutes=minutes), **options)
        answer = await self.http.post(self.lab.url, data=data, headers=sent)
        self.streams.append(answer)
        return StreamReader(answer)

    async def lab_call(self, method: str, path: str, wanted: Any = None, **query: str) -> Any:
        async with self.http.request(method, f"{self.lab.base}/lab/{path}", json=wanted, params=query) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def dials(self, **positions: Any) -> Any:
        return await self.lab_call("POST", "dials", positions)


@dataclass
class StreamReader:
    """Reads a stream envelope by envelope, by the simplest means there is."""

    answer: aiohttp.ClientResponse
    rest: bytes = b""

    async def raw(self) -> bytes:
        while (end := self._end()) < 0:
            more = await self.answer.content.readany()
            if not more:
                return b""
            self.rest += more
        whole, self.rest = self.rest[:end], self.rest[end:]
        return whole

    def _end(self) -> int:
        for tag in (b"</Envelope>", b"</SOAP:Envelope>"):
            if (found := self.rest.find(tag)) >= 0:
                return found + len(tag)
        return -1

    async def message(self) -> Any:
        whole = await self.raw()
        assert whole, "the stream has ended"
        return next(etree.fromstring(whole).iter(f"{{{M}}}GetStreamingEventsResponseMessage"))


MakeLab = Callable[..., Awaitable[Wire]]


@pytest.fixture
async def make_lab() -> AsyncIterator[MakeLab]:
    """Start labs that differ, all stopped at the end."""
    made: list[Wire] = []

    async def make(**given: Any) -> Wire:
        options: dict[str, Any] = {"mailboxes": MAILBOXES, "now": lambda: datetime.now(UTC)} | given
        lab = LabExchange(
            password=PASSWORD,
            random=random.Random(7).random,
            **options,
        )
        await lab.start()
        session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        made.append(Wire(lab, session))
        return made[-1]

    yield make
    for wire in made:
        for stream in wire.streams:
            stream.close()
        await wire.http.close()
        await wire.lab.stop()


@pytest.fixture
async def wire(make_lab: MakeLab) -> Wire:
    """Give a lab as it starts by default."""
    return await make_lab()


@pytest.fixture(scope="session")
def schema(shared: Path) -> etree.XMLSchema:
    """Give Microsoft's schemas."""
    return etree.XMLSchema(etree.parse(shared / "ews" / "schemas" / "all.xsd"))
