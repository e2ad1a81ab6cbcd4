"""Streams are shown with all that tells whether they live, and with what the server allows."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from rainbow_exchange.diagnosis.streams import streams
from rainbow_exchange.lab.exchange.mailbox import Right
from tests.house import House, now, until, virtually


def test_a_stream_says_who_leads_it_where_it_is_and_when_it_was_heard(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 3, right=Right.REVIEWER)
        async with house.at_work() as daemon:
            await asyncio.sleep(100)
            pipeline = daemon.sides.bridge()
            assert pipeline is not None
            view = streams(pipeline)
            assert {name: view[name] for name in ("streams", "open", "members", "limit", "polled", "poll_seconds")} == {
                "streams": 1, "open": 1, "members": 3, "limit": None, "polled": 0, "poll_seconds": None,
            }  # fmt: skip
            [stream] = view["shown"]
            server = house.exchange.back_ends.name
            assert {name: stream[name] for name in ("number", "state", "members", "own", "reason", "next_try")} == {
                "number": 1, "state": "streamed", "members": 3, "own": False, "reason": "", "next_try": None,
            }  # fmt: skip
            assert stream["anchor"] in house.exchange.directory.by_address
            assert (stream["front_end"], stream["back_end"]) == (server.partition(".")[0], server)
            assert 60 <= stream["age_seconds"] <= 220
            assert timedelta(0) <= now() - datetime.fromisoformat(stream["last_heartbeat"]) <= timedelta(seconds=46)

    virtually(test)


def test_whoever_no_stream_may_carry_is_counted_with_the_limit_and_its_next_try(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 1, right=Right.REVIEWER, dials={"stream_limit": 1})
        [mailbox] = house.exchange.directory.by_address
        house.exchange.streams.charged[f"svc-rainbow>{mailbox}"] = 1  # somebody else's
        async with house.open():
            daemon = house.start()
            await until(lambda: house.status()["mailboxes"]["polled"] == 1, within=60)
            pipeline = daemon.sides.bridge()
            assert pipeline is not None
            await until(lambda: streams(pipeline)["limit"] == 1, within=600)
            view = streams(pipeline)
            assert {name: view[name] for name in ("open", "polled", "limit", "polled_without_subscription")} == {
                "open": 0, "polled": 1, "limit": 1, "polled_without_subscription": 0,
            }  # fmt: skip
            assert view["poll_seconds"] == 60
            assert now() < datetime.fromisoformat(view["next_stream_try"]) <= now() + timedelta(seconds=75)
            [stream] = view["shown"]
            assert (stream["state"], stream["reason"], stream["age_seconds"], stream["last_heartbeat"]) == (
                "waiting", "ErrorExceededConnectionCount", None, None,
            )  # fmt: skip
            assert (streams(pipeline, offset=1)["shown"], streams(pipeline)["next_offset"]) == ([], None)

    virtually(test)
