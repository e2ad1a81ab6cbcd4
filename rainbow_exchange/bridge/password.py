"""When the password ends by which we sign in to Exchange: read daily, said in time."""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from rainbow_exchange.ews.errors import EwsError, MalformedResponse
from rainbow_exchange.ews.operations.get_password_expiration_date import GetPasswordExpirationDate
from rainbow_exchange.ews.treatment import Treatment, treatment
from rainbow_exchange.ews.types import Caller
from rainbow_exchange.words import _

log = structlog.get_logger()

_DAY = timedelta(days=1)
#: days that are left at most → severity
_SEVERITIES = ((1, "error"), (7, "warning"), (14, "notice"))
_AGAIN = 3600.0  # seconds after a reading that failed
_GLANCE = 30.0  # seconds between two looks at which account it is that signs in


@dataclass(frozen=True, slots=True)
class Ending:
    """A password that ends soon, as a problem says it."""

    severity: str
    text: str
    action: str


class PasswordWatch:
    """Reads daily when the password ends; `expires` is None while that is not known, or never.

    `account` gives the name of the account that signs in; once it is another one, that one's is read. `settings` says
    which setting holds the password of an account; who has none there is not asked for. A server that does not tell is
    asked again each day, and that is noted once.
    """

    def __init__(
        self,
        client: Caller,
        *,
        account: Callable[[], str],
        settings: Mapping[str, str],
        now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self._client = client
        self._account = account
        self._settings = settings
        self._read_for = ""
        self._now = now
        self._random = random
        self._noted = False
        self.expires: datetime | None = None

    async def run(self) -> None:
        """Read at once and then daily, until cancelled."""
        while True:
            name = self._account()
            known = name not in self._settings or await self._read(name)
            wait = _DAY.total_seconds() if known else _AGAIN
            await self._while_it_is(name, wait * (0.95 + 0.1 * self._random()))

    async def look(self) -> None:
        """Read once, if the account has a password that ends."""
        name = self._account()
        if name in self._settings:
            await self._read(name)

    async def _while_it_is(self, name: str, seconds: float) -> None:
        """Wait, but no longer than this account is the one in use."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (left := until - loop.time()) > 0:
            if self._account() != name:
                return
            await asyncio.sleep(min(left, _GLANCE))

    async def _read(self, name: str) -> bool:
        """Read the date; return whether tomorrow is soon enough for the next time."""
        # A user name that looks like an address may be a UPN: then the server finds the account by itself.
        addresses = (name, None) if "@" in name and " " not in name else (None,)
        for address in addresses:
            try:
                expires = await self._client.call(GetPasswordExpirationDate(address=address))
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
                if self._account() == name:  # else this one was refused meanwhile, and it is another one's
                    self._noted, self._read_for, self.expires = False, name, expires
                    log.debug("password_expiration_read", expires=expires and expires.isoformat())
                return True
        return True

    def ending(self) -> Ending | None:
        """Say that the password ends within 14 days, or has ended; None while it does not."""
        if self.expires is None or self._account() != self._read_for:
            return None
        left = (self.expires - self._now()) / _DAY
        severity = next((severity for days, severity in _SEVERITIES if left <= days), None)
        if severity is None:
            return None
        days = math.ceil(left)
        when = _("on {expires:%Y-%m-%d at %H:%M} UTC", expires=self.expires)
        text = (
            _("has expired {when}", when=when)
            if left <= 0
            else _("expires {when}, in 1 day", when=when)
            if days == 1
            else _("expires {when}, in {days} days", when=when, days=days)
        )
        return Ending(
            severity,
            _(
                "The password of the Exchange account {read_for} {text}. Without it nothing works.",
                read_for=self._read_for,
                text=text,
            ),
            _(
                "Change it in Active Directory, give the new one as {settings}, and restart; or have the"
                " account's password never expire.",
                settings=self._settings[self._read_for],
            ),
        )
