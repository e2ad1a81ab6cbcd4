"""Every ordinary answer validates against Microsoft's schemas; streams differ from them as real ones do."""

from typing import Any

import pytest
from lxml import etree

M = "http://schemas.microsoft.com/exchange/services/2006/messages"
T = "http://schemas.microsoft.com/exchange/services/2006/types"
DAY = ("2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z")
SERIES = '<t:StartTimeZone Id="Romance Standard Time"/>'  # after Recurrence in the schema's order
RECURRENCE = (
    "<t:Recurrence><t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Tuesday</t:DaysOfWeek>"
    "<t:FirstDayOfWeek>Monday</t:FirstDayOfWeek></t:WeeklyRecurrence><t:NumberedRecurrence>"
    "<t:StartDate>2026-11-24</t:StartDate><t:NumberOfOccurrences>5</t:NumberOfOccurrences></t:NumberedRecurrence>"
    "</t:Recurrence>"
)
ALL = "<m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>"
FOLDER = '<t:DistinguishedFolderId Id="calendar"/>'


def mailbox(name: str, address: str = "alice@acme.test") -> str:
    return f"<m:{name}Request><t:Mailbox><t:Address>{address}</t:Address></t:Mailbox></m:{name}Request>"


TIPS = (
    "<m:GetMailTips><m:SendingAs><t:EmailAddress>svc@acme.test</t:EmailAddress></m:SendingAs><m:Recipients>"
    "<t:Mailbox><t:EmailAddress>alice@acme.test</t:EmailAddress></t:Mailbox>"
    "<t:Mailbox><t:EmailAddress>bob@acme.test</t:EmailAddress></t:Mailbox>"
    "<t:Mailbox><t:EmailAddress>nobody@acme.test</t:EmailAddress></t:Mailbox></m:Recipients>"
    "<m:MailTipsRequested>OutOfOfficeMessage</m:MailTipsRequested></m:GetMailTips>"
)
CONFIGURATION = (
    "<m:GetServiceConfiguration><m:RequestedConfiguration><m:ConfigurationName>MailTips</m:ConfigurationName>"
    "</m:RequestedConfiguration></m:GetServiceConfiguration>"
)


def resolve(entry: str) -> str:
    return (
        f'<m:ResolveNames ReturnFullContactData="true"><m:UnresolvedEntry>{entry}</m:UnresolvedEntry></m:ResolveNames>'
    )


def sync(state: str = "") -> str:
    return (
        f"<m:SyncFolderItems>{ALL}<m:SyncFolderId>{FOLDER}</m:SyncFolderId>"
        f"<m:SyncState>{state}</m:SyncState><m:MaxChangesReturned>512</m:MaxChangesReturned></m:SyncFolderItems>"
    )


OOF = (
    "<m:SetUserOofSettingsRequest><t:Mailbox><t:Address>alice@acme.test</t:Address></t:Mailbox><t:UserOofSettings>"
    "<t:OofState>Enabled</t:OofState><t:ExternalAudience>All</t:ExternalAudience><t:InternalReply>"
    "<t:Message>&lt;p&gt;Away&lt;/p&gt;</t:Message></t:InternalReply><t:ExternalReply><t:Message>Out</t:Message>"
    "</t:ExternalReply></t:UserOofSettings></m:SetUserOofSettingsRequest>"
)
ZONES = '<m:GetServerTimeZones ReturnFullTimeZoneData="true"/>'
HIERARCHY = (
    "<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape></m:SyncFolderHierarchy>"
)
FIND_FOLDER = (
    '<m:FindFolder Traversal="Deep"><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>'
    '<m:ParentFolderIds><t:DistinguishedFolderId Id="root"/></m:ParentFolderIds></m:FindFolder>'
)
GET_FOLDER = (
    "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds>"
    '<t:DistinguishedFolderId Id="calendar"/><t:DistinguishedFolderId Id="inbox"/>'
    '<t:DistinguishedFolderId Id="journal"/></m:FolderIds></m:GetFolder>'
)


@pytest.fixture
def check(wire: Any, schema: etree.XMLSchema) -> Any:
    """Give a call whose answer must validate."""

    async def checked(body: str, account: str = "alice@acme.test") -> Any:
        answer = await wire.call(body, account=account)
        assert answer.status == 200, answer.data
        found = answer.body
        assert schema.validate(found), (str(schema.error_log), etree.tostring(found, pretty_print=True).decode())
        return answer

    return checked


