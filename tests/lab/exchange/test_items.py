"""Items on the wire: what is written is read, by whom it may be (ews.md §6)."""

from typing import Any

import pytest

T = "http://schemas.microsoft.com/exchange/services/2006/types"
DAY = ("2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z")


async def make(wire: Any, mailbox: str, **details: Any) -> Any:
    at = {"start": "2026-11-24T09:00:00Z", "end": "2026-11-24T10:00:00Z"}
    return await wire.lab_call("POST", f"mailboxes/{mailbox}/items", at | details)


async def test_an_item_written_is_read(wire: Any) -> None:
    item = await wire.create("Hello", "2026-11-24T10:00:00+01:00", "2026-11-24T11:00:00.000+01:00")
    view = await wire.call(wire.view_body(*DAY), impersonate="alice@acme.test")
    assert (view.one("t:Subject"), view.one("t:Start"), view.one("t:End")) == (
        "Hello", "2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z",
    )  # fmt: skip
    assert view.root.find(f".//{{{T}}}ItemId").get("Id") == item.get("Id")
    assert view.one("t:CalendarItemType") == "Single"


async def test_times_without_offset_are_meant_in_the_items_zone(wire: Any) -> None:
    zone = '<t:StartTimeZone Id="Tokyo Standard Time"/>'
    await wire.create("Tokyo", "2026-11-24T10:00:00", "2026-11-24T11:00:00", zone)
    assert (await wire.call(wire.view_body(*DAY), account="alice@acme.test")).one("t:Start") == "2026-11-24T01:00:00Z"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"account": "alice@acme.test"}, "NoError"),
        ({"impersonate": "alice@acme.test"}, "NoError"),
        ({}, "ErrorFolderNotFound"),
        ({"account": "bob@acme.test"}, "ErrorAccessDenied"),
    ],
)
async def test_a_calendar_is_read_by_its_owner_or_who_acts_as_her(
    wire: Any, options: dict[str, str], code: str
) -> None:
    assert (await wire.call(wire.view_body(*DAY, mailbox="alice@acme.test"), **options)).code == code


async def test_a_reviewer_reads_and_does_not_write(wire: Any) -> None:
    await make(wire, "bob@acme.test", subject="Private", sensitivity="Private")
    view = await wire.call(wire.view_body(*DAY, mailbox="bob@acme.test"))
    assert (view.code, view.one("t:Subject"), view.one("t:Sensitivity")) == ("NoError", "Private", "Private")
    identifier = view.root.find(f".//{{{T}}}ItemId").get("Id")
    delete = '<m:DeleteItem DeleteType="HardDelete" SendMeetingCancellations="SendToNone"><m:ItemIds>'
    answer = await wire.call(f'{delete}<t:ItemId Id="{identifier}"/></m:ItemIds></m:DeleteItem>')
    assert answer.code == "ErrorAccessDenied"


async def test_a_view_is_cut_at_its_most_entries_and_says_so(wire: Any) -> None:
    for _ in range(3):
        await make(wire, "bob@acme.test")
    cut = await wire.call(wire.view_body(*DAY, mailbox="bob@acme.test", most=2))
    whole = await wire.call(wire.view_body(*DAY, mailbox="bob@acme.test", most=3))
    roots = [each.root.find(".//{*}RootFolder") for each in (cut, whole)]
    assert [each.get("IncludesLastItemInRange") for each in roots] == ["false", "true"]
    assert [len(each.findall(f".//{{{T}}}CalendarItem")) for each in roots] == [2, 3]


async def test_a_view_of_more_than_two_years_is_refused(wire: Any) -> None:
    long = await wire.call(wire.view_body("2024-01-01T00:00:00Z", "2026-11-24T00:00:00Z", mailbox="bob@acme.test"))
    assert long.code == "ErrorCalendarViewRangeTooBig"
    backwards = await wire.call(wire.view_body(*DAY[::-1], mailbox="bob@acme.test"))
    assert backwards.code == "ErrorCalendarEndDateIsEarlierThanStartDate"


async def test_an_empty_subject_is_absent(wire: Any) -> None:
    await make(wire, "bob@acme.test")
    assert (await wire.call(wire.view_body(*DAY, mailbox="bob@acme.test"))).all("t:Subject") == []


