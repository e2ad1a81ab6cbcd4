"""Whatever window Rainbow asks about, it gets one answer, and everybody else theirs."""

from pathlib import Path

import pytest

from rainbow_exchange.lab.exchange.mailbox import Right
from tests.house import House, now, virtually

WINDOWS = [
    ("0001-01-01T00:00:00Z", "0001-01-02T00:00:00Z"),
    ("0001-01-01T00:00:00+14:00", "0001-01-02T00:00:00Z"),
    ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    ("0001-01-01T00:00:00Z", ""),
    ("", "0001-01-01T00:00:00Z"),
    ("", "9999-12-31T23:59:59Z"),
    ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ("9999-12-31T10:00:00Z", "9999-12-31T23:59:59.999999Z"),
    ("9999-12-31T10:00:00Z", "9999-12-31T24:00:00Z"),
    ("9999-11-20T00:00:00Z", "9999-12-31T23:59:59.9999999Z"),
    ("9999-12-31T23:59:59-12:00", ""),
    ("1600-01-01T00:00:00Z", "1600-01-02T00:00:00Z"),
    ("2026-02-29T00:00:00Z", "2026-03-03T00:00:00Z"),
    ("2026-03-02T25:00:00Z", "2026-03-03T00:00:00Z"),
    ("now", "tomorrow"),
    ("2026-03-02T09:00:00.000001Z", "2026-03-02T09:00:00.000002Z"),
]


@pytest.mark.parametrize("impersonation", [True, False])
def test_whatever_window_is_asked_about_there_is_one_answer(tmp_path: Path, impersonation: bool) -> None:
    async def test() -> None:
        house = House(tmp_path, 2, right=Right.REVIEWER, impersonation=impersonation)
        first, second = house.people
        assert first.mailbox is not None
        assert second.mailbox is not None
        async with house.at_work():
            house.appointment(first.mailbox.address, start=now(), minutes=120)
            house.appointment(second.mailbox.address, start=now(), minutes=120)
            for window in WINDOWS:
                entry = await house.rainbow.questions.ask("events", first.login_email, window=window)
                assert entry["outcome"] in {"result", "error"}, window
                assert entry.get("condition", "bad-request") == "bad-request", window
                other = await house.rainbow.questions.ask("events", second.login_email)
                assert [event["subject"] for event in other["answer"]] == ["Planning"], window
            assert house.status()["state"] == "healthy"

    virtually(test)
