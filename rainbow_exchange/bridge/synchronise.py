"""Everything anew, because somebody asks for it: who there is, and what their calendars and absences say."""

import asyncio
from collections.abc import Callable

from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.errors import RainbowExchangeError
from rainbow_exchange.rainbow.errors import RainbowError

#: seconds that it may take before it counts as failed; what is under way goes on
TIME_LIMIT = 1800.0


class NotSynchronised(RainbowExchangeError):
    """It failed; says why in words that may be shown to anybody."""


async def synchronise(bridge: Callable[[], Pipeline | None]) -> str:
    """List the users, subscribe whoever is new, read everybody in the background; what differs is told to Rainbow.

    Returns what was done, in numbers. `bridge` gives the pipeline while there is one. Raises NotSynchronised.
    """
    pipeline = bridge()
    if pipeline is None:
        raise NotSynchronised("The connector is not connected to Exchange at present.")
    try:
        async with asyncio.timeout(TIME_LIMIT):
            return await _everything(pipeline)
    except TimeoutError:
        raise NotSynchronised("It takes longer than 30 minutes, and goes on.") from None
    except RainbowError:
        raise NotSynchronised("The users of the company could not be listed.") from None


async def _everything(pipeline: Pipeline) -> str:
    membership, before = pipeline.membership, pipeline.parts.counters.found
    listed = await membership.listing.refresh()
    while membership.enrolment.waiting() and pipeline.changes.at_work:
        if membership.enrolment.outage is not None:
            raise NotSynchronised("The users are listed; Exchange does not answer at present.")
        await asyncio.sleep(1.0)
    if not pipeline.changes.at_work:
        raise NotSynchronised("The connector is being stopped, or its settings change.")
    reading = asyncio.gather(pipeline.changes.read_everybody(), pipeline.parts.absences.look_at_everybody())
    (read, unread), _ = await reading
    if not pipeline.changes.at_work:
        raise NotSynchronised("The connector was being stopped, or its settings changed.")
    done = (
        f"{listed.users} user(s) listed, {listed.added} of them new, {listed.removed} gone; {read} calendar(s) read,"
        f" {pipeline.parts.counters.found - before} change(s) found"
    )
    if unread:
        raise NotSynchronised(f"{done}; {unread} could not be read.")
    return f"{done}."
