"""The local page as somebody reads it who follows every link, and stays until live updates have come."""

import asyncio
import re
from collections.abc import Mapping

import aiohttp
from lxml import html

#: longer than a live view takes to send all its parts
_LISTEN = 5.0
_MOST = 200


def paths(document: html.HtmlElement) -> set[str]:
    """Give where its links lead, and its stream; of several that differ in what they ask for, any."""
    found = {each.get("href") for each in document.iter("a")} | {
        each.get("data-live") for each in document.iter("body")
    }
    return {re.split(r"[?#]", each)[0] for each in found if each and each.startswith("/")}


async def listened(client: aiohttp.ClientSession, url: str) -> str:
    """Give what a stream of live updates sends at first."""
    heard = b""
    try:
        async with asyncio.timeout(_LISTEN), client.get(url) as answer:
            assert answer.status == 200, url
            async for chunk in answer.content.iter_any():
                heard += chunk
    except TimeoutError:
        pass
    return heard.decode()


async def whole_page(client: aiohttp.ClientSession, headers: Mapping[str, str], base: str = "") -> dict[str, str]:
    """Follow every link of the page from the overview on; give what each shows."""
    seen: dict[str, str] = {}
    waiting = ["/"]
    while waiting and len(seen) < _MOST:
        path = waiting.pop(0)
        if path in seen or path.startswith("/language/"):
            continue
        if path.startswith("/live"):
            seen[path] = await listened(client, base + path)
            continue
        async with client.get(base + path, headers=headers) as answer:
            assert answer.status == 200, path
            assert answer.headers["Cache-Control"] == "no-store"
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
            seen[path] = await answer.text()
        waiting += sorted(paths(html.fromstring(seen[path])))
        await asyncio.sleep(0.1)  # virtual: a session may look at so much a second
    return seen
