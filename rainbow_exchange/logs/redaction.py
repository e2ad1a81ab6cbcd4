"""What must not be logged is masked: by the name of its value, and by its looks wherever it stands. Pure.

`plain` comes before: it leaves nothing but text, numbers, lists and mappings, which masking can look into wholly.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from datetime import date
from enum import Enum
from functools import lru_cache
from typing import Any

from structlog.typing import EventDict

MASK = "***"

_MAX_TEXT = 16 * 1024
_MAX_DEPTH = 6

_ALWAYS_SECRET = frozenset({"credential", "credentials", "passwd", "password", "secret"})
_SECRET_WORDS = _ALWAYS_SECRET | {"authorization", "body", "cookie", "cookies", "html", "subject", "text", "token"}
_SECRET_KEYS = frozenset({"api_key", "app_auth", "set_cookie", "x_rainbow_app_auth"})
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_URL_USERINFO = re.compile(r"(?<=://)[^\s/?#@\"'<>]+@")
_SCHEME = re.compile(r"\b(Bearer|Negotiate|NTLM|Basic)(\s+)([A-Za-z0-9+/=._~-]{8,})", re.IGNORECASE)
_JWT = re.compile(r"\beyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]*)?")
#: controls but for line end and tab, and what turns the direction of writing
_STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_NAMED = re.compile(
    r"(?<![^\W_])((?:password|passwd|secret|token|authorization|cookie)[\"']?\s*[=:]\s*[\"']?)"
    r"(?!\*\*\*)([^\s\"'&,;<>}]+)",
    re.IGNORECASE,
)
#: a header holds several cookies
_COOKIES = re.compile(r"\b((?:set-)?cookie2?[\"']?\s*:\s*[\"']?)[^\s\"'<>=;]+=[^\"'<>\r\n]+", re.IGNORECASE)
_ELEMENT = re.compile(r"(<(?:\w+:)?(?:password|secret|token)\b[^<>]*>)[^<>]+(?=</)", re.IGNORECASE)

#: where none of these stands, nothing of the above can
_IN_ALL = re.compile(r"[\s:=<]|eyJ")


def plain(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Turn values into what a line can hold, without what a terminal would obey and not show."""
    return {_harmless(key): _plain(value, 0) for key, value in event.items()}


def redact(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Mask what must not be logged, by key and by looks, whoever logged it. Takes what `plain` gives."""
    return {key: _masked(key, value) for key, value in event.items()}


def redact_text(text: str) -> str:
    """Mask what looks like a credential in `text`; it is cut at 16 Ki characters."""
    if len(text) > _MAX_TEXT:
        text = f"{text[:_MAX_TEXT]}… ({len(text)} characters)"
    if not _IN_ALL.search(text):
        return text
    text = _URL_USERINFO.sub(f"{MASK}@", text)
    text = _SCHEME.sub(_mask_scheme, text)
    text = _JWT.sub(MASK, text)
    for looks in (_COOKIES, _ELEMENT, _NAMED):
        text = looks.sub(rf"\1{MASK}", text)
    return text


def _harmless(text: str) -> str:
    return _STEERS.sub("?", text)


def _plain(value: object, depth: int) -> Any:
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return _harmless(value)
    if isinstance(value, (bytes, bytearray)):
        return f"<{len(value)} bytes>"
    if isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return _content(value, depth + 1) if depth < _MAX_DEPTH else f"<{type(value).__name__}>"
    return _harmless(value.isoformat() if isinstance(value, date) else repr(value))


def _content(value: Mapping[object, object] | Iterable[object], depth: int) -> Any:
    if isinstance(value, Mapping):
        return {_harmless(str(name)): _plain(one, depth) for name, one in value.items()}
    return [_plain(one, depth) for one in value]


def _masked(key: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if key != "event" and _is_secret(key, value):
        return MASK
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {redact_text(str(name)): _masked(str(name), one) for name, one in value.items()}
    return [_masked(key, one) for one in value] if isinstance(value, list) else value


def _is_secret(key: str, value: object) -> bool:
    words = _words(key)
    if isinstance(value, (int, float)):  # a length, a number of tokens
        return not _ALWAYS_SECRET.isdisjoint(words)
    return not _SECRET_WORDS.isdisjoint(words) or "_".join(words) in _SECRET_KEYS


@lru_cache(maxsize=1024)
def _words(key: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORD.findall(key))


def _mask_scheme(found: re.Match[str]) -> str:
    scheme, space, value = found.groups()
    return found[0] if scheme.lower() == "basic" and not _is_basic(value) else f"{scheme}{space}{MASK}"


def _is_basic(value: str) -> bool:
    """Whether it is user:password in base64, and not a word like in "Basic authentication"."""
    try:
        return b":" in base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except ValueError:  # no base64, or letters beside ASCII that the pattern takes for the same (dotless i)
        return False
