"""The lab's page, open: both sides started, the page served, and a browser that has loaded it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from lxml import html

from rainbow_exchange import lab_page
from rainbow_exchange.lab.serve import LabAddresses, LabOptions, serve
from tests.browsing import OPENED


class Opened:
    """The page in a browser; `lab` is what stands behind it."""

    def __init__(self, client: aiohttp.ClientSession, lab: LabAddresses) -> None:
        self.client = client
        self.lab = lab

    async def look(self, path: str = "/") -> Any:
        """Load a page; return its document."""
        async with self.client.get(path, headers=OPENED) as answer:
            assert answer.status == 200
            return html.fromstring(await answer.text())

    async def send(self, path: str, /, **fields: str) -> str:
        """Send a form; return "" where it was done, else what the page says."""
        async with self.client.post(path, data=fields, allow_redirects=False) as answer:
            if answer.status == 303:
                return ""
            assert answer.status == 422
            return text(html.fromstring(await answer.text()), "//main//*[@class='error' or @role='alert']")

    async def shows(self, wanted: str, path: str, *, page: str = "/") -> None:
        """Wait until what an XPath leads to has these words."""
        async with asyncio.timeout(20):
            while wanted not in text(await self.look(page), path):  # noqa: ASYNC110  (over a socket)
                await asyncio.sleep(0.05)


@asynccontextmanager
async def opened(**options: Any) -> AsyncIterator[Opened]:
    """Open the page of a lab started with these options."""
    async with (
        serve(LabOptions(**{"users": 3} | options)) as lab,
        lab_page.serve(lab, 0) as address,
        aiohttp.ClientSession(address, headers={"Origin": address}) as client,
    ):
        yield Opened(client, lab)


def text(document: Any, path: str) -> str:
    """Give the words of what an XPath leads to."""
    return " ".join(" ".join(each.itertext()) for each in document.xpath(path)).strip()


def people(document: Any, select: str) -> Mapping[str, str]:
    """Give whom a select of a form offers: name → key."""
    options = document.xpath(f"//select[@id='{select}']/option[@value!='']")
    return {each.text: each.get("value") for each in options}
