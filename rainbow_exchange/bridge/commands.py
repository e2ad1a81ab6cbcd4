"""What Rainbow's administration orders, carried out one at a time, each answered with its end.

How a connector ends a command is documented for REST only (`command_report`); that whoever sent it gets a message, too,
is ours.
"""

import asyncio
import json
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from rainbow_exchange.backoff import backoff
from rainbow_exchange.bridge.synchronise import NotSynchronised
from rainbow_exchange.json_text import read_json
from rainbow_exchange.rainbow.assumed import COMMAND_ENDED_TO_SENDER
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.command_report import report_command
from rainbow_exchange.rainbow.errors import RainbowApiError, RainbowAuthenticationError, RainbowError, RateLimited, ids
from rainbow_exchange.rainbow.management import Command, ConfigurationChanged, Order
from rainbow_exchange.state.errors import StateError
from rainbow_exchange.state.store import Store

log = structlog.get_logger()

SYNCHRONISE = "manual_synchro"
_KEY = "commands"
#: what else Rainbow's SDK names: nothing that a connector of calendars has to do
_OF_DIRECTORIES = frozenset({"manual_dry_run", "manual_synchro_directories", "manual_dry_run_directories"})
#: commands that may wait, and ended ones whose end is known in case they come again
MOST_WAITING = 20
REMEMBERED = 100
#: seconds from the end of one run to the next one
AT_LEAST_BETWEEN_RUNS = 10.0
#: how often the end of a command is reported while Rainbow cannot be reached
_TRIES = 6


class Told(Protocol):
    """Reports something as an event."""

    def __call__(self, category: str, operation: str, description: str, *, id_: str, level: str = "INFO") -> None:
        """Take it; `id_` is its own for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a command ended; `details` may be shown to anybody."""

    outcome: str
    details: str


