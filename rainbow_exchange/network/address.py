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
    return _is_ascii_name(host) or _is_address(host)


def _is_ascii_name(name: str) -> bool:
    bare = name.removesuffix(".")
    return len(bare) <= _LONGEST and all(map(_LABEL.fullmatch, bare.split(".")))


def _is_address(host: str) -> bool:
    try:
        ip_address(host.replace("%25", "%"))
    except ValueError:
        return False
    return True
