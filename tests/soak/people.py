"""The company, what its people and administrators do all the time, and what Exchange and Rainbow must agree on."""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tests.soak.labs import LabRefusedError, Labs

#: at most so many appointments a person, and people away from the company at once: what is held must not grow by itself
MOST_ITEMS, MOST_GONE = 4, 10
#: so many have something to do and are out of office at first, and all the time
ITEMS, AWAY = 2, 0.2
SHOW_AS = {
    "Free": "free",
    "Tentative": "tentative",
    "Busy": "busy",
    "OOF": "oof",
    "WorkingElsewhere": "workingelsewhere",
}
#: of appointments, in minutes from now and of length
STARTS, LENGTHS = (-40, -5, 2, 30, 90, 400, 1200), (30, 45, 60, 90)
BACK = {"state": "Disabled", "audience": "None", "internal": "", "external": ""}

Shown = tuple[str, str, datetime, datetime]


@dataclass(slots=True)
class Person:
    """Somebody with a mailbox, and what was done there."""

    user: dict[str, Any]
    items: list[int] = field(default_factory=list)
    away: str = ""
    gone: bool = False

    @property
    def address(self) -> str:
        return str(self.user["loginEmail"])

    @property
    def id(self) -> str:
        return str(self.user["id"])


def company(size: int) -> list[dict[str, Any]]:
    """Make up the users."""
    return [
        {
            "id": f"{number:024x}",
            "loginEmail": f"p{number:04}@acme.test",
            "firstName": f"P{number}",
            "emails": [{"email": f"p{number:04}@acme.test", "type": "work"}],
            "language": ("en", "fr", "de")[number % 3],
            "timezone": ("Europe/Paris", "America/New_York", "Asia/Tokyo")[number % 3],
        }
        for number in range(1, size + 1)
    ]


class People:
    """Changes one thing after another, by chance; `uses` counts what was done."""

    def __init__(self, labs: Labs, users: list[dict[str, Any]], random: Random, *, polled: bool) -> None:
        self.everybody = [Person(user) for user in users]
        self.uses: Counter[str] = Counter()
        self._labs = labs
        self._random = random
        self._texts = 0
        self._made = len(users)
        self._changes = [
            (8, self.make_or_delete),
            (5, self.move),
            (5, self.rename),
            (3 if polled else 0, self.go_or_come_back),
            (1 if polled else 0, self.leave_or_return),
        ]

    async def begin(self) -> None:
        """Give everybody as much as there is of it later: what is held must not grow by itself."""
        at_once = asyncio.Semaphore(8)

        async def fill(person: Person, *, away: bool) -> None:
            async with at_once:
                for _ in range(ITEMS):
                    await self._make(person)
                if away:
                    await self._go(person, self._text("Away"))

        async with asyncio.TaskGroup() as tasks:
            for number, person in enumerate(self.everybody):
                tasks.create_task(fill(person, away=number % round(1 / AWAY) == 0))

    async def change(self) -> None:
        """Do one thing."""
        weights, changes = zip(*self._changes, strict=True)
        [change] = self._random.choices(changes, weights)
        self.uses[await change(self._random.choice(self.everybody))] += 1

    async def make_or_delete(self, person: Person) -> str:
        if len(person.items) >= MOST_ITEMS or (person.items and self._random.random() < 0.5):
            number = person.items.pop(self._random.randrange(len(person.items)))
            await self._labs.exchange("DELETE", f"/lab/mailboxes/{person.address}/items/{number}")
            return "appointment deleted"
        await self._make(person)
        return "appointment made"

    async def _make(self, person: Person) -> None:
        item = self._times() | {"subject": self._text("Meeting"), "show_as": self._random.choice([*SHOW_AS])}
        made = await self._labs.exchange("POST", f"/lab/mailboxes/{person.address}/items", item)
        person.items.append(made["number"])

    async def move(self, person: Person) -> str:
        return await self._update(person, self._times(), "appointment moved")

    async def rename(self, person: Person) -> str:
        return await self._update(person, {"subject": self._text("Review")}, "appointment renamed")

    async def _update(self, person: Person, changes: dict[str, Any], what: str) -> str:
        if not person.items:
            return await self.make_or_delete(person)
        number = self._random.choice(person.items)
        await self._labs.exchange("PATCH", f"/lab/mailboxes/{person.address}/items/{number}", changes)
        return what

    async def go_or_come_back(self, person: Person) -> str:
        away = [each for each in self.everybody if each.away]
        if len(away) > AWAY * len(self.everybody):
            await self._go(self._random.choice(away), "")
            return "come back"
        await self._go(person, self._text("Away"))
        return "gone out of office"

    async def _go(self, person: Person, text: str) -> None:
        person.away = text
        settings = {"state": "Enabled", "audience": "All", "internal": text, "external": text} if text else BACK
        await self._labs.exchange("PUT", f"/lab/mailboxes/{person.address}/out-of-office", settings)

    async def leave_or_return(self, person: Person) -> str:
        """Take a user out of Rainbow's company, or bring one back, who is then asked for at once."""
        gone = [each for each in self.everybody if each.gone]
        if len(gone) >= MOST_GONE or person.gone:
            await self.bring_back(person if person.gone else gone[0])
            return "user added"
        person.gone = True
        await self._labs.rainbow("DELETE", f"/lab/users/{person.id}")
        return "user removed"

    async def bring_back(self, person: Person) -> None:
        """Have somebody in the company again; Rainbow's users never come back with the id that they had."""
        self._made += 1
        person.gone = False
        person.user = {**person.user, "id": f"{self._made:024x}"}
        await self._labs.rainbow("POST", "/lab/users", person.user)
        self._labs.soon(self._labs.rainbow("POST", "/lab/ask", {"kind": "events", "email": person.address}))

    async def all_come_back(self) -> None:
        """Have everybody in the company again, and an administrator of Rainbow order that it be read anew."""
        for person in self.everybody:
            if person.gone:
                await self.bring_back(person)
        with suppress(LabRefusedError):  # the link is not back yet: then the connector finds out by itself
            await self._labs.order("manual_synchro")

    def _times(self) -> dict[str, str]:
        start = datetime.now(UTC).replace(second=0, microsecond=0)
        start += timedelta(minutes=self._random.choice(STARTS))
        end = start + timedelta(minutes=self._random.choice(LENGTHS))
        return {"start": start.isoformat(), "end": end.isoformat()}

    def _text(self, what: str) -> str:
        self._texts += 1
        return f"{what} {self._texts}"


