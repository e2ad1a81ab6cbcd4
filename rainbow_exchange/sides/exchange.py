"""Builds the Exchange side and the bridge from the settings. Both are built anew when those change."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import structlog

from rainbow_exchange.bridge.assemble import Observe, assemble
from rainbow_exchange.bridge.certificate_watch import CertificateWatch
from rainbow_exchange.bridge.health import Health
from rainbow_exchange.bridge.history import History
from rainbow_exchange.bridge.parts import Options
from rainbow_exchange.bridge.password import PasswordWatch
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.privacy import Privacy, PrivacyRules
from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.bridge.timings import Timings
from rainbow_exchange.config import BridgeSettings, ExchangeSettings, Settings
from rainbow_exchange.config.accounts import accounts, token_parameters
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.ending import ended, in_time
from rainbow_exchange.errors import UserError
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.logins import Login
from rainbow_exchange.ews.sites import Ask
from rainbow_exchange.network.trust import client_context, unverified_context
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.sides.accounts import exchange_logins
from rainbow_exchange.sides.combined import RAINBOW
from rainbow_exchange.sides.proxies import Proxies
from rainbow_exchange.state.credentials import CredentialMemory
from rainbow_exchange.state.store import Store
from rainbow_exchange.words import _

log = structlog.get_logger()

#: seconds of an ordered end that giving back subscriptions and telling Rainbow may take
UNSUBSCRIBE_FOR = 5.0
FLUSH_FOR = 1.5


@dataclass(slots=True, eq=False)
class ExchangeSide:
    """What exists while the settings are complete and Exchange's place is known."""

    exchange: EwsClient
    pipeline: Pipeline
    health: Health
    password: PasswordWatch

    @asynccontextmanager
    async def at_work(self, end_by: Callable[[], float], *, tell: Callable[[], bool]) -> AsyncIterator[None]:
        """Run the bridge while the context is open, then leave in order, by `end_by` on the loop's clock.

        `tell`: whether Rainbow may still be told of whoever is due then.
        """
        async with asyncio.TaskGroup() as tasks:
            bridge = tasks.create_task(self.pipeline.run(), name="bridge")
            password = tasks.create_task(self.password.run(), name="password")
            try:
                yield
                await in_time(self._leave(bridge, tell=tell), end_by())
            finally:
                bridge.cancel()
                password.cancel()

    async def _leave(self, bridge: asyncio.Task[None], *, tell: Callable[[], bool]) -> None:
        """Nothing new is begun; streams and subscriptions are closed; whoever is due is told."""
        await ended(bridge)
        await self.pipeline.membership.remember()
        report = await self.pipeline.parts.watcher.close(UNSUBSCRIBE_FOR)
        notifier = self.pipeline.parts.notifier
        untold = await notifier.flush(FLUSH_FOR) if tell() else len(notifier.due)
        log.info("ended_in_order", unsubscribed=report.unsubscribed, left_to_expire=report.left, untold=untold)


@asynccontextmanager
async def build(
    settings: Settings,
    secrets: Secrets,
    *,
    url: str,
    ask_sites: Ask | None = None,
    rainbow: RainbowClient,
    proxies: Proxies,
    store: Store,
    problems: Problems,
    timings: Timings,
    observe: Observe,
    now: Callable[[], datetime],
    random: Callable[[], float],
    history: History,
) -> AsyncIterator[ExchangeSide]:
    """Build Exchange at `url` and the bridge to `rainbow`.

    Leaving the context closes its connections, and the problems that it reported.
    """
    signing_in = accounts(settings.exchange, secrets)
    if not signing_in:  # `config.missing_for_exchange` has seen to it
        raise UserError([_("exchange.username and exchange.password are needed.")])
    username = signing_in[0].username or ""
    async with exchange_client(settings, secrets, url=url, proxies=proxies, store=store, now=now) as exchange:
        pipeline = assemble(
            exchange=exchange,
            rainbow=rainbow,
            store=store,
            options=bridge_options(settings.bridge, settings.exchange, username),
            timings=timings,
            ask_sites=ask_sites,
            observe=observe,
            now=now,
            random=random,
            history=history,
        )
        password = PasswordWatch(
            exchange,
            account=lambda: exchange.account,
            settings={account.name: account.setting for account in signing_in if account.setting},
            now=now,
            random=random,
        )
        with problems.for_a_time() as ours:
            health = Health(
                pipeline=pipeline,
                exchange=exchange,
                exchange_url=url,
                problems=ours,
                password=password,
                certificate=CertificateWatch(
                    lambda: exchange.certificate,
                    host=urlsplit(url).hostname or "",
                    verified=not settings.exchange.verify_certificates_insecurely_off,
                    now=now,
                ),
                account_from=_account_from(settings),
            )
            yield ExchangeSide(exchange, pipeline, health, password)


def _account_from(settings: Settings) -> str:
    """Say where to correct an account that was not entered on this machine."""
    origins = (settings.origin(key) for key in ("exchange.username", "exchange.client_id"))
    if any(origin.startswith(RAINBOW) for origin in origins):
        return _("The account was entered in {rainbow}: correct it there; a new one is tried at once.", rainbow=RAINBOW)
    return ""


def exchange_client(
    settings: Settings, secrets: Secrets, *, url: str, proxies: Proxies, store: Store, now: Callable[[], datetime]
) -> EwsClient:
    """Build the client of the EWS endpoint at `url`."""
    tls = exchange_tls(settings.exchange)
    memory = CredentialMemory(store, "exchange")
    logins = logins_at(url, settings, secrets, ssl_context=tls, proxies=proxies, memory=memory, now=now)
    return EwsClient(url=url, auth=logins, ssl=tls, proxy_url=proxies.to_exchange(url), now=now)


def logins_at(
    url: str,
    settings: Settings,
    secrets: Secrets,
    *,
    ssl_context: ssl.SSLContext,
    proxies: Proxies,
    memory: CredentialMemory,
    now: Callable[[], datetime],
) -> list[Login]:
    """Build what signs in at `url`: each account of the settings."""
    exchange = settings.exchange
    return exchange_logins(
        accounts(exchange, secrets),
        url=url,
        scheme=exchange.auth,
        token_url=exchange.token_url,
        token_parameters=token_parameters(
            url, exchange.token_url or "", scope=exchange.token_scope, resource=exchange.token_resource
        ),
        ssl=ssl_context,
        token_proxy=proxies.to_exchange(exchange.token_url or url),
        memory=memory,
        now=now,
    )


def exchange_tls(settings: ExchangeSettings) -> ssl.SSLContext:
    """Build what certificates are verified by. Raises UserError where `ca_file` is none."""
    if settings.verify_certificates_insecurely_off:
        log.warning("certificates_not_verified", consequence="anybody in between can read the Exchange password")
        return unverified_context()
    return client_context(settings.ca_file)


def bridge_options(bridge: BridgeSettings, exchange: ExchangeSettings, username: str) -> Options:
    """Build the bridge's options; `username` signs in to Exchange."""
    return Options(
        impersonation=exchange.impersonation,
        privacy=PrivacyRules(
            Privacy(bridge.privacy),
            {pattern: Privacy(level) for pattern, level in bridge.privacy_exceptions.items()},
            mask_personal=bridge.mask_personal,
        ),
        domains=tuple(bridge.domains),
        users_refresh_seconds=bridge.users_refresh_minutes * 60.0,
        notify_at_boundaries=bridge.notify_at_boundaries,
        sending_as=username if "@" in username else None,
    )
