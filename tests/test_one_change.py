"""One change can be followed by one id, from what Exchange calls its requests to what Rainbow calls its own."""

from pathlib import Path
from typing import Any

import structlog
from structlog.testing import capture_logs

from tests.house import House, until, virtually

MERGED = [structlog.contextvars.merge_contextvars]


def at(lines: list[Any], event: str, **values: str) -> dict[str, Any]:
    """Give the one line of this event that has these values."""
    [line] = [
        line for line in lines if line["event"] == event and all(line.get(name) == of for name, of in values.items())
    ]
    return dict(line)


def test_a_change_is_followed_from_exchanges_record_to_rainbows(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 3)
        async with house.at_work():
            await until(lambda: len(house.rainbow.record.questions) >= 3, within=60)
            address = next(iter(house.exchange.directory.by_address))
            asked, told = len(house.rainbow.record.questions), len(house.rainbow.record.notifies)
            with capture_logs(processors=MERGED) as lines:
                house.appointment(address, start=house.clock())
                await until(lambda: len(house.rainbow.record.notifies) > told, within=30)
                await until(lambda: [each for each in lines if each["event"] == "question_answered"], within=30)

            requests = {each["request_id"]: each for each in house.exchange.record.read()}
            change = at(lines, "change_told")["change"]
            seen, read = at(lines, "change_signalled", change=change), at(lines, "change_read", change=change)
            assert requests[seen["exchange_request_id"]]["operation"] == "GetStreamingEvents"
            assert requests[read["exchange_request_id"]]["operation"] == "FindItem"
            assert requests[read["exchange_request_id"]]["impersonated"] == address
            sent = at(lines, "exchange_request", exchange_request_id=read["exchange_request_id"])
            assert sent["client_request_id"] == requests[read["exchange_request_id"]]["client_request_id"]

            line = at(lines, "change_told", change=change)
            assert (line["log_level"], line["mailbox"], line["kind"]) == ("info", address, "calendar")
            assert (line["notified_by"], line["read_by"]) == (seen["exchange_request_id"], read["exchange_request_id"])
            [notify] = [each for each in house.rainbow.record.requests if each["request_id"] == line["request_id"]]
            assert notify["path"].endswith("/notify")
            assert notify["correlation_id"] == line["correlation_id"]

            question = at(lines, "question_asked", change=change, kind="events")
            answer = at(lines, "question_answered", change=change, kind="events")
            assert question["question"] == answer["question"]
            assert question["question"] in [each["id"] for each in list(house.rainbow.record.questions)[asked:]]

    virtually(test)
