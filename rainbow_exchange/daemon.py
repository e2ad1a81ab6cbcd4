"""The process: the local page, both sides as the settings want them (`sides`), the status, and the ordered stop.

First signal: an ordered stop within ten seconds. Second: leave at once. Expected faults are met inside the parts; a bug
ends the process, and its service manager restarts it.
"""

import asyncio
import os
import random as random_module
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import structlog

from rainbow_exchange import __version__, config, event_loop, logs, metrics, process, status
from rainbow_exchange.bridge import coverage
from rainbow_exchange.bridge.discovery import Discovery
from rainbow_exchange.bridge.history import History
from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.bridge.timings import Timings
from rainbow_exchange.clock import Clock
from rainbow_exchange.condition import Condition
from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.diagnosis import log_level
from rainbow_exchange.diagnosis.preview import not_ready, preview
from rainbow_exchange.diagnosis.resync import Resyncs
from rainbow_exchange.ending import STOP_WITHIN, whole
from rainbow_exchange.errors import UserError, problems_in
from rainbow_exchange.histogram import Latency
from rainbow_exchange.json_text import iso
from rainbow_exchange.local_calls import Known, local_calls
from rainbow_exchange.loop_lag import LoopLag
from rainbow_exchange.measured import measured
from rainbow_exchange.model import Problem
from rainbow_exchange.page import Page, pages
from rainbow_exchange.sides.both import Sides
from rainbow_exchange.sides.finder import finder
from rainbow_exchange.sides.proxies import Proxies
from rainbow_exchange.sides.shown import shown
from rainbow_exchange.sides.wanted import Wanted
from rainbow_exchange.sign_up.keeping import effective
from rainbow_exchange.state import kept
from rainbow_exchange.state.store import FILE_NAME, Store
from rainbow_exchange.web import app, runtime, tls
from rainbow_exchange.web.door import sign_in_path
from rainbow_exchange.web.sessions import Sessions
from rainbow_exchange.words import _

log = structlog.get_logger()

SCHEMA_VERSION = 1
REVIEW_EVERY = 1.0


class Observer(Protocol):
    """Whoever wants to show progress.

    Events and their values: `serving(url, sign_in)`, `listing_users(done, total)`, `users_listed(count)`,
    `subscribed(done, total)`, `change_told(user, mailbox, kind, seconds)`, `problem(id, text, action)`, `stopping()`,
    `stopped()`.
    """

    def __call__(self, event: str, /, **values: Any) -> None:
        """Take one event; must not block or raise."""


def _ignore(event: str, /, **values: Any) -> None:
    """Observe nothing."""


def utc_now() -> datetime:
    """Return the wall clock's time."""
    return datetime.now(UTC)


