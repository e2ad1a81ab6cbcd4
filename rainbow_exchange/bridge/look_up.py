"""Single addresses that Rainbow asks about and we do not know: who has them, found out a few at a time.

A flood of such questions floods nobody else: each address is asked for once, four at a time and ten a second at most,
and not at all once nobody waits for it any more.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rainbow_exchange.rainbow.errors import RateLimited
from rainbow_exchange.rainbow.types import RainbowUser

#: addresses asked for at the same time, and the seconds that each of these places is taken while others wait
PLACES = 4
PLACE_TAKEN_FOR = 0.4
#: addresses that may wait
MOST_WAITING = 10_000
#: seconds for which an address that nobody has is not looked up again, and how many such addresses are kept
NOT_FOUND_FOR = 60.0
NOT_FOUND_KEPT = 10_000


@dataclass(slots=True, eq=False)
class _Wanted:
    """An address that somebody waits for; `listing` is the newest full listing that had begun when it came."""

    address: str
    listing: int
    found: asyncio.Future[RainbowUser | None]
    waiting: int = 0


class LookUps:
    """Asks for addresses by `ask`, and remembers for a minute which ones nobody has."""

    def __init__(self, ask: Callable[[str], Awaitable[RainbowUser | None]]) -> None:
        self._ask = ask
        self._wanted: dict[str, _Wanted] = {}
        self._queue: OrderedDict[str, _Wanted] = OrderedDict()
        self._asking: set[asyncio.Task[None]] = set()
        self._nobody: OrderedDict[str, float] = OrderedDict()

    def is_nobody(self, address: str) -> bool:
        """Whether nobody had this address less than a minute ago."""
        return self._nobody.get(_key(address), 0.0) > asyncio.get_running_loop().time()

    def remember_nobody(self, address: str) -> None:
        """Note that nobody has this address."""
        key = _key(address)
        self._nobody.pop(key, None)
        self._nobody[key] = asyncio.get_running_loop().time() + NOT_FOUND_FOR
        if len(self._nobody) > NOT_FOUND_KEPT:
            self._nobody.popitem(last=False)

    async def find(self, address: str, *, listing: int) -> RainbowUser | None:
        """Return who has this address by Rainbow's own search, None if nobody. Raises RainbowError.

        `listing` is the newest full listing that has begun: one that begins later may settle it first (`settle`).
        """
        key = _key(address)
        wanted = self._wanted.get(key)
        if wanted is None:
            if len(self._wanted) >= MOST_WAITING:
                raise RateLimited(NOT_FOUND_FOR)
            found: asyncio.Future[RainbowUser | None] = asyncio.get_running_loop().create_future()
            found.add_done_callback(_seen)
            wanted = self._wanted[key] = self._queue[key] = _Wanted(address.strip(), listing, found)
            self._begin()
        wanted.waiting += 1
        try:
            return await asyncio.shield(wanted.found)
        finally:
            wanted.waiting -= 1
            if not wanted.waiting and self._queue.get(key) is wanted:
                self._drop(key)

    def settle(self, listing: int) -> None:
        """The full listing of this number has come through: it has answered whatever waited when it began."""
        for key, wanted in list(self._queue.items()):
            if wanted.listing < listing:
                self._drop(key)
                if not wanted.found.done():
                    wanted.found.set_result(None)

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._asking)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for wanted in self._wanted.values():
            wanted.found.cancel()
        self._wanted.clear()
        self._queue.clear()

    def _begin(self) -> None:
        if len(self._asking) < PLACES:
            self._asking.add(asyncio.create_task(self._work(), name="look-up"))

    async def _work(self) -> None:
        try:
            while self._queue:
                began = asyncio.get_running_loop().time()
                await self._ask_for(*self._queue.popitem(last=False))
                if self._queue:
                    await asyncio.sleep(max(0.0, began + PLACE_TAKEN_FOR - asyncio.get_running_loop().time()))
        finally:  # before anybody else has a turn, or whoever comes now would find no place and nobody at work
            if task := asyncio.current_task():
                self._asking.discard(task)

    async def _ask_for(self, key: str, wanted: _Wanted) -> None:
        try:
            user = await self._ask(wanted.address)
        except Exception as error:  # noqa: BLE001 (a bug as well has to reach whoever waits)
            wanted.found.set_exception(error)
        else:
            wanted.found.set_result(user)
        finally:
            self._wanted.pop(key, None)
            wanted.found.cancel()  # where nothing was set: the end has come

    def _drop(self, key: str) -> None:
        self._queue.pop(key, None)
        self._wanted.pop(key, None)


def _seen(found: asyncio.Future[RainbowUser | None]) -> None:
    """Take note of an error even where everybody who waited has gone."""
    if not found.cancelled():
        found.exception()


def _key(address: str) -> str:
    return address.strip().lower()
