"""Somebody whose mailbox Exchange can be tried with, as long as nobody has named one."""

import asyncio

from rainbow_exchange.rainbow.company_users import first_users
from rainbow_exchange.rainbow.errors import RainbowError
from rainbow_exchange.sides.both import Sides

#: seconds in which Rainbow is asked for a few users, and until it is asked again
_ASKED_WITHIN, _AGAIN_AFTER = 3.0, 60.0


class Somebody:
    """The first active user of the company whom the connector does not run as."""

    def __init__(self, sides: Sides) -> None:
        self._sides = sides
        self._address = ""
        self._asked_at = -_AGAIN_AFTER

    async def address(self) -> str:
        """Give the login, "" while nobody is known."""
        side, loop = self._sides.rainbow, asyncio.get_running_loop()
        if self._address or side is None or loop.time() - self._asked_at < _AGAIN_AFTER:
            return self._address
        self._asked_at = loop.time()
        try:
            async with asyncio.timeout(_ASKED_WITHIN):
                people, _number = await first_users(side.client)
        except (RainbowError, TimeoutError):
            return ""
        own = side.client.account.login if side.client.account is not None else ""
        self._address = next((user.login_email for user in people if user.is_active and user.login_email != own), "")
        return self._address