async def test_forbidden_characters_are_sent_as_references(wire: Any) -> None:
    await make(wire, "bob@acme.test", subject="CASEBR\x1aS \x00 & 😀")
    view = await wire.call(wire.view_body(*DAY, mailbox="bob@acme.test"))
    assert "<t:Subject>CASEBR&#x1A;S &#x0; &amp; 😀</t:Subject>".encode() in view.data


async def test_a_meeting_says_what_was_answered(wire: Any) -> None:
    await make(wire, "bob@acme.test", organizer="alice@acme.test", my_response="Decline", cancelled=True)
    shape = "".join(
        f'<t:FieldURI FieldURI="calendar:{each}"/>' for each in ("MyResponseType", "IsCancelled", "IsMeeting")
    )
    body = wire.view_body(*DAY, mailbox="bob@acme.test").replace(
        "</t:AdditionalProperties>", shape + "</t:AdditionalProperties>"
    )
    view = await wire.call(body)
    assert (view.one("t:MyResponseType"), view.one("t:IsCancelled"), view.one("t:IsMeeting")) == (
        "Decline",
        "true",
        "true",
    )


async def test_what_clients_must_say_they_must_say(wire: Any) -> None:
    body = wire.create_body("x", *DAY).replace(' SendMeetingInvitations="SendToNone"', "")
    assert (await wire.call(body, account="alice@acme.test")).code == "ErrorSendMeetingInvitationsRequired"
    restricted = wire.view_body(*DAY).replace("<m:ParentFolderIds>", "<m:Restriction/><m:ParentFolderIds>")
    assert (await wire.call(restricted, account="alice@acme.test")).code == "ErrorInvalidRequest"


async def test_a_stale_change_key_conflicts_where_asked(wire: Any) -> None:
    item = await wire.create("x", *DAY)

    def update(resolution: str) -> str:
        return (
            f'<m:UpdateItem ConflictResolution="{resolution}" SendMeetingInvitationsOrCancellations="SendToNone">'
            f'<m:ItemChanges><t:ItemChange><t:ItemId Id="{item.get("Id")}" ChangeKey="{item.get("ChangeKey")}"/>'
            '<t:Updates><t:SetItemField><t:FieldURI FieldURI="item:Subject"/><t:CalendarItem><t:Subject>y</t:Subject>'
            "</t:CalendarItem></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>"
        )

    assert (await wire.call(update("NeverOverwrite"), account="alice@acme.test")).code == "NoError"
    assert (await wire.call(update("NeverOverwrite"), account="alice@acme.test")).code == "ErrorIrresolvableConflict"
    assert (await wire.call(update("AutoResolve"), account="alice@acme.test")).code == "NoError"


async def test_long_answers_are_zipped_for_who_can_read_it(wire: Any) -> None:
    for number in range(20):
        await make(wire, "bob@acme.test", subject=f"number {number}")
    view = await wire.call(wire.view_body(*DAY, mailbox="bob@acme.test"))
    assert view.headers["Content-Encoding"] == "gzip"
    plain = await wire.call(wire.view_body(*DAY, mailbox="bob@acme.test"), headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.data == view.data


async def test_what_the_schema_forbids_is_refused_and_changes_nothing(wire: Any) -> None:
    week = "<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Nonday</t:DaysOfWeek></t:WeeklyRecurrence>"
    span = "<t:NoEndRecurrence><t:StartDate>2026-11-24</t:StartDate></t:NoEndRecurrence>"
    for more in (
        "<t:LegacyFreeBusyStatus>Asleep</t:LegacyFreeBusyStatus>",
        "<t:Sensitivity>Sensitive</t:Sensitivity>",
        "<t:ReminderMinutesBeforeStart>soon</t:ReminderMinutesBeforeStart>",
        f"<t:Recurrence>{week}{span}</t:Recurrence>",
    ):
        answer = await wire.call(wire.create_body("x", *DAY, more), account="alice@acme.test")
        assert (answer.status, answer.code) == (500, "ErrorSchemaValidation")
    unknown = wire.create_body("x", *DAY, '<t:StartTimeZone Id="Atlantis Standard Time"/>')
    assert (await wire.call(unknown, account="alice@acme.test")).code == "ErrorTimeZone"
    odd = wire.view_body(*DAY).replace('"1000"', '"many"')
    assert (await wire.call(odd, account="alice@acme.test")).code == "ErrorSchemaValidation"
    assert (await wire.call(wire.view_body(*DAY), account="alice@acme.test")).all("t:CalendarItem") == []
