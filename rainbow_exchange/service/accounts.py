r"""As whom a service of Windows runs: what the account is called, whether it has a password, its SID. Pure.

https://learn.microsoft.com/windows/win32/services/service-user-accounts
"""

import hashlib
import struct
from dataclasses import dataclass

from rainbow_exchange.network.shown import printable

_VIRTUAL = "NT SERVICE"
#: what Windows lets no name of an account have, but for the backslash after its domain
_FORBIDDEN = frozenset('"/[]:;|=,+*?<>')
#: names by which people call the accounts that every Windows has → the name NSSM has for it, the SID
_WELL_KNOWN = {
    "localsystem": ("LocalSystem", "S-1-5-18"),
    "system": ("LocalSystem", "S-1-5-18"),
    "localservice": ("NT AUTHORITY\\LocalService", "S-1-5-19"),
    "local service": ("NT AUTHORITY\\LocalService", "S-1-5-19"),
    "networkservice": ("NT AUTHORITY\\NetworkService", "S-1-5-20"),
    "network service": ("NT AUTHORITY\\NetworkService", "S-1-5-20"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account as the service manager calls it; `trustee` is what icacls calls it.

    `has_password` False: nobody knows its password, or Windows keeps it. `needs_right`: it may lack the right to log on
    as a service.
    """

    name: str
    trustee: str
    has_password: bool
    needs_right: bool


def virtual_account(service: str) -> str:
    """Name the account that Windows has for a service alone."""
    return f"{_VIRTUAL}\\{service}"


def account(name: str, service: str) -> Account:
    """Find out what kind of account `name` is, for the service of this name. Raises ValueError with a sentence."""
    given = name.strip()
    if not given.isprintable() or not _FORBIDDEN.isdisjoint(given):
        raise ValueError(f"{printable(given)} has a character that no name of an account of Windows has")
    domain, separator, user = given.rpartition("\\")
    if domain.casefold() in {"", "nt authority"} and (known := _WELL_KNOWN.get(user.casefold())):
        return Account(name=known[0], trustee=f"*{known[1]}", has_password=False, needs_right=False)
    if domain.casefold() == _VIRTUAL.casefold():
        if user.casefold() != service.casefold():
            raise ValueError(
                f"{given} belongs to another service; the account of this one is {virtual_account(service)}"
            )
        sid = service_sid(service)
        return Account(name=virtual_account(service), trustee=f"*{sid}", has_password=False, needs_right=False)
    if "@" in given and not separator:
        raise ValueError(f"{given}: write the account as DOMAIN\\name")
    if not user:
        raise ValueError("name the account as DOMAIN\\name, .\\name, LocalSystem, LocalService or NetworkService")
    # NSSM looks names up without a domain, too, but a service of Windows wants one.
    full = given if separator else f".\\{given}"
    trustee = full.removeprefix(".\\")  # icacls knows no dot
    return Account(name=full, trustee=trustee, has_password=not user.endswith("$"), needs_right=True)


def service_sid(service: str) -> str:
    """Give the SID of a service's own account, which Windows makes from its name.

    S-1-5-80 and the SHA-1 of the upper-case name in UTF-16, as five numbers; `sc showsid` prints the same.
    """
    digest = hashlib.sha1(service.upper().encode("utf-16-le"), usedforsecurity=False).digest()
    return "-".join(["S-1-5-80", *map(str, struct.unpack("<5I", digest))])
