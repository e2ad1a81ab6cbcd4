"""`/`: both sides beside each other, live."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any
from urllib.parse import urlencode

from rainbow_exchange.lab_page import day
from rainbow_exchange.lab_page.company import Company
from rainbow_exchange.lab_page.panel import Panel
from rainbow_exchange.lab_page.people import SHOWN, Person, searched
from rainbow_exchange.lab_page.sight import Calendar, Contact, Sight
from rainbow_exchange.web.view import View

_STEP = 4
_LAST_PAGE = 10_000
#: letters of a search; nobody is called longer
_LONGEST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Somebody on both sides."""

    person: Person
    calendar: Calendar
    blocks: Sequence[day.Block]
    contact: Contact
    away: bool


def board(
    company: Company,
    sight: Sight,
    panels: Sequence[Panel],
    *,
    parts: Sequence[str],
    connecting: str,
    now: Callable[[], datetime],
    zone: tzinfo,
) -> View:
    """Make the view of these parts, and of the panels below them; `connecting` is how to start a connector."""

    async def context(values: Mapping[str, str]) -> Mapping[str, Any]:
        text, shift = (
            values.get("q", "").strip()[:_LONGEST],
            _number(values.get("hours", ""), -day.FARTHEST, day.FARTHEST),
        )
        found = searched(company.people, text)
        last = max(1, -(-len(found) // SHOWN))
        number = min(_number(values.get("page", "1"), 1, _LAST_PAGE) or 1, last)
        people = found[(number - 1) * SHOWN : number * SHOWN]
        at = now()
        line = day.line(at, zone, shift)
        sight.want(people, line.start, line.end)

        def link(**changed: str | int) -> str:
            kept = {"q": text, "hours": shift, "page": number} | changed
            kept = {name: value for name, value in kept.items() if value and (name, value) != ("page", 1)}
            return f"/?{urlencode(kept)}" if kept else "/"

        return {
            "rows": [_row(each, line, sight, at) for each in people],
            "line": line,
            "now": line.at(at),
            "sight": sight,
            "company": company,
            "journeys": list(sight.journeys),
            "q": text,
            "number": number,
            "last": last,
            "matching": len(found),
            "shift": shift,
            "step": _STEP,
            "link": link,
            "commands": connecting,
            "panels": [panel.part for panel in panels],
        } | {panel.part: panel.shown() for panel in panels}

    parts = (*parts, *(panel.part for panel in panels))
    return View(path="/", template="lab.html", context=context, parts=parts, every=2.0, another=sight.another)


def _row(person: Person, line: day.Line, sight: Sight, at: datetime) -> Row:
    calendar = sight.calendars.get(person.mailbox, Calendar())
    return Row(
        person=person,
        calendar=calendar,
        blocks=day.blocks(line, calendar.entries),
        contact=sight.contacts.get(person.user_id, Contact()),
        away=calendar.absence is not None and calendar.absence.on(at),
    )


def _number(text: str, least: int, most: int) -> int:
    """Read a number of an address; 0 for what is none."""
    try:
        number = int(text)
    except ValueError:
        return 0
    return min(max(number, least), most)


#: what an appointment lasts that is made by a click
LASTS = timedelta(minutes=30)
