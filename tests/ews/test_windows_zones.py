from zoneinfo import available_timezones

import pytest
from tzlocal.windows_tz import win_tz

from rainbow_exchange.ews.windows_zones import iana_zone, unknown


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
    "zone_id", ["Customized Time Zone", "tzone://Microsoft/Custom", "../../etc/passwd", "Europe", "a\0b", "é" * 300]
)
def test_an_unknown_zone_is_none_and_counted(zone_id: str) -> None:
    before = unknown.total()
    assert iana_zone(zone_id) is None
    assert unknown.total() == before + 1


def test_the_memory_of_unknown_zones_is_bounded() -> None:
    for number in range(200):
        iana_zone(f"Nowhere {number} Standard Time")
    assert len(unknown) <= 101
    assert unknown["(others)"] >= 100


def test_every_zone_of_the_table_is_known_here() -> None:
    assert set(win_tz.values()) <= available_timezones()
