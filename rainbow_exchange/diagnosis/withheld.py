"""Which secrets that are kept would go to a server that they were not given for. Pure.

Whoever is signed in to the page sets this machine up, and is not to learn its secrets by that: a test at a server of
his own would bring him the password. So a secret goes to another server only once it is typed again, or the settings
file allows that host.
"""

from collections.abc import Collection, Iterator
from types import MappingProxyType
from urllib.parse import urlsplit

from rainbow_exchange.config import Settings
from rainbow_exchange.ews.discovery.places import domain_of
from rainbow_exchange.words import _

#: secret → the settings that say which servers are told it
_TOLD_TO = MappingProxyType(
    {
        "exchange.password": ("exchange.url", "exchange.autodiscover_url"),
        "exchange.client_secret": ("exchange.url", "exchange.autodiscover_url", "exchange.token_url"),
        "rainbow.proxy_password": ("rainbow.proxy_url",),
    }
)


def withheld(
    counts: Settings, tried: Settings, kept: Collection[str], *, find_by: str = "", found: str = ""
) -> Iterator[str]:
    """Say it of each secret of `kept` (those that were not typed now): `tried` leads to other servers than `counts`.

    `find_by`: the address that Exchange is looked for by; `found`: where Exchange was last, though no setting names it
    now. A secret that was given before any server was named goes to the first that is.
    """
    for secret in kept:
        servers = {place: _server(counts.value(place)) for place in _TOLD_TO.get(secret, ())}
        was = _server(found) if secret.startswith("exchange.") else ""
        known = [*filter(None, servers.values())] or [*filter(None, [was])]
        for place, before in servers.items():
            after = _server(tried.value(place))
            if known and after and after not in known and _host(after) not in tried.exchange.allowed_hosts:
                yield _said(secret, before or known[0], after, "exchange.allowed_hosts")
        domain = domain_of(find_by)
        if secret.startswith("exchange.") and domain and known and not _is_own(domain, known[0], counts):
            yield _said(secret, known[0], domain, "bridge.domains")


def leads_elsewhere(counts: str, tried: str) -> bool:
    """Whether one address leads to another server than the other."""
    return _server(counts) != _server(tried)


def _said(secret: str, before: str, after: str, setting: str) -> str:
    return _(
        "{secret} is kept for {before}, and would be sent to {after}: type it again, or write that into {setting} of"
        " the settings file.",
        secret=secret,
        before=before,
        after=after,
        setting=setting,
    )


def _is_own(domain: str, server: str, counts: Settings) -> bool:
    """Whether that server's company may be asked by such addresses: not by those of "com", say, or of "co.uk"."""
    host = _host(server)
    above = host.partition(".")[2]
    named = {host, domain_of(counts.exchange.username or ""), *counts.bridge.domains}
    return domain in named or (domain == above and "." in above)


def _server(url: object) -> str:
    """Give host and port, "" where nothing is named."""
    parts = urlsplit(str(url or ""))
    if not parts.hostname:
        return ""
    return f"{parts.hostname.lower()}:{parts.port or (80 if parts.scheme == 'http' else 443)}"


def _host(server: str) -> str:
    return server.rpartition(":")[0]
