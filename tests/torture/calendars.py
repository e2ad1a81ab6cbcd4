"""What people do with their calendars and absences, and what Exchange's administrators do with mailboxes."""

from datetime import datetime, timedelta

from rainbow_exchange.lab.exchange.calendar import Details, Item
from rainbow_exchange.lab.exchange.mailbox import Mailbox, OutOfOffice, Right
from rainbow_exchange.lab.exchange.recurrence import Recurrence
from tests.house import now
from tests.torture import oracle
from tests.torture.people import PLACES, Peopled, address, changed
from tests.torture.steps import Step

CHANGES = (
    "make appointment",
    "move appointment",
    "change subject",
    "change show-as",
    "make private",
    "delete appointment",
    "make series",
    "move series",
    "move occurrence",
    "delete occurrence",
    "delete series",
    "go out of office",
    "schedule absence",
    "change text",
    "come back",
    "take rights",
    "grant rights",
    "move mailbox",
)
#: of appointments, in minutes: most neither begin nor end while it comes to rest, which would have Rainbow ask anew
STARTS, LENGTHS = (-20, -3, 3, 60, 180, 600, 1500), (60, 400, 90, 8)
MINUTE = timedelta(minutes=1)
#: how the rights on a mailbox are taken while others are impersonated, and what is left of them where nobody is
REFUSALS = ("ErrorAccessDenied", "ErrorImpersonateUserDenied")
LEFT = (Right.NONE, Right.FREEBUSY)
#: what streams are told of a mailbox that is being moved
MOVED = ("ErrorInvalidSubscription", "ErrorProxyRequestNotAllowed", "ErrorMailboxMoveInProgress")


