"""Requests about single ones, sent as one."""

import asyncio

import pytest

from rainbow_exchange.bridge.gathering import Gathering
from rainbow_exchange.ews.errors import ResponseError


class Server:
    """Takes a tenth of a second for each request, or so many for one with a slow one; refuses any with a bad one."""

    def __init__(self) -> None:
        self.requests: list[list[str]] = []
        self.slow: dict[str, float] = {}
        self.bad: set[str] = set()
        self.gathering = Gathering(self._together, self._alone)

    async def _together(self, names: list[str]) -> bool:
        if len(names) > 1:
            await self._request(names)
        return len(names) > 1

    async def _alone(self, name: str) -> None:
        await self._request([name])

    async def _request(self, names: list[str]) -> None:
        self.requests.append(names)
        await asyncio.sleep(max(self.slow.get(name, 0.1) for name in names))
        if self.bad & set(names):
            raise ResponseError("ErrorInvalidRequest")

    async def ask(self, *names: str, most: int = 100) -> list[object]:
        return await asyncio.gather(*(self.gathering.ask(name, most=most) for name in names), return_exceptions=True)


async def test_what_is_wanted_within_a_moment_is_asked_as_one() -> None:
    server = Server()
    assert await server.ask("a", "b", "a", "c") == [None] * 4
    assert server.requests == [["a", "b", "c"]]
    assert await server.ask("a", "b", "c", most=2) == [None] * 3
    assert server.requests[1:] == [["a", "b"], ["c"]]


async def test_a_question_joins_no_request_that_is_sent_already() -> None:
    """Its answer may be older than what the question is about."""
    server = Server()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(2):
            for name in ("a", "b"):
                tasks.create_task(server.gathering.ask(name, most=100))
            await asyncio.sleep(0.05)
    assert server.requests == [["a", "b"], ["a", "b"]]


async def test_one_that_is_refused_or_slow_harms_no_other() -> None:
    server = Server()
    server.bad.add("bad")
    assert [type(each) for each in await server.ask("a", "bad", "b")] == [type(None), ResponseError, type(None)]
    server.slow["slow"] = 30.0
    loop = asyncio.get_running_loop()
    began, took = loop.time(), dict[str, float]()

    async def timed(name: str) -> None:
        await server.gathering.ask(name, most=100)
        took[name] = loop.time() - began

    await asyncio.gather(*map(timed, ("a", "slow", "b")))
    assert took == {name: pytest.approx(seconds, abs=0.2) for name, seconds in (("a", 2.1), ("slow", 32), ("b", 2.1))}


async def test_whoever_waits_no_longer_takes_nothing_from_the_others() -> None:
    server = Server()
    first = asyncio.create_task(server.gathering.ask("a", most=100))
    second = asyncio.create_task(server.gathering.ask("b", most=100))
    await asyncio.sleep(0.05)
    first.cancel()
    await second
    assert server.requests == [["a", "b"]]


async def test_an_end_leaves_nobody_waiting() -> None:
    server = Server()
    server.slow["a"] = 60.0
    asked = [asyncio.create_task(server.gathering.ask(name, most=100)) for name in ("a", "b")]
    await asyncio.sleep(0.05)
    await server.gathering.close()
    await asyncio.sleep(0.2)
    assert [each.done() for each in asked] == [False, True]
    assert server.requests == [["a", "b"], ["a"], ["b"]]
    asked[0].cancel()
    await asyncio.wait(asked)


async def test_a_bug_comes_out_at_whoever_asked() -> None:
    async def together(_: list[str]) -> bool:
        raise KeyError("bug")

    async def alone(_: str) -> None:
        raise AssertionError("nobody is asked about alone")

    gathering = Gathering(together, alone)
    found = await asyncio.gather(*(gathering.ask(name, most=9) for name in "ab"), return_exceptions=True)
    assert [repr(each) for each in found] == ["KeyError('bug')"] * 2
