from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rainbow_exchange.cli.status_screen import lines, telling_line, throttling_line, users_line

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=ZoneInfo("Europe/Paris"))
AT_1042 = "2026-01-05T09:42:00Z"
ANSWER: dict[str, Any] = {
    "state": "degraded",
    "since": None,
    "exchange": {"state": "connected", "reason": ""},
    "rainbow": {"state": "connected", "reason": ""},
    "mailboxes": {"total": 11, "streamed": 2, "polled": 1, "uncovered": 8},
    "latency": {"told_p50": None, "told_p99": None},
    "problems": [],
}
METER: dict[str, Any] = {
    "requests_limit": 10,
    "requests_in_flight": 0,
    "streams_limit": None,
    "streams_open": 1,
    "subscriptions_limited": False,
    "back_offs": 0,
    "last_reason": "",
    "until": None,
    "next_stream_try": None,
    "poll_period_seconds": None,
}


def test_the_first_who_are_not_streamed_stand_on_the_screen_with_next_try_and_reason() -> None:
    entry = {"mailbox": None, "coverage": "uncovered", "reason": "ErrorAccessDenied"}
    not_streamed = [
        entry | {"user": "ada@acme.test", "next_try": AT_1042},
        entry | {"user": "ben@acme.test", "coverage": "polled", "next_try": "2026-01-08T09:42:00Z"},
        *(entry | {"user": f"u{number}@acme.test", "next_try": None} for number in range(8)),
    ]
    not_read = [
        {"user": "eve@acme.test", "mailbox": "eve@acme.test", "next_try": None, "reason": "ErrorTimeoutExpired"}
    ]

    answer = ANSWER | {"not_streamed": not_streamed, "not_streamed_total": 50_000, "not_read": not_read}
    shown = list(lines(answer, now=NOW))

    at = shown.index("  Not streamed")
    assert shown[at + 1] == "    ada@acme.test: not covered, next try 10:42, because ErrorAccessDenied"
    assert shown[at + 2] == "    ben@acme.test: polled, next try 2026-01-08 10:42, because ErrorAccessDenied"
    assert shown[at + 3] == "    u0@acme.test: not covered, because ErrorAccessDenied"
    assert shown[at + 6 : at + 9] == [
        "    and 49995 more: rainbow-exchange mailboxes --state not-streamed",
        "  Not read",
        "    eve@acme.test: because ErrorTimeoutExpired",
    ]


def test_any_number_of_people_and_problems_is_one_screen() -> None:
    person = {"user": "ada@acme.test", "mailbox": None, "coverage": "uncovered", "reason": "x" * 5000, "next_try": None}
    people = [person] * 500
    problem = {"severity": "error", "since": AT_1042, "text": "It fails. " * 500, "action": "Mend it. " * 500}
    problems = [problem | {"id": f"exchange-fault-{number}"} for number in range(40)]
    problems[0]["id"] = "mailbox-denied"

    shown = list(
        lines(
            ANSWER
            | {
                "not_streamed": people,
                "not_streamed_total": 50_000,
                "not_read": people,
                "not_read_total": 600,
                "problems": problems,
                "exchange": {"state": "disconnected", "reason": "y" * 5000},
            },
            now=NOW,
        )
    )

    assert len(shown) <= 45
    assert max(map(len, shown)) < 1100
    assert "    and 595 more: rainbow-exchange mailboxes --state not-read" in shown
    assert shown.count("  Who: rainbow-exchange mailboxes --problem mailbox-denied") == 1
    assert shown[-1].startswith("And 35 more (exchange-fault-5, exchange-fault-6, ")
    assert shown[-1].endswith("exchange-fault-24 and 15 more): rainbow-exchange status --json")


def test_latencies_and_the_last_hour_stand_on_the_screen() -> None:
    latency = {"told_p50": 0.5, "told_p99": 2.25, "asked_p50": 0.04, "asked_p99": 1.0}
    hour = {"calendars": 12, "absences": 1, "told_p50": 0.45, "told_p99": 2.1, "minutes": []}

    shown = list(lines(ANSWER | {"latency": latency, "last_hour": hour}, now=NOW))

    assert "  Told after 0.50 s (median), 2.25 s (99 %)" in shown
    assert "  Asked      0.04 s (median), 1.00 s (99 %) after Rainbow was told" in shown
    assert (
        "  Last hour  12 changes of calendars, 1 of out-of-office; told after 0.45 s (median), 2.10 s (99 %)" in shown
    )


