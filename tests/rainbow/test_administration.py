"""Rainbow's administration is kept up with, and keeps nobody waiting who can begin without it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from rainbow_exchange.rainbow.administration import COMPANY, CONFIGURATION, Administration
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.entered import Entered
from tests.rainbow.conftest import reply

MakeClient = Callable[..., Awaitable[RainbowClient]]
RECORD = "admin/v1.0/companies/5f00000000000000000000c1"
CONFIG = "admin/v1.0/connectors/ldaps/config"
PATHS = {"switch": ["switch"], "username": ["user"]}

Took = list[tuple[float, Entered]]


def late(seconds: float, body: Any) -> Callable[[Any], Awaitable[web.Response]]:
    async def answer(_: Any) -> web.Response:
        await asyncio.sleep(seconds)
        return reply(body)

    return answer


async def kept_up(client: RainbowClient, seconds: float, before: Entered) -> tuple[Administration, Took]:
    """Keep up for so long; return what was taken, and when."""
    took: Took = []
    loop = asyncio.get_running_loop()
    began = loop.time()
    administration = Administration(
        client=client,
        paths=PATHS,
        check=lambda _name, _value: "",
        before=before,
        took=lambda entered: took.append((loop.time() - began, entered)),
        random=lambda: 0.5,
    )
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await administration.run()
    return administration, took


async def test_a_first_look_that_takes_long_gives_what_was_known_before(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(RECORD, late(12, {"switch": "on", "user": "svc"}))

    _, took = await kept_up(await make_client(), 15, Entered(switch=False))

    (first, before), (then, read) = took
    assert first == pytest.approx(5, abs=0.5)
    assert (before.pending, before.was_read, before.switch, before.values) == (True, False, False, {})
    assert then == pytest.approx(12, abs=0.5)
    assert (read.pending, read.was_read, read.switch, read.values["username"].text) == (False, True, True, "svc")


async def test_one_that_does_not_take_long_gives_one_thing(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(RECORD, late(4, {"user": "svc"}))
    cloud.on(CONFIG, late(4, {"data": {}}))

    _, took = await kept_up(await make_client(), 100, Entered())

    [(at, read)] = took
    assert at == pytest.approx(4, abs=0.5)  # both at the same time
    assert (read.pending, read.was_read) == (False, True)


async def test_what_is_never_answered_is_said_and_what_was_known_before_counts(
    cloud: Any, make_client: MakeClient
) -> None:
    cloud.on(RECORD, late(1e6, {}))
    cloud.on(CONFIG, late(1e6, {}))

    administration, took = await kept_up(await make_client(), 25, Entered(switch=False))

    assert [(each.pending, each.was_read, each.switch) for _, each in took] == [
        (True, False, False),
        (False, False, False),
    ]
    assert set(administration.unread) == {COMPANY, CONFIGURATION}


async def test_half_of_it_is_not_taken_for_all(cloud: Any, make_client: MakeClient) -> None:
    cloud.on(RECORD, lambda _: web.Response(status=502, text="<html>", content_type="text/html"))

    administration, took = await kept_up(await make_client(), 5, Entered())

    assert [each.was_read for _, each in took] == [False]
    assert set(administration.unread) == {COMPANY}
