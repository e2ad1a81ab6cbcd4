"""Exchange's directory: which mailbox an address belongs to."""

from rainbow_exchange.ews.operations.resolve_names import Resolution, ResolveNames
from rainbow_exchange.ews.types import Caller


async def owner(client: Caller, entry: str) -> Resolution | None:
    """Give the addresses of the one mailbox that has `entry` among its own.

    An `entry` without "@" is an alias: the part of one of the addresses before the "@". None where there is none or
    more than one: a name that merely begins like it is nobody's address. Raises EwsError.
    """
    wanted = entry.strip().lower()
    owners = {
        candidate.primary_address: candidate
        for candidate in await client.call(ResolveNames(entry=entry))
        if any(wanted in {address, address.partition("@")[0]} for address in candidate.all_addresses)
    }
    return owners.popitem()[1] if len(owners) == 1 else None


async def resolve(client: Caller, entry: str) -> str | None:
    """Give the primary SMTP address, in lower case, of the `owner` of `entry`. Raises EwsError."""
    found = await owner(client, entry)
    return found.primary_address if found else None
