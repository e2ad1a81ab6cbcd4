"""The numbers of 50,000 people are made without holding anybody up."""

import asyncio
import time
from pathlib import Path

import pytest

from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.roster import Identifier, IdentifierKind
from rainbow_exchange.model import Mailbox
from rainbow_exchange.rainbow.types import RainbowUser
from tests.house import House, virtually

pytestmark = [pytest.mark.scale]

MANY = 50_000
#: seconds of the processor's time; 15 ms were measured, and a small collection of garbage may fall into it
AT_ONCE = 0.1


def settle(pipeline: Pipeline) -> None:
    """Give everybody a mailbox that can be read and that no stream carries."""
    roster, reader = pipeline.parts.roster, pipeline.parts.reader
    users = [RainbowUser(id=f"5f{number:022x}", login_email=f"ada{number:05}@acme.test") for number in range(MANY)]
    for member in roster.take(users).added:
        login = member.user.login_email
        assert roster.claim(member, Mailbox(address=login), Identifier(IdentifierKind.LOGIN, login)) is None
        reader.add(Mailbox(address=login))


def test_a_scrape_is_short(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 1)
        async with house.at_work() as daemon:
            pipeline = daemon.sides.bridge()
            assert pipeline is not None
            settle(pipeline)
            await asyncio.sleep(120)  # everybody is looked at, and set apart from the collector of garbage
            took = []
            for _ in range(3):
                began = time.thread_time()
                shown = daemon.metrics().decode()
                took.append(time.thread_time() - began)
            assert min(took) < AT_ONCE
            assert f"rainbow_exchange_users {MANY + 1:.1f}" in shown
            assert f'rainbow_exchange_mailboxes_read{{mode="own"}} {MANY + 1:.1f}' in shown
            assert f'rainbow_exchange_mailboxes{{coverage="uncovered"}} {MANY:.1f}' in shown

    virtually(test)
