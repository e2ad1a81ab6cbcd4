"""Rainbow's two questions about a person's calendar and our answers, in XML (`urn:xmpp:calendar:0`; pure).

Documented: `docs/reference/rainbow-wire.md`, section "Questions". Whole answers stay within `MAX_STANZA` bytes.
"""

from collections.abc import Iterable
from functools import partial
from xml.sax.saxutils import escape

from lxml import etree

from rainbow_exchange.rainbow.link import MalformedQuestion
from rainbow_exchange.rainbow.stanzas import (
    CALENDAR,
    MAX_STANZA,
    Iq,
    child,
    element,
    local_name,
    namespace,
    printable,
    result,
    write,
)
from rainbow_exchange.rainbow.types import AutoReply, CalendarEvent, Question
from rainbow_exchange.rainbow.wording import cut, fitting, question, share, write_date

#: Ids that long are nobody's; they would eat the room for the answer.
MAX_ID = 1024
_KINDS = ("events", "autoreply")
_QUOTES = {'"': "&quot;", "'": "&apos;"}


def is_question(iq: Iq) -> bool:
    """Whether an IQ is one of the two questions, be it get or set (both are published)."""
    payload = iq.payload
    return (
        iq.type in ("get", "set")
        and payload is not None
        and namespace(payload) == CALENDAR
        and local_name(payload) in _KINDS
    )


def read_question(iq: Iq) -> Question:
    """Read a question; raises MalformedQuestion for no address or a date that is none."""
    payload = iq.payload
    if payload is None or not is_question(iq):
        raise MalformedQuestion("not a question")
    if len(iq.id) > MAX_ID:
        raise MalformedQuestion("an id too long to repeat")
    kind, email = local_name(payload), payload.get("email", "")
    dates = [_date(payload, name) for name in ("startDate", "endDate")] if kind == "events" else []
    return question(kind, email, *dates)


def events_result(
    iq: Iq, me: str, asked: Question, events: Iterable[CalendarEvent], *, escape_twice: bool = False
) -> str:
    """Answer with all of `events`, subjects shortened where need be; from the first as many as fit into a stanza."""
    payload = element("events", CALENDAR, email=asked.email)
    stanza = result(iq, me, payload)
    # An element of its own repeats the namespace that it shares with its parent once inside.
    repeated = len(f' xmlns="{CALENDAR}"')
    payload.extend(
        fitting(
            events,
            MAX_STANZA - _size(stanza) - len("></events>"),
            make=partial(_event, escape_twice=escape_twice),
            size=lambda made: _size(made) - repeated,
        )
    )
    return write(stanza)


def auto_reply_result(iq: Iq, me: str, asked: Question, reply: AutoReply, *, escape_twice: bool = False) -> str:
    """Answer with the automatic reply; texts that do not fit are cut at a word, each to its share of the room."""
    payload = element("autoreply", CALENDAR, state=reply.state, email=asked.email)
    for name, date in (("startDate", reply.start), ("endDate", reply.end)):
        if date is not None:
            child(payload, name, write_date(date))
    internal = child(payload, "internalReplyMessage", "")
    external = None
    if reply.external_text is not None:
        external = child(
            payload, "externalReplyMessage", "", **({"audience": reply.audience} if reply.audience else {})
        )
    stanza = result(iq, me, payload)
    # Empty elements are written short (`<x/>`); with a text in them they need a closing tag.
    room = MAX_STANZA - _size(stanza) - len("></internalReplyMessage>") - len("></externalReplyMessage>")
    texts = [printable(reply.internal_text), printable(reply.external_text or "")]
    shortened = share(texts, room, partial(text_size, escape_twice=escape_twice))
    for target, text in zip((internal, external), shortened, strict=True):
        if target is not None and text:
            target.text = _once(text, escape_twice=escape_twice)
    return write(stanza)


def _event(event: CalendarEvent, subject_bytes: int, *, escape_twice: bool) -> etree._Element:
    zone = {"timezone": event.timezone} if event.timezone else {}
    made = element("event", CALENDAR, id=event.id)
    size = partial(text_size, escape_twice=escape_twice)
    subject = cut(printable(event.subject), subject_bytes, size)
    child(made, "subject", _once(subject, escape_twice=escape_twice))
    child(made, "type", event.type)
    child(made, "showAs", event.show_as)
    child(made, "startDate", write_date(event.start), **zone)
    child(made, "endDate", write_date(event.end), **zone)
    return made


def _date(payload: etree._Element, name: str) -> tuple[str, str]:
    """Return a date and its time zone as they stand there."""
    part = next((part for part in payload if local_name(part) == name), None)
    return ("", "") if part is None else (part.text or "", part.get("timezone", ""))


def _once(text: str, *, escape_twice: bool) -> str:
    """Return the text as it is: the serialiser escapes it. The SDK's way escapes it here as well."""
    return escape(text, _QUOTES) if escape_twice else text


def text_size(text: str, *, escape_twice: bool = False) -> int:
    """Bytes of a text between two tags."""
    return len(escape(_once(text, escape_twice=escape_twice), {"\r": "&#13;"}).encode())


def _size(tree: etree._Element) -> int:
    return len(write(tree).encode())
