"""The bridge's parts and the link of a `run` in this process, and whoever asks, which is another (`asker.py`)."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

from rainbow_exchange.bridge.assemble import assemble
from rainbow_exchange.bridge.history import History
from rainbow_exchange.bridge.parts import Options
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.roster import Identifier, IdentifierKind
from rainbow_exchange.bridge.timings import Timings
from rainbow_exchange.bridge.told import Told
from rainbow_exchange.ews.auth import BasicAuth
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.histogram import Latency
from rainbow_exchange.model import Agenda, Appointment, Mailbox, ShowAs
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.desk import Desk
from rainbow_exchange.rainbow.link import LinkCounters
from rainbow_exchange.rainbow.types import Account, RainbowUser
from rainbow_exchange.rainbow.xmpp import XmppLink
from rainbow_exchange.state.store import Store
from tests.benchmarks.stanzas import ME, Person

#: nobody is there, and nobody is called: what is asked about has been read
_NOWHERE = "http://127.0.0.1:9"
_WITHIN = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a burst came to: processor seconds of this process until all was answered, and what was answered."""

    cpu: float
    answers: list[bytes]


class Connector:
    """A bridge that has read everybody and has told Rainbow of everybody, at a moment that lasts."""

    def __init__(self, counters: LinkCounters, asker: "Asker") -> None:
        self.counters = counters
        self._asker = asker

    async def ask(self, asked: Sequence[str], into: Path) -> Asked:
        """Have these questions asked at once, and wait until all are answered."""
        counters, all_of_them = self.counters, self.counters.questions + len(asked)
        await self._asker.order({"ask": asked, "into": str(into)})
        began = time.process_time()
        async with asyncio.timeout(_WITHIN):
            while counters.answered + counters.refused + counters.failed < all_of_them:  # noqa: ASYNC110  (nobody tells)
                await asyncio.sleep(0.02)
        cpu = time.process_time() - began
        await self._asker.said()
        return Asked(cpu=cpu, answers=(await asyncio.to_thread(into.read_bytes)).split(b"\n"))


class Asker:
    """The other process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def order(self, what: dict[str, Any]) -> None:
        """Order something."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        await self._process.stdin.drain()

    async def said(self) -> dict[str, Any]:
        """Wait for what it says next."""
        assert self._process.stdout is not None
        async with asyncio.timeout(_WITHIN):
            said: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return said


@asynccontextmanager
async def asking() -> AsyncIterator[Asker]:
    """Run the other process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("asker.py")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**26,
    )
    try:
        yield Asker(process)
    finally:
        process.kill()
        await process.communicate()


@asynccontextmanager
async def connector(people: Sequence[Person], folder: Path, now: datetime) -> AsyncIterator[Connector]:
    """Run the bridge and its link until the context ends."""

    def clock() -> datetime:
        return now

    async def account() -> Account:
        return Account(user_id="u", company_id="c", jid=ME.partition("/")[0], jid_password="of the asker's")

    random = Random(1).random
    async with AsyncExitStack() as stack:
        store = Store.open(folder / "state.db")
        stack.callback(store.close)
        history = History.open(folder, now=clock)
        stack.callback(history.close)
        exchange = EwsClient(url=f"{_NOWHERE}/EWS/Exchange.asmx", auth=BasicAuth("svc", "-"), ssl=None, now=clock)
        rainbow = RainbowClient(
            url=_NOWHERE,
            login="connector@acme.test",
            password="-",
            app_id="a",
            app_secret="-",
            company_id="c",
            now=clock,
            random=random,
        )
        pipeline = assemble(
            exchange=exchange,
            rainbow=rainbow,
            store=store,
            options=Options(impersonation=True),
            timings=Timings(Latency(), Latency(), clock),
            observe=lambda _event, /, **_values: None,
            now=clock,
            random=random,
            history=history,
        )
        _fill(pipeline, people, now)
        asker = await stack.enter_async_context(asking())
        desk, answers = Desk(), pipeline.parts.answers
        link = XmppLink(
            url=f"ws://127.0.0.1:{(await asker.said())['port']}/websocket",
            account=account,
            resource=ME.partition("/")[2],
            answer=desk.answer,
            at_once=desk.at_once,
            app_id="a",
            now=clock,
            random=random,
        )
        await stack.enter_async_context(
            desk.staffed(answers.answer, at_once=answers.at_once, link_restored=_nothing, link_lost=_nothing)
        )
        running = [asyncio.create_task(link.run()), asyncio.create_task(history.run())]
        try:
            await asker.said()
            yield Connector(link.counters, asker)
        finally:
            for task in running:
                task.cancel()
            await asyncio.wait(running)


def _nothing() -> None:
    pass


def _fill(pipeline: Pipeline, people: Sequence[Person], now: datetime) -> None:
    """Have the bridge know everybody as it does once it has read and told."""
    parts = pipeline.parts
    window = parts.reader.window()
    for number, person in enumerate(people):
        member, _ = parts.roster.add(RainbowUser(id=f"u{number}", login_email=person.address))
        mailbox = Mailbox(address=person.address)
        parts.roster.claim(member, mailbox, Identifier(IdentifierKind.LOGIN, person.address))
        parts.reader.add(mailbox)
        entry = parts.reader.entry(person.address)
        assert entry is not None
        appointments = tuple(
            Appointment(id=f"{number:024x}{place:08x}", start=start, end=end, show_as=ShowAs.BUSY, subject=subject)
            for place, (start, end, subject) in enumerate(person.events)
        )
        entry.agenda = Agenda(mailbox=person.address, window=window, read_at=now, appointments=appointments)
        entry.agenda_generation = entry.generation
        parts.ledger.set_state(member.user.id, Told.EVENTS, parts.answers.digest(entry.agenda), 0.0)
        parts.ledger.notified(member.user.id, parts.ledger.snapshot(member.user.id), 0.0)
