"""What a tab asks for and is sent, as Chromium itself counts it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from tests.peers.browser.window import Window

#: where the stream of updates is, which is opened once a view is there, and kept open
STREAM = "/live"


class Wire:
    """Each address that was asked for, with the bytes that came, headers included; without the stream of updates."""

    def __init__(self) -> None:
        self._asked: dict[str, str] = {}
        self.bytes: dict[str, int] = {}

    def requested(self, event: dict[str, Any]) -> None:
        url = event["request"]["url"]
        # what the page brings along itself is asked of nobody
        if not url.startswith("data:") and not urlsplit(url).path.startswith(STREAM):
            self._asked[event["requestId"]] = url

    def finished(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self._asked:
            self.bytes[self._asked[event["requestId"]]] = event["encodedDataLength"]


@contextmanager
def watched(window: Window) -> Iterator[Wire]:
    """Count what is sent to a tab, whose cache is empty."""
    devtools = window.page.context.new_cdp_session(window.page)
    wire = Wire()
    devtools.on("Network.requestWillBeSent", wire.requested)
    devtools.on("Network.loadingFinished", wire.finished)
    devtools.send("Network.enable")
    devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    yield wire
    devtools.detach()
