from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime

import pytest
from lxml import etree

from rainbow_exchange.ews.errors import MalformedResponse, ServerBusy
from rainbow_exchange.ews.operations.find_item import CalendarItem, FindItem, FindItemResponse, parse
from rainbow_exchange.model import Window

Read = Callable[[str], etree._Element]
TYPES = {"t": "http://schemas.microsoft.com/exchange/services/2006/types"}
WINDOW = Window(start=datetime(2026, 3, 2, tzinfo=UTC), end=datetime(2026, 3, 4, tzinfo=UTC))


def utc(year: int, month: int, day: int, *time: int) -> datetime:
    hour, minute, second, microsecond = (*time, 0, 0, 0, 0)[:4]
    return datetime(year, month, day, hour, minute, second, microsecond, UTC)


def test_only_what_is_kept_is_asked_for(checked: Callable[..., etree._Element]) -> None:
    request = checked(FindItem(window=WINDOW))
    assert sorted(str(field.get("FieldURI")) for field in request.iterfind(".//t:FieldURI", TYPES)) == [
        "calendar:CalendarItemType",
        "calendar:End",
        "calendar:IsCancelled",
        "calendar:LegacyFreeBusyStatus",
        "calendar:MyResponseType",
        "calendar:RecurrenceId",
        "calendar:Start",
        "calendar:StartTimeZone",
        "calendar:UID",
        "item:Sensitivity",
        "item:Subject",
    ]


def test_the_window_is_the_calendar_view(checked: Callable[..., etree._Element]) -> None:
    request = checked(FindItem(window=WINDOW, mailbox_address="ada@acme.test", max_entries=7))
    view = request[1]
    assert dict(view.attrib) == {
        "MaxEntriesReturned": "7",
        "StartDate": "2026-03-02T00:00:00Z",
        "EndDate": "2026-03-04T00:00:00Z",
    }
    assert request.findtext(".//t:EmailAddress", namespaces=TYPES) == "ada@acme.test"


def test_where_no_subjects_are_wanted_none_are_asked_for_or_kept(
    checked: Callable[..., etree._Element], answer: Read
) -> None:
    asked = FindItem(window=WINDOW, subjects=False)
    request = checked(asked)
    uris = [each.get("FieldURI") for each in request.iterfind(".//t:FieldURI", TYPES)]
    assert "item:Subject" not in uris
    assert len(uris) == 10
    found = asked.parse(answer("Exchange2019/find_item/two_days"))
    assert {item.subject for item in found.items} == {None}


def test_items_are_read_as_they_stand(answer: Read) -> None:
    found = parse(answer("Exchange2019/find_item/two_days"))
    assert found.includes_last
    assert [item.item_id for item in found.items] == ["i1", "i2", "i3", "i4", "i5", "i6", "i7", "i8"]
    assert found.items[0] == CalendarItem(
        start=utc(2026, 3, 2, 9),
        end=utc(2026, 3, 2, 10),
        item_id="i1",
        uid="uid-i1",
        subject="Café with Zoë 😀 \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}",
        sensitivity="Normal",
        busy_status="Busy",
        calendar_item_type="Single",
        my_response_type="Accept",
        timezone_id="Romance Standard Time",
    )
    assert found.items[2].start == utc(2026, 3, 3, 12, 15)
    assert found.items[2].recurrence_id == "2026-03-03T12:00:00Z"
    assert found.items[4].is_cancelled
    assert found.items[5].my_response_type == "Decline"


def test_what_is_missing_is_nothing_and_what_is_no_appointment_is_left_out(answer: Read) -> None:
    assert parse(answer("other/find_item/unexpanded")) == FindItemResponse(
        items=(
            CalendarItem(
                start=utc(2026, 3, 2, 9),
                end=utc(2026, 3, 2, 10, 0, 0, 500000),
                calendar_item_type="RecurringMaster",
                timezone_id="Europe/Paris",
            ),
        ),
        includes_last=True,
        unreadable=1,  # the one without times
    )


def test_an_empty_calendar_is_empty_and_a_cut_one_says_so(answer: Read) -> None:
    assert parse(answer("Exchange2019/find_item/empty")) == FindItemResponse(items=(), includes_last=True)
    assert not parse(answer("Exchange2019/find_item/cut")).includes_last


