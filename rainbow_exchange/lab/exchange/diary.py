"""Appointments made up for everybody: the same for the same seed, address and moment. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from rainbow_exchange.lab.exchange.calendar import Details
from rainbow_exchange.lab.exchange.mailbox import LabMailbox
from rainbow_exchange.lab.exchange.zones import windows_name
from rainbow_exchange.lab.names import made_subject

_LENGTHS = (15, 30, 30, 45, 60, 60, 90)
_SHOW_AS = ("Busy",) * 8 + ("Tentative", "WorkingElsewhere")


@dataclass(frozen=True, slots=True, kw_only=True)
class Diary:
    """`appointments` for each mailbox, each with a subject of its own, that begin within `days` from `since`."""

    appointments: int
    days: int
    seed: int
    since: datetime

    def of(self, mailbox: LabMailbox) -> Iterator[Details]:
        """Make up a mailbox's appointments, as they follow each other."""
        random = Random(f"{self.seed} {mailbox.address}")
        since = self.since.replace(second=0, microsecond=0)
        zone = windows_name(mailbox.timezone)
        for minute in sorted(random.randrange(self.days * 24 * 60) for _ in range(self.appointments)):
            start = since + timedelta(minutes=minute)
            yield Details(
                start=start,
                end=start + timedelta(minutes=random.choice(_LENGTHS)),
                subject=made_subject(random),
                show_as=random.choice(_SHOW_AS),
                zone=zone,
            )
