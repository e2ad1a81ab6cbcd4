"""Looking at both sides while somebody looks at the page."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest

from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.daemon import Daemon
from rainbow_exchange.lab.serve import LabAddresses
from rainbow_exchange.loop_lag import LoopLag
from tests.house import now, virtually
from tests.lab_page.opened import opened, text

UNTOLD = "Rainbow learns nothing of anybody from it"
ROWS = "//*[@id='lab_rainbow']"


@pytest.mark.parametrize("seconds", [0, 6.5, 13, 60])
def test_the_page_ends_although_somebody_has_looked_so_long_ago(seconds: float) -> None:
    async def look_and_go() -> None:
        async with opened() as page:
            await page.look()
            await asyncio.sleep(seconds)

    virtually(look_and_go)


def connector(folder: Path, lab: LabAddresses, *, with_exchange: bool) -> Daemon:
    """Make one that is set up for the lab's Rainbow, and for its Exchange or not."""
    assert lab.exchange is not None
    assert lab.rainbow is not None
    exchange: dict[str, Any] = {"url": lab.exchange.url, "username": lab.exchange.username}
    settings = Settings.model_validate(
        {
            "exchange": exchange | {"ca_file": lab.exchange.ca_file} if with_exchange else {},
            "rainbow": {"url": lab.rainbow.url, "login": lab.rainbow.login, "app_id": lab.rainbow.app_id},
            "web": {"port": 0},
            "state": {"path": folder},
        }
    )
    secrets = Secrets(
        exchange_password=lab.exchange.password if with_exchange else None,
        rainbow_password=lab.rainbow.password,
        rainbow_app_secret=lab.rainbow.app_secret,
    )
    return Daemon(settings, secrets, random=Random(1).random, now=now, lag=LoopLag(every=10.0))


@pytest.mark.parametrize("with_exchange", [False, True])
def test_a_connector_without_exchange_is_said_to_tell_nothing_and_where_that_is_mended(
    tmp_path: Path, *, with_exchange: bool
) -> None:
    async def test() -> None:
        async with opened() as page:
            daemon = connector(tmp_path, page.lab, with_exchange=with_exchange)
            running = asyncio.create_task(daemon.run())
            said = []
            for _ in range(60):
                await asyncio.sleep(0.5)
                said.append(await page.look())
            assert "No connector is connected" not in text(said[-1], ROWS)
            untold = [UNTOLD in text(each, ROWS) for each in said]
            assert not any(untold[:20])
            assert untold[-1] is not with_exchange
            if not with_exchange:
                links = said[-1].xpath(f"{ROWS}//a/@href")
                assert {"#lab_administration", "http://localhost:3001/set-up"} <= {*links}
                assert await page.send("/administration/exchange/lab") == ""
                await asyncio.sleep(600)
                for _ in range(20):
                    await asyncio.sleep(0.5)
                    left = text(await page.look(), ROWS)
                assert UNTOLD not in left
            daemon.stop()
            assert await running == 0

    virtually(test)
