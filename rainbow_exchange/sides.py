"""Builds both sides and the bridge between them from the settings; the daemon runs what is built here."""

import secrets as secrets_module
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import structlog

from rainbow_exchange.accounts import exchange_logins, rainbow_refusal
from rainbow_exchange.bridge.assemble import Observe, assemble
from rainbow_exchange.bridge.certificate_watch import CertificateWatch
from rainbow_exchange.bridge.health import Health
from rainbow_exchange.bridge.parts import Histogram, Options
from rainbow_exchange.bridge.password import PasswordWatch
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.bridge.translate import Privacy
from rainbow_exchange.config import BridgeSettings, ExchangeSettings, Settings
from rainbow_exchange.config_accounts import accounts, token_parameters
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.errors import UserError
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.logins import Login
from rainbow_exchange.ews.sites import Ask
from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.network.trust import client_context, unverified_context
from rainbow_exchange.proxies import Proxies
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.link import RainbowLink
from rainbow_exchange.rainbow.xmpp import XmppLink
from rainbow_exchange.state.credentials import CredentialMemory
from rainbow_exchange.state.store import Store

log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class Sides:
    """What exists only once the settings are complete."""

    exchange: EwsClient
    rainbow: RainbowClient
    link: RainbowLink
    pipeline: Pipeline
    health: Health
    password: PasswordWatch


@asynccontextmanager
async def build(
    settings: Settings,
    secrets: Secrets,
    *,
    url: str,
    ask_sites: Ask | None = None,
    proxies: Proxies,
    store: Store,
    problems: Problems,
    latency: Histogram,
    observe: Observe,
    now: Callable[[], datetime],
    random: Callable[[], float],
) -> AsyncIterator[Sides]:
    """Build both sides, Exchange at `url`, and the bridge; leaving the context closes their connections."""
    signing_in = accounts(settings.exchange, secrets)
    if not signing_in:  # `config.missing` has seen to it
        raise UserError(["exchange.username and exchange.password are needed."])
    username = signing_in[0].username or ""
    proxy = proxies.to_rainbow()
    async with (
        exchange_client(settings, secrets, url=url, proxies=proxies, store=store, now=now) as exchange,
        rainbow_client(settings, secrets, proxy=proxy, store=store, now=now, random=random) as rainbow,
    ):
        pipeline = assemble(
            exchange=exchange,
            rainbow=rainbow,
            store=store,
            options=bridge_options(settings.bridge, settings.exchange, username),
            latency=latency,
            ask_sites=ask_sites,
            observe=observe,
            now=now,
            random=random,
        )
        link = rainbow_link(
            settings, proxy=proxy, store=store, rainbow=rainbow, pipeline=pipeline, now=now, random=random
        )
        password = PasswordWatch(
            exchange,
            account=lambda: exchange.account,
            settings={account.name: account.setting for account in signing_in if account.setting},
            now=now,
            random=random,
        )
        health = Health(
            pipeline=pipeline,
            exchange=exchange,
            exchange_url=url,
            rainbow=rainbow,
            rainbow_url=settings.rainbow.url,
            link=link,
            problems=problems,
            password=password,
            certificate=CertificateWatch(
                lambda: exchange.certificate,
                host=urlsplit(url).hostname or "",
                verified=not settings.exchange.verify_certificates_insecurely_off,
                now=now,
            ),
        )
        yield Sides(exchange, rainbow, link, pipeline, health, password)


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


def rainbow_client(
    settings: Settings,
    secrets: Secrets,
    *,
    proxy: Proxy,
    store: Store,
    now: Callable[[], datetime],
    random: Callable[[], float],
) -> RainbowClient:
    """Build the client of Rainbow's REST."""
    url, login, app_id = settings.rainbow.url, settings.rainbow.login or "", settings.rainbow.app_id or ""
    password, app_secret = secrets.rainbow_password or "", secrets.rainbow_app_secret or ""
    refused, retry_at, remember = rainbow_refusal(
        CredentialMemory(store, "rainbow"), url, login, password, app_id, app_secret
    )
    return RainbowClient(
        url=url,
        login=login,
        password=password,
        app_id=app_id,
        app_secret=app_secret,
        refused=refused,
        retry_at=retry_at,
        remember=remember,
        company_id=settings.rainbow.company_id,
        ssl=client_context(),
        now=now,
        random=random,
        proxy_url=proxy,
    )


def rainbow_link(
    settings: Settings,
    *,
    proxy: Proxy,
    store: Store,
    rainbow: RainbowClient,
    pipeline: Pipeline,
    now: Callable[[], datetime],
    random: Callable[[], float],
) -> RainbowLink:
    """Build the link over which Rainbow asks; its resource is made up once for this installation."""
    resource = store.value("xmpp_resource") or f"node_{secrets_module.token_hex(4)}"
    store.set_value("xmpp_resource", resource)
    return XmppLink(
        url=f"ws{settings.rainbow.url.removeprefix('http').rstrip('/')}/websocket",
        account=rainbow.signed_in,
        resource=resource,
        answer=pipeline.parts.answers.answer,
        trusted_askers=settings.rainbow.trusted_askers,
        app_id=settings.rainbow.app_id or "",
        ssl=client_context(),
        now=now,
        random=random,
        on_connected=pipeline.changes.link_restored,
        on_refused=rainbow.forget,
        proxy_url=proxy,
    )


def bridge_options(bridge: BridgeSettings, exchange: ExchangeSettings, username: str) -> Options:
    """Build the bridge's options; `username` signs in to Exchange."""
    return Options(
        impersonation=exchange.impersonation,
        privacy=Privacy(bridge.privacy),
        domains=tuple(bridge.domains),
        users_refresh_seconds=bridge.users_refresh_minutes * 60.0,
        notify_at_boundaries=bridge.notify_at_boundaries,
        sending_as=username if "@" in username else None,
    )
