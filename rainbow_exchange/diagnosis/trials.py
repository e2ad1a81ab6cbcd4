"""Trials of what somebody has entered, as works of the daemon that the page shows while they go on.

One at a time for each part: another one ends the one before. Those of one side take turns, whatever their part, so
that no server meets two at once. What was entered is held until its trial has ended, and of the secrets in it nothing
is held longer; where all steps have passed, it may be kept and used at once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

import structlog

from rainbow_exchange.diagnosis.check import Began, Result, Side, Verdict, overall
from rainbow_exchange.diagnosis.set_up import PAGE, PARTS, TOTAL, Entered, SetUp
from rainbow_exchange.ending import whole
from rainbow_exchange.errors import UserError
from rainbow_exchange.web.rates import Allowance
from rainbow_exchange.words import _

log = structlog.get_logger()

#: seconds for a trial with all that goes with it: reading secrets, giving back what it was given
LIMIT = TOTAL + 30.0
#: trials at once, and then by the second: enough for whoever sets up, and too few for looking which ports are open
OFTEN = (30, 0.1)

State = Literal["running", "passed", "failed", "faulty", "stopped"]


@dataclass(slots=True, eq=False, kw_only=True)
class Trial:
    """One trial. `under_way` is the step that is run now; `problems` say why it could not be begun, or kept.

    `waiting`: another one of the same side goes on, and this one begins when that has ended.

    `values` and `address` are what it was begun with, without any secret. `kept`: what was entered is saved and used;
    `where` says where its secrets are, `remark` what was not used at once.
    """

    part: str
    keep: bool
    values: Mapping[str, Any]
    address: str
    began: datetime
    state: State = "running"
    under_way: str = ""
    waiting: bool = False
    steps: list[Result] = field(default_factory=list)
    problems: tuple[str, ...] = ()
    kept: bool = False
    where: tuple[str, ...] = ()
    remark: str = ""
    _begun: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self.state == "running"

    @property
    def verdict(self) -> Verdict:
        """The worst of what its steps say."""
        return overall(each.verdict for each in self.steps)

    def at(self, step: str, *, waiting: bool = False) -> None:
        """Note which step is run now, "" between two and while it is waiting."""
        self.under_way, self.waiting = step, waiting
        self._begun.set()

    async def begun(self) -> None:
        """Wait until what was entered was looked at (the first step is run, or problems are told), or it is waiting."""
        await self._begun.wait()

    def end(self) -> None:
        """Note that nothing of it goes on any more."""
        self.at("")
        if self.state == "running":
            self.state = "stopped"

    def said(self, step: str) -> Result | None:
        """Give what a step says, None where it has not ended."""
        return next((each for each in self.steps if each.step == step), None)


class Trials:
    """Begins them and tells of the last one of each part, as long as `run` is running.

    `stopping` returns once the daemon is to stop. `turns` are those of other trials that take turns with these.
    """

    def __init__(
        self,
        set_up: SetUp,
        *,
        now: Callable[[], datetime],
        stopping: Callable[[], Awaitable[None]],
        turns: Mapping[Side, asyncio.Lock] | None = None,
    ) -> None:
        self._set_up = set_up
        self._now = now
        self._stopping = stopping
        self.turns = {side: asyncio.Lock() for side in get_args(Side)} if turns is None else turns
        self._tasks = asyncio.TaskGroup()
        self._open = False
        self._allowance = Allowance(*OFTEN, time.monotonic)
        self._last: dict[str, tuple[Trial, asyncio.Task[None] | None]] = {}

    async def run(self) -> None:
        """Do the trials that are begun, until the daemon stops: then they are stopped at once."""
        async with self._tasks:
            self._open = True
            try:
                await self._stopping()
            finally:
                self._open = False
            for part in self._last:
                self.stop(part)

    def last(self, part: str) -> Trial | None:
        """Give the last trial of a part."""
        trial, _task = self._last.get(part, (None, None))
        return trial

    def begin(self, entered: Entered, *, keep: bool) -> Trial:
        """Begin one, in place of the one of the same part; `keep`: what was entered, if all steps pass."""
        trial = Trial(
            part=entered.part, keep=keep, values=dict(entered.values), address=entered.address, began=self._now()
        )
        if not self._open:
            trial.state, trial.problems = "faulty", (_("The connector is starting or stopping; try again later."),)
            trial.end()
            return trial
        before = self.stop(entered.part)
        task = self._tasks.create_task(self._do(trial, entered, before), name=f"trial:{entered.part}")
        task.add_done_callback(lambda _ended: self._over(trial))
        self._last[entered.part] = trial, task
        return trial

    def _over(self, trial: Trial) -> None:
        """Let go of its task: one that was cancelled keeps its frames, and with them what was entered."""
        trial.end()
        if self.last(trial.part) is trial:
            self._last[trial.part] = trial, None

    def stop(self, part: str) -> asyncio.Task[None] | None:
        """Stop the trial of a part where one is running; give its task, which ends once all is given back."""
        _trial, task = self._last.get(part, (None, None))
        if task is not None:
            task.cancel()
        return task

    async def _do(self, trial: Trial, entered: Entered, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        log.info("trial_begun", part=trial.part)
        turn = self.turns[PARTS[trial.part].side]
        try:
            if turn.locked():
                trial.at("", waiting=True)
            async with turn:
                trial.waiting = False
                await self._try(trial, entered)
        finally:
            trial.end()
            log.info("trial_ended", part=trial.part, state=trial.state, kept=trial.kept)

    async def _keep(self, trial: Trial, entered: Entered) -> None:
        done = await self._set_up.keep(entered, by=PAGE)
        trial.kept, trial.where, trial.remark = True, tuple(done["kept"]), done["remark"]

    async def _demand_allowed(self, entered: Entered) -> None:
        """Refuse what would make a scanner of ports of this, or bring somebody a secret. Raises UserError."""
        if not self._allowance.take():
            raise UserError([_("Too many tests in a short time. Try again in a minute.")])
        if faults := await self._set_up.withheld(entered):
            raise UserError(faults)

    async def _try(self, trial: Trial, entered: Entered) -> None:
        try:
            await self._demand_allowed(entered)
            async with asyncio.timeout(LIMIT), aclosing(self._set_up.try_out(entered)) as steps:
                async for each in steps:
                    if isinstance(each, Began):
                        trial.at(each.step)
                    else:
                        trial.at("")
                        trial.steps.append(each)
            if trial.verdict is not Verdict.FAIL and trial.keep:
                await whole(self._keep(trial, entered))
        except UserError as error:
            trial.state, trial.problems = "faulty", tuple(error.problems)
        except TimeoutError:
            text = _("The test has not ended within {seconds} s. Begin it anew.", seconds=round(LIMIT))
            trial.state, trial.problems = "faulty", (text,)
        else:
            trial.state = "failed" if trial.verdict is Verdict.FAIL else "passed"
