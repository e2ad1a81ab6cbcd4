from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from lxml import etree

from rainbow_exchange.ews.errors import EwsError, MalformedResponse, ResponseError
from rainbow_exchange.ews.operations.get_user_availability import (
    CalendarEvent,
    CalendarEventDetails,
    FreeBusyResponse,
    GetUserAvailability,
    parse,
)
from rainbow_exchange.ews.soap import open_envelope
from rainbow_exchange.ews.treatment import Treatment, treatment
from rainbow_exchange.model import Window

Read = Callable[[str], etree._Element]
TYPES = {"t": "http://schemas.microsoft.com/exchange/services/2006/types"}


def utc(year: int, month: int, day: int, *time: int) -> datetime:
    hour, minute, second, microsecond = (*time, 0, 0, 0, 0)[:4]
    return datetime(year, month, day, hour, minute, second, microsecond, UTC)


def test_mailboxes_and_window_are_written_in_utc_without_offset(checked: Callable[..., etree._Element]) -> None:
    paris = timezone(timedelta(hours=1))
    window = Window(start=datetime(2026, 3, 2, 0, 0, tzinfo=paris), end=utc(2026, 3, 9, 22, 59, 59, 1))
    request = checked(GetUserAvailability(addresses=("ada@acme.test", "bob@acme.test"), window=window))
    assert [found.text for found in request.iterfind(".//t:Address", TYPES)] == ["ada@acme.test", "bob@acme.test"]
    assert request.findtext(".//t:StartTime", namespaces=TYPES) == "2026-03-01T23:00:00"
    assert request.findtext(".//t:EndTime", namespaces=TYPES) == "2026-03-09T23:00:00"
    assert request.findtext(".//t:RequestedView", namespaces=TYPES) == "Detailed"
    assert {found.text for found in request.iterfind(".//t:Bias", TYPES)} == {"0"}


def test_where_no_subjects_are_wanted_none_are_asked_for(checked: Callable[..., etree._Element]) -> None:
    window = Window(start=utc(2026, 3, 2), end=utc(2026, 3, 3))
    request = checked(GetUserAvailability(addresses=("ada@acme.test",), window=window, subjects=False))
    assert request.findtext(".//t:RequestedView", namespaces=TYPES) == "FreeBusy"


def test_details_that_were_not_asked_for_are_left_out(answer: Read) -> None:
    window = Window(start=utc(2026, 3, 2), end=utc(2026, 3, 3))
    asked = GetUserAvailability(addresses=("ada@acme.test",), window=window, subjects=False)
    ada, *_ = asked.parse(answer("Exchange2019/get_user_availability/five_mailboxes"))
    assert isinstance(ada, FreeBusyResponse)
    assert ada.events
    assert [event.details for event in ada.events] == [None] * len(ada.events)


def test_many_mailboxes_are_read_one_at_a_step(answer: Read) -> None:
    window = Window(start=utc(2026, 3, 2), end=utc(2026, 3, 3))
    asked = GetUserAvailability(addresses=("ada@acme.test",), window=window)
    body = answer("Exchange2019/get_user_availability/five_mailboxes")
    results: list[FreeBusyResponse | EwsError] = []

    def reading() -> Generator[None, None, None]:
        results.extend((yield from asked.parse_in_parts(body)))

    assert len(list(reading())) == 5
    assert [repr(each) for each in results] == [repr(each) for each in asked.parse(body)]


@pytest.mark.parametrize(
    ("word", "private"), [("false", False), ("0", False), (" ", False), ("true", True), (" TRUE", True), ("yes", True)]
)
def test_what_cannot_be_read_is_private(answer: Read, word: str, private: bool) -> None:
    body = answer("Exchange2019/get_user_availability/five_mailboxes")
    for element in body.iterfind(".//t:IsPrivate", TYPES):
        element.text = word
    ada = parse(body)[0]
    assert isinstance(ada, FreeBusyResponse)
    assert {event.details.is_private for event in ada.events if event.details} == {private}


