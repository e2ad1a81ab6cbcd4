"""Signing in to Rainbow, or taking that back, at the wish of somebody at the local page, one at a time.

The steps are those of the commands `login` and `logout`. What goes on, what is asked and how it ended is there to be
shown; login, password and token are in memory until it ends, and nowhere else.
"""

import asyncio
import secrets
import ssl as ssl_module
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog

from rainbow_exchange.bridge.login_causes import Offer, Offers
from rainbow_exchange.ending import STOP_WITHIN, whole
from rainbow_exchange.errors import RainbowExchangeError, UserError
from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.network.trust import client_context
from rainbow_exchange.rainbow.companies import Company
from rainbow_exchange.sign_up import taking_back
from rainbow_exchange.sign_up.activation import Activation
from rainbow_exchange.sign_up.administrator import Administrator, Done, Order, Refusal, SeveralCompanies
from rainbow_exchange.sign_up.keeping import Keeper
from rainbow_exchange.words import _, sentences

log = structlog.get_logger()

#: seconds for an answer, and the longest that Rainbow may have somebody wait who looks on
ANSWER_WITHIN = 600.0
_LONGEST_WAIT = 900.0
#: ways that need nothing more from a person than to be chosen
_CHOICES: tuple[Offer, ...] = ("as-account", "take-over", "try-password")
_MOST_STEPS = 50
#: seconds for what is not to be cut in the middle, while the process is to stop
_ENDS_WITHIN = STOP_WITHIN / 2
#: and for giving back tokens besides
_GIVEN_BACK_WITHIN = STOP_WITHIN - 1

Ended = Literal["", "done", "taken back", "refused", "cancelled"]


@dataclass(slots=True)
class Step:
    """A step; `state` is "going", "done" or "failed"."""

    text: str
    state: Literal["going", "done", "failed"] = "going"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person is asked: to let a connector be made, to agree, to choose one of `ways`, one of `companies`.

    `id` is to be given with the answer, which is another question's otherwise.
    """

    id: str
    kind: Literal["grant", "agree", "way", "company"]
    text: str
    action: str = ""
    until: datetime
    ways: Offers = ()
    companies: tuple[Company, ...] = ()
    answered: asyncio.Future[str] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Rainbow has asked to wait."""

    text: str
    until: datetime
    given_up: asyncio.Event = field(repr=False, compare=False)


class Job:
    """One work as it is to be shown; it looks on as `Steps` have it.

    `typed` is what a form may show again, none of it a secret. `ended` is "" while it goes on; then `text`, `action`,
    `offers` and `done` say how.
    """

    def __init__(self, kind: Literal["grant", "take back"], typed: dict[str, str], now: Callable[[], datetime]) -> None:
        self.kind = kind
        self.typed = typed
        self.steps: list[Step] = []
        self.question: Question | None = None
        self.waiting: Waiting | None = None
        self.ended: Ended = ""
        self.text = self.action = ""
        self.offers: Offers = ()
        self.result: Done | None = None
        self._now = now

    def begin(self, text: str) -> None:
        """Say what is being done."""
        if len(self.steps) < _MOST_STEPS:
            self.steps.append(Step(text))

    def done(self, text: str) -> None:
        """Say what was done."""
        if self.steps and self.steps[-1].state == "going":
            self.steps.pop()
        if len(self.steps) < _MOST_STEPS:
            self.steps.append(Step(text, "done"))

    async def confirm(self, question: str, *, by_yes: bool = True) -> bool:  # noqa: ARG002  (nobody gives leave for all)
        """Ask for leave on the page."""
        return await self.ask(kind="agree", text=question) == "yes"

    async def may_make(self, company: str) -> bool:
        """Ask whether a connector may be made in the company of this name."""
        text = _("In the company {company}, Rainbow will now create a connector user.", company=company)
        return await self.ask(kind="grant", text=text) == "yes"

    async def ask(self, **asked: Any) -> str:
        """Ask, and give the answer. Raises Refusal where none comes in time."""
        answered = asyncio.get_running_loop().create_future()
        until = self._now() + timedelta(seconds=ANSWER_WITHIN)
        self.question = Question(id=secrets.token_hex(8), until=until, answered=answered, **asked)
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return str(await answered)
        except TimeoutError:
            raise Refusal(
                "left alone",
                _("Nobody answered within {minutes} minutes, so that it was left.", minutes=round(ANSWER_WITHIN / 60)),
                _("Sign in again; nothing is to be undone."),
            ) from None
        finally:
            self.question = None

    async def wait(self, seconds: float, text: str) -> bool:
        """Wait, if it is not for long and nobody gives it up."""
        if seconds > _LONGEST_WAIT:
            return False
        given_up = asyncio.Event()
        self.waiting = Waiting(text=text, until=self._now() + timedelta(seconds=seconds), given_up=given_up)
        try:
            async with asyncio.timeout(seconds):
                await given_up.wait()
        except TimeoutError:
            return True
        finally:
            self.waiting = None
        return False

    def begin_anew(self) -> None:
        """Go through the steps once more; what could not be done stays to be seen."""
        for step in self.steps:
            if step.state == "going":
                step.state = "failed"
        self.steps = [step for step in self.steps if step.state == "failed"]

    def end(self, ended: Ended, text: str, action: str = "", offers: Offers = ()) -> None:
        """Say how it ended."""
        for step in self.steps:
            if step.state == "going":
                step.state = "failed"
        self.ended, self.text, self.action, self.offers = ended, text, action, offers


