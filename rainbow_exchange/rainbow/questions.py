"""Rainbow's two questions about a person's calendar and our answers, in XML (`urn:xmpp:calendar:0`; pure).

Documented: `docs/reference/rainbow-wire.md`, section "Questions". Whole answers stay within `MAX_STANZA` bytes.
"""

from collections.abc import Iterable
from functools import partial
from xml.sax.saxutils import escape

from lxml import etree

from rainbow_exchange.rainbow.link import MalformedQuestion
from rainbow_exchange.rainbow.markup import content, printable, quoted
from rainbow_exchange.rainbow.stanzas import (
    CALENDAR,
    MAX_STANZA,
    Iq,
    child,
    element,
    local_name,
    result,
    result_around,
    write,
)
from rainbow_exchange.rainbow.types import AutoReply, CalendarEvent, Question
from rainbow_exchange.rainbow.wording import cut, fitting, question, share, write_date

#: Ids that long are nobody's; they would eat the room for the answer.
MAX_ID = 1024
#: what the payload of a question is called → what it asks for
_KINDS = {f"{{{CALENDAR}}}{kind}": kind for kind in ("events", "autoreply")}
#: a date and its time zone, of which neither stands there
_NO_DATE = ("", "")
_QUOTES = {'"': "&quot;", "'": "&apos;"}


def is_question(iq: Iq) -> bool:
    """Whether an IQ is one of the two questions, be it get or set (both are published)."""
    return iq.type in ("get", "set") and iq.payload is not None and iq.payload.tag in _KINDS


def read_question(iq: Iq) -> Question:
    """Read a question; raises MalformedQuestion for no address or a date that is none."""
    payload = iq.payload
    if payload is None or not is_question(iq):
        raise MalformedQuestion("not a question")
    if len(iq.id) > MAX_ID:
        raise MalformedQuestion("an id too long to repeat")
    kind, email = _KINDS[str(payload.tag)], payload.get("email", "")
    if kind != "events":
        return question(kind, email, id_=iq.id)
    dates = {local_name(part): (part.text or "", part.get("timezone", "")) for part in reversed(payload)}
    return question(kind, email, dates.get("startDate", _NO_DATE), dates.get("endDate", _NO_DATE), id_=iq.id)


def events_result(
    iq: Iq, me: str, asked: Question, events: Iterable[CalendarEvent], *, escape_twice: bool = False
) -> str:
    """Answer with all of `events`, subjects shortened where need be; from the first as many as fit into a stanza."""
    before, behind = result_around(iq, me)
    before += f'<events xmlns="{CALENDAR}" email={quoted(asked.email)}'
    room = MAX_STANZA - len(before.encode()) - len("></events>") - len(behind)
    made = fitting(events, room, make=partial(_event, escape_twice=escape_twice), size=_bytes)
    return f"{before}>{''.join(made)}</events>{behind}" if made else f"{before}/>{behind}"


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


def _event(event: CalendarEvent, subject_bytes: int, *, escape_twice: bool) -> str:
    """Write an event; of its texts only subject, zone and id are not ours."""
    zone = f" timezone={quoted(event.timezone)}" if event.timezone else ""
    written = content(_once(event.subject, escape_twice=escape_twice))
    if _bytes(written) > subject_bytes:
        subject = cut(printable(event.subject), subject_bytes, partial(text_size, escape_twice=escape_twice))
        written = content(_once(subject, escape_twice=escape_twice))
    return (
        f"<event id={quoted(event.id)}><subject>{written}</subject>"
        f"<type>{event.type}</type><showAs>{event.show_as}</showAs>"
        f"<startDate{zone}>{write_date(event.start)}</startDate><endDate{zone}>{write_date(event.end)}</endDate></event>"
    )


def _once(text: str, *, escape_twice: bool) -> str:
    """Return the text as it is: the serialiser escapes it. The SDK's way escapes it here as well."""
    return escape(text, _QUOTES) if escape_twice else text


def text_size(text: str, *, escape_twice: bool = False) -> int:
    """Bytes of a text between two tags."""
    return _bytes(content(_once(text, escape_twice=escape_twice)))


def _bytes(text: str) -> int:
    return len(text.encode())


def _size(tree: etree._Element) -> int:
    return _bytes(write(tree))
