"""Exchange's directory: which mailbox an address belongs to."""

from rainbow_exchange.ews.operations.resolve_names import ResolveNames
from rainbow_exchange.ews.types import Caller


async def resolve(client: Caller, entry: str) -> str | None:
    """Give the primary SMTP address, in lower case, of the one mailbox that has `entry` among its addresses.

    An `entry` without "@" is an alias: the part of one of the addresses before the "@". None where there is none or
    more than one: a name that merely begins like it is nobody's address. Raises EwsError.
    """
    wanted = entry.strip().lower()
    candidates = await client.call(ResolveNames(entry=entry))
    owners = {
        candidate.primary_address
        for candidate in candidates
        if any(wanted in {address, address.partition("@")[0]} for address in candidate.all_addresses)
    }
    return owners.pop() if len(owners) == 1 else None
