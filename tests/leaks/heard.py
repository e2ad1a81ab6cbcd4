"""Hears what the product says in a test: to its log, in its errors, on its pages, in its numbers and files."""

import json
import logging
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web
from structlog._base import BoundLoggerBase

from rainbow_exchange import logs
from rainbow_exchange.errors import RainbowExchangeError
from rainbow_exchange.logs.redaction import plain, redact, redact_text
from rainbow_exchange.web import live, security
from rainbow_exchange.web.render import LAB
from tests.leaks.allowed import ALLOWED
from tests.leaks.kept import Kept

#: the product's own files
_FILES = ("state.db*", "history.db*", "made.json", "runtime.json", "web-token", "*.log")
#: where it is that an answer of the local page is shown, by the end of its path
_PAGES = {
    "/told": "preview", "/api/preview": "preview", "/metrics": "metrics", "/api/status": "status", "/sign-in": "way in",
}  # fmt: skip


class Ears(logging.Handler):
    """Listens to everything at once: `leaks` are what was heard that may not be said, `seen` what stood where."""

    def __init__(self, kept: Kept) -> None:
        super().__init__(logging.NOTSET)
        self.kept = kept
        self.leaks: list[str] = []
        self.seen: Counter[tuple[str, str]] = Counter()
        self.heard: Counter[str] = Counter()

    def listen(self, patch: pytest.MonkeyPatch) -> None:
        """Hear everything from now on, at every level, whoever else hears it and however logging is set up."""
        process: Callable[..., Any] = BoundLoggerBase._process_event

        def logged(bound: Any, method: str, event: str | None, values: dict[str, Any]) -> Any:
            if self.kept:
                self.line(method, {**structlog.contextvars.get_contextvars(), **bound._context, **values}, event)
            return process(bound, method, event, values)

        debug: Callable[..., Any] = logs._Logger.debug

        def held_back(bound: Any, event: str | None = None, *arguments: Any, **values: Any) -> Any:
            before = self.heard["log"]
            done = debug(bound, event, *arguments, **values)
            if self.kept and self.heard["log"] == before:
                self.line("debug", {**structlog.contextvars.get_contextvars(), **bound._context, **values}, event)
            return done

        def raised(error: RainbowExchangeError, *arguments: Any) -> None:
            self.say("error", " ".join(map(str, arguments)), type(error).__name__)
            Exception.__init__(error, *arguments)

        add_headers, write = security.add_headers, live._write

        async def answered(request: web.Request, response: web.StreamResponse) -> None:
            if isinstance(response, web.Response) and response.charset and isinstance(response.body, bytes):
                self.page(request, response.body.decode(response.charset, "replace"))
            await add_headers(request, response)

        async def sent(answer: web.StreamResponse, request: web.Request, text: str) -> None:
            self.page(request, text)
            await write(answer, request, text)

        patch.setattr(BoundLoggerBase, "_process_event", logged)
        patch.setattr(logs._Logger, "debug", held_back)
        patch.setattr(RainbowExchangeError, "__init__", raised, raising=False)
        patch.setattr(security, "add_headers", answered)
        patch.setattr(live, "_write", sent)
        logging.getLogger().addHandler(self)

    def line(self, method: str, values: Mapping[str, Any], event: str | None) -> None:
        """Hear a line; what its redaction masks was not said."""
        raw = repr((event, values))
        if error := values.get("exc_info"):
            found = error if isinstance(error, BaseException) else sys.exc_info()[1]
            raw += "".join(traceback.format_exception(found)) if found is not None else ""
        self.heard["log"] += 1
        if not self.kept.found(raw) or in_the_lab():
            return
        line: Any = {"event": event, **values}
        for step in (structlog.processors.format_exc_info, plain, redact):
            line = step(None, method, line)
        self.say("log", json.dumps(line, ensure_ascii=False, default=repr), event or "")

    def emit(self, record: logging.LogRecord) -> None:
        """Hear a library's line, or one of ours that comes by another way."""
        if isinstance(record.msg, dict) or record.name.startswith("rainbow_exchange.lab"):
            return
        said = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            said += "".join(traceback.format_exception(record.exc_info[1]))
        if self.kept.found(said):
            self.say("log", redact_text(said), record.name)

    def page(self, request: web.Request, text: str) -> None:
        """Hear what a page, or an answer to a command, shows.

        Not the lab's page: it shows what its made-up people write, and how to sign in to its servers.
        """
        if request.app.get(security.SITE) == LAB:
            return
        where = next((where for end, where in _PAGES.items() if request.path.endswith(end)), "page")
        self.say(where, text, request.path)

    def folder(self, folder: Path) -> None:
        """Read the product's own files."""
        for file in {file for pattern in _FILES for file in folder.glob(pattern) if file.is_file()}:
            where = file.name if file.name in {"runtime.json", "web-token"} else "file"
            self.say(where, file.read_bytes().decode("utf-8", "replace"), file.name)

    def say(self, where: str, text: str, which: str = "") -> None:
        """Note what stands in a text, and as a leak what is not allowed to; `which` of all at that place."""
        if where != "log":
            self.heard[where] += 1
        for kind, phrase in self.kept.found(text):
            self.seen[where, kind] += 1
            if (where, kind) not in ALLOWED:
                at = text.find(phrase)
                around = text[max(0, at - 150) : at + 150]
                self.leaks.append(f"{where} {which} shows {phrase!r}, a {kind}: …{around}…")


def in_the_lab() -> bool:
    """Whether it is the lab that speaks: it may say what it likes."""
    frame = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("rainbow_exchange."):
            return bool(module.startswith("rainbow_exchange.lab"))
        if frame.f_back is None:
            break
        frame = frame.f_back
    return False
