"""Any chunking of a valid stream gives the same notifications; of a broken one, the same up to the fault."""

from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from rainbow_exchange.ews.errors import MalformedResponse
from rainbow_exchange.ews.event_stream import EventStream, StreamMessage

FOLDER = Path(__file__).parents[2] / "fixtures" / "ews"
ENVELOPES = [path.read_bytes() for path in sorted(FOLDER.glob("*/get_streaming_events/*.xml"))]
BETWEEN = [b"", b"", b"\r\n", b" \0", b'<?xml version="1.0"?>\n', b"\xef\xbb\xbf"]

streams = st.lists(st.tuples(st.sampled_from(BETWEEN), st.sampled_from(ENVELOPES)), min_size=1, max_size=6).map(
    lambda parts: b"".join(between + envelope for between, envelope in parts)
)
cuts = st.lists(st.integers(min_value=0, max_value=20_000), max_size=40)


def told(message: StreamMessage) -> tuple[object, ...]:
    """Give what a message says; errors do not compare."""
    error = message.error and (type(message.error), message.error.code, message.error.values)
    return message.notifications, message.connection_status, message.error_subscription_ids, error


def read(data: bytes, places: list[int]) -> tuple[list[tuple[object, ...]], str]:
    """Read a stream cut at these places; give the messages and how it ended."""
    stream = EventStream()
    messages: list[StreamMessage] = []
    borders = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    try:
        for begin, end in pairwise(borders):
            messages += stream.feed(data[begin:end])
        stream.close()
    except MalformedResponse:
        return [told(message) for message in messages], "broken"
    return [told(message) for message in messages], "whole"


@given(streams, cuts)
def test_any_chunking_gives_the_same_messages(data: bytes, places: list[int]) -> None:
    expected, ended = read(data, [])
    assert ended == "whole"
    assert len(expected) == data.count(b"<m:GetStreamingEventsResponseMessage ")
    assert read(data, places) == (expected, "whole")


@given(streams, st.sampled_from([b"<html><body>504</body></html>", b"busy", b"<Envelope>"]), streams, cuts)
def test_what_is_broken_ends_the_stream_at_the_same_message(
    before: bytes, junk: bytes, behind: bytes, places: list[int]
) -> None:
    expected, _ = read(before, [])
    assert read(before + junk + behind, places) == (expected, "broken")


@given(streams, st.integers(min_value=1), cuts)
def test_a_truncated_stream_never_gives_half_a_message(data: bytes, length: int, places: list[int]) -> None:
    whole, _ = read(data, [])
    part, ended = read(data[: length % len(data)], places)
    assert part == whole[: len(part)]
    assert ended == "broken" or len(part) < len(whole) or part == whole
