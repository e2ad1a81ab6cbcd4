"""Builds from the settings what looks for Exchange where they do not say where it is."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

from aiohttp.abc import AbstractResolver

from rainbow_exchange.bridge.discovery import Discovery
from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.config import Settings
from rainbow_exchange.config.accounts import accounts
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.ews.auth import BasicAuth, BearerAuth
from rainbow_exchange.ews.autodiscover import Autodiscover, Records
from rainbow_exchange.ews.discovery.ask_first import AskFirst
from rainbow_exchange.ews.discovery.places import Ports, Trust, domain_of, host_of, trust
from rainbow_exchange.ews.logins import Login, Logins
from rainbow_exchange.ews.service_records import autodiscover_records
from rainbow_exchange.network.trust import client_context
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.sides.exchange import logins_at
from rainbow_exchange.sides.proxies import Proxies
from rainbow_exchange.state.credentials import CredentialMemory
from rainbow_exchange.state.store import Store


@asynccontextmanager
async def finder(
    settings: Settings,
    secrets: Secrets,
    *,
    rainbow: RainbowClient,
    proxies: Proxies,
    store: Store,
    problems: Problems,
    now: Callable[[], datetime],
    random: Callable[[], float],
    resolver: AbstractResolver | None = None,
    records: Records = autodiscover_records,
    ports: Ports | None = None,
) -> AsyncIterator[Discovery]:
    """Build it; leaving the context closes its connections.

    Certificates are verified here even where the settings switch that off: autodiscover may lead anywhere.
    """
    exchange = settings.exchange
    context = client_context(exchange.ca_file)
    memory = CredentialMemory(store, "autodiscover")

    def logins(url: str) -> Logins:
        found = logins_at(url, settings, secrets, ssl_context=context, proxies=proxies, memory=memory, now=now)
        return Logins([hesitant(login) for login in found])

    whom = trusted(settings)
    async with Autodiscover(
        logins=logins,
        trust=whom,
        url=exchange.autodiscover_url,
        records=records,
        ssl=context,
        proxy_url=proxies.to_exchange,
        resolver=resolver,
        ports=ports,
    ) as autodiscover:
        yield Discovery(
            autodiscover=autodiscover,
            trust=whom,
            allowed_hosts=exchange.allowed_hosts,
            only_at=exchange.autodiscover_url,
            username=accounts(exchange, secrets)[0].username or "",
            rainbow=rainbow,
            rainbow_url=settings.rainbow.url,
            store=store,
            problems=problems,
            now=now,
            random=random,
        )


def hesitant(login: Login) -> Login:
    """Have a scheme that names the credentials in its first request wait until it is asked for them."""
    return replace(login, auth=AskFirst(login.auth)) if isinstance(login.auth, BasicAuth | BearerAuth) else login


def trusted(settings: Settings) -> Trust:
    """Say who may be told the Exchange password: the company's domains as this machine's own settings confirm them."""
    exchange = settings.exchange
    named = (exchange.username or "", settings.rainbow.login or "")
    domains = {*settings.bridge.domains, *filter(None, map(domain_of, named))}
    hosts = list(exchange.allowed_hosts)
    if exchange.autodiscover_url is not None:
        hosts.append(host_of(exchange.autodiscover_url))
    return trust(domains, hosts)
