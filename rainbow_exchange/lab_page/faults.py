"""The panel of faults, each with a switch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rainbow_exchange.lab.faults import FAULTS, Fault, Faults
from rainbow_exchange.lab_page.company import Company
from rainbow_exchange.lab_page.sight import Sight
from rainbow_exchange.lab_page.troubles import WRONG, why
from rainbow_exchange.web.view import Change, Sorry
from rainbow_exchange.words import _

_SIDES = {"exchange": "Exchange", "rainbow": "Rainbow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A fault as it stands. `who` is whose mailbox it concerns, "" for all, or for nobody yet; `key` is its address."""

    fault: Fault
    on: bool
    who: str = ""
    key: str = ""


class FaultSwitches:
    """Shows the faults and turns them. Where a mailbox is gone, its address stands in the person's place."""

    part = "lab_faults"

    def __init__(self, company: Company, sight: Sight, faults: Faults) -> None:
        self._company = company
        self._sight = sight
        self._faults = faults
        self._on: frozenset[tuple[str, str]] = frozenset()
        self._trouble = ""

    async def refresh(self) -> bool:
        """See which are on."""
        before = self._on, self._trouble
        try:
            self._on, self._trouble = frozenset(await self._faults.on()), ""
        except WRONG as error:
            self._trouble = why(_("The lab"), error)
        return before != (self._on, self._trouble)

    def shown(self) -> Mapping[str, Any]:
        """Give the lines, each where it always is: whoever switches one has it under the finger still."""
        return {"lines": list(self._lines()), "on": len(self._on), "trouble": self._trouble}

    def changes(self) -> Sequence[Change]:
        """Give what the switches do."""
        return (Change(path="/faults", work=self._turn), Change(path="/faults/off", work=self._all_off))

    def _lines(self) -> Iterator[Line]:
        for fault in self._faults.known():
            if not fault.of_mailbox:
                yield Line(fault=fault, on=(fault.id, "") in self._on)
                continue
            for mailbox in sorted(mailbox for fault_id, mailbox in self._on if fault_id == fault.id):
                person = self._company.whose(mailbox)
                yield Line(fault=fault, on=True, who=person.name if person else mailbox, key=mailbox)
            yield Line(fault=fault, on=False)

    async def _turn(self, form: Mapping[str, str]) -> str:
        fault = next((each for each in FAULTS if each.id == form.get("fault")), None)
        if fault is None or fault not in self._faults.known():
            raise Sorry(_("There is no such fault. Load the page again."))
        mailbox = ""
        if fault.of_mailbox:
            person = self._company.find(form.get("person", ""))
            mailbox = person.mailbox if person is not None else form.get("mailbox", "")
            if not mailbox:
                raise Sorry(_("Choose whose mailbox it is about."))
        try:
            await self._faults.turn(fault.id, on=form.get("on") == "yes", mailbox=mailbox)
        except WRONG as error:
            raise Sorry(why(_SIDES[fault.side], error)) from error
        await self._seen()
        return "/"

    async def _all_off(self, _form: Mapping[str, str]) -> str:
        try:
            await self._faults.all_off()
        except WRONG as error:
            raise Sorry(why(_("The lab"), error)) from error
        await self._seen()
        return "/"

    async def _seen(self) -> None:
        if await self.refresh():
            self._sight.turn()
