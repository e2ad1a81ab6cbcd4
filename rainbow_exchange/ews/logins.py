"""Who signs in to Exchange: an account, and where it is refused another one."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from rainbow_exchange.ews.auth import Authenticator
from rainbow_exchange.ews.errors import EwsAuthenticationError
from rainbow_exchange.ews.latch import Latch
from rainbow_exchange.ews.tokens import TokenSource

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Login:
    """A set of credentials: `name` for people to read, `tokens` where it signs in by such."""

    auth: Authenticator
    name: str = ""
    tokens: TokenSource | None = None
    latch: Latch = field(default_factory=Latch)


class Logins:
    """Chooses among them: the first that is not refused is used until it is.

    A refused one is not gone back to while another works: each change of account makes every subscription anew.
    """

    def __init__(self, logins: Sequence[Login]) -> None:
        self._logins = tuple(logins)
        self._in_use = next((login for login in self._logins if login.latch.seconds_to_next_try() == 0), logins[0])

    def current(self) -> Login:
        """Give the one to use now; where all are refused, one that may be tried again."""
        if self._in_use.latch.seconds_to_next_try() != 0:
            usable = [login for login in self._logins if login.latch.refused is None]
            due = [login for login in self._logins if login.latch.seconds_to_next_try() == 0]
            chosen = (usable or due or [self._in_use])[0]
            if chosen is not self._in_use:
                log.info("exchange_account_changed", account=chosen.name, before=self._in_use.name)
                self._in_use = chosen
        return self._in_use

    @property
    def refused(self) -> EwsAuthenticationError | None:
        """The refusal of the first, once all are refused."""
        refusals = [login.latch.refused for login in self._logins]
        return refusals[0] if all(refusals) else None

    @property
    def passed_over(self) -> tuple[str, EwsAuthenticationError] | None:
        """Name and refusal of the first, while another is used in its place."""
        first = self._logins[0]
        if self._in_use is first or first.latch.refused is None or self.refused is not None:
            return None
        return first.name, first.latch.refused

    def seconds_to_next_try(self) -> float | None:
        """Seconds until one of them may be tried; None if none ever is by itself."""
        waits = [wait for login in self._logins if (wait := login.latch.seconds_to_next_try()) is not None]
        return min(waits, default=None)

    def try_again(self) -> None:
        """Let refused ones be tried once more, because somebody says so."""
        for login in self._logins:
            login.latch.try_again()
            if login.tokens is not None:
                login.tokens.try_again()
        self._in_use = self._logins[0]

    async def close(self) -> None:
        """End what is under way."""
        for login in self._logins:
            if login.tokens is not None:
                await login.tokens.close()