def test_a_hundred_mailboxes_are_one_valid_request(checked: Callable[..., etree._Element]) -> None:
    addresses = tuple(f"user{number}@acme.test" for number in range(100))
    request = checked(
        GetUserAvailability(addresses=addresses, window=Window(start=utc(2026, 3, 2), end=utc(2026, 3, 3)))
    )
    assert len(request.findall(".//t:MailboxData", TYPES)) == 100


def test_each_mailbox_gets_its_own_in_its_place(answer: Read) -> None:
    ada, bob, cyd, dan, eve = parse(answer("Exchange2019/get_user_availability/five_mailboxes"))
    assert isinstance(ada, FreeBusyResponse)
    assert ada.events[0] == CalendarEvent(
        start=utc(2026, 3, 2, 9),
        end=utc(2026, 3, 2, 10),
        busy_type="Busy",
        details=CalendarEventDetails(
            store_id="0000A1",
            subject="Budget 2026 & outlook",
            is_recurring=False,
            is_exception=False,
            is_private=False,
            is_meeting=True,
        ),
    )
    assert ada.events[3].details == CalendarEventDetails(
        store_id="0000A3", subject=None, is_recurring=False, is_exception=False, is_private=True, is_meeting=True
    )
    assert isinstance(bob, FreeBusyResponse)
    assert [event.details for event in bob.events] == [None, None, None]
    assert cyd == FreeBusyResponse(view_type="Detailed")
    assert isinstance(dan, ResponseError)
    assert dan.code == "ErrorMailRecipientNotFound"
    assert dan.values == {"ExceptionType": "Example.MailRecipientNotFoundException", "ExceptionCode": "5009"}
    assert eve == FreeBusyResponse(view_type="MergedOnly", merged="0022001340" + "0" * 86)


@pytest.mark.parametrize(
    "view",
    [
        f"<FreeBusyViewType>MergedOnly</FreeBusyViewType><MergedFreeBusy>{digits}</MergedFreeBusy>"
        for digits in ("4" * 48, "4", "")
    ]
    + [
        "<FreeBusyViewType>FreeBusyMerged</FreeBusyViewType><MergedFreeBusy>4444</MergedFreeBusy>",
        "<FreeBusyViewType>DetailedMerged</FreeBusyViewType><MergedFreeBusy>4444</MergedFreeBusy><CalendarEventArray/>",
        "<WorkingHours/>",
        "",
    ],
)
def test_a_calendar_of_which_nothing_is_known_is_no_free_one(view: str) -> None:
    body = etree.fromstring(
        "<Body><GetUserAvailabilityResponse><FreeBusyResponseArray><FreeBusyResponse><FreeBusyView>"
        f"{view}</FreeBusyView></FreeBusyResponse></FreeBusyResponseArray></GetUserAvailabilityResponse></Body>"
    )
    (found,) = parse(body)
    assert isinstance(found, ResponseError)
    assert (found.code, treatment(found)) == ("ErrorFreeBusyGenerationFailed", Treatment.TRANSIENT)


def test_success_without_a_view_is_no_empty_calendar(answer: Read) -> None:
    results = parse(answer("Exchange2019/get_user_availability/no_view"))
    assert [type(result) for result in results] == [ResponseError, ResponseError]
    assert [str(result) for result in results] == ["ErrorNoFreeBusyAccess", "ErrorNoFreeBusyAccess"]


def test_offsets_and_fractions_are_taken(answer: Read) -> None:
    (view,) = parse(answer("Exchange2007/get_user_availability/offsets"))
    assert view == FreeBusyResponse(
        view_type="FreeBusyMerged",
        events=(CalendarEvent(start=utc(2026, 3, 2, 9), end=utc(2026, 3, 2, 10, 30, 0, 123456), busy_type="Busy"),),
        merged="0000",
    )


def test_a_request_refused_as_a_whole_is_raised() -> None:
    refused = (
        b'<s:Envelope xmlns:s="s"><s:Body><GetUserAvailabilityResponse><ResponseMessage ResponseClass="Error">'
        b"<ResponseCode>ErrorMailboxDataArrayTooBig</ResponseCode></ResponseMessage>"
        b"</GetUserAvailabilityResponse></s:Body></s:Envelope>"
    )
    with pytest.raises(ResponseError) as raised:
        parse(open_envelope(refused).body_element)
    assert raised.value.code == "ErrorMailboxDataArrayTooBig"


