"""What the local page shows and does: each view by its own module, from what the daemon knows. `web` serves it."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from rainbow_exchange.diagnosis.mailboxes import Mailboxes
from rainbow_exchange.local_calls import Known
from rainbow_exchange.page.activity import activity
from rainbow_exchange.page.desk import desk_of
from rainbow_exchange.page.overview import overview
from rainbow_exchange.page.people import people
from rainbow_exchange.page.person import person_changes, person_views
from rainbow_exchange.page.problems import problems
from rainbow_exchange.page.set_up import set_up
from rainbow_exchange.page.set_up_given import GivenSection
from rainbow_exchange.page.set_up_rainbow import PARTS, RainbowSection
from rainbow_exchange.page.somebody import Somebody
from rainbow_exchange.page.streams import streams_view
from rainbow_exchange.page.support import Support
from rainbow_exchange.web.view import Change, Download, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that the page consists of. `works` are what goes on by itself: `run` must be running for them."""

    views: tuple[View, ...]
    changes: tuple[Change, ...] = ()
    files: tuple[Download, ...] = ()
    works: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = ()

    async def run(self) -> None:
        """Do the works, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for work in self.works:
                tasks.create_task(work(), name="page")


def pages(known: Known) -> Page:
    """Give all that the page consists of."""
    desk, sides, support = desk_of(known), known.sides, Support(known)
    somebody = Somebody(sides)
    given = GivenSection(known, desk, somebody)
    rainbow = RainbowSection(known, given)
    set_up_view, set_up_changes = set_up(desk, somebody, rainbow=rainbow.context, rainbow_parts=PARTS)
    return Page(
        views=(
            overview(known.condition, sides),
            problems(known.condition),
            people(Mailboxes(sides.bridge, sides.why_no_bridge)),
            *person_views(known),
            streams_view(sides),
            activity(sides),
            set_up_view,
            support.view(),
        ),
        changes=(*person_changes(known), *set_up_changes, *rainbow.changes, *given.changes, *support.changes()),
        files=support.files(),
        works=(desk.trials.run, rainbow.granting.run, given.trials.run, support.packings.run),
    )
