"""Tells, once a login was refused, whether Rainbow says that this account signs in by single sign-on only."""

import asyncio
from dataclasses import replace

import structlog

from rainbow_exchange.bridge.causes import Cause
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.errors import RainbowAuthenticationError, RainbowError
from rainbow_exchange.rainbow.login_urls import SignInWays
from rainbow_exchange.words import _, parts, sentences

_log = structlog.get_logger()

_LOOK_EVERY = 1.0
_AGAIN_AFTER = 60.0


class SsoWatch:
    """Asks once for each refusal, never before a login."""

    def __init__(self, rainbow: RainbowClient) -> None:
        self._rainbow = rainbow
        self._asked_for: RainbowAuthenticationError | None = None
        self._ways: SignInWays | None = None

    async def run(self) -> None:
        """Ask whenever there is a new refusal, until cancelled."""
        while True:
            refused = self._rainbow.refused
            if refused is None or refused is self._asked_for:
                await asyncio.sleep(_LOOK_EVERY)
                continue
            try:
                self._ways = await self._rainbow.sign_in_ways()
            except RainbowError as error:
                _log.debug("rainbow_sign_in_ways_unknown", reason=str(error))
                await asyncio.sleep(_AGAIN_AFTER)
                continue
            self._asked_for = refused

    def explained(self, cause: Cause) -> Cause:
        """Add what is known to the cause of a refused login."""
        ways = self._ways if self._asked_for is self._rainbow.refused else None
        return cause if ways is None else explained(cause, ways)


def explained(cause: Cause, ways: SignInWays) -> Cause:
    """Add to the cause of a refused login how Rainbow says that it signs in."""
    if not ways.only_sso or cause.id != "rainbow-authentication":
        return cause
    return replace(
        cause,
        text=sentences(
            cause.text,
            _(
                "Rainbow says that this account signs in by single sign-on ({ways}), so that it may have no password"
                " at all.",
                ways=", ".join(ways.sso),
            ),
        ),
        action=sentences(
            _(
                "Give the connector an account of its own: rainbow-exchange login --token, or login with an"
                " administrator's account that has a password of Rainbow's own."
            ),
            _("Otherwise: {action}", action=parts(cause.action)[0]),
            *parts(cause.action)[1:],
        ),
    )
