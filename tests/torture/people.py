"""A small company, and what its people and administrators do."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from rainbow_exchange.lab.exchange.mailbox import Mailbox, OutOfOffice, Right
from rainbow_exchange.lab.user import LabUser, MailboxOf, jid_of, made_id
from tests.house import House, now
from tests.torture import oracle
from tests.torture.steps import Step

PLACES = 6
#: of appointments, in minutes: most neither begin nor end while it comes to rest, which would have Rainbow ask anew
STARTS, LENGTHS = (-20, -3, 3, 60, 180, 600, 1500), (60, 400, 90, 8)
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
    """Three users, one who is not active, and mailboxes for two more. `uses` counts what was done."""

    def __init__(self, folder: Path, *, impersonation: bool, uses: Counter[str]) -> None:
        everybody = [person(number, number) for number in range(PLACES)]
        super().__init__(folder, everybody, right=Right.REVIEWER, rainbow={"dials": CALM}, impersonation=impersonation)
        for user in everybody[4:]:
            self.rainbow.people.remove(user.id)
        self.rainbow.people.add(_with(everybody[3], is_active=False))
        self.mailbox(2).oof = _with(self.mailbox(2).oof, state="Enabled", internal="Away")
        for place in range(3):
            self.appointment(address(place), "Weekly", start=now() + timedelta(hours=8 + place))
        self.bridge = {"users_refresh_minutes": 4, "domains": ["acme.test"]}
        self.impersonation = impersonation
        self.uses = uses
        self.made = PLACES
        self.texts = 0

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

    def change_make_appointment(self, step: Step) -> None:
        self.texts += 1
        start = now().replace(second=0, microsecond=0) + timedelta(minutes=STARTS[step.how % len(STARTS)])
        item = self.appointment(
            address(step.who), f"Meeting {self.texts}", start=start, minutes=LENGTHS[step.how % len(LENGTHS)]
        )
        if step.how > 9:
            self.mailbox(step.who).calendar.update(
                item, _with(item.details, show_as=list(oracle.SHOW_AS)[step.how % 5])
            )

    def filled(self, step: Step) -> list[Mailbox]:
        """List the mailboxes with appointments, from the one that a step is about."""
        places = [*range(step.who, PLACES), *range(step.who)]
        return [mailbox for mailbox in map(self.mailbox, places) if mailbox.calendar.items]

    def change_move_appointment(self, step: Step) -> bool:
        for mailbox in self.filled(step):
            items = list(mailbox.calendar.items.values())
            item, by = items[step.how % len(items)], timedelta(minutes=STARTS[step.how % len(STARTS)])
            mailbox.calendar.update(item, _with(item.details, start=item.details.start + by, end=item.details.end + by))
            return True
        return False

    def change_delete_appointment(self, step: Step) -> bool:
        for mailbox in self.filled(step):
            items = list(mailbox.calendar.items.values())
            mailbox.calendar.delete(items[step.how % len(items)])
            return True
        return False

    def change_go_out_of_office(self, step: Step) -> None:
        self.texts += 1
        mailbox, minute = self.mailbox(step.who), timedelta(minutes=1)
        start = now().replace(second=0, microsecond=0) + STARTS[step.how % len(STARTS)] * minute
        mailbox.oof = OutOfOffice(
            state="Scheduled" if self.impersonation and step.how % 2 else "Enabled",
            audience="All",
            start=start,
            end=max(start, now()) + 90 * minute,
            internal=f"Away {self.texts}",
            external=f"Gone {self.texts}",
        )

    def change_come_back(self, step: Step) -> bool:
        out = [each for each in map(self.mailbox, range(PLACES)) if each.oof.state != "Disabled"]
        if not out:
            return False
        mailbox = out[step.who % len(out)]
        mailbox.oof = OutOfOffice(start=mailbox.oof.start, end=mailbox.oof.end)
        return True

    def change_add_user(self, step: Step) -> bool:
        """Somebody new has a mailbox that nobody else claims; some are asked for before they are listed."""
        taken = {user.mailbox.address for user in self.users if user.mailbox}
        free = [place for place in range(PLACES) if address(place) not in taken]
        if not free:
            return False
        self.made += 1
        user = person(self.made, free[step.how % len(free)])
        self.rainbow.people.add(user)
        if step.how % 2:
            self.ask(user)
        return True

    def change_remove_user(self, step: Step) -> bool:
        user = self.users[step.who % len(self.users)]
        if not any(each.is_active for each in self.users if each is not user):
            return False  # a company that is empty all at once is taken for a fault
        self.rainbow.people.remove(user.id)
        self.rainbow.questions.forget(user.id)
        return True

    def change_rename_user(self, step: Step) -> None:
        """Give somebody a login that leads to the same mailbox, or to none."""
        user = self.users[step.who % len(self.users)]
        assert user.mailbox is not None
        nobody = f"nobody{self.made}@acme.test"
        self.made += 1
        logins = [each for each in (*user.mailbox.aliases, user.mailbox.address, nobody) if each != user.login_email]
        self.rainbow.people.add(_with(user, login_email=logins[step.how % len(logins)]))

    def change_deactivate_user(self, step: Step) -> bool:
        active = [user for user in self.users if user.is_active]
        if len(active) == 1:
            return False
        self.rainbow.people.add(_with(active[step.who % len(active)], is_active=False))
        return True

    def change_activate_user(self, step: Step) -> bool:
        resting = [user for user in self.users if not user.is_active]
        if not resting:
            return False
        self.rainbow.people.add(_with(resting[step.who % len(resting)], is_active=True))
        return True

    def change_ask(self, step: Step) -> None:
        self.ask(self.users[step.who % len(self.users)])

    def ask(self, user: LabUser) -> None:
        """Have Rainbow ask by itself, as when a client looks at somebody."""
        self.rainbow.questions.notified([user.id], force=False)


def _with(value: Any, **changes: Any) -> Any:
    return replace(value, **changes)
