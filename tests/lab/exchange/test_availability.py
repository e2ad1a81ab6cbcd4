"""Availability by right, and in the zone that was sent (ews.md §4)."""

from typing import Any

import pytest

DAY = {"start": "2026-11-24T00:00:00", "end": "2026-11-25T00:00:00"}
PARIS = (
    "<t:Bias>-60</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>03:00:00</t:Time><t:DayOrder>5</t:DayOrder>"
    "<t:Month>10</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime><t:DaylightTime><t:Bias>-60</t:Bias>"
    "<t:Time>02:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>3</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek>"
    "</t:DaylightTime>"
)
EVERYBODY = ("alice@acme.test", "bob@acme.test", "carol@acme.test")


@pytest.fixture
async def filled(wire: Any) -> Any:
    """Give every mailbox an appointment at nine."""
    for address in EVERYBODY:
        await wire.lab_call(
            "POST",
            f"mailboxes/{address}/items",
            {
                "start": "2026-11-24T09:00:00Z",
                "end": "2026-11-24T10:00:00Z",
                "subject": f"of {address}",
                "sensitivity": "Private",
                "show_as": "OOF",
            },
        )
    return wire


async def test_each_mailbox_is_answered_by_its_right_and_in_order(filled: Any) -> None:
    answer = await filled.call(filled.availability_body(*EVERYBODY, "nobody@acme.test", **DAY))
    codes = [each.text for each in answer.root.iter("{*}ResponseCode")]
    assert codes == ["ErrorNoFreeBusyAccess", "NoError", "NoError", "ErrorMailRecipientNotFound"]
    assert answer.all("t:FreeBusyViewType") == ["None", "Detailed", "FreeBusy", "None"]
    assert answer.all("t:Subject") == ["of bob@acme.test"]
    assert answer.all("t:IsPrivate") == ["true"]
    assert answer.all("t:BusyType") == ["OOF", "OOF"]
    assert next(each.text for each in answer.root.iter("{*}ExceptionCode")) == "5009"


async def test_impersonation_alone_never_shows_subjects(filled: Any) -> None:
    answer = await filled.call(filled.availability_body(*EVERYBODY, **DAY), impersonate="alice@acme.test")
    assert answer.all("t:FreeBusyViewType") == ["FreeBusy", "Detailed", "FreeBusy"]
    assert answer.all("t:Subject") == ["of bob@acme.test"]


async def test_an_owner_sees_her_own_details(filled: Any) -> None:
    answer = await filled.call(filled.availability_body(*EVERYBODY, **DAY), account="carol@acme.test")
    assert answer.all("t:FreeBusyViewType") == ["FreeBusy", "FreeBusy", "Detailed"]
    assert answer.all("t:Subject") == ["of carol@acme.test"]


async def test_times_are_local_to_the_zone_sent_and_carry_no_offset(filled: Any) -> None:
    assert (await filled.call(filled.availability_body("bob@acme.test", **DAY))).all("t:StartTime") == [
        "2026-11-24T09:00:00"
    ]
    paris = await filled.call(filled.availability_body("bob@acme.test", **DAY, zone=PARIS))
    assert paris.all("t:StartTime") == ["2026-11-24T10:00:00"]


async def test_an_empty_calendar_has_no_array(wire: Any) -> None:
    answer = await wire.call(wire.availability_body("bob@acme.test", **DAY))
    assert answer.all("t:FreeBusyViewType") == ["Detailed"]
    assert answer.all("t:CalendarEventArray") == []


async def test_slots_show_the_highest_status(filled: Any) -> None:
    answer = await filled.call(filled.availability_body("bob@acme.test", **DAY, view="DetailedMerged"))
    assert answer.one("t:MergedFreeBusy") == "000000000300000000000000"


@pytest.mark.parametrize(
    ("count", "end", "code"),
    [
        (0, "2026-11-25T00:00:00", "ErrorMailboxDataArrayEmpty"),
        (101, "2026-11-25T00:00:00", "ErrorMailboxDataArrayTooBig"),
        (100, "2026-11-25T00:00:00", "NoError"),
        (1, "2027-01-06T00:00:00", "ErrorTimeIntervalTooBig"),
        (1, "2027-01-05T00:00:00", "NoError"),
        (1, "2026-11-24T00:00:00", "ErrorInvalidTimeInterval"),
    ],
)
async def test_limits(wire: Any, count: int, end: str, code: str) -> None:
    body = wire.availability_body(*["bob@acme.test"] * count, start="2026-11-24T00:00:00", end=end)
    answer = await wire.call(body)
    assert answer.code == code
    assert answer.status == (200 if code == "NoError" else 500)
