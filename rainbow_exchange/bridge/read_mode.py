"""How a mailbox is read, and what a result says about that: rights show only in an appointment's details. Pure.

Privacy has its say as well. Where no subject leaves the building, none is read: many are read together. Where private
ones are masked, a mailbox is read as its owner as long as that works, since availability knows no other sensitivity
than private.

What FindItem is worth is a matter of the server: a CalendarView expands series, so that a series' master in one proves
that this server does not, and that there meetings would be missing. Then nobody is read by it for a day.
"""

from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from rainbow_exchange.bridge.privacy import Privacy
from rainbow_exchange.bridge.turns import Turns, in_turns
from rainbow_exchange.ews.errors import (
    ConnectionLimitReached,
    EwsAuthenticationError,
    EwsError,
    ResponseError,
    ServerBusy,
)
from rainbow_exchange.ews.treatment import Treatment, treatment
from rainbow_exchange.model import Agenda, Mailbox
from rainbow_exchange.words import _

#: how long a mode is kept before the other is tried anew
TRIED_ANEW_AFTER = timedelta(days=1)


class Mode(StrEnum):
    """How a mailbox is read: many by GetUserAvailability, or one by FindItem: as its owner, or as who may read it."""

    BATCHED = "batched"
    OWN = "own"


@dataclass(slots=True)
class ReadMode:
    """The mode of one mailbox as it was learnt, and since when; `privacy(address)` gives the level that holds for it.

    Whoever is not `owner`, for want of impersonation, reads by FindItem only what free/busy leaves in doubt.
    """

    learnt: Mode
    own_only: bool = False  # a mailbox without an SMTP address cannot be asked for by GetUserAvailability
    address: str = ""
    privacy: Callable[[str], Privacy] = lambda _: Privacy.FULL
    owner: bool = True
    _own_since: datetime | None = None
    _own_denied_until: datetime | None = None

    @property
    def current(self) -> Mode:
        """How it is to be read now."""
        hidden = self.privacy(self.address) is Privacy.BUSY_ONLY
        return Mode.BATCHED if hidden and not self.own_only else self.learnt

    @property
    def because(self) -> str:
        """Say what it is chosen by, as far as that is of this mailbox and not of its server."""
        if self.own_only:
            return _("its SMTP address is not known, and free/busy wants one")
        if self.privacy(self.address) is Privacy.BUSY_ONLY:
            return _("no subject may leave, so none is asked for")
        if self.learnt is Mode.OWN:
            if not self.owner:
                return _("free/busy left it in doubt whether a meeting was cancelled or declined")
            return _("it is read as its owner, by impersonation, which shows everything")
        if not self.owner:
            return _("exchange.impersonation is off")
        return (
            _("reading it as its owner was refused") if self.again_at else _("free/busy was found to show everything")
        )

    @property
    def again_at(self) -> datetime | None:
        """When reading as the owner is tried again that was refused; None where it was not."""
        return self._own_denied_until

    def try_again(self) -> bool:
        """Let the owner's way be tried anew, whenever it was refused; return whether it was, and is used then."""
        if self._own_denied_until is None:
            return False
        self._own_denied_until = None
        return self.privacy(self.address) is not Privacy.BUSY_ONLY

    def judge(self, result: Agenda | EwsError, now: datetime) -> bool:
        """Take a result into account; True: the mailbox is to be read again, otherwise."""
        privacy = self.privacy(self.address)
        if privacy is Privacy.BUSY_ONLY:
            return False
        if self.learnt is Mode.OWN:
            if isinstance(result, EwsError) and self._refused(result):
                self.learnt, self._own_denied_until = Mode.BATCHED, now + TRIED_ANEW_AFTER
                return True
            if self._own_since is None:
                self._own_since = now
            elif (privacy is Privacy.FULL or not self.owner) and now - self._own_since >= TRIED_ANEW_AFTER:
                # Tried anew: with details, one request for a hundred mailboxes is cheaper than one each.
                self.learnt = Mode.BATCHED
            return False
        may_own = self._own_denied_until is None or self._own_denied_until <= now
        if may_own and isinstance(result, Agenda) and self._unfit(result, privacy):
            self.learnt, self._own_since = Mode.OWN, now
            return True
        return False

    def _unfit(self, result: Agenda, privacy: Privacy) -> bool:
        """Whether free/busy told less than the owner would."""
        return result.doubtful or (self.owner and (result.detailed is False or privacy is Privacy.PRIVATE_MASKED))

    def _refused(self, error: EwsError) -> bool:
        """Whether FindItem is of no use here; who may read free/busy may have no right to it.

        A password that is refused tells nothing of rights.
        """
        if isinstance(error, EwsAuthenticationError):
            return False
        may_pass = not isinstance(error, ResponseError) or isinstance(error, ServerBusy | ConnectionLimitReached)
        return treatment(error) is Treatment.DENIED or not (self.owner or may_pass)


class ReadModes:
    """The modes of all mailboxes of one server; with `own` False (no impersonation) they are BATCHED if that will do.

    `privacy(address)` gives the level that holds for a mailbox.
    `hidden(addresses)` is called when FindItem proves to hide meetings, with those who were read by it.
    """

    def __init__(
        self,
        *,
        own: bool,
        hidden: Callable[[tuple[str, ...]], None],
        privacy: Callable[[str], Privacy] = lambda _: Privacy.FULL,
    ) -> None:
        self._own = own
        self._privacy = privacy
        self._hidden = hidden
        self._modes: dict[str, ReadMode] = {}
        self._unexpanded_until: datetime | None = None
        #: how many are read by which
        self.counts = Turns(self._count, Counter[Mode]())

    def add(self, mailbox: Mailbox, remembered: Mode | None, now: datetime) -> ReadMode:
        """Give a mailbox its mode to begin with; `remembered` is that of an earlier run."""
        if mailbox.smtp is None:
            start = Mode.OWN
        elif not self._own or self.unexpanded(now):
            start = Mode.BATCHED
        else:
            level = self._privacy(mailbox.address)
            start = Mode.OWN if remembered is None or level is Privacy.PRIVATE_MASKED else remembered
        mode = ReadMode(
            start, own_only=mailbox.smtp is None, address=mailbox.address, privacy=self._privacy, owner=self._own
        )
        self._modes[mailbox.address] = mode
        return mode

    def forget(self, address: str) -> None:
        """Drop a mailbox."""
        self._modes.pop(address, None)

    def _count(self) -> Generator[None, None, Counter[Mode]]:
        counts: Counter[Mode] = Counter()
        for some, more in in_turns(self._modes.values()):
            counts.update(mode.current for mode in some)
            if more:
                yield
        return counts

    def unexpanded(self, now: datetime) -> bool:
        """Whether FindItem has proved to hide meetings within the last day."""
        return self._unexpanded_until is not None and now < self._unexpanded_until

    def judge(self, mode: ReadMode, result: Agenda | EwsError, now: datetime) -> bool:
        """Take a result into account; True: the mailbox is to be read again, otherwise."""
        if mode.own_only:
            return False
        if isinstance(result, Agenda) and not result.expanded:
            mode.learnt = Mode.BATCHED
            if not self.unexpanded(now):
                self._unexpanded_until = now + TRIED_ANEW_AFTER
                self._leave_own()
            return True
        return not self.unexpanded(now) and mode.judge(result, now)

    def _leave_own(self) -> None:
        left = {
            address: mode for address, mode in self._modes.items() if mode.current is Mode.OWN and not mode.own_only
        }
        for mode in left.values():
            mode.learnt = Mode.BATCHED
        self._hidden(tuple(left))