class Daemon:
    """The process: the local page always, and of the rest what the settings want and allow.

    `read` reads the settings and secrets of this machine anew, in a thread (`reload`).
    """

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        *,
        observe: Observer = _ignore,
        now: Callable[[], datetime] = utc_now,
        random: Callable[[], float] = random_module.random,
        finder: Callable[..., AbstractAsyncContextManager[Discovery]] = finder,
        read: Callable[[], tuple[Settings, Secrets]] | None = None,
        lag: LoopLag | None = None,
    ) -> None:
        self._wanted = Wanted(settings, secrets)
        #: the settings above what was made on this machine
        self._given = settings
        self._store: Store | None = None
        self._read = read
        self._observe = observe
        self._now = now
        self._random = random
        self._finder = finder
        self._sides: Sides | None = None
        problems = Problems(now=now, observe=self._show_problem)
        timings = Timings(Latency(), Latency(), now)
        self._condition = Condition(self._wanted, problems, timings, now=now)
        self._lag = lag or LoopLag()

    @property
    def sides(self) -> Sides:
        """Both sides, which are there from before the page is served until the end."""
        if self._sides is None:
            raise RuntimeError("the daemon does not run yet")
        return self._sides

    def stop(self) -> None:
        """Ask for an ordered stop."""
        if not self._wanted.stopping:
            self._wanted.stop()
            self._condition.review()
            self._observe("stopping")
            log.info("stopping", within_seconds=STOP_WITHIN)

    async def reload(self) -> None:
        """Read the settings and secrets of this machine anew, and build anew what they change; the rest stays.

        Raises UserError where they are faulty: then nothing changes. What web, state and log say, but for the level,
        counts from the next start.
        """
        secrets = self._wanted.secrets
        if self._read is not None:
            self._given, secrets = await asyncio.to_thread(self._read)
        settings = self._given if self._store is None else effective(self._given, self._store)
        log.info("settings_read_anew")
        logs.SWITCH.settings_say(settings.log.level)
        self._proxies.use(settings, secrets)
        self._wanted.use(settings, secrets)

    async def run(self) -> int:
        """Run until stopped; return the exit code 0. Raises UserError for what an administrator can mend."""
        folder = config.data_folder(self._wanted.settings)
        log.info("starting", version=__version__, pid=os.getpid(), folder=str(folder), event_loop=event_loop.running())
        async with AsyncExitStack() as stack:
            store = Store.open(folder / FILE_NAME)
            stack.callback(store.close)
            self._store = store
            kept.restore(store)
            self._wanted.settings = effective(self._given, store)
            self._proxies = Proxies(self._wanted.settings, self._wanted.secrets, store=store, now=self._now)
            history = History.open(folder, now=self._now)
            stack.callback(history.close)
            self._sides = self._condition.sides = Sides(
                self._wanted,
                finder=self._finder,
                proxies=self._proxies,
                store=store,
                problems=self._condition.problems,
                timings=self._condition.timings,
                observe=self._observe,
                now=self._now,
                random=self._random,
                history=history,
            )
            known = self._known(store, self._sides)
            page = pages(known)
            stack.callback(self._sides.outages.stopping)
            await stack.enter_async_context(self._page(folder, known, page))
            faults: BaseExceptionGroup[UserError] | None = None
            try:
                async with asyncio.TaskGroup() as tasks:
                    beside = [
                        tasks.create_task(self._keep_state(), name="state"),
                        tasks.create_task(self._resyncs.run(), name="resync"),
                        tasks.create_task(page.run(), name="page"),
                        tasks.create_task(history.run(), name="history"),
                        tasks.create_task(self._lag.run(), name="lag"),
                    ]
                    await self._sides.run()
                    for each in beside:
                        each.cancel()
            except* UserError as group:
                faults = group
            if faults is not None:
                raise UserError(problems_in(faults))
        self._observe("stopped")
        log.info("stopped")
        return 0

    def _known(self, store: Store, sides: Sides) -> Known:
        self._resyncs = Resyncs(sides.bridge, sides.why_no_bridge)
        return Known(
            daemon=self,
            given=lambda: self._given,
            wanted=self._wanted,
            store=store,
            sides=sides,
            resyncs=self._resyncs,
            condition=self._condition,
            now=self._now,
            random=self._random,
        )

    @asynccontextmanager
    async def _page(self, folder: Path, known: Known, shown: Page) -> AsyncIterator[None]:
        """Serve the local page, and let commands on this machine find it."""
        web = self._wanted.settings.web
        token, nonce, sessions = runtime.new_secret(), runtime.new_secret(), Sessions()
        page = app.make_app(
            status=self.status,
            ready=self.ready,
            metrics=self.metrics,
            calls=local_calls(known),
            token=token,
            nonce=nonce,
            sessions=sessions,
            views=shown.views,
            changes=shown.changes,
            files=shown.files,
        )
        by = tls.of(web.tls_certificate_file, web.tls_key_file)
        async with app.serve(page, web.host, web.port, tls=by, names=web.allowed_hosts) as port:
            served = page[app.ADDRESSES]
            where = partial(runtime.publish, folder, **asdict(served), nonce=nonce, token=token)
            published = await whole(asyncio.to_thread(where, now=self._now()))
            try:
                log.info("page_served", host=web.host, port=port)
                self._observe("serving", url=served.page, sign_in=served.page + sign_in_path(sessions))
                yield
            finally:
                runtime.withdraw(folder, published)

    async def use_login(self) -> str:
        """Use what `login` has kept, or has forgotten; say what is still missing."""
        await self.reload()
        if hold := self._wanted.rainbow().hold:
            return hold.text
        missing = config.missing_for_exchange(self._wanted.settings, self._wanted.secrets)
        if not missing:
            return ""
        return _(
            "This machine's settings lack {names}: Rainbow's administration is asked for that; see status.",
            names=", ".join(missing),
        )

    def ready(self) -> bool:
        """Whether what is wanted is there."""
        return self._condition.ready()

    async def _keep_state(self) -> None:
        """Review everything each second, so that problems and states begin when they begin, not when someone looks."""
        loop = asyncio.get_running_loop()
        clock = Clock(self._now(), loop.time(), every=REVIEW_EVERY)
        while True:
            self._condition.review()
            await asyncio.sleep(REVIEW_EVERY)
            if leap := clock.leap(self._now(), loop.time()):
                self._leapt(leap)

    def _leapt(self, seconds: float) -> None:
        """The clock was set, or the machine has slept: instants that were kept mean nothing, connections may be dead.

        Both sides begin anew, as at a start: everybody is subscribed and read, and Rainbow is told of everybody.
        """
        log.warning("clock_leapt", seconds=round(seconds))
        self._wanted.begin_anew()

    def status(self) -> dict[str, Any]:
        """Return the status as `docs/reference/status.md` has it."""
        condition = self._condition
        condition.review()
        return {
            "schema_version": SCHEMA_VERSION,
            "state": condition.state,
            "since": iso(condition.since),
            "started": iso(condition.started),
            "event_loop": event_loop.running(),
            **status.of(condition.sides, condition.timings),
            "settings": shown(self._wanted),
            "log": log_level.view(self._now()),
            "problems": [asdict(problem) | {"since": iso(problem.since)} for problem in condition.problems],
        }

    def retry(self, addresses: list[str] | None) -> dict[str, Any]:
        """Try at once what was to be tried later: for these users, or with None for everybody."""
        sides = self.sides
        self._proxies.try_again()
        if sides.rainbow is not None:
            sides.rainbow.client.try_again()
            sides.rainbow.link.try_again()
            sides.rainbow.administration.refresh()
        if sides.exchange is not None:
            return asdict(coverage.retry(sides.exchange.pipeline, sides.exchange.exchange, addresses))
        if sides.discovery is not None:
            sides.discovery.try_again()
        nobody: dict[str, Any] = {"retried": [], "read": [], "streamed": [], "unknown": [], "several": []}
        return nobody | {"reason": sides.why_no_bridge()}

    async def preview(self, address: str) -> dict[str, Any]:
        """Return what Rainbow would be told of whoever has this address (`docs/reference/commands.md`)."""
        sides = self.sides
        if sides.rainbow is not None and sides.exchange is not None:
            return await preview(address, sides.exchange.pipeline, sides.rainbow.link)
        return not_ready(address, sides.why_no_bridge())

    def _show_problem(self, problem: Problem) -> None:
        self._observe("problem", id=problem.id, text=problem.text, action=problem.action)

    def metrics(self) -> bytes:
        """Return what `/metrics` shows."""
        return metrics.render(self.measures()) + process.exposition()

    def measures(self) -> dict[str, Any]:
        """Return the view that `metrics.render` reads."""
        return measured(self._condition, self._lag)


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


async def run(
    settings: Settings,
    *,
    secrets: Secrets,
    observe: Observer = _ignore,
    read: Callable[[], tuple[Settings, Secrets]] | None = None,
) -> int:
    """Run the connector until SIGINT, SIGTERM or SIGBREAK; return the exit code. `read`: see Daemon."""
    daemon = Daemon(settings, secrets, observe=observe, read=read)
    with _signals(daemon):
        return await daemon.run()
