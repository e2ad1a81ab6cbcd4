"""The way of a change, from a notification of Exchange to what Rainbow is told. Start reading here.

    watcher ─signal─► coalesce ─due─► reader ─agenda─► changes (differs from told?) ─► notify ─► Rainbow asks ─► answer

State, not events: a signal only means "look again". The truth is always re-read, and whoever's state differs from what
Rainbow was told is due. Time makes people due as well (`boundaries`), and so do absences (`out_of_office`). How people
get here in the first place, from the list of users to subscribed mailboxes, is `membership`.
"""

import asyncio

from rainbow_exchange.bridge.aliases import Aliases
from rainbow_exchange.bridge.changes import Changes
from rainbow_exchange.bridge.membership import Membership
from rainbow_exchange.bridge.parts import Cause, Parts
from rainbow_exchange.bridge.recorder import NOTIFIED
from rainbow_exchange.model import ChangeSignal, Gap, Lost, MailboxChanged


class Pipeline:
    """The stages in their order, over `parts`; `run` keeps them going until cancelled."""

    def __init__(self, parts: Parts, membership: Membership, changes: Changes, aliases: Aliases) -> None:
        self.parts = parts
        self.membership = membership
        self.changes = changes
        self._aliases = aliases

    async def run(self) -> None:
        """Run every stage. Expected faults are met inside each; anything else ends them all."""
        parts, membership, changes = self.parts, self.membership, self.changes
        async with asyncio.TaskGroup() as tasks:
            for name, stage in {
                "changes": changes.run(),  # signals → reads → due users
                "listing": membership.listing.run(),  # Rainbow's users → roster
                "aliases": self._aliases.run(),  # exceptions from privacy → whose mailboxes they mean
                "sites": parts.sites.run(),  # mailboxes → which may share a stream
                "enrolment": membership.enrolment.run(),  # roster → subscriptions
                "watcher": parts.watcher.run(),  # subscriptions → signals
                "reader": parts.reader.run(),  # reads → agendas
                "absences": parts.absences.run(),  # polls → out-of-office states
                "notify": parts.notifier.run(),  # due users → Rainbow
                "privacy": membership.keep_private(),  # other levels → signals
                "remember": membership.keep_remembering(),  # what worked → state file
            }.items():
                tasks.create_task(stage, name=f"bridge:{name}")

    def signal(self, signal: ChangeSignal) -> None:
        """Exchange says that something happened: from now on nothing read before counts as current."""
        match signal:
            case MailboxChanged(mailbox=address, request_id=request_id):
                self.parts.record.signalled(address, NOTIFIED)
                self.parts.reader.invalidate(address)
                self.changes.signalled(address, request_id)
            case Gap(mailboxes=addresses, reason=reason):
                for address in addresses:
                    self.parts.record.signalled(address, reason)
                    self.parts.reader.invalidate(address)
                    self.changes.look_again(address, Cause.GAP)
            case Lost(mailbox=address, code=code):
                self.membership.lost(address, code)
