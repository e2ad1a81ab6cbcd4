"""Which members of a group are streamed, and how many: counted anew only after something has changed. Pure."""

from collections.abc import Iterable, Mapping

from rainbow_exchange.ews.members import Member

NO_GAP_WITHIN = 10.0  # seconds from an orderly Closed to the next confirmed opening


class Cover:
    """The cover of `members`, whose owner says when they are others than before; times are the loop's."""

    def __init__(self, members: Mapping[str, Member]) -> None:
        self._members = members
        self._counted: tuple[int, int] | None = None
        self.closed: float | None = None  # when the stream was ended in order, until the next end

    def changed(self) -> None:
        """Members have come, gone, or are wanted no more."""
        self._counted = None

    def of(self, member: Member, now: float) -> bool:
        """Whether `member` is streamed, the short while between an orderly end and the next stream included."""
        return member.covered and self._lasts(now)

    def confirm(self, present: Iterable[Member], now: float) -> list[Member]:
        """Have a confirmed stream cover these; return for whom something may have been missed before."""
        if self.closed is not None and now - self.closed > NO_GAP_WITHIN:
            self.lift("reopened: late")
        self.closed = None
        fresh = []
        for member in present:
            if not member.covered:
                fresh.append(member)
                member.covered = True
        self.changed()
        return fresh

    def lift(self, reason: str) -> None:
        """No stream covers anybody any more, for this reason."""
        for member in self._members.values():
            if member.covered:
                member.covered, member.reason = False, reason
        self.changed()

    def counts(self, now: float) -> tuple[int, int]:
        """Return how many of those whose mailbox somebody has are streamed, and how many are not."""
        if self._counted is None:
            wanted = [member for member in self._members.values() if member.wanted]
            self._counted = len(wanted), sum(member.covered for member in wanted)
        wanted_now, covered = self._counted
        streamed = covered if self._lasts(now) else 0
        return streamed, wanted_now - streamed

    def _lasts(self, now: float) -> bool:
        return self.closed is None or now - self.closed <= NO_GAP_WITHIN