def test_without_the_servers_word_the_total_decides(answer: Read) -> None:
    body = answer("Exchange2019/find_item/cut")
    del next(body.iter("{*}RootFolder")).attrib["IncludesLastItemInRange"]
    assert not parse(body).includes_last


@pytest.mark.parametrize("field", ["Start", "End"])
def test_an_item_whose_times_are_none_harms_no_other(answer: Read, field: str) -> None:
    body = answer("Exchange2019/find_item/two_days")
    next(body.iter("{*}" + field)).text = "2026-03-02T25:00:00Z"
    found = parse(body)
    assert [item.item_id for item in found.items] == ["i2", "i3", "i4", "i5", "i6", "i7", "i8"]
    assert (found.unreadable, found.includes_last) == (1, True)


def test_items_of_which_none_can_be_read_are_no_empty_calendar(answer: Read) -> None:
    body = answer("Exchange2019/find_item/two_days")
    for start in body.iter("{*}Start"):
        start.text = "noon"
    with pytest.raises(MalformedResponse, match=r"a time that is no xs:dateTime"):
        parse(body)


@pytest.mark.parametrize("field", ["Start", "End"])
def test_items_without_their_times_are_no_empty_calendar(answer: Read, field: str) -> None:
    body = answer("Exchange2019/find_item/two_days")
    for time in list(body.iter("{*}" + field)):
        item = time.getparent()
        assert item is not None
        item.remove(time)
    with pytest.raises(MalformedResponse, match=r"a time that is no xs:dateTime"):
        parse(body)


def test_items_that_are_counted_and_not_there_are_no_empty_calendar(answer: Read) -> None:
    body = answer("Exchange2019/find_item/empty")
    next(body.iter("{*}RootFolder")).set("TotalItemsInView", "3")
    with pytest.raises(MalformedResponse, match="counts items and holds none"):
        parse(body)


def test_as_many_as_were_asked_for_may_not_be_all(answer: Read) -> None:
    body = answer("Exchange2019/find_item/two_days")
    next(body.iter("{*}RootFolder")).attrib.clear()
    assert parse(body).includes_last
    items = next(body.iter("{*}Items"))
    items.extend(deepcopy(items[0]) for _ in range(992))
    assert not parse(body).includes_last


def test_success_without_a_folder_is_no_empty_calendar(answer: Read) -> None:
    with pytest.raises(MalformedResponse, match="without RootFolder"):
        parse(answer("Exchange2019/find_item/no_folder"))


def test_busy_as_a_fault_says_for_how_long(answer: Read) -> None:
    with pytest.raises(ServerBusy) as busy:
        answer("Exchange2019/find_item/fault_server_busy")
    assert busy.value.back_off == 5.0
    assert busy.value.fault


def test_the_documented_answer_is_read(sample: Read) -> None:
    found = parse(sample("FindItem__how-to-get-appointments-and-meetings-by-using-ews-in-exchange_3"))
    assert [(item.item_id, item.subject, item.start, item.end) for item in found.items] == [
        ("AAMk", "Contoso devs team meeting", utc(2013, 8, 21, 19, 30), utc(2013, 8, 21, 20, 0)),
        ("AAMk", "Daily status meeting", utc(2013, 8, 21, 20, 0), utc(2013, 8, 21, 21, 0)),
        ("AAMk", "Lunch with sales team", utc(2013, 8, 21, 21, 30), utc(2013, 8, 21, 22, 30)),
        ("AAMk", "Tennis at the club", utc(2013, 8, 22, 18, 0), utc(2013, 8, 22, 19, 0)),
        ("AAMkA", "Online training webcast", utc(2013, 8, 22, 21, 0), utc(2013, 8, 22, 22, 0)),
    ]
    assert not found.includes_last


def test_the_answer_to_something_else_is_malformed(sample: Read) -> None:
    """GetItem's: it opens, forbidden references and all, but holds no FindItem."""
    with pytest.raises(MalformedResponse, match="no answer to FindItem"):
        parse(sample("GetItem__viewpoint_invalid_charrefs"))
