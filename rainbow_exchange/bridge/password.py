"""When the password ends by which we sign in to Exchange: read daily, said in time."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from rainbow_exchange.ews.errors import EwsError, MalformedResponse
from rainbow_exchange.ews.operations.get_password_expiration_date import GetPasswordExpirationDate
from rainbow_exchange.ews.treatment import Treatment, treatment
from rainbow_exchange.ews.types import Caller

log = structlog.get_logger()

_DAY = timedelta(days=1)
#: days that are left at most → severity
_SEVERITIES = ((1, "error"), (7, "warning"), (14, "notice"))
_AGAIN = 3600.0  # seconds after a reading that failed


@dataclass(frozen=True, slots=True)
class Ending:
    """A password that ends soon, as a problem says it."""

    severity: str
    text: str
    action: str


class PasswordWatch:
    """Reads daily when the password ends; `expires` is None while that is not known, or never.

    `account` gives the name of the account that signs in, which may be another one later.
    A server that does not tell is asked again each day, and that is noted once.
    """

    def __init__(
        self, client: Caller, *, account: Callable[[], str], now: Callable[[], datetime], random: Callable[[], float]
    ) -> None:
        self._client = client
        self._account = account
        self._read_for = account()
        self._now = now
        self._random = random
        self._noted = False
        self.expires: datetime | None = None

    async def run(self) -> None:
        """Read at once and then daily, until cancelled."""
        while True:
            known = await self._read()
            wait = _DAY.total_seconds() if known else _AGAIN
            await asyncio.sleep(wait * (0.95 + 0.1 * self._random()))

    async def _read(self) -> bool:
        """Read the date; return whether tomorrow is soon enough for the next time."""
        # A user name that looks like an address may be a UPN: then the server finds the account by itself.
        name = self._account()
        addresses = (name, None) if "@" in name and " " not in name else (None,)
        for address in addresses:
            try:
                self.expires = await self._client.call(GetPasswordExpirationDate(address=address))
            except EwsError as error:
                wanted = treatment(error)
                if address is not None and wanted in {Treatment.NEXT_IDENTIFIER, Treatment.DENIED}:
                    continue
                refused = isinstance(error, MalformedResponse) or wanted is not Treatment.TRANSIENT
                if refused and not self._noted:
                    self._noted = True
                    log.info("password_expiration_not_told", reason=str(error))
                return refused
            else:
                self._noted, self._read_for = False, name
                log.debug("password_expiration_read", expires=self.expires and self.expires.isoformat())
                return True
        return True

    def ending(self) -> Ending | None:
        """Say that the password ends within 14 days, or has ended; None while it does not."""
        if self.expires is None:
            return None
        left = (self.expires - self._now()) / _DAY
        severity = next((severity for days, severity in _SEVERITIES if left <= days), None)
        if severity is None:
            return None
        days = math.ceil(left)
        when = f"on {self.expires:%Y-%m-%d at %H:%M} UTC"
        text = f"has expired {when}" if left <= 0 else f"expires {when}, in {days} day{'' if days == 1 else 's'}"
        return Ending(
            severity,
            f"The password of the Exchange account {self._read_for} {text}. Without it nothing works.",
            "Change it in Active Directory, give the new one as exchange.password, and restart; or have the account's"
            " password never expire.",
        )
