"""The process: the local page, the one TaskGroup for what `sides` builds, the status, and the ordered stop.

First signal: an ordered stop within ten seconds. Second: leave at once. Expected faults are met inside the parts; a bug
ends the process, and its service manager restarts it.
"""

import asyncio
import os
import random as random_module
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from types import FrameType
from typing import Any, Protocol

import structlog

from rainbow_exchange import __version__, config, metrics, status
from rainbow_exchange.bridge import coverage
from rainbow_exchange.bridge.discovery import Discovery, Place
from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.sites import Ask
from rainbow_exchange.finder import finder
from rainbow_exchange.model import Problem
from rainbow_exchange.proxies import Proxies
from rainbow_exchange.sides import Sides, build
from rainbow_exchange.state.store import FILE_NAME, Store
from rainbow_exchange.status import iso
from rainbow_exchange.web import app, runtime

log = structlog.get_logger()

#: returns where Exchange is once it is somewhere else
Moved = Callable[[EwsClient], Coroutine[Any, Any, Place]]

SCHEMA_VERSION = 1
#: seconds that an ordered stop may take in all, and two of its steps
STOP_WITHIN = 9.5
UNSUBSCRIBE_FOR = 5.0
FLUSH_FOR = 1.5
REVIEW_EVERY = 1.0


class Observer(Protocol):
    """Whoever wants to show progress.

    Events and their values: `serving(url)`, `users_listed(count)`, `subscribed(done, total)`,
    `change_told(user, mailbox, kind, seconds)`, `problem(id, text, action)`, `stopping()`, `stopped()`.
    """

    def __call__(self, event: str, /, **values: Any) -> None:
        """Take one event; must not block or raise."""


def _ignore(event: str, /, **values: Any) -> None:
    """Observe nothing."""


def utc_now() -> datetime:
    """Return the wall clock's time."""
    return datetime.now(UTC)