class Commands:
    """Carries out commands; `run` must be running. `counters` are outcomes: see `docs/reference/metrics.md`.

    `synchronise` raises NotSynchronised. `tell_ended(to, command_id)` is to be set to what sends a message over the
    link; where it stays None, none is sent.
    """

    tell_ended: Callable[[str, str], Awaitable[None]] | None = None

    def __init__(
        self,
        client: RainbowClient,
        *,
        synchronise: Callable[[], Awaitable[str]],
        refresh_settings: Callable[[], None],
        told: Told,
        store: Store,
        now: Callable[[], datetime],
        random: Callable[[], float],
        message_when_ended: bool = COMMAND_ENDED_TO_SENDER,
    ) -> None:
        self._client = client
        self._synchronise = synchronise
        self._refresh_settings = refresh_settings
        self._message_when_ended = message_when_ended
        self._told = told
        self._store = store
        self._now = now
        self._random = random
        self._waiting: deque[tuple[Command, str]] = deque()
        self._under_way: list[tuple[Command, str]] = []
        self._ended: OrderedDict[str, End] = OrderedDict()
        self._wake = asyncio.Event()
        self._interrupted = _recalled(store)
        self.counters: Counter[str] = Counter()

    def take(self, order: Order, sender: str) -> None:
        """Have an order carried out that `sender`, a JID, has given; it is known to be allowed to."""
        if isinstance(order, ConfigurationChanged):
            self.counters["settings"] += 1
            log.info("settings_ordered_anew")
            self._refresh_settings()
        elif not isinstance(order, Command):
            self.counters["notice"] += 1
        elif order.id and any(order.id == each.id for each, _ in (*self._under_way, *self._waiting)):
            self.counters["doubled"] += 1
        elif len(self._waiting) >= MOST_WAITING:
            self.counters["dropped"] += 1
            log.warning("command_dropped", waiting=len(self._waiting))
        else:
            log.info("command_taken", command=_known(order.name))
            self._waiting.append((order, sender))
            self._keep()
            self._wake.set()

    async def run(self) -> None:
        """Carry out what is ordered, until cancelled. What an earlier run did not get to the end of has failed."""
        for command, sender in self._interrupted:
            await self._end(command, sender, End(outcome="failed", details="The connector was stopped meanwhile."))
        self._interrupted.clear()
        self._keep()
        while True:
            while not self._waiting:
                self._wake.clear()
                await self._wake.wait()
            taken, self._waiting = list(self._waiting), deque()
            self._under_way = taken
            anew = [command for command, _ in taken if command.name == SYNCHRONISE and command.id not in self._ended]
            synchronised = await self._synchronised() if anew else None
            for command, sender in taken:
                end = self._ended.get(command.id) or synchronised
                if command.name != SYNCHRONISE:
                    end = End(outcome="unsupported", details=_unsupported(command.name))
                if end is not None:
                    await self._end(command, sender, end)
            self._under_way = []
            self._keep()
            if anew:
                await asyncio.sleep(AT_LEAST_BETWEEN_RUNS)

    def _keep(self) -> None:
        """Remember what has an id and no end yet. Where that cannot be written, a stop leaves a command without one."""
        open_ = [*self._interrupted, *self._under_way, *self._waiting]
        kept = [[command.id, command.name, sender] for command, sender in open_ if command.id]
        try:
            self._store.set_value(_KEY, json.dumps(kept) if kept else None)
        except StateError as error:
            log.debug("commands_not_written", reason=str(error))

    async def _synchronised(self) -> End:
        began = asyncio.get_running_loop().time()
        try:
            end = End(outcome="done", details=await self._synchronise())
        except NotSynchronised as error:
            end = End(outcome="failed", details=str(error))
        seconds = asyncio.get_running_loop().time() - began
        log.info(
            "command_ended", command=SYNCHRONISE, outcome=end.outcome, details=end.details, seconds=round(seconds, 1)
        )
        return end

    async def _end(self, command: Command, sender: str, end: End) -> None:
        """Say how a command ended: to Rainbow, to whoever sent it, and among the connector's events."""
        self.counters[end.outcome] += 1
        level = "INFO" if end.outcome == "done" else "WARN"
        id_ = f"command:{command.id or self._now().isoformat()}:ended"
        self._told("connector", _known(command.name), end.details, id_=id_, level=level)
        if not command.id:
            return
        self._ended[command.id] = end
        if len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)
        await self._report(command.id, end)
        if self._message_when_ended and self.tell_ended is not None:
            try:
                await self.tell_ended(sender, command.id)
            except RainbowError as error:
                log.debug("command_end_not_told", reason=str(error))

    async def _report(self, command_id: str, end: End) -> None:
        waits = backoff(2.0, 60.0, random=self._random)
        for _ in range(_TRIES):
            try:
                await report_command(self._client, command_id, succeeded=end.outcome == "done", details=end.details)
            except (RainbowApiError, RainbowAuthenticationError) as error:
                log.info("command_report_refused", reason=str(error), **ids(error))
                return
            except RainbowError as error:
                wait = next(waits)
                await asyncio.sleep(max(wait, min(error.retry_after, 60.0)) if isinstance(error, RateLimited) else wait)
            else:
                return
        log.info("command_not_reported", tries=_TRIES)


def _recalled(store: Store) -> list[tuple[Command, str]]:
    """Return what an earlier run had begun; a record that cannot be read is none."""
    try:
        kept = read_json(store.value(_KEY) or "[]")
        return [(Command(id=str(id_), name=str(name)), str(sender)) for id_, name, sender in kept][-MOST_WAITING:]
    except (ValueError, TypeError):
        return []


def _known(name: str) -> str:
    """Give a command's name where it is one of Rainbow's; whatever else was sent stands nowhere."""
    return name if name == SYNCHRONISE or name in _OF_DIRECTORIES else "unknown_command"


def _unsupported(name: str) -> str:
    if name in _OF_DIRECTORIES:
        return "This connector is for calendars: it synchronises no directory, and has no dry run."
    return "This connector does not know the command."
