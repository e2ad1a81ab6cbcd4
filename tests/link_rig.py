"""A link of either kind between the lab's Rainbow and an answerer in the test's hand, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.rainbow import LabRainbow
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.link import Answer, RainbowLink
from rainbow_exchange.rainbow.s2s import S2sLink
from rainbow_exchange.rainbow.types import AutoReply, Question
from rainbow_exchange.rainbow.xmpp import XmppLink
from tests.ports import free_port

EPOCH = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
Answerer = Callable[[Question], Awaitable[Answer]]


def now() -> datetime:
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


async def free(question: Question) -> Answer:
    """Answer that nothing is on."""
    return Answer(auto_reply=AutoReply(state="disabled")) if question.kind == "autoreply" else Answer()


@dataclass
class Life:
    """A running link: what it told, and the questions that it passed on."""

    link: RainbowLink
    task: asyncio.Task[None] = field(init=False)
    told: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])
        if not self.task.cancelled():
            self.task.result()


@dataclass
class Rig:
    """The lab, and links to it of one kind."""

    kind: str
    lab: LabRainbow
    client: RainbowClient
    port: int
    lives: list[Life] = field(default_factory=list)

    def run(self, answer: Answerer = free, **changes: Any) -> Life:
        """Run a link until the end of the test."""
        told: list[str] = []
        questions: list[Question] = []

        async def answered(question: Question) -> Answer:
            questions.append(question)
            return await answer(question)

        settings: dict[str, Any] = {
            "answer": answered,
            "now": now,
            "random": Random(1).random,
            "on_connected": lambda: told.append("connected"),
            "on_lost": lambda: told.append("lost"),
        }
        link: RainbowLink
        if self.kind == "xmpp":
            own = {
                "url": f"ws{self.lab.url.removeprefix('http')}/websocket",
                "account": self.client.signed_in,
                "resource": "node_x",
                "app_id": self.lab.app_id,
            }
            link = XmppLink(**(settings | own | changes))
        else:
            url = f"http://127.0.0.1:{self.port}/rainbow"
            own = {"client": self.client, "callback_url": url, "host": "127.0.0.1", "port": self.port}
            link = S2sLink(**(settings | own | changes))
        life = Life(link, told=told, questions=questions)
        life.task = asyncio.get_running_loop().create_task(link.run())
        self.lives.append(life)
        return life

    async def connected(self, answer: Answerer = free, **changes: Any) -> Life:
        """Run a link, and wait until it can be asked."""
        life = self.run(answer, **changes)
        await until(lambda: life.link.connected and self.there)
        return life

    @property
    def there(self) -> bool:
        """Whether Rainbow sees somebody whom it can ask."""
        account = self.lab.people.account
        if self.kind == "xmpp":
            return self.lab._streams.available(account.jid) is not None
        return self.lab.connections.live(account.id) is not None

    def cut(self) -> None:
        """Break the link from Rainbow's side without a word."""
        if self.kind == "xmpp":
            self.lab._streams.cut()
        else:
            self.lab.connections.lose()

    async def ask(self, kind: str = "events", email: str = "bob@acme.test", **more: Any) -> dict[str, Any]:
        return await self.lab.questions.ask(kind, email, **more)


async def until(holds: Callable[[], bool], within: float = 600) -> None:
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110  (what a link shows comes with no event)
            await asyncio.sleep(0.05)


@asynccontextmanager
async def made(kind: str) -> AsyncIterator[Rig]:
    """Make a rig, and end what runs on it."""
    async with AsyncExitStack() as stack:
        lab = LabRainbow(users=make_company(3), now=now, random=Random(1))
        await lab.start()
        stack.push_async_callback(lab.stop)
        client = await stack.enter_async_context(
            RainbowClient(
                url=lab.url,
                login=lab.login,
                password=lab.password,
                app_id=lab.app_id,
                app_secret=lab.app_secret,
                company_id=None,
                now=now,
                random=Random(1).random,
            )
        )
        rig = Rig(kind, lab, client, free_port())
        yield rig
        for life in rig.lives:
            if not life.task.done():
                await life.stop()
