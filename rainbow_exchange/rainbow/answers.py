"""An HTTP answer of Rainbow, and what its refusals mean (pure)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from rainbow_exchange.json_text import read_json
from rainbow_exchange.network.shown import nameless
from rainbow_exchange.rainbow.errors import (
    RainbowApiError,
    RainbowConnectionError,
    RainbowError,
    RateLimited,
    UnexpectedAnswer,
)
from rainbow_exchange.words import _

_OK_RANGE = range(200, 300)
_UNAUTHORIZED = 401
_REQUEST_TIMEOUT = 408
_TOO_MANY = 429
_CLIENT_FAULT = range(400, 500)
_SERVER_FAULT = range(500, 600)
#: Seconds to wait on 429 when Rainbow names no time: the SDK's.
DEFAULT_RETRY_AFTER = 10.0
#: Nobody is sent away for longer than a day, whatever the header says.
_MAX_RETRY_AFTER = 86_400.0
_MAX_DETAIL = 300
#: A refusal that comes as a success is looked for in bodies up to this size: lists of users are longer.
_MAX_REFUSAL = 8192
#: What a server may repeat of our own headers: it must not be shown.
_SECRETS = re.compile(r"\b(Basic|Bearer)\s+\S+|[A-Za-z0-9+/=_.~-]{40,}", re.IGNORECASE)


@dataclass(slots=True)
class Reply:
    """Status, headers (names as the caller looks them up, case-insensitive) and whole body of an answer.

    `correlation_id` is that of the request, `request_id` what Rainbow calls it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    correlation_id: str = ""
    request_id: str = ""

    def json(self) -> Any:
        """Read the body as JSON; raises UnexpectedAnswer."""
        try:
            return read_json(self.body)
        except ValueError:
            raise UnexpectedAnswer(_("HTTP {status} with a body that is not JSON", status=self.status)) from None

    def data(self) -> Any:
        """Read what the JSON body holds in `data`, or is where it has no such envelope; raises UnexpectedAnswer."""
        answer = self.json()
        return answer["data"] if isinstance(answer, dict) and "data" in answer else answer

    def member(self, *path: str) -> Any:
        """Read the JSON body and walk down its objects; raises UnexpectedAnswer where one is missing."""
        value = self.json()
        for name in path:
            if not isinstance(value, dict) or name not in value:
                raise UnexpectedAnswer(_("HTTP {status} without {path}", status=self.status, path=".".join(path)))
            value = value[name]
        return value


def refusal(
    reply: Reply, now: datetime, *, default_wait: float = DEFAULT_RETRY_AFTER, words: bool = True
) -> RainbowError | None:
    """Name the error an answer stands for; None for success.

    Dates in it are read by the server's own clock, as its `Date` has it, else by `now`. `default_wait` is for a 429
    that names no time. `words` False: what Rainbow says of it is left out, since it may repeat what was sent.
    """
    status = _status(reply)
    if status in _OK_RANGE:
        return None
    retry_after = _retry_after(reply.headers.get("Retry-After"), http_date(reply.headers.get("Date")) or now)
    if status == _TOO_MANY:
        return RateLimited(default_wait if retry_after is None else retry_after)
    if status in _SERVER_FAULT and retry_after is not None:
        return RateLimited(retry_after)
    if status not in _CLIENT_FAULT or status == _REQUEST_TIMEOUT:
        return RainbowConnectionError(f"http-{status}")
    code, detail, by_rainbow = _explain(reply, status)
    error = RainbowApiError(status, code, detail if words else "")
    error.by_rainbow = by_rainbow
    error.token_expired = status == _UNAUTHORIZED and "jwt expired" in detail.lower()
    return error


def http_date(value: str | None) -> datetime | None:
    """Read a date as HTTP writes it; None where there is none."""
    if value is None:
        return None
    try:
        instant = parsedate_to_datetime(value.strip())
    except (ValueError, OverflowError):
        return None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant


def _status(reply: Reply) -> int:
    """What the answer means: a refusal may come as a success, through a gateway that knows no better."""
    if reply.status not in _OK_RANGE or len(reply.body) > _MAX_REFUSAL or b'"errorCode"' not in reply.body:
        return reply.status
    try:
        body = reply.json()
    except UnexpectedAnswer:
        return reply.status
    said = body.get("errorCode") if isinstance(body, dict) else None
    return said if type(said) is int and (said in _CLIENT_FAULT or said in _SERVER_FAULT) else reply.status


def _retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds of a Retry-After header, which is a number or a date (RFC 9110); None where it says nothing readable."""
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), _MAX_RETRY_AFTER)
    until = http_date(value)
    return None if until is None else min(max(0.0, (until - now).total_seconds()), _MAX_RETRY_AFTER)


def _explain(reply: Reply, status: int) -> tuple[int, str, bool]:
    """Rainbow's errorDetailsCode (or errorCode, or the status) and its words.

    Of these without the values that it may repeat, and without whom it names. And whether it is Rainbow that speaks.
    """
    try:
        body = reply.json()
    except UnexpectedAnswer:
        body = None
    if not isinstance(body, dict):
        return status, "", False
    code = next((c for c in (body.get("errorDetailsCode"), body.get("errorCode")) if type(c) is int), status)
    words = [body.get("errorMsg"), *_details(body.get("errorDetails"))]
    said = ": ".join(dict.fromkeys(word.strip() for word in words if isinstance(word, str) and word.strip()))
    clean = "".join(character if character.isprintable() else " " for character in said)
    by_rainbow = "errorCode" in body or "errorDetailsCode" in body
    return code, nameless(_SECRETS.sub("…", clean))[:_MAX_DETAIL], by_rainbow


def _details(details: object) -> list[object]:
    if isinstance(details, str):
        return [details]
    if isinstance(details, list):
        return [
            f"{entry.get('param', '')} {entry.get('msg', '')}".strip() for entry in details if isinstance(entry, dict)
        ]
    if isinstance(details, dict):
        return [details.get("msg"), details.get("message")]
    return []