class Calendars(Peopled):
    """Whatever is to be done can be done: what is to be changed is made first where there is none."""

    texts = 0
    moves = 0
    granted = False
    retries = 0

    def items(self, step: Step, *, series: bool) -> tuple[Mailbox, Item]:
        """Give an appointment, or a series, of whom a step is about, or of the next who has one."""
        for place in (*range(step.who, PLACES), *range(step.who)):
            mailbox = self.mailbox(place)
            found = [item for item in mailbox.calendar.items.values() if (item.recurrence is not None) == series]
            if found:
                return mailbox, found[step.how % len(found)]
        (self.change_make_series if series else self.change_make_appointment)(step)
        return self.items(step, series=series)

    def text(self, what: str) -> str:
        self.texts += 1
        return f"{what} {self.texts}"

    @staticmethod
    def begin_at(step: Step) -> datetime:
        return now().replace(second=0, microsecond=0) + STARTS[step.how % len(STARTS)] * MINUTE

    def details(self, step: Step, what: str) -> Details:
        start = self.begin_at(step)
        length = LENGTHS[step.how % len(LENGTHS)] * MINUTE
        show_as = list(oracle.SHOW_AS)[step.how % 5] if step.how > 9 else "Busy"
        return Details(start=start, end=start + length, subject=self.text(what), show_as=show_as)

    def change_make_appointment(self, step: Step) -> None:
        self.mailbox(step.who).calendar.create(self.details(step, "Meeting"))

    def change_move_appointment(self, step: Step) -> None:
        mailbox, item = self.items(step, series=False)
        mailbox.calendar.update(item, _moved(item.details, step))

    def change_change_subject(self, step: Step) -> None:
        mailbox, item = self.items(step, series=bool(step.how % 3 == 0))
        mailbox.calendar.update(item, changed(item.details, subject=self.text("Renamed")))

    def change_change_show_as(self, step: Step) -> None:
        mailbox, item = self.items(step, series=bool(step.how % 3 == 0))
        others = [each for each in oracle.SHOW_AS if each != item.details.show_as]
        mailbox.calendar.update(item, changed(item.details, show_as=others[step.how % len(others)]))

    def change_make_private(self, step: Step) -> None:
        """Make it private, or show it again."""
        mailbox, item = self.items(step, series=bool(step.how % 3 == 0))
        sensitivity = "Private" if item.details.sensitivity == "Normal" else "Normal"
        mailbox.calendar.update(item, changed(item.details, sensitivity=sensitivity))

    def change_delete_appointment(self, step: Step) -> None:
        mailbox, item = self.items(step, series=False)
        mailbox.calendar.delete(item)

    def change_make_series(self, step: Step) -> None:
        """Make a daily series that began some days ago, without end or with twelve occurrences."""
        details = self.details(step, "Daily")
        if details.end - details.start > timedelta(hours=4):
            details = changed(details, end=details.start + timedelta(hours=4))
        before = timedelta(days=step.how % 4)
        first = changed(details, start=details.start - before, end=details.end - before)
        pattern = Recurrence(
            pattern="DailyRecurrence",
            values={"Interval": "1"},
            first_day=first.start.date(),
            count=12 if step.how % 2 else None,
        )
        self.mailbox(step.who).calendar.create(first, recurrence=pattern)

    def change_move_series(self, step: Step) -> None:
        mailbox, item = self.items(step, series=True)
        assert item.recurrence is not None
        details = _moved(item.details, step)
        pattern = changed(item.recurrence, first_day=details.start.date())
        mailbox.calendar.update(item, details, recurrence=pattern)

    def change_move_occurrence(self, step: Step) -> None:
        mailbox, item, original = self.occurrence(step)
        mailbox.calendar.update_occurrence(item, original, _moved(item.occurrence(original), step))

    def change_delete_occurrence(self, step: Step) -> None:
        mailbox, item, original = self.occurrence(step)
        mailbox.calendar.delete_occurrence(item, original)

    def occurrence(self, step: Step) -> tuple[Mailbox, Item, datetime]:
        """Give one of the next occurrences of a series, of a new one where all of those are deleted."""
        mailbox, item = self.items(step, series=True)
        found = self.next_of(mailbox, item)
        if not found:
            self.change_make_series(step)
            mailbox = self.mailbox(step.who)
            item = list(mailbox.calendar.items.values())[-1]
            found = self.next_of(mailbox, item)
        return mailbox, item, found[step.how % len(found)]

    @staticmethod
    def next_of(mailbox: Mailbox, item: Item) -> list[datetime]:
        around = mailbox.calendar.view(now() - timedelta(days=1), now() + timedelta(days=3))
        return [each.original for each in around if each.item is item and each.original is not None]

    def change_delete_series(self, step: Step) -> None:
        mailbox, item = self.items(step, series=True)
        mailbox.calendar.delete(item)

    def change_go_out_of_office(self, step: Step) -> None:
        self.absent(step, "Enabled")

    def change_schedule_absence(self, step: Step) -> None:
        self.absent(step, "Scheduled")

    def absent(self, step: Step, state: str) -> None:
        start = self.begin_at(step)
        self.mailbox(step.who).oof = OutOfOffice(
            state=state,
            audience="All",
            start=start,
            end=max(start, now().replace(second=0, microsecond=0)) + 90 * MINUTE,
            internal=self.text("Away"),
            external=self.text("Gone"),
        )
        self.note_absence(self.mailbox(step.who))

    def out(self, step: Step) -> Mailbox:
        """Give the mailbox of somebody who has an absence."""
        found = [each for each in map(self.mailbox, range(PLACES)) if each.oof.state != "Disabled"]
        if not found:
            self.change_go_out_of_office(step)
            return self.mailbox(step.who)
        return found[step.who % len(found)]

    def change_change_text(self, step: Step) -> None:
        mailbox = self.out(step)
        mailbox.oof = changed(mailbox.oof, internal=self.text("Still away"), external=self.text("Still gone"))
        self.note_absence(mailbox)

    def change_come_back(self, step: Step) -> None:
        mailbox = self.out(step)
        mailbox.oof = OutOfOffice(start=mailbox.oof.start, end=mailbox.oof.end)
        self.note_absence(mailbox)

    def note_absence(self, mailbox: Mailbox) -> None:
        """Take note that an absence has changed, which no one is told of."""

    def change_take_rights(self, step: Step) -> None:
        mailbox = self.mailbox(step.who)
        if self.impersonation:
            self.exchange.dials.mailbox_errors[mailbox.address] = REFUSALS[step.how % 2]
        else:
            mailbox.right = LEFT[step.how % 2]
        self.note_rights(mailbox)

    def readable(self, mailbox: Mailbox) -> bool:
        """Whether the connector has the rights that it needs to read all of this mailbox's calendar."""
        return mailbox.right is Right.REVIEWER and mailbox.address not in self.exchange.dials.mailbox_errors

    def change_grant_rights(self, step: Step) -> None:
        without = [each for each in map(self.mailbox, range(PLACES)) if not self.readable(each)]
        if not without:
            self.change_take_rights(step)
            without = [self.mailbox(step.who)]
        mailbox = without[step.how % len(without)]
        self.granted = True
        self.exchange.dials.mailbox_errors.pop(mailbox.address, None)
        mailbox.right = Right.REVIEWER
        self.note_rights(mailbox)
        self.retry([mailbox.address])

    def retry(self, addresses: list[str] | None) -> None:
        """Have an administrator say `retry`, which tries to sign in as well, though the account may be locked."""
        if self.daemon is not None:
            self.retries += 1
            self.daemon.retry(addresses)

    def note_rights(self, mailbox: Mailbox) -> None:
        """Take note that the rights on a mailbox have changed, which no one is told of."""

    def change_move_mailbox(self, step: Step) -> None:
        """Move a mailbox to another server; for some seconds it is closed to everybody."""
        self.moves += 1
        self.exchange.disasters.move(
            address(step.who),
            f"exch{self.moves % 3 + 50}.lab.test",
            code=MOVED[step.how % len(MOVED)],
            takes_seconds=(0.0, 1.0, 20.0, 60.0)[step.how % 4],
        )


def _moved(details: Details, step: Step) -> Details:
    by = STARTS[step.how % len(STARTS)] * MINUTE
    moved: Details = changed(details, start=details.start + by, end=details.end + by)
    return moved
