"""Has both sides and the bridge as the settings want them: builds, leaves in order, and builds anew what they change.

The Rainbow side stands as long as its credentials do. Within its life the Exchange side and the bridge come and go:
with the settings, and with the place where autodiscover says that Exchange is.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import datetime
from functools import partial
from typing import Any

from rainbow_exchange.bridge.assemble import Observe
from rainbow_exchange.bridge.discovery import Discovery, Place
from rainbow_exchange.bridge.history import History
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.bridge.timings import Timings
from rainbow_exchange.credentials import exposed_files
from rainbow_exchange.ending import STOP_WITHIN, first_of
from rainbow_exchange.errors import UserError
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.sites import Ask
from rainbow_exchange.set_apart import SetApart
from rainbow_exchange.sides import exchange as exchange_side
from rainbow_exchange.sides import rainbow as rainbow_side
from rainbow_exchange.sides.exchange import ExchangeSide
from rainbow_exchange.sides.holds import STARTING, SWITCHED_OFF, Hold
from rainbow_exchange.sides.outages import Outages
from rainbow_exchange.sides.proxies import Proxies
from rainbow_exchange.sides.rainbow import RainbowSide
from rainbow_exchange.sides.wanted import Wanted, Wish
from rainbow_exchange.state.store import Store
from rainbow_exchange.words import _, sentences

#: whether what was built is wanted no more
Over = Callable[[], bool]
#: returns where Exchange is once it is somewhere else
Moved = Callable[[EwsClient], Coroutine[Any, Any, Place | None]]


class Sides:
    """Both sides as they are now; each None while there is none.

    `discovery` is there while Exchange is looked for, or was found by it; `settling` until a new bridge was at rest
    once; `hold` why a side is not there. `finder` builds what looks for Exchange.
    """

    rainbow: RainbowSide | None = None
    exchange: ExchangeSide | None = None
    discovery: Discovery | None = None
    hold: Hold | None = None
    settling = True

    def __init__(
        self,
        wanted: Wanted,
        *,
        finder: Callable[..., AbstractAsyncContextManager[Discovery]],
        proxies: Proxies,
        store: Store,
        problems: Problems,
        timings: Timings,
        observe: Observe,
        now: Callable[[], datetime],
        random: Callable[[], float],
        history: History,
    ) -> None:
        self.history = history
        self.outages = Outages(history, now=now)
        self._wanted = wanted
        self._finder = finder
        self._proxies = proxies
        self._store = store
        self._problems = problems
        self.timings = timings
        self._observe = observe
        self._now = now
        self._random = random
        self._apart = SetApart()

    def bridge(self) -> Pipeline | None:
        """Return the bridge between both, while there is one."""
        return self.exchange.pipeline if self.exchange else None

    def why_no_bridge(self) -> str:
        """Say what a bridge is missing."""
        waits = _("Exchange and Rainbow are not both there yet; rainbow-exchange status says what is waited for.")
        return self.hold.reason if self.hold is not None else waits

    def review(self) -> None:
        """Open and close problems by what the parts say now."""
        self._review_files()
        if self.exchange is not None:
            self.exchange.health.review()
        if self.rainbow is not None:
            self.rainbow.review(self.exchange.health if self.exchange else None)
        if self.settling and self.connected() and self.exchange and self.exchange.health.settled():
            self.settling = False
        bridge = self.bridge()
        people = len(bridge.parts.roster) if bridge else 0
        self._apart.review(bridge, people=people, settled=not self.settling)
        absent = {"state": self.hold.state, "reason": self.hold.reason} if self.hold else STARTING
        self.outages.review(
            self.exchange.health.exchange() if self.exchange else absent,
            self.rainbow.health.state() if self.rainbow else absent,
            why_exchange=self.exchange.health.cause() if self.exchange else None,
            why_rainbow=self.rainbow.health.cause() if self.rainbow else None,
            ids=self.rainbow.health.ids() if self.rainbow else {},
        )

    def _review_files(self) -> None:
        """Say which files of secrets others may read, as long as they may."""
        if not self._wanted.secrets.exposed:
            return
        if said := exposed_files(self._wanted.settings):
            remedy = _("Let only the service's account and administrators read it; this goes away by itself then.")
            self._problems.report("settings-secret-exposed", severity="notice", text=said, action=remedy)
        else:
            self._problems.clear("settings-secret-exposed")

    def connected(self) -> bool:
        """Whether both sides are; Rainbow alone, where Exchange is switched off."""
        if self.rainbow is None or self.rainbow.health.state()["state"] != "connected":
            return False
        if self.exchange is None:
            return self.hold is SWITCHED_OFF
        return self.exchange.health.exchange()["state"] == "connected"

    async def run(self) -> None:
        """Have what is wanted until nothing is any more."""
        with self._apart.watching():
            while not self._wanted.stopping:
                wish, over = self._wanted.rainbow(), self._over(self._wanted.rainbow)
                if wish.hold:
                    with self._holding(wish.hold):
                        await self._wanted.until(over)
                else:
                    await self._unless_faulty(self._with_rainbow(wish, over), over)

    def _over(self, wanted: Callable[[], Wish], outer: Over = lambda: False) -> Over:
        """Give what tells that something else is wanted than now."""
        wish = wanted()
        return lambda: self._wanted.stopping or outer() or wanted() != wish

    async def _with_rainbow(self, wish: Wish, over: Over) -> None:
        """Have this Rainbow side until it is `over`, and meanwhile the Exchange side that is wanted."""
        async with rainbow_side.build(
            wish.settings,
            wish.secrets,
            proxy=self._proxies.to_rainbow(),
            store=self._store,
            problems=self._problems,
            now=self._now,
            random=self._random,
            took=self._wanted.take,
        ) as side:
            self.rainbow = side
            try:
                async with side.at_work(self._until):
                    while not over():
                        await self._next_exchange(side, over)
            finally:
                self.rainbow = None
                self._wanted.take(None)

    async def _next_exchange(self, rainbow: RainbowSide, outer: Over) -> None:
        """Have the Exchange side that is wanted now until another one is; none while settings are missing."""
        wish, over = self._wanted.exchange(), self._over(self._wanted.exchange, outer)
        if wish.hold:
            with self._holding(wish.hold):
                await self._wanted.until(over)
        else:
            await self._unless_faulty(self._with_exchange(wish, rainbow, over), over)

    async def _with_exchange(self, wish: Wish, rainbow: RainbowSide, over: Over) -> None:
        """Have this Exchange side until it is `over`."""
        place = wish.settings.exchange
        if place.url is not None and place.autodiscover_url is None:
            await self._connect(wish, rainbow, over, url=place.url)
            return
        with self._problems.for_a_time() as problems:
            async with self._finder(
                wish.settings,
                wish.secrets,
                rainbow=rainbow.client,
                proxies=self._proxies,
                store=self._store,
                problems=problems,
                now=self._now,
                random=self._random,
            ) as discovery:
                if place.url is None:
                    await self._connect_where_found(wish, rainbow, over, discovery)
                else:
                    ask_sites = discovery.ask_at(place.autodiscover_url or "")
                    await self._connect(wish, rainbow, over, url=place.url, ask_sites=ask_sites)

    async def _connect_where_found(self, wish: Wish, rainbow: RainbowSide, over: Over, discovery: Discovery) -> None:
        """Look for Exchange, unless it was found before, and follow it when it moves."""
        self.discovery = discovery
        try:
            place = discovery.remembered() or await first_of(discovery.find(), self._none_once(over))
            while place is not None:
                ask_sites, moved = discovery.ask_at(place.autodiscover_url), partial(discovery.moved, place=place)
                place = await self._connect(wish, rainbow, over, url=place.url, ask_sites=ask_sites, moved=moved)
        finally:
            self.discovery = None

    async def _connect(
        self,
        wish: Wish,
        rainbow: RainbowSide,
        over: Over,
        *,
        url: str,
        ask_sites: Ask | None = None,
        moved: Moved | None = None,
    ) -> Place | None:
        """Run the bridge to Exchange at `url` until it is `over`, or `moved` tells where it is now: return that."""
        async with exchange_side.build(
            wish.settings,
            wish.secrets,
            url=url,
            ask_sites=ask_sites,
            rainbow=rainbow.client,
            proxies=self._proxies,
            store=self._store,
            problems=self._problems,
            timings=self.timings,
            observe=self._observe,
            now=self._now,
            random=self._random,
            history=self.history,
        ) as side:
            self.exchange, self.settling = side, True
            try:
                async with (
                    side.at_work(self._until, tell=lambda: not self._wanted.switched_off),
                    rainbow.bridged(side.pipeline),
                ):
                    ends = [self._none_once(over)] + ([moved(side.exchange)] if moved else [])
                    return await first_of(*ends)
            finally:
                self.exchange = None

    async def _none_once(self, over: Over) -> Place | None:
        await self._wanted.until(over)
        return None

    def _until(self) -> float:
        """Until when, on the loop's clock, a side may take to be left; both together, once asked to stop."""
        began = self._wanted.stopped_at
        return (asyncio.get_running_loop().time() if began is None else began) + STOP_WITHIN

    async def _unless_faulty(self, work: Coroutine[Any, Any, None], over: Over) -> None:
        """Do what builds by the settings. What is wrong with them is said until they change, but raised at the start.

        A service manager must not restart a process for what will not be better then.
        """
        try:
            await work
        except UserError as error:
            if not self._wanted.anew:
                raise
            fault = Hold(
                state="unconfigured",
                reason=_("Settings cannot be used."),
                problem="settings-faulty",
                text=sentences(*error.problems),
                action=_("Correct it where it was entered."),
            )
            with self._holding(fault):
                await self._wanted.until(over)

    @contextmanager
    def _holding(self, hold: Hold) -> Iterator[None]:
        """Say why there is nothing while the context is open."""
        with self._problems.for_a_time() as problems:
            if hold.problem:
                problems.report(hold.problem, severity=hold.severity, text=hold.text, action=hold.action)
            self.hold = hold
            try:
                yield
            finally:
                self.hold = None
