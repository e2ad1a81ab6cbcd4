"""`/appointment` and `/absence`: what the owner of a mailbox does to it, by forms or by a drag of the mouse."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

from rainbow_exchange.lab.owner import Entry, ItemId, Plan
from rainbow_exchange.lab_page.clients import Clients
from rainbow_exchange.lab_page.company import Company
from rainbow_exchange.lab_page.people import Person
from rainbow_exchange.lab_page.sight import Sight
from rainbow_exchange.lab_page.troubles import WRONG, why
from rainbow_exchange.web.view import Again, Change, NotFound, Sorry, View
from rainbow_exchange.words import Said, _, sentences

#: as EWS spells it
SHOW_AS = {
    "Busy": _("Busy"),
    "Tentative": _("Tentative"),
    "OOF": _("Out of office"),
    "WorkingElsewhere": _("Working elsewhere"),
    "Free": _("Free"),
}
LONGEST_SUBJECT, LONGEST_TEXT = 255, 2000
_QUARTER = timedelta(minutes=15)
_LASTS = timedelta(minutes=30)
_LONGEST = timedelta(days=14)
_TRY_AGAIN = _("Nothing was changed. Try again, or switch the fault off that keeps it from being done.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The form of an appointment, as it is shown: `item` and `change_key` are "" for a new one."""

    person: Person
    item: str = ""
    change_key: str = ""
    subject: str = ""
    start: str = ""
    end: str = ""
    show_as: str = "Busy"
    private: bool = False
    series: bool = False
    fault: str = ""


