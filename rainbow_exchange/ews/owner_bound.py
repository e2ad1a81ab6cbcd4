"""Servers that let only its owner read a subscription, found out by what they refuse: then each has its own stream.

Such a server lets the one whom the stream impersonates read its own subscription and calls the others' bad, by one of
several codes. Where that one's is bad as well, all may simply be lost; and what its owner cannot open either is lost.
"""

from rainbow_exchange.ews.errors import EwsError
from rainbow_exchange.ews.members import Member
from rainbow_exchange.ews.stream_group import StreamGroup
from rainbow_exchange.ews.treatment import Treatment, treatment

_AFTER = 2  # early refusals in a row: the mailbox gets a stream of its own
_SERVER_AFTER = 3  # such mailboxes: so do all that come
#: early refusals in a row, wherever: it is tried by itself from then on, since each interrupts whomever it is with
_HOPELESS_AFTER = 4
#: what a server says of a subscription that only its owner may read
_FOREIGN = frozenset({Treatment.SUBSCRIPTION_LOST, Treatment.DENIED, Treatment.NEXT_IDENTIFIER})


class OwnerBound:
    """Which mailboxes can only be streamed by themselves, as far as is known."""

    def __init__(self) -> None:
        self.mailboxes: set[str] = set()

    @property
    def server(self) -> bool:
        """Whether the server is taken for one that always does so."""
        return len(self.mailboxes) >= _SERVER_AFTER

    def holds(self, member: Member) -> bool:
        """Whether this mailbox is to have a stream of its own."""
        bound = self.server or member.mailbox.address in self.mailboxes
        return bound or member.early_refusals >= _HOPELESS_AFTER

    def judge(self, group: StreamGroup, member: Member, error: EwsError, *, early: bool) -> bool:
        """Take into account that a subscription was called bad; say whether to read it in a stream of its own now.

        `group` is the one that it was taken out of, `early`: soon after the subscription was made.
        """
        address = member.mailbox.address
        if group.own:
            if not group.times_opened and treatment(error) in _FOREIGN:
                self.mailboxes.discard(address)
            member.foreign = 0
            return False
        suspect = early and group.affinity.anchor in group.members and treatment(error) in _FOREIGN
        member.foreign = member.foreign + 1 if suspect else 0
        if member.foreign < (1 if self.server else _AFTER):
            return False
        self.mailboxes.add(address)
        return True
