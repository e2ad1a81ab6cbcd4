"""Which names and web addresses a connection can be tried to, judged as what connects reads them. Pure.

A name that no name server can be asked for makes the system's look-up raise what is no network error. Source: RFC 1035
section 2.3.4 (lengths); the underscore is found in names of Windows machines.
"""

import re
from ipaddress import ip_address

from yarl import URL

_LABEL = re.compile(r"[A-Za-z0-9_-]{1,63}")
_LONGEST = 253


def is_name(name: str) -> bool:
    """Whether a name server can be asked for `name`, which may be written in any script."""
    try:
        known_as = URL.build(scheme="https", host=name).raw_host or ""
    except ValueError:
        return False
    return _is_ascii_name(known_as)


def names_host(url: str) -> bool:
    """Whether `url` has a host, by a name or an address, and a port that can be connected to."""
    try:
        parts = URL(url)
        host, _ = parts.raw_host or "", parts.port
    except ValueError:
        return False
    return _is_ascii_name(host) or is_address(host)


def is_address(host: str) -> bool:
    """Whether `host` (without brackets) is an IP address."""
    try:
        ip_address(host.replace("%25", "%"))
    except ValueError:
        return False
    return True


def is_loopback(host: str | None) -> bool:
    """Whether `host` (a name or an address, without brackets) can only be this machine."""
    if host is None:
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def _is_ascii_name(name: str) -> bool:
    bare = name.removesuffix(".")
    return len(bare) <= _LONGEST and all(map(_LABEL.fullmatch, bare.split(".")))
