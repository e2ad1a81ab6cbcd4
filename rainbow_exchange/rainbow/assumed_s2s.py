"""OUR OWN contract for calendar questions over an S2S connection (pure).

Rainbow publishes no S2S callback that carries a calendar question, no call that takes its answer, and none that tells
of a user who came or went: in all public material the questions come over XMPP only. So that the S2S link can be used
at all, these names and forms are made up here, on the pattern of those that Rainbow documents. Nothing here is claimed
to work with the real cloud; `docs/reference/rainbow-wire.md`, section "Questions over S2S", says it again.

The answers are field for field those of the XMPP link, as JSON, within the same number of bytes.
"""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from rainbow_exchange.rainbow.link import MalformedQuestion
from rainbow_exchange.rainbow.markup import printable
from rainbow_exchange.rainbow.stanzas import MAX_STANZA
from rainbow_exchange.rainbow.types import AutoReply, CalendarEvent, Question
from rainbow_exchange.rainbow.users import text
from rainbow_exchange.rainbow.wording import cut, fitting, question, share, write_date

CALENDAR_EVENTS = "calendar-events"
CALENDAR_AUTOREPLY = "calendar-autoreply"
COMPANY_USER = "company-user"

#: bytes of an answer's body
MAX_BODY = MAX_STANZA
MAX_REQUEST_ID = 256

_KINDS = {CALENDAR_EVENTS: "events", CALENDAR_AUTOREPLY: "autoreply"}
#: the code that goes with a condition, as XEP-0086 pairs them
_CODES = {
    "bad-request": 400,
    "forbidden": 403,
    "item-not-found": 404,
    "internal-server-error": 500,
    "resource-constraint": 500,
    "service-unavailable": 503,
    "remote-server-timeout": 504,
}
_OTHER_CODE = 500


def request_id(payload: dict[str, Any]) -> str | None:
    """What an answer is told apart by; None where there is none, so that nobody can be answered."""
    id_ = text(payload.get("request_id"))
    return id_ if id_ is not None and len(id_) <= MAX_REQUEST_ID else None


def read_question(name: str, payload: dict[str, Any]) -> Question:
    """Read the question of a callback named so. Raises MalformedQuestion."""
    values = [payload.get(key) for key in ("email", "start_date", "end_date")]
    email, start, end = ("" if value is None else value for value in values)
    if not (isinstance(email, str) and isinstance(start, str) and isinstance(end, str)):
        raise MalformedQuestion("a value that is no text")
    kind = _KINDS[name]
    return question(kind, email, (start, ""), (end, "")) if kind == "events" else question(kind, email)


def answer_path(connection_id: str, name: str) -> str:
    """Where the answer to a callback of that name is posted, below the connection as presences are."""
    return f"/api/rainbow/ucs/v1.0/connections/{quote(connection_id, safe='')}/calendar/{_KINDS[name]}"


def events_body(id_: str, asked: Question, events: Iterable[CalendarEvent]) -> dict[str, Any]:
    """Answer with all of `events`, subjects shortened where need be; from the first as many as fit."""
    items: list[dict[str, Any]] = []
    body = {"events": {"request_id": id_, "email": asked.email, "items": items}}
    room = MAX_BODY - _size(body)
    items += fitting(events, room, make=_item, size=lambda item: _size(item) + len(", "))
    return body


def auto_reply_body(id_: str, asked: Question, reply: AutoReply) -> dict[str, Any]:
    """Answer with the automatic reply; texts that do not fit are cut at a word, each to its share of the room."""
    said: dict[str, Any] = {"request_id": id_, "email": asked.email, "state": reply.state}
    for name, date in (("startDate", reply.start), ("endDate", reply.end)):
        if date is not None:
            said[name] = {"value": write_date(date)}
    said["internalReplyMessage"] = ""
    external: dict[str, str] = {"value": ""} | ({"audience": reply.audience} if reply.audience else {})
    if reply.external_text is not None:
        said["externalReplyMessage"] = external
    body = {"autoreply": said}
    texts = [printable(reply.internal_text), printable(reply.external_text or "")]
    said["internalReplyMessage"], external["value"] = share(texts, MAX_BODY - _size(body), _text_size)
    return body


def error_body(id_: str, condition: str) -> dict[str, Any]:
    """Answer that there is no answer, in the form of Rainbow's own `error` callback."""
    return {"error": {"request_id": id_, "code": _CODES.get(condition, _OTHER_CODE), "reason": condition}}


def _item(event: CalendarEvent, subject_bytes: int) -> dict[str, Any]:
    zone = {"timezone": event.timezone} if event.timezone else {}
    return {
        "id": event.id,
        "subject": cut(printable(event.subject), subject_bytes, _text_size),
        "type": event.type,
        "showAs": event.show_as,
        "startDate": {"value": write_date(event.start), **zone},
        "endDate": {"value": write_date(event.end), **zone},
    }


def _size(value: object) -> int:
    return len(json.dumps(value))


def _text_size(value: str) -> int:
    return len(json.dumps(value)) - len('""')