@pytest.mark.parametrize(
    ("changed", "shown"),
    [
        ({}, "1 stream, 0 of 10 requests in flight"),
        (
            {"streams_limit": 10, "streams_open": 10, "poll_period_seconds": 60.0, "next_stream_try": AT_1042},
            "10 streams of 10 allowed (one more is tried at 10:42), 0 of 10 requests in flight, polling every 60 s",
        ),
        (
            {"back_offs": 1, "last_reason": "ErrorServerBusy", "until": None},
            "1 stream, 0 of 10 requests in flight, 1 back-off, the last for ErrorServerBusy",
        ),
        ({"out_of_office_period_seconds": 95.2}, "1 stream, 0 of 10 requests in flight, out-of-office every 95 s"),
        (
            {"back_offs": 3, "last_reason": "HTTP 503", "last_at": "2026-01-05T09:40:00Z", "until": AT_1042},
            "1 stream, 0 of 10 requests in flight, 3 back-offs, the last at 10:40 for HTTP 503, held back until 10:42",
        ),
    ],
)
def test_the_screen_shows_what_exchange_allows_on_one_line(changed: dict[str, Any], shown: str) -> None:
    assert throttling_line(METER | changed, now=NOW) == shown


def test_a_day_that_is_not_today_is_named_on_either_side_of_midnight() -> None:
    meter = METER | {"until": "2026-01-05T23:30:00Z"}
    assert throttling_line(meter, now=NOW).endswith("held back until 2026-01-06 00:30")
    assert throttling_line(meter, now=NOW.replace(day=6, hour=0)).endswith("held back until 00:30")


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, ""),
        (
            {"waiting": 1, "oldest_seconds": 12.4, "failing": "http-503", "next_try": AT_1042},
            "1 user waiting, the oldest for 12 s, next try 10:42",
        ),
        ({"waiting": 3, "oldest_seconds": 0.2}, "3 users waiting, the oldest for 0 s"),
        ({"refused": 2, "did_not_ask": 5}, "2 refused by Rainbow; Rainbow did not ask for 5"),
    ],
)
def test_whom_rainbow_has_not_been_told_of_stands_on_one_line(changes: dict[str, Any], shown: str) -> None:
    rest = {"waiting": 0, "oldest_seconds": None, "refused": 0, "did_not_ask": 0, "failing": "", "next_try": None}
    assert telling_line(rest | changes, now=NOW) == shown
    assert ("  To tell    " + shown in list(lines(ANSWER | {"notify": rest | changes}, now=NOW))) is bool(shown)


@pytest.mark.parametrize(
    ("changed", "shown"),
    [
        ({}, "120, listed 10:42, again at 11:41"),
        (
            {"listed_at": None, "next_listing": None, "being_listed": {"done": 1200, "total": 50000}},
            "120, being listed: 1200 of 50000",
        ),
        (
            {"listed_at": None, "next_listing": None, "being_listed": {"done": 0, "total": 0}},
            "120, being listed",
        ),
        (
            {"last_failure": {"at": "2026-01-05T10:41:00Z", "reason": "No."}, "next_listing": "2026-01-05T10:42:00Z"},
            "120, listed 10:42, again at 11:42; the try at 11:41 failed: No.",
        ),
        ({"last_failure": {"at": "2026-01-05T09:41:00Z", "reason": "No."}}, "120, listed 10:42, again at 11:41"),
        ({"missing": 80}, "120, listed 10:42, again at 11:41; 80 missing at Rainbow"),
    ],
)
def test_users_are_shown_with_when_they_were_listed(changed: dict[str, Any], shown: str) -> None:
    users = {
        "total": 120,
        "listed_at": AT_1042,
        "next_listing": "2026-01-05T10:41:00Z",
        "being_listed": None,
        "last_failure": None,
        "missing": 0,
    }
    assert users_line(users | changed, now=NOW) == shown
    assert f"  Users      {shown}" in list(lines(ANSWER | {"users": users | changed}, now=NOW))


@pytest.mark.parametrize(("loop", "shown"), [("asyncio", []), ("uvloop", ["  Event loop uvloop"]), (None, [])])
def test_a_loop_that_is_not_pythons_own_is_named(loop: str | None, shown: list[str]) -> None:
    named = [line for line in lines(ANSWER | {"event_loop": loop}, now=NOW) if "loop" in line]

    assert named == shown
