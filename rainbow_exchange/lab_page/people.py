"""Who is in the company: Rainbow's users and Exchange's mailboxes, each person once. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: people on the page at a time; with more there is a search
SHOWN = 30
_HUES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with a user at Rainbow, a mailbox in Exchange, or both; the other is "" then."""

    name: str
    user_id: str
    login: str
    mailbox: str

    @property
    def key(self) -> str:
        """What names the person in a form and on the page."""
        return self.user_id or f"m{hashlib.sha256(self.mailbox.encode()).hexdigest()[:23]}"

    @property
    def initials(self) -> str:
        """What stands in the avatar."""
        words = [word for word in self.name.split() if word[0].isalpha()]
        return "".join(word[0] for word in (words[0], *words[1:][-1:])).upper() if words else "?"

    @property
    def hue(self) -> int:
        """The number of the avatar's colour."""
        return sum(self.key.encode()) % _HUES


def joined(users: Iterable[Mapping[str, Any]], boxes: Sequence[Mapping[str, Any]]) -> list[Person]:
    """Join users (as Rainbow's REST gives them) and mailboxes (as the lab's own wire does), by any address."""
    by_name: dict[str, str] = {}
    for box in boxes:
        for name in (*(box.get("aliases") or ()), box.get("upn"), box["address"]):
            if name:
                by_name[name.lower()] = box["address"]
    found, taken = list[Person](), set[str]()
    for user in users:
        addresses = [user["loginEmail"], *(each["email"] for each in user.get("emails") or ())]
        names = [*addresses, user.get("authenticationExternalUid") or ""]
        mailbox = next((by_name[name.lower()] for name in names if name.lower() in by_name), "")
        if mailbox in taken:
            mailbox = ""
        taken.add(mailbox)
        shown = (user.get("displayName") or "").strip() or user["loginEmail"]
        found.append(Person(name=shown, user_id=user["id"], login=user["loginEmail"], mailbox=mailbox))
    rest = (box for box in boxes if box["address"] not in taken)
    found += [
        Person(
            name=(box.get("display_name") or "").strip() or box["address"], user_id="", login="", mailbox=box["address"]
        )
        for box in rest
    ]
    return found


def searched(people: Iterable[Person], text: str) -> list[Person]:
    """Give those in whose name or addresses each word of a text stands."""
    words = text.casefold().split()
    return [
        each for each in people if all(word in f"{each.name} {each.login} {each.mailbox}".casefold() for word in words)
    ]
