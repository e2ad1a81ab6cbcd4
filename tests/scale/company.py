"""A company of thousands in one process and on virtual time."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from rainbow_exchange.lab.exchange.mailbox import Right
from rainbow_exchange.lab.exchange.throttling import PRESETS
from rainbow_exchange.lab.user import LabUser, MailboxOf, jid_of
from tests.house import House, now, until

REFUSALS = {"ErrorExceededConnectionCount", "ErrorExceededSubscriptionCount", "ErrorServerBusy"}


def person(number: int) -> LabUser:
    name = f"u{number:05}"
    address = f"{name}@acme.test"
    jid, jid_password = jid_of(name)
    return LabUser(id=name, login_email=address, jid=jid, jid_password=jid_password, mailbox=MailboxOf(address=address))


class Company(House):
    """Rainbow does not ask, which would be most of what happens."""

    def __init__(self, folder: Path, people: int, *, impersonation: bool, preset: str, **dials: Any) -> None:
        super().__init__(
            folder,
            [person(number) for number in range(people)],
            right=Right.REVIEWER,
            dials=dict(PRESETS[preset]) | dials,
            rainbow={"dials": {"ask": False}},
            impersonation=impersonation,
        )

    async def until(self, condition: Callable[[], object], within: float, step: float = 1.0) -> float:
        """Let time pass until something holds; return the seconds."""
        try:
            return await until(condition, within=within, step=step)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.shown()}") from None

    def covered(self) -> dict[str, int]:
        """Count as status does, which for thousands of mailboxes costs too much to be made each second."""
        assert self.daemon is not None
        sides = self.daemon._sides
        return (
            sides.exchange.health.mailboxes()
            if sides and sides.exchange
            else {"total": 0, "streamed": 0, "polled": 0, "uncovered": 0}
        )

    def shown(self) -> Any:
        status = self.status()
        return {name: status[name] for name in ("state", "mailboxes", "throttling", "problems")}

    def change(self, number: int) -> None:
        """Make an appointment that begins in an hour."""
        self.appointment(f"u{number:05}@acme.test", start=now() + timedelta(hours=1))

    def told(self, number: int) -> int:
        """Count how often Rainbow was notified of this one."""
        return self.notified().count(f"u{number:05}")

    def refused(self, since: int = 0) -> tuple[int, int]:
        """Count the requests after the one of that number, and those of them that were refused for a limit."""
        codes = Counter(each.code for each in self.exchange.record._requests if each.number > since)
        return sum(codes.values()), sum(number for code, number in codes.items() if code in REFUSALS)

    def last_request(self) -> int:
        return max((each.number for each in self.exchange.record._requests), default=0)