class Daemon:
    """The process: the local page always, both sides and the bridge between them once the settings are complete."""

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        *,
        observe: Observer = _ignore,
        now: Callable[[], datetime] = utc_now,
        random: Callable[[], float] = random_module.random,
        finder: Callable[..., AbstractAsyncContextManager[Discovery]] = finder,
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self._observe = observe
        self._now = now
        self._random = random
        self._stop = asyncio.Event()
        self._started = self._since = now()
        self._state = "starting"
        self._finder = finder
        self._discovery: Discovery | None = None
        self._sides: Sides | None = None
        self._told = metrics.Latency()
        self._problems = Problems(now=now, observe=self._show_problem)

    def stop(self) -> None:
        """Ask for an ordered stop."""
        self._stop.set()

    async def run(self) -> int:
        """Run until stopped; return the exit code 0. Raises UserError for what an administrator can mend."""
        folder = config.data_folder(self._settings)
        log.info("starting", version=__version__, pid=os.getpid(), folder=str(folder))
        async with AsyncExitStack() as stack:
            store = Store.open(folder / FILE_NAME)
            stack.callback(store.close)
            self._proxies = Proxies(self._settings, self._secrets, store=store, now=self._now)
            await stack.enter_async_context(self._page())
            missing = config.missing(self._settings, self._secrets)
            if missing:
                self._say_missing(missing)
                await self._stop.wait()
            elif (url := self._settings.exchange.url) is not None and self._settings.exchange.autodiscover_url is None:
                await self._connect(store, url)
            else:
                await self._connect_with_autodiscover(store, url)
        self._observe("stopped")
        log.info("stopped")
        return 0

    async def _connect_with_autodiscover(self, store: Store, url: str | None) -> None:
        """Look for Exchange unless `url` tells where it is or it was found before; follow it when it moves."""
        parts = {
            "proxies": self._proxies,
            "store": store,
            "problems": self._problems,
            "now": self._now,
            "random": self._random,
        }
        async with self._finder(self._settings, self._secrets, **parts) as discovery:
            if url is not None:
                named = self._settings.exchange.autodiscover_url or ""
                await self._connect(store, url, ask_sites=discovery.ask_at(named))
                return
            self._discovery = discovery
            place = discovery.remembered() or await self._unless_stopped(discovery.find())
            while place is not None:
                ask_sites, moved = discovery.ask_at(place.autodiscover_url), partial(discovery.moved, place=place)
                place = await self._connect(store, place.url, ask_sites=ask_sites, moved=moved)

    async def _unless_stopped(self, search: Coroutine[Any, Any, Place]) -> Place | None:
        """Return what a search finds, None once asked to stop."""
        async with asyncio.TaskGroup() as tasks:
            state = tasks.create_task(self._keep_state(), name="state")
            searching = tasks.create_task(search, name="discovery")
            stop = tasks.create_task(self._stop.wait(), name="stop")
            await asyncio.wait({searching, stop}, return_when=asyncio.FIRST_COMPLETED)
            for task in (state, searching, stop):
                task.cancel()
        return None if searching.cancelled() else searching.result()

    async def _connect(
        self, store: Store, url: str, *, ask_sites: Ask | None = None, moved: Moved | None = None
    ) -> Place | None:
        """Run both sides, Exchange at `url`, until asked to stop, or `moved` tells where it is now: return that."""
        async with build(
            self._settings,
            self._secrets,
            url=url,
            ask_sites=ask_sites,
            proxies=self._proxies,
            store=store,
            problems=self._problems,
            latency=self._told,
            observe=self._observe,
            now=self._now,
            random=self._random,
        ) as sides:
            self._sides = sides
            place = await self._serve(sides, moved)
        if place is not None:
            self._sides = None
        return place

    async def _serve(self, sides: Sides, moved: Moved | None) -> Place | None:
        """Run both sides and the bridge in the one TaskGroup until one of them ends it; then stop in order."""
        async with asyncio.TaskGroup() as tasks:
            bridge = tasks.create_task(sides.pipeline.run(), name="bridge")
            link = tasks.create_task(sides.link.run(), name="link")
            sign_in = tasks.create_task(sides.rainbow.run(), name="rainbow")
            others = [
                tasks.create_task(self._keep_state(), name="state"),
                tasks.create_task(sides.password.run(), name="password"),
            ]
            ends: list[asyncio.Task[Any]] = [tasks.create_task(self._stop.wait(), name="stop")]
            if moved is not None:
                ends.append(tasks.create_task(moved(sides.exchange), name="moved"))
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            try:
                async with asyncio.timeout(STOP_WITHIN):
                    await self._stop_in_order(sides, bridge, link, sign_in)
            except TimeoutError:
                log.warning("stop_cut_short", after_seconds=STOP_WITHIN)
            finally:
                for task in (bridge, link, sign_in, *others, *ends):
                    task.cancel()
        return next((end.result() for end in ends[1:] if not end.cancelled()), None)

    async def _stop_in_order(
        self, sides: Sides, bridge: asyncio.Task[None], link: asyncio.Task[None], sign_in: asyncio.Task[None]
    ) -> None:
        """Nothing new is begun; streams and subscriptions are closed; whoever is due is told; both sides are left."""
        self._review()
        if self._stop.is_set():
            self._observe("stopping")
            log.info("stopping", within_seconds=STOP_WITHIN)
        await _ended(bridge)
        sides.pipeline.membership.remember()
        report = await sides.pipeline.parts.watcher.close(UNSUBSCRIBE_FOR)
        untold = await sides.pipeline.parts.notifier.flush(FLUSH_FOR)
        await _ended(link)
        await _ended(sign_in)  # or it would sign in again
        await sides.rainbow.logout()
        log.info("ended_in_order", unsubscribed=report.unsubscribed, left_to_expire=report.left, untold=untold)

    @asynccontextmanager
    async def _page(self) -> AsyncIterator[None]:
        """Serve the local page, and let commands on this machine find it."""
        folder, web = config.data_folder(self._settings), self._settings.web
        token, nonce = runtime.new_secret(), runtime.new_secret()
        page = app.make_app(
            status=self.status,
            ready=self.ready,
            metrics=lambda: metrics.render(self.measures()),
            retry=self.retry,
            token=token,
            nonce=nonce,
        )
        async with app.serve(page, web.host, web.port) as port:
            published = runtime.publish(folder, host=web.host, port=port, nonce=nonce, token=token, now=self._now())
            try:
                log.info("page_served", host=web.host, port=port)
                self._observe("serving", url=f"http://{web.host}:{port}")
                yield
            finally:
                runtime.withdraw(folder, published)

    def ready(self) -> bool:
        """Whether both sides are connected."""
        sides = self._sides
        return (
            sides is not None
            and not self._stop.is_set()
            and sides.health.exchange()["state"] == "connected"
            and sides.health.rainbow()["state"] == "connected"
        )

    async def _keep_state(self) -> None:
        """Review everything each second, so that problems and states begin when they begin, not when someone looks."""
        while True:
            self._review()
            await asyncio.sleep(REVIEW_EVERY)

    def _review(self) -> None:
        if self._sides is not None:
            self._sides.health.review()
        state = self._overall(list(self._problems))
        if state != self._state:
            log.info("state_changed", state=state, before=self._state)
            self._state, self._since = state, self._now()

    def status(self) -> dict[str, Any]:
        """Return the status as `docs/reference/status.md` has it."""
        self._review()
        return {
            "schema_version": SCHEMA_VERSION,
            "state": self._state,
            "since": iso(self._since),
            **(status.of_sides(self._sides) if self._sides else status.without_sides(self._discovery, self._problems)),
            "latency": {"told_p50": self._told.quantile(0.5), "told_p99": self._told.quantile(0.99)},
            "problems": [asdict(problem) | {"since": iso(problem.since)} for problem in self._problems],
        }

    def retry(self, addresses: list[str] | None) -> dict[str, Any]:
        """Try at once what was to be tried later: for these users, or with None for everybody."""
        self._proxies.try_again()
        if self._sides is None:
            if self._discovery is not None:
                self._discovery.try_again()
            return {"retried": [], "read": [], "streamed": [], "unknown": addresses or []}
        self._sides.rainbow.try_again()
        return asdict(coverage.retry(self._sides.pipeline, self._sides.exchange, addresses))

    def _overall(self, problems: list[Problem]) -> str:
        if self._stop.is_set():
            return "stopping"
        if any(problem.severity != "notice" for problem in problems):
            return "degraded"
        starting = self._state == "starting"
        if self._sides is None or not self.ready():
            return "starting" if starting else "degraded"
        return "starting" if starting and not self._sides.health.settled() else "healthy"

    def _say_missing(self, missing: list[str]) -> None:
        found = "" if self._settings.exchange.url else " Without exchange.url, Exchange is looked for by autodiscover."
        self._problems.report(
            "settings-missing",
            severity="error",
            text=f"The connector waits for its settings: {', '.join(missing)}.{found}",
            action="Set them in config.toml or as RAINBOW_EXCHANGE_… variables (secrets: variable, <name>_file or"
            " keyring), then restart.",
        )

    def _show_problem(self, problem: Problem) -> None:
        self._observe("problem", id=problem.id, text=problem.text, action=problem.action)

    def measures(self) -> dict[str, Any]:
        """Return the view that `metrics.render` reads."""
        view: dict[str, Any] = {
            "version": __version__,
            "start_time_seconds": self._started.timestamp(),
            "told_latency_seconds": self._told,
        }
        if self._sides is not None:
            view |= self._sides.health.measures()
        view["problems"] = {
            severity: sum(problem.severity == severity for problem in self._problems)
            for severity in ("error", "warning", "notice")
        }
        return view


@contextmanager
def _signals(daemon: Daemon) -> Iterator[None]:
    """First signal: ordered stop; second: leave at once. Windows loops have no add_signal_handler."""
    loop = asyncio.get_running_loop()
    asked = False

    def on_signal(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            os._exit(128 + number)
        asked = True
        loop.call_soon_threadsafe(daemon.stop)

    names = ("SIGINT", "SIGTERM", "SIGBREAK")
    before = {number: signal.signal(number, on_signal) for name in names if (number := getattr(signal, name, None))}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def run(settings: Settings, *, secrets: Secrets, observe: Observer = _ignore) -> int:
    """Run the connector until SIGINT, SIGTERM or SIGBREAK; return the exit code."""
    daemon = Daemon(settings, secrets, observe=observe)
    with _signals(daemon):
        return await daemon.run()


async def _ended(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait until it has ended; what it raises is the TaskGroup's business."""
    task.cancel()
    await asyncio.wait([task])
