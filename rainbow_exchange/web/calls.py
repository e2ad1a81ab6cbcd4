"""Calls of commands on this machine: JSON that comes, read for the work that is done by it; JSON goes back."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

#: of what comes with a call
MAX_BODY_BYTES = 64 * 1024
#: does the work of one call; raises ValueError where it does not understand what came
Call = Callable[[object], Awaitable[Mapping[str, Any]]]

_NEEDED = '{"addresses": [...]} or {"all": true} is needed'


def by_address(work: Callable[[str], Awaitable[Mapping[str, Any]]]) -> Call:
    """Read `{"address": "..."}`."""

    async def call(wanted: object) -> Mapping[str, Any]:
        address = wanted.get("address") if isinstance(wanted, dict) else None
        if not isinstance(address, str) or not address.strip():
            raise ValueError('{"address": "..."} is needed')
        return await work(address)

    return call


def by_addresses(work: Callable[[list[str] | None], Mapping[str, Any]]) -> Call:
    """Read `{"addresses": [...]}`, or `{"all": true}`, which is None."""

    async def call(wanted: object) -> Mapping[str, Any]:
        return work(addresses(wanted))

    return call


def addresses(wanted: object) -> list[str] | None:
    """Read whom something is wanted for; None is everybody. Raises ValueError."""
    if not isinstance(wanted, dict):
        raise ValueError(_NEEDED)  # noqa: TRY004 - of the JSON, which is one kind of fault
    if wanted.get("all") is True:
        return None
    named = wanted.get("addresses")
    if not isinstance(named, list) or not all(isinstance(each, str) for each in named):
        raise ValueError(_NEEDED)
    return named
