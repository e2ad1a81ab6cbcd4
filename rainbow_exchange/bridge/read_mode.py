"""How a mailbox is read, and what a result says about that: rights show only in an appointment's details. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from rainbow_exchange.ews.errors import EwsError
from rainbow_exchange.ews.treatment import Treatment, treatment
from rainbow_exchange.model import Agenda

#: how long a mode is kept before the other is tried anew
TRIED_ANEW_AFTER = timedelta(days=1)


class Mode(StrEnum):
    """How a mailbox is read: many by GetUserAvailability, or one by FindItem as its owner."""

    BATCHED = "batched"
    OWN = "own"


@dataclass(slots=True)
class ReadMode:
    """The mode of one mailbox, and since when."""

    current: Mode
    _own_since: datetime | None = None
    _own_denied_until: datetime | None = None

    def judge(self, result: Agenda | EwsError, now: datetime) -> bool:
        """Take a result into account; True: the mailbox is to be read again, otherwise."""
        if self.current is Mode.OWN:
            if isinstance(result, EwsError) and treatment(result) is Treatment.DENIED:
                self.current, self._own_denied_until = Mode.BATCHED, now + TRIED_ANEW_AFTER
                return True
            if self._own_since is None:
                self._own_since = now
            elif now - self._own_since >= TRIED_ANEW_AFTER:
                # Tried anew: with details, one request for a hundred mailboxes is cheaper than one each.
                self.current = Mode.BATCHED
            return False
        may_own = self._own_denied_until is None or self._own_denied_until <= now
        if may_own and isinstance(result, Agenda) and result.detailed is False:
            self.current, self._own_since = Mode.OWN, now
            return True
        return False
