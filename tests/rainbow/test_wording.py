from datetime import UTC, datetime

import pytest

from rainbow_exchange.rainbow.questions import text_size
from rainbow_exchange.rainbow.wording import NoDate, cut, read_date, share, write_date


@pytest.mark.parametrize(
    ("text", "room", "left"),
    [
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two\u2026"),
        ("one two three", 11, "one two\u2026"),
        ("one two three", 10, "one two\u2026"),
        ("one two three", 9, "one\u2026"),
        ("onetwothree", 8, "onetw\u2026"),
        ("éé éé", 7, "éé\u2026"),
        ("a&b c", 8, "a\u2026"),
        ("one", 2, ""),
        ("", 0, ""),
    ],
)
def test_text_is_cut_at_a_word(text: str, room: int, left: str) -> None:
    assert cut(text, room, text_size) == left


def test_two_texts_share_the_room_and_a_short_one_leaves_the_rest_to_the_long_one() -> None:
    assert share(["one two", "three four"], 100, len) == ["one two", "three four"]
    assert share(["a" * 10, "b" * 4], 10, len) == ["a" * 5 + "\u2026", "b" * 4]
    assert share(["a" * 10, "b" * 10], 10, len) == ["a" * 4 + "\u2026", "b" * 4 + "\u2026"]


def test_date_is_read_with_offset_zone_or_none() -> None:
    assert read_date("2026-01-05T10:00:00.1234567+01:00") == (datetime(2026, 1, 5, 9, 0, 0, 123456, tzinfo=UTC), True)
    assert read_date("2026-01-05T10:00:00", "Europe/Paris") == (datetime(2026, 1, 5, 9, tzinfo=UTC), True)
    assert read_date("2026-01-05T10:00:00", "Mars/Olympus") == (datetime(2026, 1, 5, 10, tzinfo=UTC), False)
    with pytest.raises(NoDate):
        read_date("soon")


def test_date_is_written_in_utc_to_the_second() -> None:
    written = write_date(datetime.fromisoformat("2026-01-05T10:00:00.9+01:00"))
    assert written == "2026-01-05T09:00:00Z"