class Appointments:
    """Makes, changes and deletes appointments, and sets absences."""

    def __init__(
        self, company: Company, sight: Sight, clients: Clients, *, now: Callable[[], datetime], zone: tzinfo
    ) -> None:
        self._company = company
        self._sight = sight
        self._clients = clients
        self._now = now
        self._zone = zone

    def views(self) -> tuple[View, ...]:
        """Give the forms."""
        return (
            View(path="/appointment", template="lab_appointment.html", context=self._form),
            View(path="/absence", template="lab_absence.html", context=self._absence_form),
        )

    def changes(self) -> tuple[Change, ...]:
        """Give what the forms do."""
        return (
            Change(path="/appointment", work=self._save),
            Change(path="/appointment/delete", work=self._delete),
            Change(path="/appointment/move", work=self._move),
            Change(path="/absence", work=self._be_out),
        )

    async def _form(self, values: Mapping[str, str]) -> Mapping[str, Any]:
        person = self._person(values)
        entry = self._entry(person, values.get("item", ""))
        if entry is not None:
            typed = self._typed(person, entry)
        elif values.get("item"):
            raise NotFound
        else:
            start = self._instant(values.get("start", "")) or self._quarter()
            end = self._instant(values.get("end", "")) or start + _LASTS
            typed = Typed(person=person, start=self._local(start), end=self._local(end))
        return _shown(typed)

    async def _save(self, form: Mapping[str, str]) -> str:
        person = self._person(form)
        typed = Typed(
            person=person,
            item=form.get("item", ""),
            change_key=form.get("change_key", ""),
            subject=form.get("subject", "").strip()[:LONGEST_SUBJECT],
            start=form.get("start", ""),
            end=form.get("end", ""),
            show_as=form.get("show_as", "Busy"),
            private="private" in form,
        )
        start, end = self._instant(typed.start), self._instant(typed.end)
        if start is None or end is None:
            raise _again(typed, _("Enter when it begins and when it ends, as date and time."))
        if fault := _times_fault(start, end):
            raise _again(typed, fault)
        if typed.show_as not in SHOW_AS:
            raise _again(typed, _("Choose how it is shown."))
        fields = {
            "subject": typed.subject,
            "start": start,
            "end": end,
            "show_as": typed.show_as,
            "sensitivity": "Private" if typed.private else "Normal",
        }
        owner = self._clients.owner(person.mailbox)
        try:
            if typed.item:
                item = ItemId(id=typed.item, change_key=typed.change_key)
                await owner.change(item, **fields)  # type: ignore[arg-type]  # each as its name wants it
            else:
                await owner.create([Plan(**fields)])  # type: ignore[arg-type]  # same
        except WRONG as error:
            raise _again(typed, sentences(why("Exchange", error), _TRY_AGAIN)) from error
        await self._sight.read(person)
        return "/"

    async def _delete(self, form: Mapping[str, str]) -> str:
        person = self._person(form)
        item = ItemId(id=form.get("item", ""), change_key=form.get("change_key", ""))
        try:
            await self._clients.owner(person.mailbox).delete(item)
        except WRONG as error:
            raise self._sorry(person, error) from error
        await self._sight.read(person)
        return "/"

    async def _move(self, form: Mapping[str, str]) -> str:
        person = self._person(form)
        entry = self._entry(person, form.get("item", ""))
        start, end = self._instant(form.get("start", "")), self._instant(form.get("end", ""))
        if entry is None:
            raise Sorry(_("There is no such appointment any more. Somebody has deleted it meanwhile."))
        if start is None or end is None:
            raise Sorry(_("Enter when it begins and when it ends, as date and time."))
        if fault := _times_fault(start, end):
            raise Sorry(fault)
        try:
            await self._clients.owner(person.mailbox).change(entry.item, start=start, end=end)
        except WRONG as error:
            raise self._sorry(person, error) from error
        await self._sight.read(person)
        return "/"

    async def _absence_form(self, values: Mapping[str, str]) -> Mapping[str, Any]:
        person = self._person(values)
        calendar = self._sight.calendars.get(person.mailbox)
        absence = None if calendar is None else calendar.absence
        out = absence is not None and absence.on(self._now())
        return {"person": person, "out": out, "text": absence.internal if out and absence else "", "fault": ""}

    async def _be_out(self, form: Mapping[str, str]) -> str:
        person = self._person(form)
        text, out = form.get("text", "").strip()[:LONGEST_TEXT], form.get("out") != "no"
        shown = {"person": person, "out": False, "text": text}
        if out and not text:
            raise Again("lab_absence.html", shown | {"fault": _("Enter the text that colleagues get.")})
        try:
            await self._clients.owner(person.mailbox).be_out(text if out else None, now=self._now())
        except WRONG as error:
            fault = sentences(why("Exchange", error), _TRY_AGAIN)
            raise Again("lab_absence.html", shown | {"out": not out, "fault": fault}) from error
        await self._sight.read(person)
        return "/"

    def _person(self, values: Mapping[str, str]) -> Person:
        """Find whom a form is about. Raise Sorry."""
        person = self._company.find(values.get("person", ""))
        if person is None or not person.mailbox:
            raise Sorry(_("There is no such mailbox any more. Somebody may have removed it meanwhile."))
        return person

    def _entry(self, person: Person, item: str) -> Entry | None:
        calendar = self._sight.calendars.get(person.mailbox)
        return next((each for each in calendar.entries if each.item.id == item), None) if calendar else None

    def _typed(self, person: Person, entry: Entry) -> Typed:
        return Typed(
            person=person,
            item=entry.item.id,
            change_key=entry.item.change_key,
            subject=entry.subject,
            start=self._local(entry.start),
            end=self._local(entry.end),
            show_as=entry.show_as,
            private=entry.private,
            series=entry.series,
        )

    def _sorry(self, person: Person, error: BaseException) -> Sorry:
        said: Said = sentences(_("{name}:", name=person.name), why("Exchange", error), _TRY_AGAIN)
        return Sorry(said)

    def _quarter(self) -> datetime:
        """Give the quarter of an hour that runs now."""
        now = self._now().replace(second=0, microsecond=0)
        return now.replace(minute=now.minute - now.minute % 15)

    def _local(self, at: datetime) -> str:
        """Write an instant as the box of a form has it."""
        return f"{at.astimezone(self._zone):%Y-%m-%dT%H:%M}"

    def _instant(self, text: str) -> datetime | None:
        """Read an instant; one without an offset is a time of this machine's zone."""
        with suppress(ValueError, OverflowError):
            at = datetime.fromisoformat(text)
            return at if at.tzinfo else at.replace(tzinfo=self._zone)
        return None


def _times_fault(start: datetime, end: datetime) -> str:
    """Say what is wrong with the times of an appointment, "" for nothing."""
    if end <= start:
        return _("It ends before it begins. Choose a later end.")
    if end - start > _LONGEST:
        return _("It is longer than 14 days. Choose an earlier end.")
    return ""


def _shown(typed: Typed) -> Mapping[str, Any]:
    return {"typed": typed, "choices": list(SHOW_AS.items()), "longest": LONGEST_SUBJECT}


def _again(typed: Typed, fault: str) -> Again:
    return Again("lab_appointment.html", _shown(replace(typed, fault=fault)))
