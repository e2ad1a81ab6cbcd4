"""A small company, and what its administrators do: users come, go, are renamed, rest; mailboxes stay."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from rainbow_exchange.lab.exchange.mailbox import Mailbox, Right
from rainbow_exchange.lab.user import LabUser, MailboxOf, jid_of, made_id
from tests.house import House, now
from tests.torture.steps import Step

CHANGES = ("add user", "remove user", "rename user", "deactivate user", "activate user", "ask")
PLACES = 6
CALM = {"token_seconds": 300, "page_limit": 2}


def address(place: int) -> str:
    return f"p{place}@acme.test"


def person(number: int, place: int) -> LabUser:
    user_id = made_id("tortured", str(number))
    jid, jid_password = jid_of(user_id)
    mailbox = MailboxOf(address=address(place), aliases=(f"alias{place}@acme.test",))
    return LabUser(
        id=user_id,
        login_email=address(place),
        emails=(),
        language="en",
        jid=jid,
        jid_password=jid_password,
        mailbox=mailbox,
    )


class Peopled(House):
    """Three users, one who is not active, and mailboxes for two more.

    `uses` counts what was really done; `luck` is what the product's and the lab's randomness begins with.
    """

    def __init__(self, folder: Path, *, impersonation: bool, uses: Counter[str], luck: int = 1) -> None:
        self.luck = luck
        everybody = [person(number, number) for number in range(PLACES)]
        super().__init__(folder, everybody, right=Right.REVIEWER, rainbow={"dials": CALM}, impersonation=impersonation)
        for user in everybody[4:]:
            self.rainbow.people.remove(user.id)
        self.rainbow.people.add(changed(everybody[3], is_active=False))
        self.mailbox(2).oof = changed(self.mailbox(2).oof, state="Enabled", internal="Away")
        for place in range(3):
            self.appointment(address(place), "Weekly", start=now() + timedelta(hours=8 + place))
        self.bridge = {"users_refresh_minutes": 4, "domains": ["acme.test"]}
        self.impersonation = impersonation
        self.uses = uses
        self.made = PLACES

    @property
    def users(self) -> list[LabUser]:
        account = self.rainbow.people.account.id
        return sorted((user for user in self.rainbow.people.everybody() if user.id != account), key=lambda u: u.id)

    def mailbox(self, place: int) -> Mailbox:
        return self.exchange.directory.by_address[address(place)]

    def mailbox_of(self, user: LabUser) -> Mailbox | None:
        """Give the mailbox that this user's login leads to, of somebody who is active."""
        return self.exchange.directory.by_proxy.get(user.login_email) if user.is_active else None

    def covered(self) -> dict[str, Mailbox]:
        found = {user.id: self.mailbox_of(user) for user in self.users}
        return {user_id: mailbox for user_id, mailbox in found.items() if mailbox}

    def change_add_user(self, step: Step) -> None:
        """Somebody new has a mailbox that nobody else claims; some are asked for before they are listed."""
        if len(self.users) == PLACES:
            self.change_remove_user(step)
        taken = {user.mailbox.address for user in self.users if user.mailbox}
        free = [place for place in range(PLACES) if address(place) not in taken]
        self.made += 1
        user = person(self.made, free[step.how % len(free)])
        self.rainbow.people.add(user)
        if step.how % 2:
            self.ask(user)

    def change_remove_user(self, step: Step) -> None:
        """Somebody leaves; not the last who is active: a company that is empty all at once is taken for a fault."""
        if len(self.users) == 1:
            self.change_add_user(step)
        active = [user for user in self.users if user.is_active]
        leaving = [user for user in self.users if len(active) > 1 or user not in active]
        user = leaving[step.who % len(leaving)]
        self.rainbow.people.remove(user.id)
        self.rainbow.questions.forget(user.id)

    def change_rename_user(self, step: Step) -> None:
        """Give somebody a login that leads to the same mailbox, or to none."""
        user = self.users[step.who % len(self.users)]
        assert user.mailbox is not None
        nobody = f"nobody{self.made}@acme.test"
        self.made += 1
        logins = [each for each in (*user.mailbox.aliases, user.mailbox.address, nobody) if each != user.login_email]
        self.rainbow.people.add(changed(user, login_email=logins[step.how % len(logins)]))

    def change_deactivate_user(self, step: Step) -> None:
        active = [user for user in self.users if user.is_active]
        if len(active) == 1:  # who stays
            self.change_add_user(step)
        self.rainbow.people.add(changed(active[step.who % len(active)], is_active=False))

    def change_activate_user(self, step: Step) -> None:
        if all(user.is_active for user in self.users):
            self.change_deactivate_user(step)
        resting = [user for user in self.users if not user.is_active]
        self.rainbow.people.add(changed(resting[step.who % len(resting)], is_active=True))

    def change_ask(self, step: Step) -> None:
        self.ask(self.users[step.who % len(self.users)])

    def ask(self, user: LabUser) -> None:
        """Have Rainbow ask by itself, as when a client looks at somebody."""
        self.rainbow.questions.notified([user.id], force=False)


def changed(value: Any, **changes: Any) -> Any:
    """Give a copy with these fields changed."""
    return replace(value, **changes)
