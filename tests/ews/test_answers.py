import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from rainbow_exchange.ews.answers import (
    _instant,
    by_name,
    find_message,
    instant,
    is_true,
    message_xml,
    optional_instant,
    refusal,
    response_message,
    text_of,
    whole_number,
)
from rainbow_exchange.ews.errors import MalformedResponse, ServerBusy
from rainbow_exchange.ews.soap import open_envelope


def element(text: str) -> etree._Element:
    return etree.fromstring(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T09:00:00Z", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2026-03-02T09:00:00", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2026-03-02T09:00:00+05:30", datetime(2026, 3, 2, 3, 30, tzinfo=UTC)),
        ("2026-03-02T09:00:00.5-08:00", datetime(2026, 3, 2, 17, 0, 0, 500000, tzinfo=UTC)),
        ("2026-03-02T09:00:00.1234567Z", datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)),
        ("2026-03-02T09:00:00.123456789", datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)),
        ("\n 2026-03-02T09:00:00.000Z \n", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2026-11-25T24:00:00Z", datetime(2026, 11, 26, tzinfo=UTC)),
        ("2026-12-31T24:00:00.0000000-01:00", datetime(2027, 1, 1, 1, tzinfo=UTC)),
        ("2024-02-28T24:00:00", datetime(2024, 2, 29, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_times_are_read_with_any_fraction_and_zone(text: str, expected: datetime) -> None:
    assert instant(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2026-13-02T09:00:00Z",
        "2026-03-02T24:00:01Z",
        "2026-03-02T24:00:00.5Z",
        "9999-12-31T24:00:00Z",
        "0001-01-01T00:00:00+02:00",
    ],
)
def test_what_is_no_time_is_malformed(text: str) -> None:
    with pytest.raises(MalformedResponse):
        instant(text)


def test_no_time_is_kept_that_is_longer_than_any_that_exchange_writes() -> None:
    """Whatever a server sends, memory is bounded."""
    kept = _instant.cache_info().currsize
    for number in range(50):
        assert instant(f"2031-01-01T00:00:00.{'0' * 5000}{number}Z") == datetime(2031, 1, 1, tzinfo=UTC)
    assert _instant.cache_info().currsize == kept


def test_a_missing_time_is_none() -> None:
    assert optional_instant("  ") is None


@pytest.mark.parametrize(
    ("text", "expected"), [("true", True), (" True", True), ("1", True), ("0", False), ("", False)]
)
def test_booleans_come_as_words_and_digits(text: str, *, expected: bool) -> None:
    assert is_true(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [(" 50 ", 50), ("0", 0), ("-1", None), ("", None), ("many", None), ("9" * 5000, None), ("²", None)],
)
def test_numbers_are_small_and_not_negative(text: str, expected: int | None) -> None:
    assert whole_number(text) == expected


def test_entries_are_found_by_name_wherever_they_stand() -> None:
    nested = element(
        "<detail><x><MessageXml><Value Name='Policy'> MaxConcurrency </Value><Inner><Code>7</Code></Inner>"
        "</MessageXml></x><Value Name='BackOffMilliseconds'>5000</Value></detail>"
    )
    assert message_xml(nested) == {"Policy": "MaxConcurrency", "Code": "7", "BackOffMilliseconds": "5000"}
    assert message_xml(None) == {}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("<M ResponseClass='Success'><ResponseCode>NoError</ResponseCode></M>", None),
        ("<M/>", None),
        ("<M ResponseClass='Error'/>", "no ResponseCode"),
        ("<M ResponseClass='Error'><ResponseCode>NoError</ResponseCode></M>", "no ResponseCode"),
        ("<M><ResponseCode> ErrorAccessDenied </ResponseCode></M>", "ErrorAccessDenied"),
        (
            "<M ResponseClass='Warning'><ResponseCode>ErrorBatchProcessingStopped</ResponseCode></M>",
            "ErrorBatchProcessingStopped",
        ),
    ],
)
def test_an_error_is_told_by_class_or_code(message: str, code: str | None) -> None:
    error = refusal(element(message))
    assert (error and error.code) == code


def test_busy_in_a_response_message_says_for_how_long(shared: Path) -> None:
    """A recorded answer to an operation that we do not use."""
    body = open_envelope((shared / "ews/samples/SyncFolderItems__ews-rs_L527.xml").read_bytes()).body_element
    with pytest.raises(ServerBusy) as busy:
        response_message(body, "SyncFolderItems")
    assert busy.value.back_off == 5.0
    assert busy.value.code == "ErrorServerBusy"
    assert not busy.value.fault


@pytest.mark.parametrize(
    "body",
    [
        "<Body><DoItResponse><ResponseMessages><DoItResponseMessage/></ResponseMessages></DoItResponse></Body>",
        "<Body><DoItResponse><DoItResponseMessage/></DoItResponse></Body>",
        "<Body><DoItResponseMessage/></Body>",
        "<Body><DoItResponse><ResponseMessage/></DoItResponse></Body>",
        "<Body><ResponseMessage/></Body>",
        "<Body><DoItResponse/></Body>",
    ],
)
def test_the_message_is_found_in_every_wrapping(body: str) -> None:
    assert len(find_message(element(body), "DoIt")) == 0


def test_another_operations_message_is_not_taken() -> None:
    with pytest.raises(MalformedResponse, match="no answer to DoIt"):
        find_message(element("<Body><UndoItResponse/></Body>"), "DoIt")


def test_details_within_details_are_looked_at_once() -> None:
    within = "<MessageXml>" * 200 + "<x>1</x>" * 50_000 + "</MessageXml>" * 200
    begin = time.process_time()
    assert message_xml(element(f"<detail>{within}</detail>")) == {"x": "1"}
    assert time.process_time() - begin < 1


def test_children_are_had_by_name_whatever_their_prefix_and_the_first_of_a_name_counts() -> None:
    found = by_name(
        element("<a xmlns:t='t'><t:Start> 1 </t:Start><Start>2</Start><End/><t:Sub><t:End>3</t:End></t:Sub></a>")
    )
    assert {name: text_of(each) for name, each in found.items()} == {"Start": "1", "End": "", "Sub": ""}
