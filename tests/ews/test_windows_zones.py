from zoneinfo import available_timezones

import pytest
from tzlocal.windows_tz import win_tz

from rainbow_exchange.ews.windows_zones import iana_zone


@pytest.mark.parametrize(
    ("zone_id", "expected"),
    [
        ("Romance Standard Time", "Europe/Paris"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        (" Tokyo Standard Time ", "Asia/Tokyo"),
        ("UTC", "Etc/UTC"),
        ("Europe/Paris", "Europe/Paris"),
        ("", None),
        (None, None),
    ],
)
def test_windows_names_become_iana_names(zone_id: str | None, expected: str | None) -> None:
    assert iana_zone(zone_id) == expected


@pytest.mark.parametrize(
    "zone_id",
    ["Customized Time Zone", "tzone://Microsoft/Custom", "../../etc/passwd", "Europe", "a\0b", "é" * 300, "a/" * 1000],
)
def test_an_unknown_zone_is_none(zone_id: str) -> None:
    assert iana_zone(zone_id) is None


def test_every_zone_of_the_table_is_known_here() -> None:
    assert set(win_tz.values()) <= available_timezones()
