"""Reading the connector's answers as strictly as the published samples of the SDK allow. Pure.

A server of the real cloud may read less strictly; what passes here is right by the letter.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lxml import etree

CALENDAR = "urn:xmpp:calendar:0"

TYPES = frozenset({"singleInstance", "occurrence", "seriesMaster", "exception"})
SHOW_AS = frozenset({"busy", "free", "tentative", "oof", "workingelsewhere"})
STATES = frozenset({"enabled", "disabled", "scheduled"})
AUDIENCES = frozenset({"all", "known", "none"})


class BadAnswer(ValueError):
    """An answer that is not as documented; says what is wrong, without any text of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldEvent:
    """One event of an answer."""

    id: str
    subject: str
    type: str
    show_as: str
    start: datetime
    end: datetime
    timezone: str | None = None

    def as_json(self) -> dict[str, Any]:
        """With the names of Rainbow's wire."""
        return {
            "id": self.id,
            "subject": self.subject,
            "type": self.type,
            "showAs": self.show_as,
            "startDate": self.start.isoformat(),
            "endDate": self.end.isoformat(),
            "timezone": self.timezone,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldAutoReply:
    """An automatic reply as answered."""

    state: str
    start: datetime | None = None
    end: datetime | None = None
    internal_text: str = ""
    external_text: str | None = None
    audience: str | None = None

    def active(self, at: datetime) -> bool:
        """Whether it is on at `at`; a scheduled one without a date is on from or to for ever."""
        if self.state != "scheduled":
            return self.state == "enabled"
        return (self.start is None or self.start <= at) and (self.end is None or at < self.end)

    def as_json(self) -> dict[str, Any]:
        """With the names of Rainbow's wire."""
        return {
            "state": self.state,
            "startDate": None if self.start is None else self.start.isoformat(),
            "endDate": None if self.end is None else self.end.isoformat(),
            "internalReplyMessage": self.internal_text,
            "externalReplyMessage": self.external_text,
            "audience": self.audience,
        }


def read_events(iq: etree._Element, email: str) -> tuple[ToldEvent, ...]:
    """Return the events of a result. Raise BadAnswer."""
    payload = _payload(iq, "events", email)
    return check_ids(tuple(_event(child) for child in payload))


def read_auto_reply(iq: etree._Element, email: str) -> ToldAutoReply:
    """Return the automatic reply of a result. Raise BadAnswer."""
    payload = _payload(iq, "autoreply", email)
    state = one_of(payload.get("state"), STATES, "state")
    external = payload.find(f"{{{CALENDAR}}}externalReplyMessage")
    internal = payload.find(f"{{{CALENDAR}}}internalReplyMessage")
    if internal is None:
        raise BadAnswer("internalReplyMessage is missing")
    audience = None if external is None else external.get("audience")
    return ToldAutoReply(
        state=state,
        start=_date(payload, "startDate", required=False),
        end=_date(payload, "endDate", required=False),
        internal_text=internal.text or "",
        external_text=None if external is None else external.text or "",
        audience=None if audience is None else one_of(audience, AUDIENCES, "audience"),
    )


def check_ids(events: tuple[ToldEvent, ...]) -> tuple[ToldEvent, ...]:
    """Return events that each have an id of their own. Raise BadAnswer."""
    if len({event.id for event in events}) != len(events):
        raise BadAnswer("an event id stands twice")
    return events


def one_of(value: str | None, allowed: frozenset[str], name: str) -> str:
    """Return a value that may stand there. Raise BadAnswer."""
    if value not in allowed:
        raise BadAnswer(f"{name} is not one of {', '.join(sorted(allowed))}")
    return value


def _payload(iq: etree._Element, name: str, email: str) -> etree._Element:
    children = [child for child in iq if isinstance(child.tag, str)]
    if len(children) != 1 or children[0].tag != f"{{{CALENDAR}}}{name}":
        raise BadAnswer(f"a result must hold one {name} of {CALENDAR}")
    if children[0].get("email") != email:
        raise BadAnswer("email is not the one that was asked, as it was written")
    return children[0]


def _event(element: etree._Element) -> ToldEvent:
    if element.tag != f"{{{CALENDAR}}}event":
        raise BadAnswer("events holds something that is no event")
    identifier = element.get("id")
    subject = element.findtext(f"{{{CALENDAR}}}subject")
    if not identifier:
        raise BadAnswer("an event has no id")
    if not subject:
        raise BadAnswer("an event has no subject")
    start, end = _date(element, "startDate"), _date(element, "endDate")
    if start is None or end is None or end < start:
        raise BadAnswer("an event ends before it starts")
    start_element = element.find(f"{{{CALENDAR}}}startDate")
    return ToldEvent(
        id=identifier,
        subject=subject,
        type=one_of(element.findtext(f"{{{CALENDAR}}}type"), TYPES, "type"),
        show_as=one_of(element.findtext(f"{{{CALENDAR}}}showAs"), SHOW_AS, "showAs"),
        start=start,
        end=end,
        timezone=None if start_element is None else start_element.get("timezone"),
    )


def _date(parent: etree._Element, name: str, *, required: bool = True) -> datetime | None:
    text = parent.findtext(f"{{{CALENDAR}}}{name}")
    if text is None and not required:
        return None
    try:
        instant = datetime.fromisoformat(text or "")
    except ValueError as error:
        raise BadAnswer(f"{name} is no xs:dateTime") from error
    if instant.tzinfo is None:
        raise BadAnswer(f"{name} has no offset")
    return instant.astimezone(UTC)
