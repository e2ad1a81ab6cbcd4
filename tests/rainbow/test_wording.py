from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_exchange.rainbow.questions import text_size
from rainbow_exchange.rainbow.types import CalendarEvent
from rainbow_exchange.rainbow.wording import NoDate, cut, fitting, read_date, share, write_date

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


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
        # é of two code points: 1 + 2 bytes
        ("e\u0301e\u0301e\u0301", 8, "e\u0301\u2026"),
        # a family: four times 4 bytes, three joiners of 3
        ("x" + "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", 24, "x\u2026"),
        ("xx\U0001f44d\U0001f3fd", 9, "xx\u2026"),
        ("\U0001f1eb\U0001f1f7\U0001f1e9\U0001f1ea", 15, "\U0001f1eb\U0001f1f7\u2026"),
        ("\u2764\ufe0f\u2764\ufe0f", 11, "\u2764\ufe0f\u2026"),
        ("e" + "\u0301" * 100, 90, "e" + "\u0301" * 43 + "\u2026"),
        ("", 0, ""),
    ],
)
def test_text_is_cut_at_a_word(text: str, room: int, left: str) -> None:
    assert cut(text, room, text_size) == left


LETTERS = st.sampled_from(["e", "e\u0301", " ", "\U0001f468\u200d\U0001f469", "\U0001f44d\U0001f3fd", "&", "\n", "é"])


@given(st.lists(LETTERS, max_size=40), st.integers(0, 120))
def test_no_character_as_people_see_it_is_cut(letters: list[str], room: int) -> None:
    text = "".join(letters)
    left = cut(text, room, text_size)
    assert text_size(left) <= room
    if left == text:
        return
    kept = left.removesuffix("\u2026")
    whole = {"".join(letters[:number]).rstrip() for number in range(len(letters) + 1)}
    assert kept in whole


def cut_events(lengths: list[int], room: int) -> list[int]:
    """Fit events that consist of their subjects alone; return how long each became."""
    events = [
        CalendarEvent(id=str(number), subject="x" * length, type="occurrence", show_as="busy", start=NOW, end=NOW)
        for number, length in enumerate(lengths)
    ]
    return fitting(events, room, make=lambda event, most: min(most, len(event.subject)), size=lambda taken: taken)


def test_subjects_are_shortened_before_an_event_is_left_out() -> None:
    assert cut_events([3000, 10], 2010) == [2000, 10]
    assert cut_events([3000, 10, 1], 2010) == [500, 10, 1]
    assert cut_events([3000] * 10, 1200) == [120] * 10
    assert cut_events([3000] * 11, 1200) == [40] * 11
    assert cut_events([3000] * 31, 1200) == [40] * 30
    assert cut_events([], 0) == []


def test_two_texts_share_the_room_and_a_short_one_leaves_the_rest_to_the_long_one() -> None:
    assert share(["one two", "three four"], 100, len) == ["one two", "three four"]
    assert share(["a" * 10, "b" * 4], 10, len) == ["a" * 5 + "\u2026", "b" * 4]
    assert share(["a" * 10, "b" * 10], 10, len) == ["a" * 4 + "\u2026", "b" * 4 + "\u2026"]


def test_date_is_read_with_offset_zone_or_none() -> None:
    assert read_date("2026-01-05T10:00:00.1234567+01:00") == (datetime(2026, 1, 5, 9, 0, 0, 123456, tzinfo=UTC), True)
    assert read_date("2026-01-05T10:00:00", "Europe/Paris") == (datetime(2026, 1, 5, 9, tzinfo=UTC), True)
    assert read_date("2026-01-05T10:00:00", "Mars/Olympus") == (datetime(2026, 1, 5, 10, tzinfo=UTC), False)
    assert read_date("2026-01-05T10:00:00", "a/" * 1000) == (datetime(2026, 1, 5, 10, tzinfo=UTC), False)
    with pytest.raises(NoDate):
        read_date("soon")


def test_end_of_a_day_may_be_written_as_its_24th_hour() -> None:
    assert read_date("2026-02-28T24:00:00Z") == (datetime(2026, 3, 1, tzinfo=UTC), True)
    assert read_date("2026-12-31T24:00:00.000+01:00") == (datetime(2026, 12, 31, 23, tzinfo=UTC), True)
    for wrong in ("2026-02-28T24:00:01Z", "2026-02-28T24:00:00.5Z", "9999-12-31T24:00:00Z"):
        with pytest.raises(NoDate):
            read_date(wrong)


def test_date_is_written_in_utc_to_the_second() -> None:
    written = write_date(datetime.fromisoformat("2026-01-05T10:00:00.9+01:00"))
    assert written == "2026-01-05T09:00:00Z"
