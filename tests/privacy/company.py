"""A company whose calendars and replies are full of marks, and everything that might show one of them."""

import asyncio
import contextlib
import dataclasses
import json
import logging
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeGuard

import aiohttp

from rainbow_exchange import logs
from rainbow_exchange.lab.exchange.mailbox import OutOfOffice
from rainbow_exchange.web import runtime
from tests.browsing import OPENED
from tests.house import House, now

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SUBJECT, TEXT = "Sbj4711", "Txt4711"
PLACE, BODY, GUEST = "Plc4711", "Bdy4711", "gst4711"
#: what may stand in no log, page, problem, metric, error or file
MARKS = (SUBJECT, TEXT, PLACE, BODY, GUEST)
#: what no object of ours may hold
DROPPED = (PLACE, BODY, GUEST)
#: forms that a careless line would trip over
ODD = (
    f"{SUBJECT}",
    f"{SUBJECT} %s %(x)d {{0}}",
    f'<b>{SUBJECT}</b> "&amp; \N{RIGHT-TO-LEFT OVERRIDE}',
    f"password={SUBJECT}",
    f"{SUBJECT} \N{SMILING FACE WITH SUNGLASSES}" + "x" * 3000,
)


def fill(house: House) -> None:
    """Give everybody appointments of each sensitivity and a reply, all of them marked."""
    for mailbox in house.exchange.directory.by_address.values():
        for number, subject in enumerate(ODD):
            item = house.appointment(mailbox.address, subject, start=now() + timedelta(hours=number))
            sensitivity = ("Normal", "Personal", "Private", "Confidential")[number % 4]
            item.details = replace(
                item.details, sensitivity=sensitivity, location=PLACE, body=BODY, categories=(BODY,),
                required=(f"{GUEST}@acme.test",), optional=(f"{GUEST}2@acme.test",), organizer=mailbox.address,
            )  # fmt: skip
        mailbox.oof = OutOfOffice(
            state="Enabled", audience="All", internal=f"<p>{TEXT} &amp; <b>in</b></p>", external=f"{TEXT} out",
            start=now(), end=now() + timedelta(days=1),
        )  # fmt: skip


def stir(house: House) -> None:
    """Have every calendar looked at again."""
    for mailbox in house.exchange.directory.by_address.values():
        house.exchange.subscriptions.cry_wolf(mailbox)


class Watch(logging.Handler):
    """Everything that is logged by anybody, raw and as it is written, and what observers and pages get."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.seen: list[str] = []
        self.events: set[str] = set()
        self.loggers: set[str] = set()
        self.files: set[str] = set()
        self.explained: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("rainbow_exchange.lab"):
            return
        self.loggers.add(record.name.partition(".")[0])
        if isinstance(record.msg, dict):
            self.events.add(str(record.msg.get("event")))
        said = [repr(record.msg), repr(record.args)] if isinstance(record.msg, dict) else [record.getMessage()]
        if record.exc_info:
            said += traceback.format_exception(record.exc_info[1])
        self.seen.append("\n".join(said))

    def observe(self, event: str, /, **values: Any) -> None:
        self.seen.append(repr((event, values)))

    def found(self) -> list[str]:
        """Give what shows a mark."""
        return [each[:500] for each in self.seen if any(mark in each for mark in MARKS)]

    @contextlib.contextmanager
    def watching(self, *, loop_too: bool = False) -> Iterator[None]:
        """Log everything there is to log, at every level; `loop_too`: the loop names each step it takes as well."""
        logs.configure("debug", "json")
        names = ["rainbow_exchange", "aiohttp", "asyncio", "spnego", "lxml", "urllib3", "charset_normalizer"]
        loggers = [logging.getLogger(), *map(logging.getLogger, names)]
        before = [each.level for each in loggers]
        loop = asyncio.get_running_loop()
        for each in loggers:
            each.setLevel(logging.DEBUG)
        loggers[0].addHandler(self)
        loop.set_debug(loop_too)
        loop.slow_callback_duration = 0.0
        try:
            yield
        finally:
            loop.set_debug(False)
            loggers[0].removeHandler(self)
            for each, level in zip(loggers, before, strict=True):
                each.setLevel(level)

    async def look(self, house: House) -> None:
        """Take in what the daemon says of itself, over its own page, and every file that it has written."""
        found = runtime.read(house.folder)
        assert found is not None
        headers = {"Authorization": f"Bearer {runtime.read_token(house.folder)}"}
        async with aiohttp.ClientSession(f"http://{found.host}:{found.port}", headers=headers) as page:
            for path in ("/api/status", "/metrics", "/healthz", "/readyz"):
                async with page.get(path) as answer:
                    self.seen.append(f"{path} {await answer.text()}")
            for user in house.people:
                for at in ({}, {"at": now().isoformat()}):
                    async with page.post("/api/explain", json={"address": user.login_email} | at) as answer:
                        self.seen.append(f"explain {await answer.text()}")
                        self.explained |= {(await answer.json())["state"]}
            for path in ("/api/mailboxes", "/api/sign-in"):
                async with page.post(path, json={}) as answer:
                    assert answer.status == 200
                    self.seen.append(f"{path} {await answer.text()}")
            async with page.get(json.loads(self.seen[-1].partition(" ")[2])["path"], headers=OPENED) as answer:
                self.seen.append(f"/ {await answer.text()}")
        self.files |= {path.name for path in house.folder.rglob("*")}
        self.seen += [f"{path}: {read(path)!r}" for path in house.folder.rglob("*") if path.is_file()]
        self.seen += [repr(each) for each in (*house.rainbow.record.events, *house.rainbow.record.requests)]


def read(path: Path) -> bytes:
    return path.read_bytes()


class Made:
    """The objects of our own classes that are made meanwhile: which classes, and which of them hold a mark."""

    def __init__(self, marks: tuple[str, ...]) -> None:
        self.marks = marks
        self.classes: set[str] = set()
        self.holding: set[str] = set()

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        before = sys.getprofile()
        sys.setprofile(self._step)
        try:
            yield
        finally:
            sys.setprofile(before)

    def _step(self, frame: FrameType, event: str, _value: object) -> None:
        if event != "return" or frame.f_code.co_name != "__init__":
            return
        made = frame.f_locals.get("self")
        module = type(made).__module__
        if not module.startswith("rainbow_exchange.") or module.startswith("rainbow_exchange.lab"):
            return
        self.classes.add(type(made).__name__)
        names = [each.name for each in dataclasses.fields(made)] if _is_data(made) else []
        values = [getattr(made, name, None) for name in names]
        values += [*getattr(made, "__dict__", {}).values(), *getattr(made, "args", ())]
        if any(mark in repr(value) for value in values for mark in self.marks if isinstance(value, str | tuple | dict)):
            self.holding.add(type(made).__name__)


def _is_data(made: object) -> "TypeGuard[DataclassInstance]":
    return dataclasses.is_dataclass(made) and not isinstance(made, type)