def test_an_event_whose_times_are_none_harms_no_other(answer: Read) -> None:
    body = answer("Exchange2019/get_user_availability/five_mailboxes")
    next(body.iter("{*}EndTime")).text = "2026-03-02T10:60:00"
    ada, *_ = parse(body)
    assert isinstance(ada, FreeBusyResponse)
    assert [event.start for event in ada.events] == [utc(2026, 3, 2, 12), utc(2026, 3, 3, 12, 15), utc(2026, 3, 2, 15)]
    assert ada.unreadable == 1


def test_events_of_which_none_can_be_read_are_no_empty_calendar(answer: Read) -> None:
    body = answer("Exchange2019/get_user_availability/five_mailboxes")
    for start in next(body.iter("{*}CalendarEventArray")).iter("{*}StartTime"):
        start.text = ""
    ada, bob, *_ = parse(body)
    assert isinstance(ada, MalformedResponse)
    assert isinstance(bob, FreeBusyResponse)


def test_the_answer_to_something_else_is_malformed(answer: Read) -> None:
    with pytest.raises(MalformedResponse, match="no answer to GetUserAvailability"):
        parse(answer("Exchange2019/find_item/empty"))


def test_documented_details_are_read_without_location(sample: Read) -> None:
    def details(store_id: str, subject: str) -> CalendarEventDetails:
        return CalendarEventDetails(
            store_id=store_id, subject=subject, is_recurring=False, is_exception=False, is_private=False
        )

    assert parse(sample("GetUserAvailability__getuseravailability-operation_1")) == (
        FreeBusyResponse(
            view_type="DetailedMerged",
            merged="000002220220000000000000",
            events=(
                CalendarEvent(
                    start=utc(2006, 10, 16, 13, 0),
                    end=utc(2006, 10, 16, 13, 30),
                    busy_type="Busy",
                    details=details("14B6414B0", "Meet with Contoso Account Executives"),
                ),
                CalendarEvent(
                    start=utc(2006, 10, 16, 14, 0),
                    end=utc(2006, 10, 16, 15, 0),
                    busy_type="Busy",
                    details=details("E14B6414B0B", "Pick up my groceries"),
                ),
                CalendarEvent(
                    start=utc(2006, 10, 16, 16, 40),
                    end=utc(2006, 10, 16, 17, 10),
                    busy_type="Busy",
                    details=details("14B6414B0B1", "Meet with doctor"),
                ),
            ),
        ),
        FreeBusyResponse(
            view_type="FreeBusyMerged",
            merged="000000001100000000000000",
            events=(
                CalendarEvent(start=utc(2006, 10, 16, 16, 0), end=utc(2006, 10, 16, 17, 0), busy_type="Tentative"),
            ),
        ),
    )


def test_recorded_answers_of_exchange_2007_are_read(sample: Read) -> None:
    (unknown,) = parse(sample("GetUserAvailability__openchange_L191"))
    assert isinstance(unknown, ResponseError)
    assert unknown.code == "ErrorMailRecipientNotFound"
    assert unknown.values == {
        "ExceptionType": "Microsoft.Exchange.InfoWorker.Common.Availability.MailRecipientNotFoundException",
        "ExceptionCode": "5009",
    }
    assert parse(sample("GetUserAvailability__openchange_L232")) == (
        FreeBusyResponse(
            view_type="FreeBusy",
            events=(
                CalendarEvent(start=utc(2012, 5, 15, 4), end=utc(2012, 5, 16, 4), busy_type="Free"),
                CalendarEvent(start=utc(2012, 5, 16, 12), end=utc(2012, 5, 16, 12, 30), busy_type="Busy"),
            ),
        ),
    )


@pytest.mark.parametrize(
    "name", ["GetUserAvailability__ews-javascript-api_L140", "GetUserAvailability__viewpoint_L118"]
)
def test_an_absent_array_is_an_empty_calendar(sample: Read, name: str) -> None:
    assert parse(sample(name)) == (FreeBusyResponse(view_type="Detailed"),)
