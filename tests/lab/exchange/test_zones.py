"""Times and zones on the wire, against instants worked out by hand."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from lxml import etree

from rainbow_exchange.lab.exchange.errors import Fault, Refused
from rainbow_exchange.lab.exchange.zones import TwoRuleZone, instant, windows_name, zone

PARIS = """<TimeZone><Bias>-60</Bias>
<StandardTime><Bias>0</Bias><Time>03:00:00</Time><DayOrder>5</DayOrder><Month>10</Month><DayOfWeek>Sunday</DayOfWeek></StandardTime>
<DaylightTime><Bias>-60</Bias><Time>02:00:00</Time><DayOrder>5</DayOrder><Month>3</Month><DayOfWeek>Sunday</DayOfWeek></DaylightTime>
</TimeZone>"""
SYDNEY = """<TimeZone><Bias>-600</Bias>
<StandardTime><Bias>0</Bias><Time>03:00:00</Time><DayOrder>1</DayOrder><Month>4</Month><DayOfWeek>Sunday</DayOfWeek></StandardTime>
<DaylightTime><Bias>-60</Bias><Time>02:00:00</Time><DayOrder>1</DayOrder><Month>10</Month><DayOfWeek>Sunday</DayOfWeek></DaylightTime>
</TimeZone>"""


@pytest.mark.parametrize(
    ("rules", "utc", "wall"),
    [
        (PARIS, "2026-10-25T00:59:59", "2026-10-25T02:59:59"),
        (PARIS, "2026-10-25T01:00:00", "2026-10-25T02:00:00"),
        (PARIS, "2026-03-29T00:59:59", "2026-03-29T01:59:59"),
        (PARIS, "2026-03-29T01:00:00", "2026-03-29T03:00:00"),
        (SYDNEY, "2026-01-15T00:00:00", "2026-01-15T11:00:00"),
        (SYDNEY, "2026-07-15T00:00:00", "2026-07-15T10:00:00"),
        (SYDNEY, "2026-04-04T16:00:00", "2026-04-05T02:00:00"),
    ],
)
def test_two_rules_give_the_wall_clock(rules: str, utc: str, wall: str) -> None:
    assert TwoRuleZone(etree.fromstring(rules)).local(datetime.fromisoformat(utc).replace(tzinfo=UTC)) == wall


def test_two_rules_read_the_wall_clock_and_offsets() -> None:
    paris = TwoRuleZone(etree.fromstring(PARIS))
    assert paris.instant("2026-07-01T10:00:00") == datetime(2026, 7, 1, 8, tzinfo=UTC)
    assert paris.instant("2026-12-01T10:00:00") == datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert paris.instant("2026-12-01T10:00:00Z") == datetime(2026, 12, 1, 10, tzinfo=UTC)
    assert TwoRuleZone(None).instant("2026-12-01T10:00:00") == datetime(2026, 12, 1, 10, tzinfo=UTC)


def test_instants_are_read_with_and_without_offset() -> None:
    paris = timezone(timedelta(hours=1))
    assert instant("2026-12-01T10:00:00.1234567Z") == datetime(2026, 12, 1, 10, 0, 0, 123456, tzinfo=UTC)
    assert instant("2026-12-01T10:00:00-05:00") == datetime(2026, 12, 1, 15, tzinfo=UTC)
    assert instant("2026-12-01T10:00:00", paris) == datetime(2026, 12, 1, 9, tzinfo=UTC)
    with pytest.raises(Fault, match="ErrorSchemaValidation"):
        instant("tomorrow")


def test_zones_have_windows_names() -> None:
    assert windows_name("Europe/Paris") == "Romance Standard Time"
    assert zone("Romance Standard Time").key == "Europe/Paris"
    with pytest.raises(Refused, match="ErrorTimeZone"):
        zone("Atlantis Standard Time")