async def differences(labs: Labs, people: list[Person]) -> list[str]:
    """List for whom what Rainbow was answered last is not what Exchange has; both as the lab's own wires tell."""
    known, found = await labs.rainbow("GET", "/lab/known"), []
    for person in people:
        held = known.get(person.id, {})
        if held.get("events") is None or held.get("autoReply") is None:
            found.append(f"{person.address}: Rainbow knows nothing")
            continue
        now = datetime.now(UTC)
        end = now + timedelta(hours=20)  # within what Rainbow asked for, unless that was hours ago
        shown = [(each["subject"], each["showAs"], each["startDate"], each["endDate"]) for each in held["events"]]
        query = f"start={now:%Y-%m-%dT%H:%M:%SZ}&end={end:%Y-%m-%dT%H:%M:%SZ}"
        calendar = await labs.exchange("GET", f"/lab/mailboxes/{person.address}/calendar?{query}")
        has = [(each["subject"], SHOW_AS[each["show_as"]], each["start"], each["end"]) for each in calendar]
        if (ours := _within(shown, now, end)) != (theirs := _within(has, now, end)):
            found.append(f"{person.address}: Exchange has {theirs}, Rainbow holds {ours}")
        absence = await labs.exchange("GET", f"/lab/mailboxes/{person.address}/out-of-office")
        away = absence["internal"] if absence["state"] == "Enabled" else ""
        reply = held["autoReply"]
        told = reply["internalReplyMessage"] if reply["state"] == "enabled" else ""
        if (away, away) != (told, person.away):
            found.append(f"{person.address}: the absence is {away!r} at Exchange, {told!r} at Rainbow")
    return found


def _within(found: list[tuple[str, str, str, str]], start: datetime, end: datetime) -> list[Shown]:
    """Give the appointments of that time, in one order."""
    read = [
        (subject, kind, datetime.fromisoformat(since), datetime.fromisoformat(until))
        for subject, kind, since, until in found
    ]
    return sorted(each for each in read if each[3] > start and each[2] < end)