async def test_answers_about_items_validate(wire: Any, check: Any) -> None:
    """Success and refusal, by the owner of a calendar with a series that has exceptions."""
    item = await wire.create("Single &amp; &lt;odd&gt;", "2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z")
    await wire.create("Series", "2026-11-24T13:00:00Z", "2026-11-24T14:00:00Z", RECURRENCE + SERIES)
    await wire.lab_call(
        "PATCH", "mailboxes/alice@acme.test/items/2", {"occurrence": "2026-12-01T13:00:00Z", "subject": "Exception"}
    )
    await wire.lab_call("DELETE", "mailboxes/alice@acme.test/items/2", occurrence="2026-12-08T13:00:00Z")
    await wire.lab_call(
        "PATCH",
        "mailboxes/alice@acme.test/items/1",
        {"required": ["bob@acme.test"], "categories": ["Red"], "reminder": True, "location": "Room 1", "body": "<b>"},
    )
    await wire.lab_call(
        "POST",
        "mailboxes/alice@acme.test/items",
        {"start": "2026-11-24T00:00:00Z", "end": "2026-11-24T00:00:00Z", "my_response": "Accept", "cancelled": True},
    )
    await check(wire.create_body("New", *DAY))
    await check(wire.create_body("Backwards", *DAY[::-1]))
    views = [await check(wire.view_body("2026-11-01T00:00:00Z", "2026-12-31T00:00:00Z"))]
    assert len(views[0].all("t:CalendarItem")) == 7
    await check(wire.view_body(*DAY, mailbox="bob@acme.test"))
    listed = await check(
        f'<m:FindItem Traversal="Shallow">{ALL}<m:ParentFolderIds>{FOLDER}</m:ParentFolderIds></m:FindItem>'
    )
    ids = [each.get("Id") for each in listed.root.iter(f"{{{T}}}CalendarItem") for each in [each[0]]]
    occurrences = [each.get("Id") for each in views[0].root.iter(f"{{{T}}}ItemId")]
    wanted = "".join(f'<t:ItemId Id="{each}"/>' for each in dict.fromkeys(ids + occurrences))
    got = await check(f'<m:GetItem>{ALL}<m:ItemIds>{wanted}<t:ItemId Id="eA=="/></m:ItemIds></m:GetItem>')
    assert got.all("t:CalendarItemType").count("RecurringMaster") == 1
    assert len(got.all("t:DeletedOccurrence")) == 1
    update = (
        '<m:UpdateItem ConflictResolution="AutoResolve" SendMeetingInvitationsOrCancellations="SendToNone">'
        f'<m:ItemChanges><t:ItemChange><t:ItemId Id="{item.get("Id")}"/><t:Updates>'
        '<t:SetItemField><t:FieldURI FieldURI="item:Subject"/>'
        "<t:CalendarItem><t:Subject>Other</t:Subject></t:CalendarItem></t:SetItemField></t:Updates></t:ItemChange>"
        "</m:ItemChanges></m:UpdateItem>"
    )
    await check(update)
    state = (await check(sync())).one("m:SyncState")
    trash = '<m:ToFolderId><t:DistinguishedFolderId Id="deleteditems"/></m:ToFolderId>'
    await check(f'<m:MoveItem>{trash}<m:ItemIds><t:ItemId Id="{item.get("Id")}"/></m:ItemIds></m:MoveItem>')
    delete = '<m:DeleteItem DeleteType="HardDelete" SendMeetingCancellations="SendToNone"><m:ItemIds>'
    await check(f'{delete}<t:ItemId Id="{ids[1]}"/><t:ItemId Id="{ids[1]}"/></m:ItemIds></m:DeleteItem>')
    changed = await check(sync(state))
    assert len(changed.all("t:Delete")) == 2
    await check(sync("bm9uc2Vuc2U="))


async def test_other_answers_validate(wire: Any, check: Any) -> None:
    """Subscriptions, availability, out-of-office, names and folders, success and refusal."""
    await wire.create("Busy", *DAY)
    await check(wire.subscribe_body())
    await check(wire.subscribe_body("nobody@acme.test"))
    await check("<m:Unsubscribe><m:SubscriptionId>eA==</m:SubscriptionId></m:Unsubscribe>")
    everybody = ("alice@acme.test", "bob@acme.test", "carol@acme.test", "nobody@acme.test", "no address")
    for view in ("Detailed", "DetailedMerged", "FreeBusy", "FreeBusyMerged", "MergedOnly"):
        await check(wire.availability_body(*everybody, start=DAY[0], end=DAY[1], view=view), "svc-rainbow")
        await check(wire.availability_body(*everybody, start=DAY[0], end=DAY[1], view=view))
    await check(OOF)
    await check(mailbox("GetUserOofSettings"))
    await check(TIPS, "svc-rainbow")
    await check(CONFIGURATION, "svc-rainbow")
    await check("<m:GetPasswordExpirationDate/>", "svc-rainbow")
    for entry in ("alice@acme.test", "martin", "nobody"):
        await check(resolve(entry))
    for body in (ZONES, HIERARCHY, FIND_FOLDER, GET_FOLDER):
        await check(body)
    source = '<t:AlternateId Format="EwsId" Id="x" Mailbox="y"/>'
    await check(f'<m:ConvertId DestinationFormat="EntryId"><m:SourceIds>{source}</m:SourceIds></m:ConvertId>')
    await wire.dials(server_busy="inner")
    password = "<m:GetPasswordExpirationDate/>"
    bodies = (mailbox("GetUserOofSettings"), TIPS, CONFIGURATION, resolve("x"), GET_FOLDER, password)
    for body in (wire.subscribe_body(), *bodies):
        assert (await check(body)).code == "ErrorInternalServerError"
    await wire.dials(server_busy="message")
    assert (await check(wire.availability_body("bob@acme.test", start=DAY[0], end=DAY[1]))).code == "ErrorServerBusy"


@pytest.mark.parametrize("kind", ["event", "error", "heartbeat"])
async def test_stream_messages_validate_but_for_what_real_ones_do_too(
    make_lab: Any, schema: etree.XMLSchema, kind: str
) -> None:
    wire = await make_lab(heartbeat_seconds=0.05)
    subscription = await wire.subscribe(impersonate="alice@acme.test")
    stream = await wire.stream(*([subscription] if kind != "error" else ["eA=="]))
    if kind != "error":
        await stream.message()
    if kind == "event":
        await wire.lab_call(
            "POST", "mailboxes/alice@acme.test/items", {"start": "2026-11-24T09:00:00Z", "end": "2026-11-24T10:00:00Z"}
        )
        message = await stream.message()
        while message.find(f"{{{M}}}Notifications") is None:
            message = await stream.message()
    else:
        message = await stream.message()
    body = message.getparent().getparent()
    assert schema.validate(body) is (kind == "heartbeat")
    for each in [*body.iter(f"{{{M}}}Notification"), *body.iter(f"{{{M}}}SubscriptionId")]:
        each.tag = f"{{{T}}}{etree.QName(each).localname}"
    assert schema.validate(body), schema.error_log
