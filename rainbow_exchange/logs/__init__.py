"""Logging: one chain for our own lines and those of libraries, with redaction as its last step before rendering.

A line is an event (short, lower case, underscores) and values (`docs/reference/log-events.md`).
"""

import logging
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import structlog
from aiohttp.http_exceptions import HttpProcessingError
from structlog.typing import EventDict, Processor

from rainbow_exchange.logs.level import SWITCH
from rainbow_exchange.logs.redaction import MASK, plain, redact, redact_text
from rainbow_exchange.logs.rotation import RotatingFile

__all__ = ["MASK", "SWITCH", "configure", "recent", "redact", "redact_text"]

_RECENT_CHARACTERS = 1024 * 1024
#: modules that log for whoever calls them: it is his name that is on the line
_SAY_IT_FOR_OTHERS = ["rainbow_exchange.outage", "rainbow_exchange.sparing"]


def configure(
    level: str = "info",
    log_format: str = "auto",
    file: Path | None = None,
    *,
    file_bytes: int = 10 * 1024 * 1024,
    file_count: int = 5,
    stream_level: str = "debug",
    not_on_stream: frozenset[str] = frozenset(),
    for_good: bool = False,
) -> None:
    """Log to standard error (as JSON lines unless it is a terminal) and to `file`, rotated at `file_bytes`.

    `log_format`: "auto", "json" or "console"; the file is always JSON, and `file_count` old ones are kept.
    `stream_level` and `not_on_stream` (events) hold lines back from standard error, where a terminal shows progress
    instead. The last lines stay in memory (`recent`). Raises OSError when the file cannot be opened. May be called
    again; `for_good` says that it will not be by this process, so that each module keeps the logger it has got.
    """
    _recent.setFormatter(_formatter(structlog.processors.JSONRenderer(ensure_ascii=False)))
    handlers: list[logging.Handler] = [_recent]
    if file is not None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        rotating = RotatingFile(file, size=file_bytes, count=file_count)
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
    SWITCH.begin(level)
    logging.getLogger("aiohttp.server").addFilter(_request_lines)
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(ignore_frame_names=_SAY_IT_FOR_OTHERS),
        wrapper_class=_Logger,
        cache_logger_on_first_use=for_good,
    )


def recent() -> list[str]:
    """Give the last lines of this process as JSON, oldest first, masked as those that were written: 1 Mi characters."""
    return list(_recent.lines)


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
    return _Formatter(foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *_shared()], processors=[masked_once, renderer])


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


class _Logger(structlog.stdlib.BoundLogger):
    """Builds no debug line that the level holds back: each change and each question has several."""

    def debug(self, event: str | None = None, *args: Any, **values: Any) -> Any:
        """Log it, if anybody wants it."""
        if structlog.stdlib.filter_by_level in self._processors and not self._logger.isEnabledFor(logging.DEBUG):
            return None
        return super().debug(event, *args, **values)


class _Stream(logging.StreamHandler[TextIO]):
    """A stream that may be closed or break: its lines are lost then, and nothing else."""

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


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Has a line masked once, however many handlers write it: that costs more than all the rest of it."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line; `record` keeps what it says, masked."""
        record.__dict__.setdefault("_masked", {})  # what is made of a record has the same one
        return super().format(record)


def masked_once(logger: object, method: str, event: EventDict) -> EventDict:
    """Take all the STEPS for the first handler of a line; the others get what came of them."""
    masked: EventDict = event["_record"]._masked  # noqa: SLF001  (our own, see _Formatter)
    if not masked:
        event.pop("_masked", None)  # of a library's line all that stands in the record is taken
        for step in STEPS:
            event = step(logger, method, event)
        masked.update(event)
    return dict(masked)


def _first_things_first(_logger: object, _method: str, event: EventDict) -> EventDict:
    return {key: event[key] for key in ("timestamp", "level", "event") if key in event} | dict(event)


#: what is done to a line before it is rendered
STEPS: tuple[Callable[[Any, str, EventDict], EventDict], ...] = (
    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
    structlog.processors.format_exc_info,  # as text, so that redaction sees it
    _first_things_first,
    plain,
    redact,
)
