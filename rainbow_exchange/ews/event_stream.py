"""The answer to GetStreamingEvents as it comes: bytes in any pieces → whole envelopes → messages. No input or output.

A stream is whole SOAP envelopes laid end to end; the borders of HTTP chunks mean nothing (protocols page on EWS §0.1).
Since `<` is always escaped in text, an envelope ends at the first end tag of that name, whatever its prefix.
"""

import re

from rainbow_exchange.ews.errors import MalformedResponse, ResponseError, StreamCut
from rainbow_exchange.ews.operations.get_streaming_events import Notification, StreamMessage, parse
from rainbow_exchange.ews.soap import open_body

__all__ = ["MAX_ENVELOPE", "EventStream", "Notification", "StreamMessage"]

MAX_ENVELOPE = 8 * 1024 * 1024

_NAME = b"Envelope"
_END_TAG = re.compile(rb"</(?:[^\s<>/:&]+:)?Envelope\s{0,64}>")
_UNFINISHED_END_TAG = re.compile(rb"</(?:[^\s<>/:&]+:)?Envelope\s{0,64}\Z")
_OPENING = re.compile(rb"<!--|<!\[CDATA\[")
_CLOSING = {b"<!--": b"-->", b"<![CDATA[": b"]]>"}
#: "</", the longest prefix that is looked back for, and ":"
_LOOK_BACK = 64
#: what may stand between and before envelopes; some balancers send white space to keep a connection alive
_BETWEEN = b" \t\r\n\0\xef\xbb\xbf"
_PROLOGUE = re.compile(rb"(?>\s+|<\?(?>.*?\?>)|<!--(?>.*?-->))*+", re.DOTALL)
_MAX_PROLOGUE = 4096
_START_TAG = re.compile(rb"<(?:[^\s<>/:&]+:)?Envelope[\s/>]")
_MAYBE_START = re.compile(rb"<(?:\?.*|!(?:-(?:-.*)?)?|[^\s<>/:&]*:?[^\s<>/:&]*)?\Z", re.DOTALL)


class EventStream:
    """Cuts one stream into messages. Whole envelopes are never lost to what comes behind them.

    `feed` raises MalformedResponse for what can be no stream: something other than envelopes (a proxy's page), one
    that does not parse, one larger than `max_envelope` bytes. Messages that were whole before the fault are returned
    first and the fault is raised by the next `feed` or by `close`.
    """

    def __init__(self, max_envelope: int = MAX_ENVELOPE) -> None:
        self._max_envelope = max_envelope
        self._pending = bytearray()
        self._searched = 0  # no end tag begins before this place
        self._clear = 0  # no comment or section begins before this place that is not closed
        self._closing = b""  # what closes the one that `_clear` lies in
        self._begun = False  # `_pending` is known to begin an envelope
        self._fault: MalformedResponse | None = None

    def feed(self, piece: bytes) -> list[StreamMessage]:
        """Take the next bytes and return the messages of the envelopes that are whole now."""
        if self._fault is not None:
            raise self._fault
        self._pending += piece
        messages: list[StreamMessage] = []
        try:
            self._cut(messages)
        except MalformedResponse as fault:
            self._fault = fault
            self._pending.clear()
            if not messages:
                raise
        return messages

    def close(self) -> None:
        """Say that the stream has ended. Raises StreamCut if it ended inside an envelope."""
        if self._fault is not None:
            raise self._fault
        if self._pending.strip(_BETWEEN):
            raise StreamCut("the stream ended inside an envelope")

    def _cut(self, messages: list[StreamMessage]) -> None:
        pending = self._pending
        start = 0
        try:
            while (end := self._end_of_envelope(start)) is not None:
                messages.extend(self._read(bytes(pending[start:end]).lstrip(_BETWEEN)))
                start = end
        finally:
            if start:
                self._forget(start)
                self._begun = False
        if not self._begun and pending:
            self._look_at_start()
        if len(pending) > self._max_envelope:
            raise MalformedResponse(f"an envelope of more than {self._max_envelope} bytes")

    def _end_of_envelope(self, start: int) -> int | None:
        """Give the place behind the next end tag, None while it has not come; every byte is looked at once."""
        pending = self._pending
        searched = max(self._searched, start)
        while (name := pending.find(_NAME, searched)) >= 0:
            self._searched = name
            before = pending.rfind(b"</", max(start, name - _LOOK_BACK), name)
            tag = _END_TAG.match(pending, before) if before >= 0 else None
            if tag and tag.end() > name:
                outside = self._outside_markup(start, before)
                if outside is None:
                    return None
                if outside == before:
                    self._searched = tag.end()
                    return tag.end()
                searched = outside
            elif before >= 0 and _UNFINISHED_END_TAG.match(pending, before):
                return None
            else:
                searched = name + len(_NAME)
        self._searched = max(searched, len(pending) - len(_NAME) + 1)
        return None

    def _outside_markup(self, start: int, place: int) -> int | None:
        """Give `place`, or the end of the comment or CDATA section that it lies in; None while that has not come.

        Nobody was seen to send either, but XML allows them. What is before `_clear` was looked at.
        """
        pending, at = self._pending, max(self._clear, start)
        while self._closing or at < place:
            if not self._closing:
                # one byte is looked for many times faster than two
                opening = _OPENING.search(pending, at, place) if pending.find(b"!", at, place) >= 0 else None
                if opening is None:
                    self._clear = place
                    return place
                self._closing, at = _CLOSING[opening[0]], opening.end()
            end = pending.find(self._closing, at)
            if end < 0:
                self._clear = max(at, len(pending) - len(self._closing) + 1)
                return None
            at = self._clear = end + len(self._closing)
            self._closing = b""
        return max(at, place)

    def _forget(self, count: int) -> None:
        """Drop so many bytes, which are done with."""
        del self._pending[:count]
        self._searched = max(0, self._searched - count)
        self._clear = max(0, self._clear - count)

    def _read(self, data: bytes) -> tuple[StreamMessage, ...]:
        try:
            return parse(open_body(data, max_size=self._max_envelope))
        except ResponseError as error:  # a SOAP fault in the stream
            return (StreamMessage(error=error),)

    def _look_at_start(self) -> None:
        """Refuse early what is no envelope: its end tag would be waited for until the heartbeat is missed."""
        pending = self._pending
        stripped = len(pending) - len(pending.lstrip(_BETWEEN))
        if stripped:
            self._forget(stripped)
        if not pending:
            return
        prologue = _PROLOGUE.match(pending)
        begin = prologue.end() if prologue else 0
        if _START_TAG.match(pending, begin):
            self._begun = True
        elif len(pending) > _MAX_PROLOGUE or (begin < len(pending) and not _MAYBE_START.match(pending, begin)):
            raise MalformedResponse("something other than an envelope in the stream")
