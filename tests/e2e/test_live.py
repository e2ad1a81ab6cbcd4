"""Streams of live updates of the installed command: bounded, refused politely, and no reason for a stop to wait."""

import urllib.request
from contextlib import ExitStack
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.browsing import OPENED

pytestmark = [pytest.mark.e2e, pytest.mark.processes]


class Reader:
    """A browser that has signed in, and never closes anything by itself."""

    def __init__(self, way_in: str) -> None:
        self._base = way_in.partition("/sign-in")[0]
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self._opener.open(urllib.request.Request(way_in, headers=dict(OPENED)), timeout=60).close()  # noqa: S310 (loopback)

    def follow(self, view: str) -> Any:
        """Open a stream of updates."""
        return self._opener.open(f"{self._base}/live{view}", timeout=60)


def test_a_stop_is_in_order_and_in_time_although_streams_are_open(world: Any, person: Any) -> None:
    connector = world.connector(world.lab([person("ada")]))
    connector.healthy(streamed=1)
    with ExitStack() as stack:
        streams = []
        for _ in range(2):
            reader = Reader(connector.way_in())
            for view in ("/", "/activity", "/people", "/streams"):
                streams.append(stack.enter_context(reader.follow(view)))
                assert streams[-1].readline().strip() in {b":", b"event: part", b"event: more"}
            with pytest.raises(HTTPError) as refused:
                reader.follow("/problems")
            assert (refused.value.code, refused.value.headers["Retry-After"]) == (503, "30")
            refused.value.close()
        assert connector.stop() == 0
        for stream in streams:
            stream.read()  # to its end
    events = [each["event"] for each in connector.events()]
    assert events[-1] == "stopped"
    assert "stop_cut_short" not in events
