import time
from pathlib import Path

import pytest

from rainbow_exchange.ews.errors import MalformedResponse, ServerBusy
from rainbow_exchange.ews.event_stream import EventStream, Notification, StreamMessage

FOLDER = Path(__file__).parents[2] / "fixtures" / "ews"
OPENED = (FOLDER / "Exchange2019/get_streaming_events/opened.xml").read_bytes()
CHANGED = (FOLDER / "Exchange2019/get_streaming_events/changed.xml").read_bytes()
CLOSED = (FOLDER / "Exchange2019/get_streaming_events/closed.xml").read_bytes()
FAULT = (FOLDER / "Exchange2019/find_item/fault_server_busy.xml").read_bytes()
OK = StreamMessage(connection_status="OK")
NEWS = StreamMessage(notifications=(Notification("c3ViLWFkYQ==", 3), Notification("c3ViLWJvYg==", 1)))
PAGE = b"<html><head><title>504 Gateway Time-out</title></head><body>\r\n</body></html>\r\n"


def read(*pieces: bytes) -> list[StreamMessage]:
    stream = EventStream()
    messages = [message for piece in pieces for message in stream.feed(piece)]
    stream.close()
    return messages


def test_envelopes_end_to_end_are_messages_in_order() -> None:
    assert read(OPENED + CHANGED + OPENED + CLOSED) == [OK, NEWS, OK, StreamMessage(connection_status="Closed")]


def test_a_message_comes_with_the_last_byte_of_its_envelope() -> None:
    stream = EventStream()
    assert stream.feed(OPENED[:-1]) == []
    assert stream.feed(OPENED[-1:]) == [OK]


def test_single_bytes_are_pieces_too() -> None:
    data = OPENED + CHANGED
    assert read(*(data[place : place + 1] for place in range(len(data)))) == [OK, NEWS]


def test_white_space_nul_byte_order_marks_and_declarations_may_stand_between() -> None:
    declaration = b'<?xml version="1.0" encoding="utf-8"?>\r\n'
    data = b"\r\n " + OPENED + b"\0\r\n\r\n" + declaration + OPENED + b"\xef\xbb\xbf" + declaration + CHANGED + b"\n\0"
    assert read(data) == [OK, OK, NEWS]
    assert read(*(data[place : place + 1] for place in range(len(data)))) == [OK, OK, NEWS]


@pytest.mark.parametrize("prefix", [b"s:", b"soap:", b"SOAP-ENV:", b"x" * 30 + b":"])
def test_the_end_is_found_under_any_prefix(prefix: bytes) -> None:
    name = prefix.rstrip(b":")
    data = OPENED.replace(b"<Envelope xmlns=", b"<%sEnvelope xmlns:%s=" % (prefix, name))
    data = data.replace(b"</Envelope>", b"</%sEnvelope  >" % prefix)
    assert read(data + CHANGED) == [OK, NEWS]
    assert read(*(data[place : place + 1] for place in range(len(data)))) == [OK]


def test_the_word_envelope_in_a_text_ends_nothing() -> None:
    inside = (
        b"<m:MessageText>Envelope &lt;/Envelope> an Envelope</m:MessageText><!-- </Envelope> --><![CDATA[</Envelope>]]>"
    )
    data = OPENED.replace(b"<m:ResponseCode>", inside + b"<m:ResponseCode>")
    assert read(data, CHANGED) == [OK, NEWS]


def test_a_fault_in_the_stream_is_a_message() -> None:
    (message,) = read(FAULT)
    assert isinstance(message.error, ServerBusy)
    assert message.error.back_off == 5.0
    assert message.connection_status is None


def test_a_reference_cut_by_a_piece_is_whole_again() -> None:
    data = OPENED.replace(b"<m:ResponseCode>", b"<m:MessageText>a&#x1A;b</m:MessageText><m:ResponseCode>")
    place = data.index(b"&#x1A;") + 3
    assert read(data[:place], data[place:]) == [OK]


def test_a_proxys_page_is_refused_at_once_and_what_came_before_is_kept() -> None:
    stream = EventStream()
    assert stream.feed(OPENED + CHANGED + PAGE[:12]) == [OK, NEWS]
    with pytest.raises(MalformedResponse, match="something other than an envelope"):
        stream.feed(b"")
    with pytest.raises(MalformedResponse):
        stream.close()


@pytest.mark.parametrize(
    "page", [PAGE, b"<!DOCTYPE html>\n<html", b"upstream timed out", b"<Enveloped>", b"{}", b"<a:b "]
)
def test_what_begins_like_no_envelope_is_refused(page: bytes) -> None:
    with pytest.raises(MalformedResponse):
        EventStream().feed(page)


