"""Rainbow as the account that the settings name, for a few calls of a person who looks on."""

import os
import random as random_module
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from rainbow_exchange.config import RainbowSettings, Settings
from rainbow_exchange.config.proxies import rainbow_proxy
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.network.proxy import Proxy, proxy
from rainbow_exchange.network.trust import client_context
from rainbow_exchange.rainbow.client import RainbowClient


def rainbow_url(typed: str) -> str:
    """Read an address of Rainbow's server as the setting is read. Raises ValueError with what is wrong with it."""
    try:
        return RainbowSettings(url=typed).url
    except ValueError as error:
        raise ValueError(str(getattr(error, "errors", list)()[0]["ctx"]["error"])) from None


def way_to_rainbow(settings: Settings, secrets: Secrets) -> Proxy:
    """Give the proxy to Rainbow, if there is one. For a single attempt by a person: nothing is remembered of it."""
    chosen = rainbow_proxy(settings, secrets, os.environ)
    return proxy(chosen.url, chosen.username, chosen.password)


@asynccontextmanager
async def own_account(
    settings: Settings, secrets: Secrets, *, now: Callable[[], datetime]
) -> AsyncIterator[RainbowClient]:
    """Open a client of the account that the settings name, and give its token back at the end."""
    rainbow = settings.rainbow
    async with RainbowClient(
        url=rainbow.url,
        login=rainbow.login or "",
        password=secrets.rainbow_password or "",
        app_id=rainbow.app_id or "",
        app_secret=secrets.rainbow_app_secret or "",
        company_id=rainbow.company_id,
        ssl=client_context(),
        proxy_url=way_to_rainbow(settings, secrets),
        now=now,
        random=random_module.random,
    ) as client:
        try:
            yield client
        finally:
            await client.logout()
