"""How mailboxes are watched: one, why it is not streamed, and all of them, without a look at each."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rainbow_exchange.ews.allowance import Allowance
from rainbow_exchange.ews.members import Member
from rainbow_exchange.ews.placing import Placing
from rainbow_exchange.ews.stream_group import StreamGroup
from rainbow_exchange.ews.views import Coverage, Doubt
from rainbow_exchange.words import _


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of the mailboxes that somebody has are streamed, and how many "waiting"."""

    streamed: int
    waiting: int


def coverage(member: Member, placing: Placing) -> Coverage:
    """Say how a mailbox is watched: "waiting" means that the server allows no more streams for now."""
    if member.group is None:
        return "waiting" if member.beyond else "renewing"
    if member.group.state == "waiting":
        return "waiting"
    if member.group.cover.of(member, asyncio.get_running_loop().time()):
        return "streamed"
    return "waiting" if _is_late(member.group, placing) else "opening"


class Everybody:
    """All mailboxes of a watcher: its `members`, of which those `renewed` have no group."""

    def __init__(
        self, placing: Placing, allowance: Allowance, members: Mapping[str, Member], renewed: Mapping[str, object]
    ) -> None:
        self._placing = placing
        self._allowance = allowance
        self._members = members
        self._renewed = renewed

    @property
    def streaming(self) -> bool:
        """Whether any stream is open."""
        return any(group.state == "streamed" for group in self._placing.groups)

    def counts(self) -> Counts:
        """Count the mailboxes that somebody has by their coverage, without a look at each of them."""
        now, streamed, waiting = asyncio.get_running_loop().time(), 0, len(self._allowance.beyond)
        for group in self._placing.groups:
            on, off = group.cover.counts(now)
            if group.state == "waiting":
                waiting += on + off
            else:
                streamed += on
                waiting += off if off and _is_late(group, self._placing) else 0
        return Counts(streamed, waiting)

    def polled(self) -> Iterator[str]:
        """Give those of them that are "waiting": they are to be polled. What happens meanwhile may be seen or not."""
        for group in tuple(self._placing.groups):
            if group.state == "waiting" or _is_late(group, self._placing):
                for member in tuple(group.members.values()):
                    if member.wanted and (group.state == "waiting" or coverage(member, self._placing) == "waiting"):
                        yield member.mailbox.address
        for member in tuple(self._allowance.beyond):
            if member.beyond and member.wanted:
                yield member.mailbox.address

    def not_streamed(self) -> Iterator[str]:
        """Give those that no stream carries alike, also those that nobody has any more."""
        now = asyncio.get_running_loop().time()
        for group in tuple(self._placing.groups):
            on, _off = group.cover.counts(now)
            if group.state == "waiting" or on < len(group.members):
                for address, member in tuple(group.members.items()):
                    if coverage(member, self._placing) != "streamed":
                        yield address
        for address in tuple(self._renewed):
            if (renewed := self._members.get(address)) is not None and renewed.group is None:
                yield address


def want(member: Member, allowance: Allowance, *, wanted: bool) -> None:
    """Note whether somebody has a mailbox."""
    member.wanted = wanted
    allowance.note(member)
    if member.group is not None:
        member.group.cover.changed()


def doubt(member: Member, placing: Placing, allowance: Allowance, now: datetime) -> Doubt | None:
    """Say why a watched mailbox is not streamed; None where it is."""
    found = coverage(member, placing)
    if found == "streamed":
        return None
    if member.beyond:
        return Doubt(reason=member.trouble, next_try=now + timedelta(seconds=allowance.seconds_to_next_try()))
    if member.group is None:
        return Doubt(reason=member.trouble or "renewed", next_try=member.next_try)
    if found == "waiting" and (wait := placing.limit.seconds_to_next_try()):
        return Doubt(reason=member.group.trouble, next_try=now + timedelta(seconds=wait))
    return Doubt(reason=member.group.trouble or _("its stream is being opened"), next_try=member.group.next_try)


def _is_late(group: StreamGroup, placing: Placing) -> bool:
    """Whether those who have come to an open stream wait longer than for its next opening."""
    return group.state == "streamed" and placing.limit.reopening_interval() > 0
