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
_END_TAG = re.compile(rb"</(?:[^\s<>/:&]+:)?Envelope\s*>")
_UNFINISHED_END_TAG = re.compile(rb"</(?:[^\s<>/:&]+:)?Envelope\s*\Z")
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
                del pending[:start]
                self._searched = max(0, self._searched - start)
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
            if pending[name - 2 : name + 9] == b"</Envelope>" and not _inside_markup(pending, start, name):
                self._searched = name + 9
                return name + 9
            before = pending.rfind(b"</", max(start, name - _LOOK_BACK), name)
            if before >= 0:
                tag = _END_TAG.match(pending, before)
                if tag and tag.end() > name and not _inside_markup(pending, start, before):
                    self._searched = tag.end()
                    return tag.end()
                if _UNFINISHED_END_TAG.match(pending, before):
                    self._searched = name
                    return None
            searched = name + len(_NAME)
        self._searched = max(searched, len(pending) - len(_NAME) + 1)
        return None

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
            del pending[:stripped]
            self._searched = max(0, self._searched - stripped)
        if not pending:
            return
        prologue = _PROLOGUE.match(pending)
        begin = prologue.end() if prologue else 0
        if _START_TAG.match(pending, begin):
            self._begun = True
        elif len(pending) > _MAX_PROLOGUE or (begin < len(pending) and not _MAYBE_START.match(pending, begin)):
            raise MalformedResponse("something other than an envelope in the stream")


def _inside_markup(data: bytearray, start: int, place: int) -> bool:
    """Tell whether `place` lies in a comment or a CDATA section, which nobody was seen to send but XML allows."""
    if data.find(b"!", start, place) < 0:  # one byte is looked for many times faster than two
        return False
    comment = data.rfind(b"<!--", start, place) > data.rfind(b"-->", start, place)
    section = data.rfind(b"<![CDATA[", start, place) > data.rfind(b"]]>", start, place)
    return comment or section
