"""What the lab's Rainbow refuses before it looks: calls by a dial (429, 503 …), and calls without the headers it wants.

Nobody publishes how Rainbow's limits look beside status and `Retry-After`; the dials play what a server may do.
"""

import json
from datetime import datetime, timedelta
from email.utils import format_datetime
from fnmatch import fnmatchcase
from typing import Any

from aiohttp import web

from rainbow_exchange.lab.rainbow.dials import Dials
from rainbow_exchange.lab.rainbow.sign_in import Refusal

_MESSAGES = {429: "Too Many Requests", 503: "Service Unavailable"}
_SETTINGS = "/api/rainbow/enduser/v1.0/settings/apis"
_LOGIN = "/api/rainbow/authentication/v1.0/login"


class Limits:
    """Checks each call by the dials."""

    def __init__(self, dials: Dials) -> None:
        self._dials = dials

    def check(self, request: web.Request) -> None:
        """Raise Refusal for a call that the dials refuse."""
        dials = self._dials
        if dials.refuse_next > 0 and dials.refuse_path in request.path:
            dials.refuse_next -= 1
            status = dials.refuse_status
            raise Refusal(
                status=status,
                code=status * 1000,
                message=dials.refusal_words or _MESSAGES.get(status, "Refused"),
                retry_after=dials.refuse_retry_after or None,
                form=dials.refuse_body,
            )
        if dials.additional_headers_required and request.path not in (_LOGIN, _SETTINGS):
            for key, value in _wanted(dials.additional_headers, request.method, request.path):
                if request.headers.get(key) != value:
                    details = f"The header {key} of settings/apis is missing or has another value"
                    raise Refusal(status=403, code=403000, message="Access denied", details=details)

    def answer(self, refusal: Refusal, now: datetime) -> web.Response:
        """Make the answer of a refusal."""
        answer = _body(refusal)
        if refusal.retry_after is not None:
            answer.headers["Retry-After"] = str(refusal.retry_after)
            if self._dials.refuse_retry_after_form == "date":
                answer.headers["Retry-After"] = http_date(now + timedelta(seconds=refusal.retry_after))
        return answer


def http_date(instant: datetime) -> str:
    """Write an instant as HTTP does."""
    return format_datetime(instant, usegmt=True)


def _body(refusal: Refusal) -> web.Response:
    match refusal.form:
        case "html":
            page = f"<html><body><h1>{refusal.status} {refusal.message}</h1></body></html>"
            return web.Response(text=page, status=refusal.status, content_type="text/html")
        case "empty":
            return web.Response(status=refusal.status)
        case "bare":
            bare = {key: value for key, value in refusal.body().items() if key != "errorDetailsCode"}
            return web.Response(text=json.dumps(bare), status=refusal.status, content_type="application/json")
        case "ok":
            return web.json_response(refusal.body(), status=200)
        case _:
            return web.json_response(refusal.body(), status=refusal.status)


def _wanted(rules: list[Any], method: str, path: str) -> list[tuple[str, str]]:
    return [
        (header["key"], header["value"])
        for rule in rules
        if any(each["method"] in ("*", method) and fnmatchcase(path, each["url"]) for each in rule["match"])
        for header in rule["headers"]
    ]
