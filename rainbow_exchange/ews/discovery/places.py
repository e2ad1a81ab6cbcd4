"""Where autodiscover may be, in which order, and which hosts may be told the password. Pure.

Source: protocols page on EWS §8;
https://learn.microsoft.com/exchange/client-developer/exchange-web-services/how-to-generate-a-list-of-autodiscover-endpoints
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit, urlunsplit

from rainbow_exchange.network.address import is_name, names_host

_FOLDER = "/autodiscover/"
_SOAP, _POX = "autodiscover.svc", "autodiscover.xml"
_HTTPS, _HTTP = 443, 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One autodiscover service: its address in SOAP, and in plain XML."""

    soap: str
    pox: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The ports that the standard addresses have."""

    https: int = _HTTPS
    http: int = _HTTP


def host_of(url: str) -> str:
    """Give the host name of a web address, in lower case; "" where it has none."""
    return (urlsplit(url).hostname or "").rstrip(".") if names_host(url) else ""


def domain_of(address: str) -> str:
    """Give the domain of a mail address, in lower case; "" where it is none."""
    name, at, domain = address.strip().rpartition("@")
    return domain.lower().rstrip(".") if at and name and is_name(domain) else ""


def place_at(url: str) -> Place:
    """Give the service that `url` belongs to: beside …/autodiscover.xml stands …/autodiscover.svc."""
    parts = urlsplit(url)
    folder, _, file = parts.path.rpartition("/")
    if file.lower() not in {_SOAP, _POX}:
        folder = _FOLDER.rstrip("/")
    return Place(soap=_with_path(parts, f"{folder}/{_SOAP}"), pox=_with_path(parts, f"{folder}/{_POX}"))


def standard_places(domain: str, ports: Ports) -> tuple[Place, Place]:
    """Give the two places that are asked first, in their order."""
    port = _port(ports.https, _HTTPS)
    first, second = (place_at(f"https://{host}{port}{_FOLDER}") for host in (domain, f"autodiscover.{domain}"))
    return first, second


def redirecting(domain: str, ports: Ports) -> str:
    """Give the address that is asked without encryption, and without credentials, for a redirect alone."""
    return f"http://autodiscover.{domain}{_port(ports.http, _HTTP)}{_FOLDER}{_POX}"


def place_by_record(host: str, port: int) -> Place:
    """Give the place that an SRV record names."""
    return place_at(f"https://{host.rstrip('.').lower()}{_port(port, _HTTPS)}{_FOLDER}")


@dataclass(frozen=True, slots=True)
class Trust:
    """Which hosts may be told the password.

    `domains` are the company's mail domains as somebody here has confirmed them, `allowed_hosts` what the settings
    allow besides.
    """

    domains: frozenset[str]
    allowed_hosts: frozenset[str]

    def asks(self, host: str) -> bool:
        """Whether autodiscover may be asked there: a company's domain itself, autodiscover.<domain>, or allowed.

        A redirect may have come unencrypted or from a name server, so no other host will do, not even one of the
        company's own.
        """
        return host in self.allowed_hosts or any(host in {domain, f"autodiscover.{domain}"} for domain in self.domains)

    def serves(self, host: str) -> bool:
        """Whether EWS may be there: any host of a company's domain, or allowed.

        Such an address comes from an autodiscover server that has proved its name.
        """
        return self.asks(host) or any(host.endswith(f".{domain}") for domain in self.domains)


def trust(domains: Iterable[str], allowed_hosts: Iterable[str]) -> Trust:
    """Build the rule."""
    hosts = frozenset(host.lower().rstrip(".") for host in allowed_hosts)
    return Trust(frozenset(domain.lower() for domain in domains), hosts)


def _port(port: int, usual: int) -> str:
    return "" if port == usual else f":{port}"


def _with_path(parts: SplitResult, path: str) -> str:
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))