@pytest.mark.parametrize(
    "beginning", [b"<", b"<?", b"<?xml version", b"<?xml version='1.0'?>", b"<s", b"<s:", b"<s:Enve", b"<!-- x"]
)
def test_what_may_still_become_an_envelope_is_waited_for(beginning: bytes) -> None:
    stream = EventStream()
    assert stream.feed(beginning) == []
    with pytest.raises(MalformedResponse, match="ended inside an envelope"):
        stream.close()


def test_an_envelope_of_another_answer_is_refused() -> None:
    with pytest.raises(MalformedResponse, match="no answer to GetStreamingEvents"):
        EventStream().feed((FOLDER / "Exchange2019/subscribe/success.xml").read_bytes())


def test_a_stream_may_end_between_envelopes_but_not_inside_one() -> None:
    read(OPENED, b"\r\n")
    stream = EventStream()
    stream.feed(OPENED + CHANGED[:100])
    with pytest.raises(MalformedResponse, match="ended inside an envelope"):
        stream.close()


def test_an_envelope_has_a_size_limit_and_a_stream_has_none() -> None:
    stream = EventStream(max_envelope=4096)
    for _ in range(100):
        assert stream.feed(OPENED) == [OK]
    with pytest.raises(MalformedResponse, match="more than 4096 bytes"):
        stream.feed(b"<Envelope>" + b"x" * 4096)
    with pytest.raises(MalformedResponse):
        EventStream(max_envelope=500).feed(OPENED)


def test_a_prologue_without_end_is_refused() -> None:
    stream = EventStream()
    stream.feed(b"<!-- ")
    with pytest.raises(MalformedResponse):
        stream.feed(b"x" * 5000)


@pytest.mark.parametrize(
    "inside",
    [b"<!--" + b"</Envelope>" * 40_000, b"<![CDATA[" + b"</Envelope>" * 40_000, b"<!-- </Envelope> -->" * 20_000],
    ids=["comment", "section", "comments"],
)
def test_end_tags_that_are_none_are_looked_at_once(inside: bytes) -> None:
    begin = time.process_time()
    stream = EventStream()
    for start in range(0, len(inside), 10_000):
        assert stream.feed((b"<Envelope>" if not start else b"") + inside[start : start + 10_000]) == []
    assert time.process_time() - begin < 1


def test_an_end_tag_inside_of_a_comment_or_a_section_ends_nothing() -> None:
    comment, section = b"<!-- </Envelope> <![CDATA[ -->", b"<x><![CDATA[</Envelope><!--]]></x>"
    end = OPENED.index(b"</soap11:Body>")
    asides = OPENED[:end].replace(b"<soap11:Body", comment + b"<soap11:Body", 1) + section + OPENED[end:]
    stream = EventStream()
    assert [message for byte in asides + CHANGED for message in stream.feed(bytes([byte]))] == [OK, NEWS]


def test_white_space_in_an_end_tag_is_looked_at_once() -> None:
    begin = time.process_time()
    stream = EventStream()
    stream.feed(b"<Envelope></Envelope")
    for _ in range(10_000):
        assert stream.feed(b" " * 100) == []
    assert time.process_time() - begin < 1


def test_the_first_envelope_of_exchange_2013_is_read_and_the_cut_second_missed(shared: Path) -> None:
    text = (shared / "ews/samples/fragments/stream_e2013sp1_first_envelope.txt").read_bytes()
    stream = EventStream()
    begin = text.index(b"<Envelope")
    assert stream.feed(text[begin : text.index(b"# [excerpt ends")]) == [OK]
    with pytest.raises(MalformedResponse, match="ended inside an envelope"):
        stream.close()


def test_the_first_envelope_of_exchange_2010_is_waited_for(shared: Path) -> None:
    text = (shared / "ews/samples/fragments/stream_e2010_http_headers.txt").read_bytes()
    stream = EventStream()
    assert stream.feed(text[text.index(b"<Envelope") : text.index(b"# [excerpt ends")]) == []
    with pytest.raises(MalformedResponse, match="ended inside an envelope"):
        stream.close()


def test_recorded_streams_are_read(shared: Path) -> None:
    samples = shared / "ews" / "samples"
    real = (samples / "GetStreamingEvents__viewpoint_L11.xml").read_bytes()
    documented = "GetStreamingEvents__how-to-stream-notifications-about-mailbox-events-by-using-ews-in-exchange_3.xml"
    messages = read(real, (samples / documented).read_bytes(), real)
    assert [[note.events for note in message.notifications] for message in messages] == [[7, 7], [3], [7, 7]]
