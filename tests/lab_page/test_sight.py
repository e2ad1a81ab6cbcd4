"""Looking at both sides while somebody looks at the page."""

import asyncio

import pytest

from tests.house import virtually
from tests.lab_page.opened import opened


@pytest.mark.parametrize("seconds", [0, 6.5, 13, 60])
def test_the_page_ends_although_somebody_has_looked_so_long_ago(seconds: float) -> None:
    async def look_and_go() -> None:
        async with opened() as page:
            await page.look()
            await asyncio.sleep(seconds)

    virtually(look_and_go)
