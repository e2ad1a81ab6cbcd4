"""Everything from bottom to top, without the daemon and without changing anything: the command `check`.

`run` is what others call: it takes a candidate and yields what each step says as soon as it says it. Nothing is kept;
subscriptions and tokens are given back, streams closed, also where whoever iterates leaves early (`aclosing`).
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from datetime import datetime
from typing import Any, Literal

from rainbow_exchange import config
from rainbow_exchange.diagnosis.check.case import Case
from rainbow_exchange.diagnosis.check.cloud import CloudSteps
from rainbow_exchange.diagnosis.check.exchange import ExchangeSteps
from rainbow_exchange.diagnosis.check.local import Candidate, from_rainbow, missing, secrets_step, settings_step
from rainbow_exchange.diagnosis.check.mailbox import MailboxSteps
from rainbow_exchange.diagnosis.check.person import FIRST_MESSAGE_WITHIN, PersonSteps
from rainbow_exchange.diagnosis.check.results import Began, Finding, Result, Verdict, overall
from rainbow_exchange.diagnosis.check.steps import TITLES, Step, walk
from rainbow_exchange.diagnosis.check.way import WayTo
from rainbow_exchange.state.store import Store

__all__ = ["TITLES", "Began", "Candidate", "Result", "Verdict", "overall", "run"]

Side = Literal["exchange", "rainbow"]
Do = Callable[[], Awaitable[Finding]]

#: seconds for all steps together
TOTAL = 180.0
#: the steps on the way to a server: name, what is done, what it needs
_WAY: tuple[tuple[str, Callable[[WayTo], Awaitable[Finding]], tuple[str, ...]], ...] = (
    ("proxy", WayTo.through_proxy, ("place",)),
    ("name", WayTo.name, ("proxy",)),
    ("tcp", WayTo.connection, ("name",)),
    ("tls", WayTo.certificate, ("tcp",)),
    ("clock", WayTo.clock, ("tls",)),
)


async def run(
    candidate: Candidate,
    *,
    store: Store,
    now: Callable[[], datetime],
    random: Callable[[], float],
    sides: Sequence[Side] = ("exchange", "rainbow"),
    address: str = "",
    must_refuse: Sequence[str] = (),
    daemon: Mapping[str, Any] | None = None,
    again: bool = False,
    find_by: str = "",
    total: float = TOTAL,
) -> AsyncGenerator[Began | Result, None]:
    """Check `candidate`, as far as `sides` go; with `address` for this one person.

    To be used before settings are kept, as well as by the command: `store` is written into by nobody but us, so give a
    `state.snapshot`, or one that is empty. `must_refuse` are addresses that the account must not act for; `daemon` is
    the status of the one that runs with these settings; `again` sends credentials once more that were refused before;
    `find_by` is an address by which autodiscover is asked where the settings do not say where Exchange is.
    """
    async with AsyncExitStack() as stack:
        case = Case(
            given=candidate.settings,
            secrets=candidate.secrets,
            store=store,
            stack=stack,
            now=now,
            random=random,
            daemon=daemon,
            again=again,
            address=address,
            must_refuse=tuple(must_refuse),
            find_by=find_by,
        )
        async with aclosing(walk(_steps(candidate, case, sides), total=total)) as results:
            async for each in results:
                yield each


def _steps(candidate: Candidate, case: Case, sides: Sequence[Side]) -> Iterator[Step]:
    """Give the steps in their order: Rainbow goes first where Exchange, or the person, is to be known from there."""
    for_rainbow, for_exchange = missing(candidate)
    entered = "rainbow" in sides and from_rainbow(candidate)
    first = entered or ("rainbow" in sides and bool(case.address))
    cloud, exchange = CloudSteps(case, set_here=not from_rainbow(candidate)), ExchangeSteps(case)
    yield from _local(candidate, sides, cloud)
    if first:
        yield from _rainbow(cloud, lacking=bool(for_rainbow))
    if "exchange" in sides:
        yield from _exchange(exchange, lacking=bool(for_exchange), entered=entered)
        yield from _person(MailboxSteps(case), cloud, with_rainbow="rainbow" in sides)
    if "rainbow" in sides and not first:
        yield from _rainbow(cloud, lacking=bool(for_rainbow))
    if "rainbow" in sides and not case.address:
        yield from _rest_of_rainbow(cloud)


def _local(candidate: Candidate, sides: Sequence[Side], cloud: CloudSteps) -> Iterator[Step]:
    async def settings() -> Finding:
        return settings_step(candidate, sides=sides)

    async def secrets() -> Finding:
        return secrets_step(candidate, sides=sides)

    yield Step(id="settings", do=settings, explained=cloud.explained, late=cloud.late)
    yield Step(id="secrets", do=secrets, explained=cloud.explained, late=cloud.late)


def _exchange(steps: ExchangeSteps, *, lacking: bool, entered: bool) -> Iterator[Step]:
    def step(name: str, do: Do, needs: tuple[str, ...], limit: float = 20.0) -> Step:
        return Step(id=f"exchange-{name}", do=do, explained=steps.explained, late=steps.late, needs=needs, limit=limit)

    local = ("settings", "secrets") if lacking and not entered else ()
    yield step("place", steps.place, ("rainbow-settings",) if entered else (), 45.0)
    for name, do, needs in _WAY:
        yield step(name, _on_the_way(steps, do), tuple(f"exchange-{need}" for need in needs))
    yield step("authentication", steps.authentication, (*local, "exchange-tls"))
    yield step("version", steps.version, ("exchange-authentication",))


def _person(found: MailboxSteps, cloud: CloudSteps, *, with_rainbow: bool) -> Iterator[Step]:
    def step(name: str, do: Do, needs: tuple[str, ...], limit: float = 20.0) -> Step:
        return Step(id=name, do=do, explained=found.explained, late=found.late, needs=needs, limit=limit)

    case, steps = found.case, PersonSteps(found)
    if case.address and with_rainbow:
        yield Step(id="user", do=found.user, explained=cloud.explained, late=cloud.late, needs=("rainbow-sign-in",))

    async def mailbox() -> Finding:
        if with_rainbow and not case.address and not config.missing_for_rainbow(case.given, case.secrets):
            await case.opened()
        return await found.mailbox()

    yield step("mailbox", mailbox, ("exchange-authentication",), 45.0)
    yield step("impersonation", steps.impersonation, ("mailbox",))
    yield step("must-refuse", steps.must_refuse, ("exchange-authentication",))
    yield step("subscription", steps.subscription, ("mailbox",))
    yield step("stream", steps.stream, ("subscription",), FIRST_MESSAGE_WITHIN + 15.0)
    yield step("availability", steps.availability, ("mailbox",))
    yield step("out-of-office", steps.out_of_office, ("mailbox",))


def _rainbow(steps: CloudSteps, *, lacking: bool) -> Iterator[Step]:
    local = ("settings", "secrets") if lacking else ()
    for name, do, needs in _WAY:
        known = tuple(f"rainbow-{need}" for need in needs if need != "place")
        yield _of_rainbow(steps, name, _on_the_way(steps, do), known)
    yield _of_rainbow(steps, "sign-in", steps.sign_in, (*local, "rainbow-tls"))
    yield _of_rainbow(steps, "settings", steps.administration, ("rainbow-sign-in",))


def _rest_of_rainbow(steps: CloudSteps) -> Iterator[Step]:
    yield _of_rainbow(steps, "users", steps.users, ("rainbow-sign-in",))
    yield _of_rainbow(steps, "link", steps.link, ("rainbow-sign-in",), 35.0)
    yield _of_rainbow(steps, "notify", steps.notify, ("rainbow-sign-in",))


def _on_the_way(steps: ExchangeSteps | CloudSteps, do: Callable[[WayTo], Awaitable[Finding]]) -> Do:
    async def done() -> Finding:
        return await do(steps.way)

    return done


def _of_rainbow(steps: CloudSteps, name: str, do: Do, needs: tuple[str, ...], limit: float = 20.0) -> Step:
    return Step(id=f"rainbow-{name}", do=do, explained=steps.explained, late=steps.late, needs=needs, limit=limit)
