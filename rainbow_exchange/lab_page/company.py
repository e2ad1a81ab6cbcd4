"""Everybody of the lab's company, and which sides there are."""

from collections.abc import Mapping, Sequence
from typing import Any

from rainbow_exchange.lab.company import ascii_part
from rainbow_exchange.lab.serve import LabAddresses
from rainbow_exchange.lab_page.people import Person, joined


class Company:
    """The people, by name; `users` and `boxes` are what both sides said last."""

    def __init__(self, lab: LabAddresses) -> None:
        self.has_exchange = lab.exchange is not None
        self.has_rainbow = lab.rainbow is not None
        self._users: Sequence[Mapping[str, Any]] = [user.as_json() for user in lab.users] if self.has_rainbow else []
        self._boxes: Sequence[Mapping[str, Any]] = []
        if self.has_exchange:
            self._boxes = [
                {
                    "address": user.mailbox.address,
                    "display_name": user.display_name,
                    "aliases": user.mailbox.aliases,
                    "upn": user.mailbox.upn,
                }
                for user in lab.users
                if user.mailbox is not None
            ]
        self.people: Sequence[Person] = ()
        self._mailbox_of: dict[str, str] = {}
        self._join()

    def find(self, key: str) -> Person | None:
        """Find whom a form names; whoever is no user any more, by the mailbox that stays."""
        return self._by_key.get(key) or self.whose(self._mailbox_of.get(key, ""))

    def whose(self, mailbox: str) -> Person | None:
        """Find whose mailbox this is."""
        return self._by_mailbox.get(mailbox.lower())

    def learn(
        self, *, users: Sequence[Mapping[str, Any]] | None = None, boxes: Sequence[Mapping[str, Any]] | None = None
    ) -> bool:
        """Take what a side says of who is there; return whether that is something else."""
        before = self.people
        self._users = self._users if users is None else users
        self._boxes = self._boxes if boxes is None else boxes
        self._join()
        return before != self.people

    def _join(self) -> None:
        self.people = sorted(joined(self._users, self._boxes), key=lambda each: (ascii_part(each.name), each.key))
        self._by_key = {person.key: person for person in self.people}
        self._mailbox_of |= {person.key: person.mailbox for person in self.people}
        self._by_mailbox = {person.mailbox.lower(): person for person in self.people if person.mailbox}
