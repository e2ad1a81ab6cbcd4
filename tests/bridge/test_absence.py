"""What is told of an absence while its two sources differ, or one of them is silent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rainbow_exchange.bridge.absence import by_tip, confirm_at, in_effect, over, turn
from rainbow_exchange.ews.out_of_office import DISABLED, Tip
from rainbow_exchange.model import Audience, OofState, OutOfOffice

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ENABLED = OutOfOffice(state=OofState.ENABLED, internal_text="Back on Monday. Ask Bob.")
WORDLESS = OutOfOffice(state=OofState.ENABLED)
LEAVE = OutOfOffice(
    state=OofState.SCHEDULED,
    start=NINE,
    end=NINE + 60 * MINUTE,
    internal_text="Leave",
    external_text="Closed",
    audience=Audience.ALL,
)
OUT, IN = Tip(out=True, text="Leave"), Tip(out=False)


@pytest.mark.parametrize(
    ("absence", "minute", "effective"),
    [(None, 0, False), (DISABLED, 0, False), (ENABLED, 0, True)]
    + [(LEAVE, minute, effective) for minute, effective in ((-1, False), (0, True), (59, True), (60, False))],
)
def test_a_schedule_holds_from_its_start_to_before_its_end(
    absence: OutOfOffice | None, minute: int, *, effective: bool
) -> None:
    assert in_effect(absence, NINE + minute * MINUTE) is effective


@pytest.mark.parametrize(
    ("absence", "before", "ended"),
    [
        (None, None, False),  # perhaps away without a text, and told so before a restart
        (ENABLED, None, True),
        (ENABLED, OUT, True),
        (WORDLESS, None, False),  # of him there is never a tip
        (WORDLESS, Tip(out=True), True),  # of a document without a word in it there is
        (LEAVE, OUT, False),  # the settings know whether it was planned so
        (DISABLED, OUT, False),
    ],
)
def test_a_tip_without_a_message_ends_what_was_not_planned(
    absence: OutOfOffice | None, before: Tip | None, *, ended: bool
) -> None:
    assert over(absence, IN, before) is ended
    assert not over(absence, OUT, before)


@pytest.mark.parametrize(
    ("absence", "tip", "tip_minute", "out_minute", "told"),
    [
        (None, None, None, None, None),
        (LEAVE, None, None, None, LEAVE),
        (None, OUT, 0, 0, OutOfOffice(state=OofState.ENABLED, internal_text="Leave")),
        (DISABLED, OUT, 0, 0, OutOfOffice(state=OofState.ENABLED, internal_text="Leave")),
        # a reply that nothing planned explains
        (LEAVE, OUT, -5, -5, OutOfOffice(state=OofState.ENABLED, internal_text="Leave")),
        # one seen while it was planned says nothing about the time after its end
        (LEAVE, OUT, 59, 59, LEAVE),
        (LEAVE, Tip(out=True, text="Moved"), 5, 5, replace(LEAVE, internal_text="Moved")),
        (ENABLED, Tip(out=True, text="Back on Mon…"), 5, 5, ENABLED),
        (ENABLED, Tip(out=True, text="Back on Mon..."), 5, 5, ENABLED),
        (None, IN, 0, None, DISABLED),
        (LEAVE, IN, -5, None, LEAVE),
        (LEAVE, IN, 5, None, LEAVE),  # late
        (LEAVE, IN, 5, -30, LEAVE),
        (LEAVE, IN, 5, 3, DISABLED),  # ended early
        (WORDLESS, IN, 5, None, WORDLESS),
    ],
)
def test_what_the_tip_tells_while_settings_cannot_be_read(
    absence: OutOfOffice | None,
    tip: Tip | None,
    tip_minute: int | None,
    out_minute: int | None,
    told: OutOfOffice | None,
) -> None:
    tip_at, out_at = (None if each is None else NINE + each * MINUTE for each in (tip_minute, out_minute))
    assert by_tip(absence, tip, tip_at, out_at) == told


@pytest.mark.parametrize(
    ("minute", "again"),
    [(-60, -2), (-3, -2), (-2, 58), (0, 58), (57, 58), (58, None), (61, None)],
)
def test_a_schedule_is_confirmed_before_each_of_its_ends(minute: int, again: int | None) -> None:
    wanted = None if again is None else NINE + again * MINUTE
    assert confirm_at(LEAVE, NINE + minute * MINUTE) == wanted
    assert confirm_at(ENABLED, NINE) is None


def test_a_schedule_may_reach_from_the_first_day_to_the_last() -> None:
    always = replace(LEAVE, start=datetime.min.replace(tzinfo=UTC), end=datetime.max.replace(tzinfo=UTC))
    assert confirm_at(always, NINE) == datetime.max.replace(tzinfo=UTC) - 2 * MINUTE
    assert in_effect(always, NINE)


@pytest.mark.parametrize(
    ("mailboxes", "cost", "minutes", "minutes_out"),
    [(1, 0.01, 15, 15), (750, 0.01, 15, 15), (3000, 0.05, 60, 60), (10_000, 0.05, 200, 60), (10_000, 1.0, 1440, 60)],
)
def test_everybodys_turn_comes_as_often_as_the_server_bears(
    mailboxes: int, cost: float, minutes: float, minutes_out: float
) -> None:
    for out, wanted in ((False, minutes), (True, minutes_out)):
        assert turn(mailboxes, cost, share=1 / 24, out=out) == timedelta(minutes=wanted)
