"""The users of the company over REST: all of them page by page, one by id, some by an address.

Rainbow's admin portal, `users`; what of it is documented: `docs/reference/rainbow-wire.md`, section "Users".
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from http import HTTPStatus
from urllib.parse import quote

import structlog

from rainbow_exchange.backoff import backoff
from rainbow_exchange.rainbow.answers import Reply
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.errors import RainbowApiError, RainbowConnectionError, RateLimited, UnexpectedAnswer
from rainbow_exchange.rainbow.types import RainbowUser
from rainbow_exchange.rainbow.users import Reading, read_user
from rainbow_exchange.words import _

_log = structlog.get_logger()

_USERS = "/api/rainbow/admin/v1.0/users"
_PAGE_TRIES = 4
_LONGEST_PAGE_WAIT = 120.0
_MOST_FOUND = 1000


async def users(client: RainbowClient, reading: Reading | None = None) -> AsyncIterator[RainbowUser]:
    """All users of the company that Rainbow lists, one by one; see `pages`."""
    async with aclosing(pages(client, reading or Reading(limit=client.page_size))) as each:
        async for page in each:
            for user in page:
                yield user


async def pages(client: RainbowClient, reading: Reading) -> AsyncGenerator[list[RainbowUser], None]:
    """All users of the company that Rainbow lists, in order of login address, as they come; no page is kept.

    `reading` tells meanwhile how far it is, and afterwards whether the list moved. A page that could not be had is
    asked for again, four times in all. Raises UnexpectedAnswer where the pages do not add up, RainbowApiError where the
    company is unknown or may not be listed.
    """
    while not reading.complete:
        yield reading.take(await _page(client, reading.offset))
    if reading.unreadable:
        client.counters.unreadable_users += reading.unreadable
        _log.warning("rainbow_users_left_out", users=reading.unreadable, reason="no id or login address")


async def first_users(client: RainbowClient) -> tuple[list[RainbowUser], int]:
    """Users of the first page, and how many there are in all; asked for once, for whoever only wants to see."""
    reading = Reading(limit=client.page_size)
    found = reading.take((await _call(client, "users", {}, offset=0)).json())
    return found, max(reading.total or 0, len(found))


async def user_by_id(client: RainbowClient, user_id: str) -> RainbowUser | None:
    """The user with this id; None where Rainbow knows none."""
    try:
        reply = await client.call("user_by_id", "GET", f"{_USERS}/{quote(user_id, safe='')}")
    except RainbowApiError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        raise
    user = read_user(reply.data())
    if user is None or user.id != user_id:
        raise UnexpectedAnswer(_("the answer about one user holds another, or none"))
    return user


async def users_by_address(client: RainbowClient, address: str) -> list[RainbowUser]:
    """Users that Rainbow finds by this address, as login first, then among their e-mails; the caller matches.

    Rainbow's filters need not be exact, and may tell upper from lower case: the address is asked for as written, then
    in lower case. Where one finds more than a thousand it has found nobody in particular, and the first page has to do.
    """
    found: dict[str, RainbowUser] = {}
    spellings = dict.fromkeys((address, address.lower()))
    for name, spelling in ((name, spelling) for name in ("loginEmail", "email") for spelling in spellings):
        reading = Reading(limit=client.page_size)
        while not reading.complete and (reading.total or 0) <= _MOST_FOUND:
            reply = await _call(client, "users_by_address", {name: spelling}, offset=reading.offset)
            for user in reading.take(reply.json()):
                found.setdefault(user.id, user)
        if any(user.login_email.casefold() == address.casefold() for user in found.values()):
            break  # a match by login wins over any other
    return list(found.values())


async def _page(client: RainbowClient, offset: int) -> object:
    waits = backoff(1, 30, random=client.random)
    for _turn in range(_PAGE_TRIES - 1):
        try:
            return (await _call(client, "users", {}, offset=offset)).json()
        except RateLimited as error:
            if error.retry_after > _LONGEST_PAGE_WAIT:
                raise
            wait = max(error.retry_after, next(waits))
        except RainbowConnectionError:
            wait = next(waits)
        _log.debug("rainbow_page_postponed", offset=offset, retry_in=wait)
        await asyncio.sleep(wait)
    return (await _call(client, "users", {}, offset=offset)).json()


async def _call(client: RainbowClient, name: str, filters: Mapping[str, str], *, offset: int) -> Reply:
    query = {
        "companyId": await client.company(),
        "format": "full",
        "limit": str(client.page_size),
        "offset": str(offset),
        "sortField": "loginEmail",
        "sortOrder": "1",
        **filters,
    }
    return await client.call(name, "GET", _USERS, query=query)
