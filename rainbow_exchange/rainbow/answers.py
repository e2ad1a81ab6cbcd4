"""An HTTP answer of Rainbow, and what its refusals mean (pure)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from rainbow_exchange.rainbow.errors import (
    RainbowApiError,
    RainbowConnectionError,
    RainbowError,
    RateLimited,
    UnexpectedAnswer,
)

_OK_RANGE = range(200, 300)
_UNAUTHORIZED = 401
_REQUEST_TIMEOUT = 408
_TOO_MANY = 429
_UNAVAILABLE = 503
_CLIENT_FAULT = range(400, 500)
#: What the SDK waits on 429 when Rainbow names no time.
_DEFAULT_RETRY_AFTER = 10.0
#: Nobody is sent away for longer than a day, whatever the header says.
_MAX_RETRY_AFTER = 86_400.0
_MAX_DETAIL = 300


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers (names as the caller looks them up, case-insensitive) and whole body of an answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Read the body as JSON; raises UnexpectedAnswer."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise UnexpectedAnswer(f"HTTP {self.status} with a body that is not JSON") from None

    def member(self, *path: str) -> Any:
        """Read the JSON body and walk down its objects; raises UnexpectedAnswer where one is missing."""
        value = self.json()
        for name in path:
            if not isinstance(value, dict) or name not in value:
                raise UnexpectedAnswer(f"HTTP {self.status} without {'.'.join(path)}")
            value = value[name]
        return value


def refusal(reply: Reply, now: datetime) -> RainbowError | None:
    """Name the error an answer stands for; None for success."""
    status = reply.status
    if status in _OK_RANGE:
        return None
    retry_after = _retry_after(reply.headers.get("Retry-After"), now)
    if status == _TOO_MANY:
        return RateLimited(_DEFAULT_RETRY_AFTER if retry_after is None else retry_after)
    if status == _UNAVAILABLE and retry_after is not None:
        return RateLimited(retry_after)
    if status not in _CLIENT_FAULT or status == _REQUEST_TIMEOUT:
        return RainbowConnectionError(f"http-{status}")
    code, detail = _explain(reply)
    error = RainbowApiError(status, code, detail)
    error.token_expired = status == _UNAUTHORIZED and "jwt expired" in detail.lower()
    return error


def _retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds of a Retry-After header, which is a number or a date (RFC 9110); None where it says nothing readable."""
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), _MAX_RETRY_AFTER)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(0.0, (until - now).total_seconds()), _MAX_RETRY_AFTER)


def _explain(reply: Reply) -> tuple[int, str]:
    """Rainbow's errorDetailsCode (or errorCode, or the status) and its words, without the values it may repeat."""
    try:
        body = reply.json()
    except UnexpectedAnswer:
        body = None
    if not isinstance(body, dict):
        return reply.status, ""
    code = next((c for c in (body.get("errorDetailsCode"), body.get("errorCode")) if type(c) is int), reply.status)
    words = [body.get("errorMsg"), *_details(body.get("errorDetails"))]
    said = ": ".join(dict.fromkeys(word.strip() for word in words if isinstance(word, str) and word.strip()))
    clean = "".join(character if character.isprintable() else " " for character in said)
    return code, clean[:_MAX_DETAIL]


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
