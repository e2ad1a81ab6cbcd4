import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from rainbow_exchange.rainbow.answers import Reply
from rainbow_exchange.rainbow.errors import UnexpectedAnswer
from rainbow_exchange.rainbow.grants import granted
from rainbow_exchange.rainbow.types import Account

ME = Account(user_id="5f01", company_id="5fc1", jid="", jid_password="")
NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
EIGHT = 1_767_600_000  # NOW, as a token has it


def answered(date: str | None, **claims: Any) -> Reply:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return Reply(200, {"Date": date} if date else {}, json.dumps({"token": f"h.{payload}.s"}).encode())


@pytest.mark.parametrize("date", [None, "Mon, 05 Jan 2026 08:00:00 GMT", "Fri, 01 Jan 1999 00:00:00 GMT"])
def test_life_is_the_span_of_the_token_whatever_any_clock_says(date: str | None) -> None:
    grant = granted(answered(date, iat=EIGHT - 86_400, exp=EIGHT - 82_800), ME, now=NOW, received=5.0)
    assert grant.lifetime == 3600
    assert not grant.expired(3604.9)
    assert grant.expired(3605.0)


@pytest.mark.parametrize(
    ("date", "life"),
    [
        ("Mon, 05 Jan 2026 10:00:00 GMT", 1800),  # Rainbow's clock counts, two hours ahead of ours
        (None, 9000),  # without one, ours
        ("yesterday", 9000),
        ("Tue, 06 Jan 2026 10:00:00 GMT", None),  # ended before it came: nothing is known
    ],
)
def test_token_that_tells_only_its_end_is_reckoned_by_rainbows_clock(date: str | None, life: float | None) -> None:
    grant = granted(answered(date, exp=EIGHT + 9000), ME, now=NOW, received=5.0)
    assert grant.lifetime == life
    assert grant.expired(5.0 + 9000) is (life is not None)


def test_answer_without_a_token_is_unexpected() -> None:
    with pytest.raises(UnexpectedAnswer):
        granted(Reply(200, {}, b'{"data": {"token": "t"}}'), ME, now=NOW, received=0.0)
