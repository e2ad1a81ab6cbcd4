"""Whether all is well, in one look: what the local page shows first.

What costs little is looked at each time; people are counted by `headcount`. Problems and states are as they were
reviewed last, at most a second ago.
"""

from dataclasses import dataclass
from datetime import datetime

from rainbow_exchange import status
from rainbow_exchange.bridge import throttling
from rainbow_exchange.bridge.last_hour import Minute
from rainbow_exchange.bridge.telling import NOTHING_TO_TELL, Telling, telling
from rainbow_exchange.bridge.throttling import Meter
from rainbow_exchange.bridge.troubles import TROUBLES
from rainbow_exchange.condition import Condition
from rainbow_exchange.diagnosis.headcount import Group, Headcount, Headcounts
from rainbow_exchange.model import Problem
from rainbow_exchange.rainbow.link import RainbowLink
from rainbow_exchange.sides.both import Sides
from rainbow_exchange.sides.holds import Hold
from rainbow_exchange.words import Said, _, unfilled

#: groups of people that are shown; the list of people has the others
MOST_GROUPS = 8
#: why somebody is polled who may not be subscribed; whoever is polled besides may be, but not streamed
_NO_SUBSCRIPTION = "ErrorExceededSubscriptionCount"
#: problem id → why a group of people has it
_SAYS = {
    "mailbox-not-found": unfilled("Exchange knows no mailbox by any of their addresses"),
    "user-without-address": unfilled("They have no address that a mailbox could have"),
    "mailbox-shared": unfilled("Their address or mailbox is another user's, too"),
    "mailbox-impersonation-denied": unfilled("The service account may not act for them ({reason})"),
    "mailbox-disabled": unfilled("Their account or mailbox is out of use in Exchange ({reason})"),
    "mailbox-refused": unfilled("Exchange does not accept the request for them ({reason})"),
    "mailbox-postponed": unfilled("Exchange refuses them for now ({reason})"),
    "mailbox-denied": unfilled("Exchange denies access to their mailboxes ({reason})"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One sentence on everything, why, and what to do. `tone` is "good", "warn", "bad", "idle"; `set_up`: there."""

    tone: str
    word: Said
    says: Said
    because: str = ""
    action: str = ""
    set_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """A group of people whose changes no stream announces: why, and what to do."""

    group: Group
    says: Said
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SideState:
    """One side. `state` as in docs/reference/status.md; what follows `reason` is Exchange's, where it is known."""

    state: str
    reason: str
    host: str = ""
    account: str = ""
    version: str = ""
    certificate_ends: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What there is to see. What only a bridge has is None without one.

    `listed` is how far the list of users is, done and in all, while it is read.
    """

    now: datetime
    started: datetime
    since: datetime
    verdict: Verdict
    exchange: SideState
    rainbow: SideState
    link: RainbowLink | None
    people: Headcount
    why: tuple[Why, ...]
    others: int
    listed: tuple[int, int] | None
    hour: Minute
    minutes: tuple[tuple[datetime, Minute], ...]
    changes: int
    meter: Meter | None
    telling: Telling
    problems: tuple[Problem, ...]


async def look(condition: Condition, sides: Sides, headcounts: Headcounts) -> Overview:
    """Look at everything."""
    people = await headcounts.latest()
    exchange, rainbow = status.states(sides)
    timings, bridge = condition.timings, sides.bridge()
    now = timings.now()
    side = sides.exchange
    problems = tuple(condition.problems)
    listed = bridge.membership.listing.progress if bridge else None
    return Overview(
        now=now,
        started=condition.started,
        since=condition.since,
        verdict=verdict(condition, sides, people, problems),
        exchange=SideState(
            state=exchange["state"],
            reason=exchange["reason"],
            host=side.health.host if side else "",
            account=exchange["account"],
            version=(side.exchange.server_version or "") if side else "",
            certificate_ends=side.health.certificate_ends() if side else None,
        ),
        rainbow=SideState(state=rainbow["state"], reason=rainbow["reason"]),
        link=sides.rainbow.link if sides.rainbow else None,
        people=people,
        why=tuple(_why(group, problems, exchange["state"]) for group in people.groups[:MOST_GROUPS]),
        others=sum(group.people for group in people.groups[MOST_GROUPS:]),
        listed=listed,
        hour=timings.hour.whole(now),
        minutes=tuple(timings.hour.minutes(now)),
        changes=bridge.parts.counters.found if bridge else 0,
        meter=throttling.meter(bridge, side.exchange) if bridge and side else None,
        telling=telling(bridge) if bridge else NOTHING_TO_TELL,
        problems=problems,
    )


def verdict(condition: Condition, sides: Sides, people: Headcount, problems: tuple[Problem, ...]) -> Verdict:
    """Say in a sentence how it is."""
    hold = sides.hold
    if condition.state == "stopping":
        return Verdict(tone="idle", word=_("Stopping"), says=_("The connector is being stopped."))
    if hold is not None and hold.state == "unconfigured":
        return _not_set_up(hold, rainbow=sides.rainbow is not None)
    if problems and problems[0].severity != "notice":
        return _degraded(problems[0], people)
    return _calm(condition.state, sides, people)


def _not_set_up(hold: Hold, *, rainbow: bool) -> Verdict:
    because, action = hold.text, hold.action
    if hold.problem != "settings-missing":
        says = _("Something of the set-up needs you.")
    elif rainbow:
        says, because, action = _("Exchange is not set up yet."), _("Rainbow is; what is missing is Exchange."), ""
    else:
        says = _("The connector is not set up yet.")
        because, action = _("It waits to be granted access to Rainbow, and to be told where Exchange is."), ""
    return Verdict(tone="warn", word=_("Not set up"), says=says, because=because, action=action, set_up=True)


def _degraded(worst: Problem, people: Headcount) -> Verdict:
    nobody = people.total > 0 and not people.covered
    bad = nobody or worst.severity == "error"
    if nobody and worst.severity != "error":
        says = _("It works for nobody.")
    else:
        says = _("Something does not work.") if bad else _("It works, but not for everybody or not for long.")
    tone = "bad" if bad else "warn"
    return Verdict(tone=tone, word=_("Degraded"), says=says, because=worst.text, action=worst.action)


def _calm(state: str, sides: Sides, people: Headcount) -> Verdict:
    """Say how it is where no problem says it."""
    numbers = {"covered": people.covered, "total": people.total}
    if state == "switched off":
        says = _("Calendar synchronisation is switched off in Rainbow's administration.")
        action = sides.hold.action if sides.hold else ""
        return Verdict(tone="idle", word=_("Switched off"), says=says, action=action)
    if state == "starting":
        says = _("The connector is starting; {covered} of {total} people are covered so far.", **numbers)
        return Verdict(tone="idle", word=_("Starting"), says=says)
    if state == "degraded":
        lost = (side["reason"] for side in status.states(sides) if side["state"] != "connected")
        says = _("The connector is not connected on both sides.")
        return Verdict(tone="bad", word=_("Degraded"), says=says, because=next(lost, ""))
    if not people.total:
        return Verdict(tone="good", word=_("Healthy"), says=_("Rainbow has listed nobody."))
    if people.not_read:
        numbers |= {"unread": people.not_read}
        says = _(
            "{covered} of {total} people are covered; so many calendars cannot be read for now: {unread}.",
            **numbers,
        )
        return Verdict(tone="good", word=_("Healthy"), says=says)
    coming = sum(group.people for group in people.groups if group.state == "uncovered" and not group.problem)
    if coming:
        numbers |= {"coming": coming}
        says = _("All is well: {covered} of {total} people are covered, {coming} more are on their way.", **numbers)
    else:
        says = _("All is well: {covered} of {total} people are covered.", **numbers)
    return Verdict(tone="good", word=_("Healthy"), says=says)


def _why(group: Group, problems: tuple[Problem, ...], exchange: str) -> Why:
    trouble = TROUBLES.get(group.problem)
    if not trouble and group.state == "uncovered" and exchange == "disconnected":
        of_all = next((problem.action for problem in problems if problem.id.startswith("exchange-")), "")
        return Why(group=group, says=_("Exchange is not connected"), action=of_all)
    if trouble or group.state != "polled":
        return Why(group=group, says=_says(group), action=trouble.action if trouble else "")
    limit = "exchange-subscriptions-exceeded" if group.reason == _NO_SUBSCRIPTION else "mailboxes-polled"
    of_all = next((problem.action for problem in problems if problem.id == limit), "")
    return Why(group=group, says=_says(group), action=of_all)


def _says(group: Group) -> Said:
    """Say in a few words why these people's changes are not announced."""
    if group.problem in _SAYS:
        return _(_SAYS[group.problem], reason=group.reason)
    if group.state == "polled" and group.reason == _NO_SUBSCRIPTION:
        return _("Exchange allows no subscription for them: their calendars are looked at in turn")
    if group.state == "polled":
        return _("Exchange allows no stream for them: their calendars are looked at in turn")
    if group.reason == "not tried yet":
        return _("They were not tried yet")
    if group.reason:
        return _("It does not work for now and is tried again ({reason})", reason=group.reason)
    return _("For several reasons")
