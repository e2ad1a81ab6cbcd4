"""The whole bridge with its health, between both sides of the lab, as a person and as Rainbow see it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from rainbow_exchange.bridge.coverage import NotRead, NotStreamed, not_read, not_streamed, retry
from rainbow_exchange.bridge.health import Health
from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.rainbow.link import QuestionRefused
from rainbow_exchange.rainbow.types import Question

if TYPE_CHECKING:
    from tests.bridge.conftest import Bridge, Kit


class Scene:
    """What is seen from outside of a bridge that works: status, and what Rainbow is told."""

    def __init__(self, kit: "Kit", bridge: "Bridge") -> None:
        self.kit = kit
        self.bridge = bridge
        self.exchange = bridge.exchange
        self.problems = Problems(now=kit.now)
        self.health = Health(
            pipeline=bridge.pipeline,
            exchange=bridge.exchange.client,
            exchange_url=bridge.exchange.lab.url,
            problems=self.problems,
        )

    @asynccontextmanager
    async def at_work(self, *names: str) -> AsyncIterator["Scene"]:
        """Run the bridge; begin once these users were told of."""
        async with self.bridge.at_work(*names):
            yield self

    def not_streamed(self) -> list[NotStreamed]:
        return list(not_streamed(self.bridge.pipeline))

    def not_read(self) -> list[NotRead]:
        return list(not_read(self.bridge.pipeline))

    def retry(self) -> None:
        """Try everybody at once, as a person does who has mended something."""
        retry(self.bridge.pipeline, self.exchange.client, None)

    def found(self) -> dict[str, str]:
        """Review, and tell the open problems of Exchange and of people with their texts."""
        self.health.review()
        return {problem.id: problem.text for problem in self.problems}

    def measures(self) -> dict[str, Any]:
        return self.health.measures()

    async def asked(self, email: str) -> list[str] | str:
        """Ask as Rainbow does; give the subjects, or the condition of the refusal."""
        try:
            answer = await self.bridge.parts.answers.answer(Question(kind="events", email=email))
        except QuestionRefused as refused:
            return refused.condition
        answer.sent()
        return [event.subject for event in answer.events]

    async def streamed(self, *addresses: str, limit: float = 60.0) -> None:
        """Wait until these are streamed."""
        await self.kit.until(lambda: self.bridge.streamed(*addresses), limit=limit)


@pytest.fixture
def scene(kit: "Kit") -> Callable[["Bridge"], Scene]:
    return lambda bridge: Scene(kit, bridge)
