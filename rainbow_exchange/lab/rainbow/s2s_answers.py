"""Reading the connector's answers over S2S, its own contract, as strictly as those over XMPP. Pure."""

from datetime import UTC, datetime
from typing import Any

from dateutil.parser import isoparse

from rainbow_exchange.lab.rainbow.answers import (
    AUDIENCES,
    SHOW_AS,
    STATES,
    TYPES,
    BadAnswer,
    ToldAutoReply,
    ToldEvent,
    check_ids,
    one_of,
)

_EVENT = frozenset({"id", "subject", "type", "showAs", "startDate", "endDate"})
_REPLY = frozenset(
    {"request_id", "email", "state", "startDate", "endDate", "internalReplyMessage", "externalReplyMessage"}
)


def error_of(body: dict[str, Any]) -> str | None:
    """Return the reason of an error; None for an answer. Raise BadAnswer."""
    error = body.get("error")
    if error is None:
        return None
    if not isinstance(error, dict) or type(error.get("code")) is not int or not isinstance(error.get("reason"), str):
        raise BadAnswer("an error must have a code and a reason")
    return str(error["reason"])


def read_events(body: dict[str, Any], email: str) -> tuple[ToldEvent, ...]:
    """Return the events of an answer. Raise BadAnswer."""
    items = _said(body, "events", email).get("items")
    if not isinstance(items, list):
        raise BadAnswer("items is no list")
    return check_ids(tuple(_event(item) for item in items))


def read_auto_reply(body: dict[str, Any], email: str) -> ToldAutoReply:
    """Return the automatic reply of an answer. Raise BadAnswer."""
    said = _said(body, "autoreply", email)
    if set(said) - _REPLY:
        raise BadAnswer("autoreply holds a key that is not known")
    internal, external = said.get("internalReplyMessage"), said.get("externalReplyMessage")
    if not isinstance(internal, str):
        raise BadAnswer("internalReplyMessage is missing")
    external = external if external is None else _object(external, "externalReplyMessage")
    audience = external.get("audience") if external else None
    return ToldAutoReply(
        state=one_of(said.get("state"), STATES, "state"),
        start=_date(said["startDate"], "startDate") if "startDate" in said else None,
        end=_date(said["endDate"], "endDate") if "endDate" in said else None,
        internal_text=internal,
        external_text=None if external is None else _text(external.get("value"), "externalReplyMessage.value"),
        audience=None if audience is None else one_of(audience, AUDIENCES, "audience"),
    )


def _said(body: dict[str, Any], name: str, email: str) -> dict[str, Any]:
    if set(body) != {name}:
        raise BadAnswer(f"an answer must hold {name} and nothing else")
    said = _object(body[name], name)
    if said.get("email") != email:
        raise BadAnswer("email is not the one that was asked, as it was written")
    return said


def _event(item: object) -> ToldEvent:
    event = _object(item, "an event")
    if set(event) != _EVENT:
        raise BadAnswer("an event lacks a key, or has one too many")
    identifier, subject = _text(event["id"], "id"), _text(event["subject"], "subject")
    if not identifier or not subject:
        raise BadAnswer("an event has no id or no subject")
    start, end = _date(event["startDate"], "startDate"), _date(event["endDate"], "endDate")
    if end < start:
        raise BadAnswer("an event ends before it starts")
    return ToldEvent(
        id=identifier,
        subject=subject,
        type=one_of(event["type"], TYPES, "type"),
        show_as=one_of(event["showAs"], SHOW_AS, "showAs"),
        start=start,
        end=end,
        timezone=event["startDate"].get("timezone"),
    )


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadAnswer(f"{name} is no object")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise BadAnswer(f"{name} is no text")
    return value


def _date(value: object, name: str) -> datetime:
    text = _text(_object(value, name).get("value"), name)
    try:
        instant = isoparse(text)
    except ValueError as error:
        raise BadAnswer(f"{name} is no xs:dateTime") from error
    if instant.tzinfo is None:
        raise BadAnswer(f"{name} has no offset")
    return instant.astimezone(UTC)
