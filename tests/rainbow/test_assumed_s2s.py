import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainbow_exchange.rainbow.assumed_s2s import (
    answer_path,
    auto_reply_body,
    error_body,
    events_body,
    read_question,
    request_id,
)
from rainbow_exchange.rainbow.link import MalformedQuestion
from rainbow_exchange.rainbow.types import AutoReply, CalendarEvent, Question

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
ASKED = Question(kind="events", email="Bob@acme.test")
MOST = 18_380


def event(number: int, subject: str = "Review", **more: Any) -> CalendarEvent:
    values: dict[str, Any] = {"type": "singleInstance", "show_as": "busy", "start": NINE, "end": NINE} | more
    return CalendarEvent(id=f"evt-{number}", subject=subject, **values)


def test_question_is_read_with_its_window() -> None:
    said = {
        "request_id": "ev1",
        "email": "Bob@acme.test",
        "start_date": "2026-01-05T01:00:00+01:00",
        "end_date": "2026-01-06T00:00:00.000Z",
    }
    start, end = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC)
    assert read_question("calendar-events", said) == Question(
        kind="events", email="Bob@acme.test", start=start, end=end
    )
    assert request_id(said) == "ev1"
    assert read_question("calendar-autoreply", said) == Question(kind="autoreply", email="Bob@acme.test")


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"email": ""},
        {"email": 3},
        {"email": "b@acme.test", "start_date": 20260105},
        {"email": "b@acme.test", "start_date": "soon"},
        {"email": "b@acme.test", "start_date": "2026-01-06T00:00:00Z", "end_date": "2026-01-05T00:00:00Z"},
        {"email": "b" * 321},
    ],
    ids=range(7),
)
def test_question_that_cannot_be_understood_is_malformed(said: dict[str, Any]) -> None:
    with pytest.raises(MalformedQuestion):
        read_question("calendar-events", said)


@pytest.mark.parametrize("id_", [None, "", 7, "x" * 257, "\ud800"])
def test_without_an_id_of_its_own_a_question_cannot_be_answered(id_: object) -> None:
    assert request_id({"request_id": id_}) is None


def test_events_are_written_as_the_contract_has_them() -> None:
    written = events_body("ev1", ASKED, [event(1, timezone="Europe/Paris", end=NINE + timedelta(hours=1))])
    assert written == {
        "events": {
            "request_id": "ev1",
            "email": "Bob@acme.test",
            "items": [
                {
                    "id": "evt-1",
                    "subject": "Review",
                    "type": "singleInstance",
                    "showAs": "busy",
                    "startDate": {"value": "2026-01-05T09:00:00Z", "timezone": "Europe/Paris"},
                    "endDate": {"value": "2026-01-05T10:00:00Z", "timezone": "Europe/Paris"},
                }
            ],
        }
    }


def test_automatic_reply_is_written_as_the_contract_has_it() -> None:
    reply = AutoReply(state="scheduled", start=NINE, internal_text="In", external_text="Out", audience="known")
    assert auto_reply_body("ar1", ASKED, reply) == {
        "autoreply": {
            "request_id": "ar1",
            "email": "Bob@acme.test",
            "state": "scheduled",
            "startDate": {"value": "2026-01-05T09:00:00Z"},
            "internalReplyMessage": "In",
            "externalReplyMessage": {"value": "Out", "audience": "known"},
        }
    }
    assert auto_reply_body("ar1", ASKED, AutoReply(state="disabled")) == {
        "autoreply": {
            "request_id": "ar1",
            "email": "Bob@acme.test",
            "state": "disabled",
            "internalReplyMessage": "",
        }
    }


# XEP-0086, table 1
@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("bad-request", 400),
        ("item-not-found", 404),
        ("resource-constraint", 500),
        ("internal-server-error", 500),
        ("service-unavailable", 503),
        ("remote-server-timeout", 504),
        ("undefined-condition", 500),
    ],
)
def test_errors_have_the_code_that_goes_with_their_condition(condition: str, code: int) -> None:
    assert error_body("ev1", condition) == {"error": {"request_id": "ev1", "code": code, "reason": condition}}


def test_answers_are_posted_below_the_connection() -> None:
    path = "/api/rainbow/ucs/v1.0/connections/cnx-1/calendar/"
    assert answer_path("cnx-1", "calendar-events") == f"{path}events"
    assert answer_path("cnx-1", "calendar-autoreply") == f"{path}autoreply"
    assert answer_path("../x", "calendar-events").endswith("/connections/..%2Fx/calendar/events")


@settings(deadline=None, max_examples=40)  # long texts take their time on a busy machine
@given(st.lists(st.text(max_size=3000), max_size=40))
def test_events_fit_and_the_first_come_first(subjects: list[str]) -> None:
    written = events_body("ev1", ASKED, [event(number, subject) for number, subject in enumerate(subjects)])
    assert len(json.dumps(written).encode()) <= MOST
    items = written["events"]["items"]
    assert [item["id"] for item in items] == [f"evt-{number}" for number in range(len(items))]
    assert items or not subjects


@settings(deadline=None, max_examples=40)  # same
@given(st.text(max_size=6000), st.text(max_size=6000))
def test_texts_fit(internal: str, external: str) -> None:
    reply = AutoReply(state="enabled", internal_text=internal * 3, external_text=external * 3, audience="all")
    written = auto_reply_body("ar1", ASKED, reply)
    assert len(json.dumps(written).encode()) <= MOST


def test_much_room_is_used() -> None:
    written = events_body("ev1", ASKED, [event(number, "é" * 50) for number in range(200)])
    assert len(json.dumps(written).encode()) > MOST - 600
