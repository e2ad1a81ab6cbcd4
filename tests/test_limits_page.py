"""The page of limits says what the code does: values that are known, and no row for what the code has no more."""

from pathlib import Path

import pytest

from docs.made.limits import value_at, written
from docs.made.limits_listed import LISTED

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "limits.md"


@pytest.mark.parametrize(
    "row",
    [
        "| mailboxes in a stream | 200 | another stream |",
        "| what was read last answers for | 12 h | then `remote-server-timeout` |",
        "| an answer leaves within | 10 s | `remote-server-timeout` |",
        "| polling: everybody's turn within | 60 s to 5 min | longer where Exchange is slow |",
        "| an answer | 64 MiB | refused as malformed |",
        "| entries of a person; of all | 500; 1,000,000 | the oldest go |",
    ],
)
def test_what_is_known_stands_there(row: str) -> None:
    assert row in PAGE.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (90.0, "s", "90 s"),
        (120, "s", "2 min"),
        (7200, "s", "2 h"),
        (172_800, "s", "2 days"),
        (29, "min", "29 min"),
        (0.15, "s", "0.15 s"),
        (18_380, "bytes", "18,380 bytes"),
        (65_536, "bytes", "64 KiB"),
        ((60.0, 3600.0), "s", "60 s, 1 h"),
        (20_000, "", "20,000"),
        (5, "a second", "5 a second"),
    ],
)
def test_values_are_written_as_people_say_them(value: object, unit: str, said: str) -> None:
    assert written(value, unit) == said


@pytest.mark.parametrize("where", ["ews.grouping:GROUP_SIZES", "ews.grouping", "ews.client:EwsClient(url)"])
def test_a_row_for_what_is_no_more_is_an_error(where: str) -> None:
    with pytest.raises((AttributeError, ValueError)):
        value_at(where)


def test_nothing_stands_there_twice() -> None:
    for name, limits in LISTED.items():
        said = [limit.what for limit in limits]
        assert len(said) == len(set(said)), name