class Granting:
    """Does it by `keeper`; `run` must be running. `way` gives the proxy to a Rainbow by its address.

    `stopping` returns once the process is to stop.
    """

    def __init__(
        self,
        keeper: Keeper,
        *,
        way: Callable[[str], Proxy],
        now: Callable[[], datetime],
        random: Callable[[], float],
        stopping: Callable[[], Awaitable[None]],
        ssl: Callable[[], ssl_module.SSLContext | None] = client_context,
    ) -> None:
        #: what goes on, or went on last
        self.job: Job | None = None
        self._keeper = keeper
        self._way = way
        self._now = now
        self._random = random
        self._stopping = stopping
        self._ssl = ssl
        self._open = False
        self._tasks = asyncio.TaskGroup()
        self._task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether something goes on."""
        return self.job is not None and not self.job.ended

    async def run(self) -> None:
        """Do what is asked for, until the process is to stop: then what goes on is ended in order, in time."""
        async with self._tasks:
            self._open = True
            try:
                await self._stopping()
            finally:
                self._open = False
                await whole(self._stop())

    async def _stop(self) -> None:
        if (task := self._task) is not None:
            task.cancel()
            _ended, late = await asyncio.wait([task], timeout=_GIVEN_BACK_WITHIN)
            if late:
                task.cancel()
                await asyncio.wait([task])

    def grant(self, order: Order) -> bool:
        """Begin to sign in and to have the connector given an account; False while something else goes on."""
        return self._begin("grant", order, lambda job: self._grant(job, order))

    def refuse(self, text: str, typed: dict[str, str]) -> bool:
        """Say why it is not even begun, beside what was `typed`, none of it a secret."""
        if self.busy:
            return False
        self.job = Job("grant", typed, self._now)
        self.job.end("refused", text)
        return True

    def take_back(self, order: Order | None = None, *, here_only: bool = False) -> bool:
        """Begin to take back what a sign-in has made: by the connector itself, or by the administrator of `order`."""
        return self._begin("take back", order, lambda job: self._take_back(job, order, here_only=here_only))

    def answer(self, question_id: str, answer: str) -> bool:
        """Answer the question: "yes", a way, a company's id; else it is no. False: it is not asked any more."""
        question = self.job.question if self.job else None
        if question is None or question.id != question_id or question.answered.done():
            return False
        question.answered.set_result(answer)
        return True

    def give_up(self) -> None:
        """Wait no longer; where nothing is waited for, end what goes on."""
        if self.job is None or self.job.ended:
            return
        if self.job.waiting is not None:
            self.job.waiting.given_up.set()
        elif self._task is not None:
            self._task.cancel()

    def forget(self) -> None:
        """Show no more how it ended."""
        if not self.busy:
            self.job = None

    def _begin(
        self,
        kind: Literal["grant", "take back"],
        order: Order | None,
        work: Callable[[Job], Coroutine[Any, Any, None]],
    ) -> bool:
        if self.busy or not self._open:
            return False
        typed = {"login": order.login, "app_id": order.app_id, "url": order.url} if order else {}
        job = self.job = Job(kind, typed, self._now)
        self._task = self._tasks.create_task(self._do(job, work), name=f"sign-in:{kind}")
        return True

    async def _do(self, job: Job, work: Callable[[Job], Coroutine[Any, Any, None]]) -> None:
        log.info("sign_in_begun", kind=job.kind)
        try:
            await work(job)
        except Refusal as error:
            job.end("refused", error.text, error.action, error.offers)
        except UserError as error:
            job.end("refused", sentences(*error.problems), _("Mend that, then try this again."))
        except RainbowExchangeError as error:  # of the state, which cannot be written
            job.end("refused", str(error), _("Mend that, then try this again."))
        finally:
            if not job.ended:
                job.end("cancelled", _("It was ended before it was done."), _("Sign in again: it goes on from there."))
            self._task = None  # one that was cancelled would keep what was typed
            log.info("sign_in_ended", kind=job.kind, how=job.ended)

    async def _grant(self, job: Job, order: Order) -> None:
        """Sign in; where Rainbow leaves a choice, ask for it, and go on with that."""
        while True:
            try:
                administrator = self._administrator(order, job)
                job.result = await self._activation(administrator, job, order).run()
            except SeveralCompanies as error:
                order = replace(order, company_id=await self._company(job, error))
                job.begin_anew()
            except Refusal as error:
                order = await self._chosen(job, error, order)
            else:
                job.end("done", _("The connector runs as {login}.", login=job.result.login), job.result.remark)
                return

    def _activation(self, administrator: Administrator, job: Job, order: Order) -> Activation:
        # Whoever has a connector taken over has agreed to that by itself.
        may_make = None if order.take_over else job.may_make
        return Activation(administrator, self._keeper, ends_within=_ENDS_WITHIN, may_make=may_make)

    async def _company(self, job: Job, error: SeveralCompanies) -> str:
        company = (await job.ask(kind="company", text=error.problems[0], companies=error.companies)).strip()
        if not company:
            raise Refusal("left alone", _("No company was chosen."), _("Sign in again; nothing is to be undone."))
        return company

    async def _chosen(self, job: Job, error: Refusal, order: Order) -> Order:
        """Ask which of the ways to go; raise `error` again where none is open, or none is chosen."""
        open_ways = tuple(each for each in error.offers if each in _CHOICES and _is_open(each, order))
        if not open_ways or error.kind not in {"left alone", "refused"} or "confirm" in error.offers:
            raise error
        chosen = await job.ask(kind="way", text=error.text, action=error.action, ways=open_ways)
        if chosen not in open_ways:
            raise error
        job.begin_anew()
        match chosen:
            case "as-account":
                return replace(order, as_account=True)
            case "take-over":
                return replace(order, take_over=True)
        return replace(order, try_password=True)

    async def _take_back(self, job: Job, order: Order | None, *, here_only: bool) -> None:
        found = await self._keeper.look()
        ours = found.connector
        remark = ""
        if ours is not None and here_only:
            remark = taking_back.left_there(ours) if ours.id else ""
        elif ours is not None and taking_back.is_to_delete(ours, job):
            if order is not None:
                order = replace(order, url=ours.url, company_id=ours.company_id)
                await taking_back.by_administrator(ours, self._administrator(order, job))
            elif refused := await taking_back.by_itself(ours, self._keeper, job):
                raise taking_back.not_by_itself(ours, refused)
        await self._keeper.forget()
        text = _("Forgotten on this machine: login, company, application and their secrets.")
        job.end("taken back", text, remark)

    def _administrator(self, order: Order, job: Job) -> Administrator:
        return Administrator(
            order, steps=job, ssl=self._ssl(), proxy=self._way(order.url), now=self._now, random=self._random
        )


def _is_open(way: Offer, order: Order) -> bool:
    """Whether it can be gone with what was typed, and was not gone already."""
    match way:
        case "as-account":
            return order.password is not None and not order.as_account
        case "take-over":
            return not order.take_over
    return not order.try_password
