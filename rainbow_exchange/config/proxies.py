"""Which proxy leads to either side: the settings' one, for Rainbow else that of the environment, past NO_PROXY.

Exchange is inside: no variable leads it through a proxy, only `exchange.proxy_url` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import structlog

from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.network.address import is_loopback, names_host
from rainbow_exchange.network.proxy import is_exempt

log = structlog.get_logger()

_USUAL = ("http", "https")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenProxy:
    """The proxy to one server; `url` None: none. `url` may hold a password; `origin` says where it comes from."""

    url: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    origin: str = ""


def exchange_proxy(settings: Settings, secrets: Secrets, url: str, environ: Mapping[str, str]) -> ChosenProxy:
    """Choose for the Exchange server at `url`."""
    chosen = ChosenProxy(
        url=secrets.exchange_proxy_url or settings.exchange.proxy_url,
        origin=settings.origin("exchange.proxy_url"),
    )
    return _past_no_proxy(chosen, url, environ)


def rainbow_proxy(settings: Settings, secrets: Secrets, environ: Mapping[str, str]) -> ChosenProxy:
    """Choose for Rainbow."""
    rainbow = settings.rainbow
    chosen = ChosenProxy(
        url=secrets.rainbow_proxy_url or rainbow.proxy_url,
        username=rainbow.proxy_username,
        password=secrets.rainbow_proxy_password,
        origin=settings.origin("rainbow.proxy_url"),
    )
    if chosen.url is None:
        chosen = _from_environment(rainbow.url, environ)
    return _past_no_proxy(chosen, rainbow.url, environ)


def _from_environment(url: str, environ: Mapping[str, str]) -> ChosenProxy:
    """Take HTTPS_PROXY as other programs do, not for this machine itself."""
    if is_loopback(urlsplit(url).hostname):
        return ChosenProxy()
    name, value = _variable("HTTPS_PROXY", environ)
    if not value:
        return ChosenProxy()
    full = value if "://" in value else f"http://{value}"
    try:
        parts = urlsplit(full)
        usable = parts.scheme in _USUAL and names_host(full) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        log.warning("environment_proxy_unusable", variable=name, needed="http://proxy.company.com:8080")
        return ChosenProxy()
    return ChosenProxy(url=full.rstrip("/"), origin=name)


def _past_no_proxy(chosen: ChosenProxy, url: str, environ: Mapping[str, str]) -> ChosenProxy:
    if chosen.url is None:
        return chosen
    host = urlsplit(url).hostname
    name, entries = _variable("NO_PROXY", environ)
    if is_exempt(url, entries):
        log.info("proxy_not_used", host=host, reason=name)
        return ChosenProxy()
    log.info("proxy_used", host=host, proxy=urlsplit(chosen.url).hostname, origin=chosen.origin)
    return chosen


def _variable(name: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """Find a variable as other programs do, in lower case first."""
    for spelt in (name.lower(), name):
        if value := environ.get(spelt, "").strip():
            return spelt, value
    return name, ""
