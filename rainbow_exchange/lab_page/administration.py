"""The panel of Rainbow's administration: the switch, where Exchange is, and who is in the company."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from rainbow_exchange.lab.administrator import Administrator, ExchangeEntered
from rainbow_exchange.lab.mailboxes import Mailboxes
from rainbow_exchange.lab.owner_wire import Refused
from rainbow_exchange.lab.serve import ExchangeSide
from rainbow_exchange.lab_page.company import Company
from rainbow_exchange.lab_page.sight import Sight
from rainbow_exchange.lab_page.troubles import WRONG, why
from rainbow_exchange.web.view import Change, Sorry
from rainbow_exchange.words import Said, _, sentences

#: how many looks go by until everybody of a large company is listed again, and from how many people on it is large
_SELDOM, _LARGE = 15, 300
_LONGEST_NAME, _LONGEST_ADDRESS, _LONGEST_URL = 60, 200, 500
_ADDRESS = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+")
_URL = re.compile(r"https?://[^\s/]+\S*")


class Administration:
    """Shows what is set and sets it. `note` is what became of the last change."""

    part = "lab_administration"

    def __init__(
        self,
        company: Company,
        sight: Sight,
        *,
        administrator: Administrator,
        mailboxes: Mailboxes | None,
        exchange: ExchangeSide | None,
    ) -> None:
        self._company = company
        self._sight = sight
        self._administrator = administrator
        self._mailboxes = mailboxes
        self._exchange = exchange
        self._switch: bool | None = None
        self._entered: ExchangeEntered | None = None
        self._trouble: str = ""
        self._note: str = ""
        self._looks = 0

    async def refresh(self) -> bool:
        """See what is set, and who is there."""
        before = self._switch, self._entered, self._trouble
        changed, trouble = False, ""
        try:
            self._switch = await self._administrator.switch()
            self._entered = await self._administrator.exchange()
            if len(self._company.people) < _LARGE or self._looks % _SELDOM == 0:
                changed = self._company.learn(users=await self._administrator.users(), boxes=await self._boxes())
            self._looks += 1
        except WRONG as error:
            trouble = why("Rainbow", error)
        self._trouble = trouble
        return changed or before != (self._switch, self._entered, self._trouble)

    def shown(self) -> Mapping[str, Any]:
        """Give what is set."""
        return {
            "switch": self._switch,
            "entered": self._entered,
            "url": self._exchange.url if self._exchange else "",
            "has_exchange": self._exchange is not None,
            "users": sum(1 for person in self._company.people if person.user_id),
            "trouble": self._trouble,
            "note": self._note,
        }

    def changes(self) -> Sequence[Change]:
        """Give what its forms do."""
        return (
            Change(path="/administration/switch", work=self._turn),
            Change(path="/administration/exchange", work=self._enter),
            Change(path="/administration/exchange/lab", work=self._enter_lab_s),
            Change(path="/administration/exchange/forget", work=self._forget),
            Change(path="/administration/users", work=self._add),
            Change(path="/administration/users/remove", work=self._remove),
        )

    async def _turn(self, form: Mapping[str, str]) -> str:
        on = form.get("on") == "yes"
        try:
            await self._administrator.set_switch(on=on)
        except WRONG as error:
            raise Sorry(why("Rainbow", error)) from error
        return await self._done(_("It is switched on.") if on else _("It is switched off."))

    async def _enter(self, form: Mapping[str, str]) -> str:
        url, login = form.get("url", "").strip(), form.get("login", "").strip()
        if len(url) > _LONGEST_URL or not _URL.fullmatch(url):
            raise Sorry(_("Enter the address of EWS, such as https://mail.company.com/EWS/Exchange.asmx."))
        if not login or len(login) > _LONGEST_ADDRESS:
            raise Sorry(_("Enter the user name that signs in to Exchange."))
        return await self._set(url, login, form.get("password") or None)

    async def _enter_lab_s(self, _form: Mapping[str, str]) -> str:
        if self._exchange is None:
            raise Sorry(_("The lab's Exchange was not started."))
        return await self._set(self._exchange.url, self._exchange.username, self._exchange.password)

    async def _set(self, url: str, login: str, password: str | None) -> str:
        try:
            await self._administrator.set_exchange(url, login, password)
        except WRONG as error:
            raise Sorry(why("Rainbow", error)) from error
        return await self._done(_("The Exchange server is saved."))

    async def _forget(self, _form: Mapping[str, str]) -> str:
        try:
            await self._administrator.forget_exchange()
        except WRONG as error:
            raise Sorry(why("Rainbow", error)) from error
        return await self._done(_("The Exchange server is taken out."))

    async def _add(self, form: Mapping[str, str]) -> str:
        first, last = (" ".join(form.get(name, "").split())[:_LONGEST_NAME] for name in ("first", "last"))
        address = form.get("address", "").strip().lower()
        name = f"{first} {last}".strip()
        if not name:
            raise Sorry(_("Enter a name."))
        if len(address) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(address):
            raise Sorry(_("Enter the address, such as zoe@acme.test."))
        made = await self._mailbox(address, name)
        try:
            await self._administrator.add_user(first, last, address)
        except WRONG as error:
            if made and self._mailboxes is not None:
                with suppress(*WRONG):  # one that stays is the person's when it is tried again
                    await self._mailboxes.remove(address)
            if isinstance(error, Refused) and error.code == "http-409":
                raise Sorry(_("Somebody has this login already: {address}.", address=address)) from error
            raise Sorry(why("Rainbow", error)) from error
        return await self._told(_("{name} is added.", name=name))

    async def _mailbox(self, address: str, name: str) -> bool:
        """Make a mailbox first, as a company does; return False where there is one, or no Exchange."""
        if self._mailboxes is None:
            return False
        try:
            listed = await self._mailboxes.listed()
            if any(address in (each.address.lower(), *map(str.lower, each.aliases)) for each in listed):
                return False
            await self._mailboxes.add(address, name)
        except WRONG as error:
            raise Sorry(why("Exchange", error)) from error
        return True

    async def _remove(self, form: Mapping[str, str]) -> str:
        person = self._company.find(form.get("person", ""))
        if person is None or not person.user_id:
            raise Sorry(_("There is no such user any more. Somebody may have removed it meanwhile."))
        try:
            await self._administrator.remove_user(person.user_id)
        except WRONG as error:
            raise Sorry(why("Rainbow", error)) from error
        return await self._told(_("{name} is removed; the mailbox stays.", name=person.name))

    async def _told(self, what: Said) -> str:
        """Have the connector synchronise, as the console's command does, or else it finds out within the hour."""
        try:
            there = await self._administrator.synchronise()
        except WRONG as error:
            return await self._done(sentences(what, why("Rainbow", error)))
        if there:
            return await self._done(sentences(what, _("The connector is told to synchronise.")))
        return await self._done(sentences(what, _("No connector is connected; it finds out when it is.")))

    async def _done(self, note: str) -> str:
        self._note, self._looks = note, 0
        await self.refresh()
        self._sight.turn()
        return "/"

    async def _boxes(self) -> list[dict[str, Any]] | None:
        """List the mailboxes; None where that cannot be done, which the Exchange side tells of."""
        if self._mailboxes is None:
            return None
        try:
            listed = await self._mailboxes.listed()
        except WRONG:
            return None
        return [
            {"address": each.address, "display_name": each.name, "aliases": each.aliases, "upn": each.upn}
            for each in listed
        ]
