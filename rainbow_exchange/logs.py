"""Logging: one chain for our own lines and those of libraries, with redaction as its last step before writing.

A line is an event (short, lower case, underscores) and values (`docs/reference/log-events.md`).
"""

import base64
import binascii
import logging
import logging.handlers
import os
import re
import sys
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import date
from enum import Enum
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

import structlog
from aiohttp.http_exceptions import HttpProcessingError
from structlog.typing import EventDict, Processor

MASK = "***"

_FILE_BYTES = 10 * 1024 * 1024
_FILE_COUNT = 5
_RECENT_CHARACTERS = 1024 * 1024
_MAX_TEXT = 16 * 1024
_MAX_DEPTH = 6
_OURS = "rainbow_exchange"

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
    r"\b((?:[\w-]*[_-])?(?:password|passwd|secret|token|authorization|cookie)[\"']?\s*[=:]\s*[\"']?)"
    r"(?!\*\*\*)([^\s\"'&,;<>}]+)",
    re.IGNORECASE,
)


def configure(
    level: str = "info",
    log_format: str = "auto",
    file: Path | None = None,
    *,
    stream_level: str = "debug",
    not_on_stream: frozenset[str] = frozenset(),
) -> None:
    """Log to standard error (as JSON lines unless it is a terminal) and to `file`, which is rotated by size.

    `log_format`: "auto", "json" or "console"; the file is always JSON. `stream_level` and `not_on_stream` (events) hold
    lines back from standard error, where a terminal shows progress instead. The last lines stay in memory (`recent`).
    Raises OSError when the file cannot be opened. May be called again.
    """
    _recent.setFormatter(_formatter(structlog.processors.JSONRenderer(ensure_ascii=False)))
    handlers: list[logging.Handler] = [_recent]
    if file is not None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        rotating = _RotatingFile(
            file, maxBytes=_FILE_BYTES, backupCount=_FILE_COUNT, encoding="utf-8", errors="backslashreplace"
        )
        rotating.setFormatter(_formatter(structlog.processors.JSONRenderer(ensure_ascii=False)))
        handlers.append(rotating)
    if sys.stderr is not None:  # it is None for a process without a console
        stream = _Stream(sys.stderr)
        stream.setLevel(stream_level.upper())
        stream.addFilter(lambda record: not (isinstance(record.msg, dict) and record.msg.get("event") in not_on_stream))
        stream.setFormatter(_formatter(_renderer(log_format, sys.stderr)))
        handlers.append(stream)

    root = logging.getLogger()
    for old in root.handlers[:]:
        if getattr(old, "_ours", False):
            root.removeHandler(old)
            old.close()
    for handler in handlers:
        handler._ours = True  # type: ignore[attr-defined]  # noqa: SLF001  # marks it, to be replaced by a second call
        root.addHandler(handler)
    root.setLevel(logging.WARNING)
    set_level(level)
    logging.getLogger("aiohttp.server").addFilter(_request_lines)
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def recent() -> list[str]:
    """Give the last lines of this process as JSON, oldest first, masked as those that were written: 1 Mi characters."""
    return list(_recent.lines)


def set_level(level: str) -> None:
    """Change the level of our own lines, now: "debug", "info", "warning" or "error". Libraries stay at warning."""
    logging.getLogger(_OURS).setLevel(level.upper())


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _formatter(renderer: Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *_shared()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,  # as text, so that redaction sees it
            _first_things_first,
            redact,
            _without_what_steers,
            renderer,
        ],
    )


def _renderer(log_format: str, stream: TextIO) -> Processor:
    is_terminal = _is_terminal(stream)
    if log_format == "json" or (log_format == "auto" and not is_terminal):
        return structlog.processors.JSONRenderer()  # ASCII: the stream may be of any code page
    # On Windows colours would need colorama.
    return structlog.dev.ConsoleRenderer(
        colors=is_terminal and sys.platform != "win32", exception_formatter=structlog.dev.plain_traceback
    )


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


