"""Everything anew, because somebody asks for it: who there is, and what their calendars and absences say."""

import asyncio
from collections import Counter
from collections.abc import Callable

from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.errors import RainbowExchangeError
from rainbow_exchange.network.shown import calendars, changes, users
from rainbow_exchange.rainbow.errors import RainbowError
from rainbow_exchange.words import _

#: seconds that it may take before it counts as failed; what is under way goes on
TIME_LIMIT = 1800.0


class NotSynchronised(RainbowExchangeError):
    """It failed; says why in words that may be shown to anybody."""


#: takes the name of what is done now, and what tells how much of it is done, of how much (None: not known)
Progress = Callable[[str, Callable[[], tuple[int, int] | None]], None]


def _unseen(_phase: str, _count: Callable[[], tuple[int, int] | None]) -> None:
    """Show nobody how far it is."""


async def synchronise(bridge: Callable[[], Pipeline | None], *, progress: Progress = _unseen) -> str:
    """List the users, subscribe whoever is new, read everybody in the background; what differs is told to Rainbow.

    Returns what was done, in numbers. `bridge` gives the pipeline while there is one. Raises NotSynchronised.
    """
    pipeline = bridge()
    if pipeline is None:
        raise NotSynchronised(_("The connector is not connected to Exchange at present."))
    try:
        async with asyncio.timeout(TIME_LIMIT):
            return await _everything(pipeline, progress)
    except TimeoutError:
        raise NotSynchronised(_("It takes longer than 30 minutes, and goes on.")) from None
    except RainbowError:
        raise NotSynchronised(_("The users of the company could not be listed.")) from None


async def _everything(pipeline: Pipeline, progress: Progress) -> str:
    membership, before = pipeline.membership, pipeline.parts.counters.found
    progress(_("listing users"), lambda: membership.listing.progress)
    listed = await membership.listing.refresh()
    progress(_("subscribing"), lambda: (pipeline.parts.roster.covered, len(pipeline.parts.roster)))
    while membership.enrolment.waiting() and pipeline.changes.at_work:
        if membership.enrolment.outage is not None:
            raise NotSynchronised(_("The users are listed; Exchange does not answer at present."))
        await asyncio.sleep(1.0)
    if not pipeline.changes.at_work:
        raise NotSynchronised(_("The connector is being stopped, or its settings change."))
    landed, total = Counter[str](), pipeline.parts.roster.covered
    progress(_("reading calendars"), lambda: (landed["reads"], total))
    reading = asyncio.gather(
        pipeline.changes.read_everybody(lambda: landed.update(("reads",))), pipeline.parts.absences.look_at_everybody()
    )
    (read, unread), _none = await reading
    if not pipeline.changes.at_work:
        raise NotSynchronised(_("The connector was being stopped, or its settings changed."))
    done = _(
        "{users} listed, {added} of them new, {removed} gone; {calendars} read, {changes} found",
        users=users(listed.users),
        added=listed.added,
        removed=listed.removed,
        calendars=calendars(read),
        changes=changes(pipeline.parts.counters.found - before),
    )
    if unread:
        raise NotSynchronised(_("{done}; {unread} could not be read.", done=done, unread=unread))
    return _("{done}.", done=done)
