"""What a login or a renewal gives: a token, whose it is, and how long it lives (pure)."""

from dataclasses import dataclass
from datetime import datetime

from rainbow_exchange.rainbow.answers import Reply, http_date
from rainbow_exchange.rainbow.auth import Token, read_token
from rainbow_exchange.rainbow.types import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A token in use and whose it is; `received` is a monotonic time, `lifetime` seconds from then, None if unknown."""

    token: Token
    account: Account
    received: float
    lifetime: float | None

    def expired(self, now: float) -> bool:
        """Whether its life is over by its own account; `now` is a monotonic time."""
        return self.lifetime is not None and now >= self.received + self.lifetime


def granted(reply: Reply, account: Account, *, now: datetime, received: float) -> Grant:
    """Read the token of an answer. Raises UnexpectedAnswer.

    Where a token tells only when it ends, its life is reckoned by the clock of Rainbow, as the answer's `Date` has it,
    and by `now` only without one.
    """
    token = read_token(reply.member("token"))
    lifetime = token.lifetime(http_date(reply.headers.get("Date")) or now)
    return Grant(token=token, account=account, received=received, lifetime=lifetime)
