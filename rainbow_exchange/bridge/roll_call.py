"""One full listing: everybody whom Rainbow names, and whether those it does not name are gone.

A list that changes while it is read is read again; where it never stands still, what came is taken, and whoever is
missing is asked for one by one. Most people at once are not held to be gone until that has lasted.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Protocol

import structlog

from rainbow_exchange.backoff import backoff
from rainbow_exchange.bridge.roster import Roster
from rainbow_exchange.rainbow import company_users
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.errors import RainbowApiError, RainbowError, UnexpectedAnswer
from rainbow_exchange.rainbow.types import RainbowUser
from rainbow_exchange.rainbow.users import Reading

log = structlog.get_logger()

#: times that a list which moves is read until it is taken as it came
READINGS = 3
#: people missing from a list that moved who are asked for one by one; the others wait for the next listing
ASKED_FOR = 100
#: from so many missing people on it is doubted that they are gone, if they are most; and for how long (seconds)
DOUBTED = 5
DOUBTED_FOR = 900.0
#: seconds between two lines of the log that say how far a listing is
SAY_EVERY = 10.0


class Progress(Protocol):
    """Shows how far a listing is."""

    def __call__(self, *, done: int, total: int) -> None:
        """Take the users read, and how many Rainbow says there are."""


class RollCall:
    """Lists the company; `roster` is who was known before.

    `came` is called with each page before the next one is asked for.
    `reading` is what is being read at present; `doubted` how many are missing and were kept all the same; `moved`
    whether the last list moved to the end, so that more may be missing from it.
    """

    def __init__(
        self,
        client: RainbowClient,
        roster: Roster,
        *,
        progress: Progress,
        random: Callable[[], float],
        came: Callable[[Sequence[RainbowUser]], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._roster = roster
        self._progress = progress
        self._came = came
        self._random = random
        self._doubted_since: float | None = None
        self.reading: Reading | None = None
        self.doubted = 0
        self.moved = False

    async def call(self) -> dict[str, RainbowUser]:
        """Return whoever is there, by id: those who came, and the missing who may be there. Raises RainbowError."""
        try:
            users, self.moved = await self._read()
        finally:
            self.reading = None
        missing = [member.user for member in self._roster if member.user.id not in users]
        if missing and self.moved:
            missing = await self._still_there(missing)
        elif not self._is_doubted(len(missing)):
            missing = []
        return users | {user.id: user for user in missing}

    async def _read(self) -> tuple[dict[str, RainbowUser], bool]:
        """Read the list until it stands still; return everybody who came, and whether it moved to the end."""
        waits = backoff(2.0, 10.0, random=self._random)
        everybody: dict[str, RainbowUser] = {}
        for number in range(1, READINGS + 1):
            came = await self._read_once()
            if self.reading is None or not self.reading.moved:
                return came, False
            everybody |= came
            log.info("users_list_moved", reading=number, users=len(came))
            if number < READINGS:
                await asyncio.sleep(next(waits))
        return everybody, True

    async def _read_once(self) -> dict[str, RainbowUser]:
        loop = asyncio.get_running_loop()
        reading = self.reading = Reading(limit=self._client.page_size)
        users: dict[str, RainbowUser] = {}
        said_at = loop.time()
        async with aclosing(company_users.pages(self._client, reading)) as pages:
            async for page in pages:
                for user in page:
                    known = self._roster.get(user.id)
                    # the record that is kept already, where it is the same: a second one would double what all take
                    users[user.id] = known.user if known is not None and known.user == user else user
                if page:
                    self._progress(done=reading.read, total=reading.total or 0)
                if loop.time() - said_at >= SAY_EVERY:
                    said_at = loop.time()
                    log.info("users_being_listed", done=reading.read, total=reading.total)
                self._came(page)
        return users

    async def _still_there(self, missing: list[RainbowUser]) -> list[RainbowUser]:
        """Ask for people one by one who were missing each time; return all but those who are gone for certain."""
        there = missing[ASKED_FOR:]
        for place, user in enumerate(missing[:ASKED_FOR]):
            try:
                now = await company_users.user_by_id(self._client, user.id)
            except (RainbowApiError, UnexpectedAnswer) as error:
                log.debug("user_not_told", user=user.id, reason=str(error))
                there.append(user)
            except RainbowError:
                return [*there, *missing[place:ASKED_FOR]]
            else:
                if now is not None and now.is_active:
                    there.append(now)
        return there

    def _is_doubted(self, missing: int) -> bool:
        """Whether so many are missing that a fault at the other end is likelier, until it has lasted."""
        known, now = len(self._roster), asyncio.get_running_loop().time()
        if missing < DOUBTED or 2 * missing <= known:
            self._doubted_since, self.doubted = None, 0
            return False
        if self._doubted_since is None:
            self._doubted_since = now
            log.info("users_missing_doubted", missing=missing, known=known, removed_after_seconds=DOUBTED_FOR)
        doubted = now - self._doubted_since < DOUBTED_FOR
        self.doubted = missing if doubted else 0
        return doubted
