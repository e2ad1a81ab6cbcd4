"""Many changes by one call, meetings that begin together, and when the notifications of both were written."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rainbow_exchange.lab.exchange import LabMailbox

STARTS = datetime(2026, 1, 5, 8, 0, 30, tzinfo=UTC)
EVERYBODY = [f"p{number}@acme.test" for number in range(6)]


@pytest.fixture
async def six(make_lab: Any) -> Any:
    """A lab of six mailboxes whose clock stands still."""
    return await make_lab(mailboxes=[LabMailbox(address=each) for each in EVERYBODY], now=lambda: STARTS)


async def made(wire: Any, **wanted: Any) -> list[dict[str, Any]]:
    """Order changes; return them once all are made."""
    before = (await wire.lab_call("GET", "changes"))["newest"]
    await wire.lab_call("POST", "changes", wanted)
    while (found := await wire.lab_call("GET", "changes", since=str(before)))["left"]:
        continue
    changes: list[dict[str, Any]] = found["changes"]
    return changes


async def test_each_mailbox_changes_once_before_any_does_again(six: Any) -> None:
    changes = await made(six, count=12, seed=3)
    assert [each["number"] for each in changes] == list(range(1, 13))
    assert sorted(each["mailbox"] for each in changes[:6]) == EVERYBODY
    assert sorted(each["mailbox"] for each in changes[6:]) == EVERYBODY
    assert {each["at"] for each in changes} == {1767600030.0}
    assert {each["kind"] for each in changes[:6]} == {"created"}


async def test_a_seed_makes_the_same_changes_again(six: Any, make_lab: Any) -> None:
    other = await make_lab(mailboxes=[LabMailbox(address=each) for each in EVERYBODY], now=lambda: STARTS)
    assert await made(six, count=30, seed=5) == await made(other, count=30, seed=5)
    assert {each["kind"] for each in await made(six, count=30, seed=6)} == {"created", "moved", "deleted"}


async def test_what_is_over_or_far_away_stays(six: Any) -> None:
    for begin in ("2026-01-05T07:00:00Z", "2026-01-13T08:00:00Z"):
        item = {"start": begin, "end": begin.replace(":00:00Z", ":30:00Z"), "subject": "Un"}
        await six.lab_call("POST", "mailboxes/p0@acme.test/items", item)
    changes = await made(six, count=20, seed=3, mailboxes=EVERYBODY[:1])
    assert {each["kind"] for each in changes} == {"created", "moved", "deleted"}
    window = {"start": "2026-01-05T00:00:00Z", "end": "2026-01-14T00:00:00Z"}
    shown = await six.lab_call("GET", "mailboxes/p0@acme.test/calendar", **window)
    assert [each["start"] for each in shown if each["subject"] == "Un"] == [
        "2026-01-05T07:00:00+00:00", "2026-01-13T08:00:00+00:00",
    ]  # fmt: skip


async def test_changes_are_spread_over_time(six: Any) -> None:
    clock = asyncio.get_running_loop().time
    begin = clock()
    changes = await made(six, count=4, seconds=0.4)
    assert len(changes) == 4
    assert clock() - begin >= 0.3


async def test_changes_that_are_planned_may_be_withdrawn(six: Any) -> None:
    await six.lab_call("POST", "changes", {"count": 5000, "seconds": 3600})
    await six.lab_call("DELETE", "changes")
    assert (await six.lab_call("GET", "changes"))["left"] == 0
    assert (await six.lab_call("GET", "changes"))["changes"] == []


async def test_it_is_told_when_a_notification_was_written(six: Any) -> None:
    stream = await six.stream(*[await six.subscribe(impersonate=each) for each in EVERYBODY[:2]])
    await stream.message()
    await made(six, mailboxes=EVERYBODY[:1])
    await stream.message()
    assert await six.lab_call("GET", "written") == {
        "newest": 1, "written": [{"number": 1, "at": 1767600030.0, "mailbox": "p0@acme.test"}],
    }  # fmt: skip
    await made(six, mailboxes=EVERYBODY[1:2])
    await stream.message()
    found = await six.lab_call("GET", "written", since="1")
    assert [each["mailbox"] for each in found["written"]] == ["p1@acme.test"]
    assert await six.lab_call("GET", "written", since="now") == {"newest": 2, "written": []}


async def test_many_meetings_begin_in_one_minute(six: Any) -> None:
    begin = STARTS + timedelta(hours=1)
    wanted = {"begin": begin.isoformat(), "count": 4, "minutes": 45, "seed": 2}
    assert await six.lab_call("POST", "meetings", wanted) == {"meetings": 4}
    window = {"start": STARTS.isoformat(), "end": (STARTS + timedelta(days=1)).isoformat()}
    calendars = [await six.lab_call("GET", f"mailboxes/{each}/calendar", **window) for each in EVERYBODY]
    met = [each[0] for each in calendars if each]
    assert len(met) == 4
    assert {(each["start"], each["end"]) for each in met} == {
        ("2026-01-05T09:00:30+00:00", "2026-01-05T09:45:30+00:00")
    }
    assert len({each["subject"] for each in met}) == 4


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("changes", {"count": 0}),
        ("changes", {"count": "3"}),
        ("changes", {"seconds": -1}),
        ("changes", {"rate": 1}),
        ("meetings", {"begin": "2026-01-05T09:00:00"}),
        ("meetings", {"count": 2, "begin": "soon"}),
        ("meetings", {"count": 2}),
    ],
)
async def test_what_is_not_understood_is_refused(six: Any, path: str, wanted: dict[str, Any]) -> None:
    async with six.http.post(f"{six.lab.base}/lab/{path}", json=wanted) as answer:
        assert answer.status == (404 if wanted == {"count": 2} else 400)
        assert (await answer.json())["error"]


async def test_a_mailbox_that_is_not_there_is_refused(six: Any) -> None:
    async with six.http.post(f"{six.lab.base}/lab/changes", json={"mailboxes": ["x@acme.test"]}) as answer:
        assert answer.status == 404
