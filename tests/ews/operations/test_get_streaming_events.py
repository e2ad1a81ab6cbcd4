from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from rainbow_exchange.ews.errors import MalformedResponse, SubscriptionLost
from rainbow_exchange.ews.operations.get_streaming_events import (
    GetStreamingEvents,
    Notification,
    StreamMessage,
    parse,
)
from rainbow_exchange.ews.soap import open_envelope
from rainbow_exchange.ews.treatment import Treatment, treatment, treatment_of

Read = Callable[[str], etree._Element]
CHUNK = "FwBleGNoMDMuYm9va2luZ2J1Zy5sb2NhbBAAAA"


def test_the_ids_and_the_limit_are_written(checked: Callable[..., etree._Element]) -> None:
    request = checked(GetStreamingEvents(subscription_ids=("a==", "b=="), connection_timeout_minutes=29))
    assert [entry.text for entry in request[0]] == ["a==", "b=="]
    assert request[1].text == "29"


def test_more_than_thirty_minutes_is_no_valid_request(checked: Callable[..., etree._Element]) -> None:
    with pytest.raises(etree.DocumentInvalid):
        checked(GetStreamingEvents(subscription_ids=("a==",), connection_timeout_minutes=31))


def test_opening_heartbeat_and_end_are_told_by_the_status(answer: Read) -> None:
    assert parse(answer("Exchange2019/get_streaming_events/opened")) == (StreamMessage(connection_status="OK"),)
    assert parse(answer("Exchange2019/get_streaming_events/closed")) == (StreamMessage(connection_status="Closed"),)


def test_notifications_are_counted_by_subscription(answer: Read) -> None:
    assert GetStreamingEvents.parse(answer("Exchange2019/get_streaming_events/changed")) == (
        StreamMessage(notifications=(Notification("c3ViLWFkYQ==", 3), Notification("c3ViLWJvYg==", 1))),
    )


def test_watermarks_are_no_events_and_unknown_events_are(answer: Read) -> None:
    (message,) = parse(answer("Exchange2016/get_streaming_events/watermarks"))
    assert message.notifications == (Notification("c3ViLWFkYQ==", 2),)


def test_nothing_new_is_no_notification_and_an_empty_list_of_bad_ids_no_error(answer: Read) -> None:
    assert parse(answer("other/get_streaming_events/nothing_new")) == (
        StreamMessage(notifications=(Notification("c3ViLWJvYg==", 1),), connection_status="OK"),
    )


def test_a_lost_subscription_is_named(answer: Read) -> None:
    (message,) = parse(answer("Exchange2019/get_streaming_events/lost"))
    assert isinstance(message.error, SubscriptionLost)
    assert message.error.code == "ErrorSubscriptionNotFound"
    assert message.error_subscription_ids == ("c3ViLWFkYQ==",)
    assert message.connection_status == "Closed"


def test_an_error_counts_though_the_connection_is_said_to_be_ok(answer: Read) -> None:
    (message,) = parse(answer("Exchange2013/get_streaming_events/lost_out_of_order"))
    assert message.error is not None
    assert message.error.code == "ErrorReadEventsFailed"
    assert message.error_subscription_ids == ("c3ViLWFkYQ==", "c3ViLWJvYg==")
    assert message.connection_status == "OK"


def test_an_error_may_name_no_subscription(answer: Read) -> None:
    (message,) = parse(answer("Exchange2016/get_streaming_events/moved"))
    assert message.error is not None
    assert treatment(message.error) is Treatment.SUBSCRIPTION_LOST
    assert message.error_subscription_ids == ()


def test_the_documented_answer_is_read(sample: Read) -> None:
    name = "GetStreamingEvents__how-to-stream-notifications-about-mailbox-events-by-using-ews-in-exchange_3"
    (message,) = parse(sample(name))
    assert message.notifications == (
        Notification("JgBibjFwcjAzbWIyMDIubmFtcHJkMDMucHJvZC5vdXRsb29rLmNvbRAAAADwXxVesOnHS5BxUHKwAW88SHjwd1iB0Ag=", 3),
    )


def test_what_exchange_2016_really_sends_is_read(sample: Read) -> None:
    (message,) = parse(sample("GetStreamingEvents__viewpoint_L11"))
    assert message == StreamMessage(
        notifications=(
            Notification(f"{CHUNK}CRSuDZ7LUVRZRdTUGgj8dRTln61/P61ggQAAAAXGkYiHJpukmWTKXM27pVgQ==", 7),
            Notification(f"{CHUNK}B9DEFxT0GoT76vzMfF9cAfJeXk1/P61ggQAAAAzx24c/i+nkuy00/tlBOrpQ==", 7),
        )
    )


def test_the_errors_that_microsofts_support_met_are_read(shared: Path) -> None:
    """Pairs of MessageText and ResponseCode, each put into an envelope of its own."""
    text = (shared / "ews/samples/fragments/stream_errors_microsoft_sample.txt").read_text(encoding="utf-8")
    pairs = [line for line in text.splitlines() if line.startswith("<m:MessageText>")]
    codes = []
    for pair in pairs:
        envelope = (
            '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="m"><Body>'
            f'<m:GetStreamingEventsResponseMessage ResponseClass="Error">{pair}</m:GetStreamingEventsResponseMessage>'
            "</Body></Envelope>"
        )
        (message,) = parse(open_envelope(envelope.encode()).body_element)
        assert message.error is not None
        codes.append((str(message.error.code), treatment_of(message.error.code).value))
    assert codes == [
        ("ErrorMailboxMoveInProgress", "transient"),
        ("ErrorMailboxStoreUnavailable", "transient"),
        ("ErrorInvalidSubscription", "subscription lost"),
        ("ErrorProxyRequestNotAllowed", "subscription lost"),
        ("ErrorReadEventsFailed", "subscription lost"),
        ("ErrorSubscriptionNotFound", "subscription lost"),
    ]


def test_a_notification_without_id_and_the_answer_to_something_else_are_malformed(answer: Read) -> None:
    whole = answer("Exchange2019/get_streaming_events/changed")
    for found in list(whole.iter("{*}SubscriptionId")):
        found.getparent().remove(found)  # type: ignore[union-attr]  # it has a parent: the notification
    with pytest.raises(MalformedResponse, match="without SubscriptionId"):
        parse(whole)
    with pytest.raises(MalformedResponse, match="no answer to GetStreamingEvents"):
        parse(answer("Exchange2019/subscribe/success"))


def test_a_bare_response_is_read_as_its_message() -> None:
    bare = b"<Envelope><Body><GetStreamingEventsResponse><ConnectionStatus> ok </ConnectionStatus></GetStreamingEventsResponse></Body></Envelope>"  # noqa: E501 - one line as on the wire
    assert parse(open_envelope(bare).body_element) == (StreamMessage(connection_status="OK"),)