class _Stream(logging.StreamHandler[TextIO]):
    """A stream that may be closed or break: its lines are lost then, and nothing else."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (the name is logging's)
        """Say nothing: there is nowhere left to say it."""


class _RotatingFile(logging.handlers.RotatingFileHandler):
    """A file that goes on where rotating fails, as it does on Windows while somebody reads it."""

    def _open(self) -> TextIOWrapper:
        """Open it, for our account alone where it is new: mail addresses stand in it."""
        return open(
            self.baseFilename,
            "a",
            encoding=self.encoding,
            errors=self.errors,
            opener=lambda name, flags: os.open(name, flags, 0o600),
        )

    def doRollover(self) -> None:  # noqa: N802  (the name is logging's)
        """Rotate; where that fails, go on with the same file."""
        try:
            super().doRollover()
        except OSError:
            if self.stream is None:
                self.stream = self._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (the name is logging's)
        """Say nothing: there is nowhere left to say it."""


class _Recent(logging.Handler):
    """The last lines, in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[str] = deque()
        self._characters = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one more, and let go of the oldest beyond the bound."""
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001  (a value whose repr fails must not end whoever logs it)
            self.handleError(record)
            return
        self.lines.append(line)
        self._characters += len(line)
        while self._characters > _RECENT_CHARACTERS:
            self._characters -= len(self.lines.popleft())

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (the name is logging's)
        """Say nothing: the other handlers say it."""


_recent = _Recent()


class _RequestLines(logging.Filter):
    """What the HTTP server says of a caller that speaks no HTTP, without what that has sent: a token may be in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the line in place, so that whoever writes it does without."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            record.msg, record.args, record.exc_info = "request_not_understood", (), None
            record.levelno = min(record.levelno, logging.WARNING)
            record.levelname = logging.getLevelName(record.levelno)
            record.reason = type(error).__name__
        return True


_request_lines = _RequestLines()


def _first_things_first(_logger: object, _method: str, event: EventDict) -> EventDict:
    return {key: event[key] for key in ("timestamp", "level", "event") if key in event} | dict(event)


def redact(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Mask what must not be logged, by key and by looks, whoever logged it."""
    return {key: _value(key, value, 0) for key, value in event.items()}


def _without_what_steers(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Take out what a terminal would obey and not show, be it ours or whoever's that a file is shown in later."""
    return {_harmless(key): _harmless(value) for key, value in event.items()}


def _harmless(value: Any) -> Any:
    if isinstance(value, str):
        return _STEERS.sub("?", value)
    if isinstance(value, dict):
        return {_harmless(key): _harmless(one) for key, one in value.items()}
    return [_harmless(one) for one in value] if isinstance(value, list) else value


def redact_text(text: str) -> str:
    """Mask what looks like a credential in `text`; it is cut at 16 Ki characters."""
    if len(text) > _MAX_TEXT:
        text = f"{text[:_MAX_TEXT]}… ({len(text)} characters)"
    text = _URL_USERINFO.sub(f"{MASK}@", text)
    text = _SCHEME.sub(_mask_scheme, text)
    text = _JWT.sub(MASK, text)
    return _NAMED.sub(rf"\1{MASK}", text)


def _mask_scheme(found: re.Match[str]) -> str:
    scheme, space, value = found.groups()
    return found[0] if scheme.lower() == "basic" and not _is_basic(value) else f"{scheme}{space}{MASK}"


def _is_basic(value: str) -> bool:
    """Whether it is user:password in base64, and not a word like in "Basic authentication"."""
    try:
        return b":" in base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except binascii.Error:
        return False


def _is_secret(key: str, value: object) -> bool:
    words = [word.lower() for word in _WORD.findall(key)]
    if isinstance(value, (int, float)):  # a length, a number of tokens
        return not _ALWAYS_SECRET.isdisjoint(words)
    return not _SECRET_WORDS.isdisjoint(words) or "_".join(words) in _SECRET_KEYS


def _value(key: str, value: object, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        masked: Any = value
    elif key != "event" and _is_secret(key, value):
        masked = MASK
    elif isinstance(value, Enum):
        masked = _value(key, value.value, depth)
    elif isinstance(value, (int, float)):
        masked = value
    elif isinstance(value, str):
        masked = redact_text(value)
    elif isinstance(value, (bytes, bytearray)):
        masked = f"<{len(value)} bytes>"
    elif isinstance(value, (Mapping, list, tuple, set, frozenset)):
        masked = _content(key, value, depth + 1) if depth < _MAX_DEPTH else f"<{type(value).__name__}>"
    else:
        masked = redact_text(value.isoformat() if isinstance(value, date) else repr(value))
    return masked


def _content(key: str, value: Mapping[object, object] | Iterable[object], depth: int) -> Any:
    if isinstance(value, Mapping):
        return {redact_text(str(name)): _value(str(name), one, depth) for name, one in value.items()}
    return [_value(key, one, depth) for one in value]
