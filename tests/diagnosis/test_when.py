import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from rainbow_exchange.diagnosis.when import past_instant

PARIS = ZoneInfo("Europe/Paris")
#: Monday 10:30 in Paris
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("08:00", "2026-03-02T07:00+00:00"),
        ("8:00:30", "2026-03-02T07:00:30+00:00"),
        ("today 08:00", "2026-03-02T07:00+00:00"),
        ("11:00", "2026-03-01T10:00+00:00"),  # the last one that has passed
        ("Yesterday 11:00", "2026-03-01T10:00+00:00"),
        ("2026-03-02T08:00", "2026-03-02T07:00+00:00"),
        ("2026-03-02 08:00", "2026-03-02T07:00+00:00"),
        ("2026-03-02T08:00Z", "2026-03-02T08:00+00:00"),
        ("2026-03-02T08:00+02:00", "2026-03-02T06:00+00:00"),
    ],
)
def test_what_people_write_is_read_in_their_zone(text: str, meant: str) -> None:
    assert past_instant(text, NOW, PARIS) == datetime.fromisoformat(meant)


def test_the_day_on_which_the_clock_is_put_forward() -> None:
    noon = datetime(2026, 3, 29, 10, 0, tzinfo=UTC)  # 12:00 in summer time
    assert past_instant("yesterday 13:00", noon, PARIS) == datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
    assert past_instant("08:00", noon, PARIS) == datetime(2026, 3, 29, 6, 0, tzinfo=UTC)


def test_this_machines_zone_is_the_usual_one() -> None:
    now = datetime.now(UTC)
    wanted = now - timedelta(hours=1)
    assert past_instant(wanted.astimezone().replace(tzinfo=None).isoformat(), now) == wanted


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("noon", "noon is no time: write 08:00, yesterday 08:00 or 2026-03-02T08:00."),
        ("24:00", "24:00 is no time of day."),
        ("today 11:00", "today 11:00 is yet to come."),
        ("yesterday 08:00", "yesterday 08:00 is too long ago: the last 24 hours are kept."),
        ("", " is no time: write 08:00, yesterday 08:00 or 2026-03-02T08:00."),
    ],
)
def test_what_is_no_time_of_the_last_day_is_said(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(why)}$"):
        past_instant(text, NOW, PARIS)
