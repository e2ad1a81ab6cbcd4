"""The record of every attempt to sign in, for tests to count over the lab's own wire."""

from collections import deque
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

KEPT = 50_000


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One attempt; neither passwords nor tokens stand in it. `docs/reference/lab.md` lists the outcomes.

    `connection` numbers the TCP connections; `account` is the name as it was written; `binding` is what the lab found
    in place of the channel binding; `service` is the service the client thinks it speaks to.
    """

    number: int
    at: str
    connection: int
    scheme: str
    account: str = ""
    outcome: str = ""
    binding: str = ""
    service: str = ""
    content_length: int | None = None


class Attempts:
    """Attempts in the order of their arrival, the last 50,000 of them."""

    def __init__(self) -> None:
        self._attempts: deque[Attempt] = deque(maxlen=KEPT)
        self._next = 1

    def made(self, at: datetime, *, scheme: str, content_length: int | None, connection: int = 0) -> Attempt:
        """Open the entry of an attempt, whose outcome is yet to be said."""
        attempt = Attempt(
            number=self._next, at=at.isoformat(), connection=connection, scheme=scheme, content_length=content_length
        )
        self._next += 1
        self._attempts.append(attempt)
        return attempt

    def read(self, *, since: int = 0, account: str = "", outcome: str = "") -> list[dict[str, Any]]:
        """Give the attempts with a number above `since`, of this account as it was written, with this outcome."""
        return [
            asdict(each)
            for each in self._attempts
            if each.number > since and account in ("", each.account) and outcome in ("", each.outcome)
        ]

    def clear(self) -> None:
        """Forget all of them; numbers go on."""
        self._attempts.clear()
