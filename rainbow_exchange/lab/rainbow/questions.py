"""After a notify the lab's Rainbow asks the connector about each person named, and keeps what clients are shown."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from lxml import etree

from rainbow_exchange.lab.rainbow import s2s_answers
from rainbow_exchange.lab.rainbow import xmpp_words as words
from rainbow_exchange.lab.rainbow.answers import CALENDAR, BadAnswer, read_auto_reply, read_events
from rainbow_exchange.lab.rainbow.connections import Connections, S2sConnection
from rainbow_exchange.lab.rainbow.dials import Dials
from rainbow_exchange.lab.rainbow.people import People
from rainbow_exchange.lab.rainbow.presence import Known, Shown, iso, shown
from rainbow_exchange.lab.rainbow.record import Record
from rainbow_exchange.lab.rainbow.streams import NoLink, Streams
from rainbow_exchange.lab.user import LabUser

KINDS = ("events", "autoreply")


class Questions:
    """Who has to be asked, at most `questions_in_flight` at a time, and what is `known` by user id."""

    def __init__(
        self,
        *,
        streams: Streams,
        connections: Connections,
        people: People,
        dials: Dials,
        record: Record,
        now: Callable[[], datetime],
        random: Random,
    ) -> None:
        self._streams = streams
        self._connections = connections
        self._people = people
        self._dials = dials
        self._record = record
        self._now = now
        self._waiting: dict[tuple[str, str], bool] = {}
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._in_flight = 0
        self._turns: Counter[str] = Counter()
        self._number = 0
        self._asker = f"pcloud_enduser_1@{streams.domain}/{random.randrange(10**18, 10**19)}"
        self.known: dict[str, Known] = {}

    def notified(self, user_ids: Iterable[str], *, force: bool) -> None:
        """Ask both questions about these people soon; ids of nobody are left out, as are those already waiting."""
        if not self._dials.ask:
            return
        for user_id in user_ids:
            if self._people.by_id(user_id) is not None:
                for kind in KINDS:
                    self._waiting[user_id, kind] = force or self._waiting.get((user_id, kind), False)
                    self._idle.clear()
        self._wake.set()

    def forget(self, user_id: str) -> None:
        """Forget a person who left."""
        self.known.pop(user_id, None)
        for kind in KINDS:
            self._waiting.pop((user_id, kind), None)
        self._settle()

    def drop(self) -> None:
        """Ask nobody who is still to be asked."""
        self._waiting.clear()
        self._settle()

    def link(self) -> str:
        """Name what a question would go over now: s2s, xmpp, or "" where no connector is there."""
        connectors = self._connectors()
        if any(self._connections.live(each.id) is not None for each in connectors):
            return "s2s"
        return "xmpp" if any(self._streams.available(each.jid) is not None for each in connectors) else ""

    def shown(self, user: LabUser) -> Shown:
        """Tell what clients see of a person now."""
        return shown(self.known.get(user.id, Known()), self._now())

    async def idle(self) -> None:
        """Wait until nobody is left to be asked and no answer is awaited."""
        await self._idle.wait()

    async def run(self) -> None:
        """Ask until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting and self._in_flight < self._dials.questions_in_flight:
                    (user_id, kind), force = next(iter(self._waiting.items()))
                    del self._waiting[user_id, kind]
                    self._in_flight += 1
                    group.create_task(self._about(user_id, kind, force=force), name=f"lab-question:{kind}")

    async def _about(self, user_id: str, kind: str, *, force: bool) -> None:
        try:
            user = self._people.by_id(user_id)
            if user is not None:
                await self._ask_and_keep(user, kind, force=force)
        finally:
            self._in_flight -= 1
            self._wake.set()
            self._settle()

    def _settle(self) -> None:
        if not self._in_flight and not self._waiting:
            self._idle.set()

    async def _ask_and_keep(self, user: LabUser, kind: str, *, force: bool) -> None:
        self._number += 1
        number = self._number
        entry = await self.ask(kind, self.email(user), user_id=user.id)
        if self._people.by_id(user.id) is None:
            return
        known = self.known.get(user.id, Known())
        before = shown(known, self._now())
        answer = entry.pop("read", None)
        if entry["outcome"] == "result" or entry.get("condition") == "item-not-found":
            known = known.with_events(answer, number) if kind == "events" else known.with_auto_reply(answer, number)
            self.known[user.id] = known
        after = shown(known, self._now())
        if after != before or (force and kind == "events"):
            self._record.published.append({"at": iso(self._now()), "user_id": user.id, **after.as_json()})

    def email(self, user: LabUser) -> str:
        """Give the address by which questions name a person."""
        match self._dials.asked_email:
            case "work":
                return next(iter(user.work_emails), user.login_email)
            case "upper":
                return user.login_email.upper()
            case _:
                return user.login_email

    async def ask(
        self,
        kind: str,
        email: str,
        *,
        user_id: str | None = None,
        sender: str = "",
        iq_type: str = "",
        dates: bool | None = None,
        window: tuple[str, str] | None = None,
    ) -> dict[str, Any]:
        """Ask one question and return its entry in the record.

        `outcome` is result, error, malformed, timeout or no-link; `read` holds the answer itself and never stands in
        the record.
        """
        if not iq_type:
            iq_type = self._dials.question_type
        if iq_type == "alternate":
            self._turns[kind] += 1
            iq_type = "get" if self._turns[kind] % 2 else "set"
        payload, asked_window = self.question(kind, email, dates=dates, window=window)
        sender = sender or self.sender
        entry: dict[str, Any] = {
            "at": iso(self._now()),
            "kind": kind,
            "link": "xmpp",
            "type": iq_type,
            "email": email,
            "from": sender,
            "user_id": user_id,
            "window": asked_window,
            "outcome": "result",
        }
        started = asyncio.get_running_loop().time()
        read: Any = None
        try:
            there = (self._connections.live(each.id) for each in self._connectors())
            connection = next((each for each in there if each is not None), None)
            if connection is not None and kind in KINDS:
                entry |= {"link": "s2s", "type": None, "from": None}
                read = await self._ask_over_s2s(connection, kind, email, asked_window, entry)
            else:
                read = await self._ask_over_xmpp(iq_type, payload, sender, email, entry)
            if kind == "events" and read is not None:
                entry["answer"] = [event.as_json() for event in read]
            elif kind == "autoreply" and read is not None:
                entry["answer"] = read.as_json()
        except NoLink:
            entry["outcome"] = "no-link"
        except TimeoutError:
            entry["outcome"] = "timeout"
        except BadAnswer as fault:
            entry |= {"outcome": "malformed", "fault": str(fault)}
        entry["seconds"] = round(asyncio.get_running_loop().time() - started, 6)
        self._record.questions.append(entry)
        self._record.counts[f"questions_{entry['outcome']}"] += 1
        return {**entry, "read": read}

    @property
    def sender(self) -> str:
        """Give who asks over XMPP."""
        return self._dials.asker or self._asker

    def asked_at(self) -> str | None:
        """Give the full JID at which the connector is asked; None where it is not there."""
        jids = (self._streams.available(each.jid) for each in self._connectors())
        return next((jid for jid in jids if jid is not None), None)

    def _connectors(self) -> list[LabUser]:
        """Who may be asked: the connectors, that activated last before the others, then the company's account."""
        return [*self._people.connectors(), self._people.account]

    async def _ask_over_xmpp(
        self, iq_type: str, payload: etree._Element, sender: str, email: str, entry: dict[str, Any]
    ) -> Any:
        to = self.asked_at()
        if to is None:
            raise NoLink
        seconds = self._dials.question_seconds
        answer = await self._streams.ask(iq_type, payload, sender=sender, to=to, seconds=seconds)
        entry["id"] = answer.get("id", "")
        if answer.get("type") == "error":
            condition, error_type = words.error_of(answer)
            entry |= {"outcome": "error", "condition": condition, "error_type": error_type}
            return None
        if entry["kind"] not in KINDS:
            return None
        return read_events(answer, email) if entry["kind"] == "events" else read_auto_reply(answer, email)

    async def _ask_over_s2s(
        self, connection: S2sConnection, kind: str, email: str, window: list[str] | None, entry: dict[str, Any]
    ) -> Any:
        dates = dict(zip(("start_date", "end_date"), window or (), strict=False))
        body = await self._connections.ask(connection, f"calendar-{kind}", {"email": email, **dates})
        if (condition := s2s_answers.error_of(body)) is not None:
            entry |= {"outcome": "error", "condition": condition}
            return None
        return (s2s_answers.read_events if kind == "events" else s2s_answers.read_auto_reply)(body, email)

    def question(
        self, kind: str, email: str, *, dates: bool | None = None, window: tuple[str, str] | None = None
    ) -> tuple[etree._Element, list[str] | None]:
        """Make what a question asks, and give the window that it names."""
        if kind == "ping":
            return words.element(words.PING, "ping"), None
        if kind not in KINDS:
            return words.element("urn:lab:unknown", kind), None
        payload = words.element(CALENDAR, kind, {"email": email})
        if kind != "events" or not (self._dials.question_dates if dates is None else dates):
            return payload, None
        if window is None:
            start = self._now().replace(microsecond=0)
            end = start + timedelta(hours=self._dials.question_hours)
            window = (f"{start:%Y-%m-%dT%H:%M:%SZ}", f"{end:%Y-%m-%dT%H:%M:%SZ}")
        for name, value in zip(("startDate", "endDate"), window, strict=True):
            etree.SubElement(payload, f"{{{CALENDAR}}}{name}").text = value
        return payload, list(window)
