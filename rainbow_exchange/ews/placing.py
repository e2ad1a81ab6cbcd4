"""Placing: which stream group a mailbox joins, and the groups' lives as tasks of the watcher.

The rules for who may share a stream are in `grouping`; what one group does is in `stream_group`.
"""

import asyncio
import itertools
from collections.abc import Callable, Container, Coroutine
from datetime import datetime
from typing import Any

import structlog

from rainbow_exchange.ews.grouping import Affinity, place_for, server_name
from rainbow_exchange.ews.members import Client, Listener, Member
from rainbow_exchange.ews.repacking import repacking
from rainbow_exchange.ews.stream_group import StreamGroup
from rainbow_exchange.ews.stream_limit import StreamLimit
from rainbow_exchange.ews.views import LimitsView, StreamView
from rainbow_exchange.model import Mailbox

_OPENINGS_AT_ONCE = 50
_REPACK_AFTER = 2.0  # seconds, for what comes or goes together

_log = structlog.get_logger()


class Placing:
    """The groups of one watcher. They live as tasks of `tasks`, which the watcher sets while it runs."""

    def __init__(
        self,
        *,
        client: Client,
        listener: Listener,
        impersonation: bool,
        group_size: int,
        stream_minutes: int,
        open_delay: float,
        reopen_interval: float,
        group_key: Callable[[Mailbox], str],
        now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self._client = client
        self._listener = listener
        self._impersonation = impersonation
        self._group_size = group_size
        self._stream_minutes = stream_minutes
        self._open_delay = open_delay
        self._reopen_interval = reopen_interval
        self._group_key = group_key
        self._now = now
        self._random = random
        self.groups: list[StreamGroup] = []
        self._numbers = itertools.count(1)
        self.tasks: asyncio.TaskGroup | None = None
        self.running: set[asyncio.Task[None]] = set()
        self._gathering: StreamGroup | None = None
        self._openings = asyncio.Semaphore(_OPENINGS_AT_ONCE)
        self.limit = StreamLimit(random=random)
        self._repacking: asyncio.TimerHandle | None = None

    def place(self, member: Member, *, alone: bool) -> StreamGroup:
        """Find or make the group that `member` is to join; `alone` gives it one of its own."""
        if alone:
            return self._new_group(member.mailbox, own=True)
        key = self._group_key(member.mailbox)
        # Where streams are short, a place in one that is open is worth more than undisturbed streams.
        short = any(group.state == "waiting" for group in self.groups)
        usual = [group for group in self.groups if not group.apart]
        carrying = [group for group in usual if group.state == "streamed"] if short else []
        group = place_for(key, carrying, None) or place_for(key, usual, self._gathering)
        self._gathering = group or self._new_group(member.mailbox, own=False)
        return self._gathering

    def place_apart(self, member: Member) -> StreamGroup:
        """Make a group that only `member` joins: led by its own address, and no cookie, it finds its own server."""
        group = self._new_group(member.mailbox, own=False)
        group.apart = True
        return group

    def home(self, group: StreamGroup, member: Member) -> StreamGroup:
        """Choose the group of a member that was subscribed by way of `group`: ids of one stream show one server."""
        server, here = server_name(member.subscription_id), server_of(group)
        if group.own or server is None or here == server:
            return group
        there = [other for other in self.groups if not other.own and other is not group and server_of(other) == server]
        found = place_for(group.key, there, None)
        if found is not None or here is None:
            return found or group
        return self.place_apart(member)

    def isolate(self, member: Member) -> None:
        """Move a member, with the subscription that it has, to a group of its own."""
        group = self._new_group(member.mailbox, own=True)
        if member.affinity is not None:
            group.affinity = Affinity.to(member.mailbox, dict(member.affinity.cookies))
        group.add(member)
        self.start(group)

    def strays(self, bound: Container[str]) -> list[Member]:
        """Take those out of streams of their own that need not be alone any more; `bound` are the others' addresses."""
        alone = [(group, member) for group in self.groups if group.own for member in group.members.values()]
        strays = [(group, member) for group, member in alone if member.mailbox.address not in bound]
        for group, member in strays:
            group.remove(member)
        return [member for _, member in strays]

    def repack_soon(self) -> None:
        """Have the members of groups that wait for a stream taken over by streams with room, a little later."""
        if self._repacking is None and any(group.state == "waiting" for group in self.groups):
            self._repacking = asyncio.get_running_loop().call_later(_REPACK_AFTER, self._repack)

    def _repack(self) -> None:
        self._repacking = None
        if self.tasks is None:
            return
        packable = [group for group in self.groups if not group.own and group.running]
        for source, target, count in repacking(packable):
            alike = server_of(source) == server_of(target)
            members = list(source.members.values())[-count:]
            if not alike:  # once: a server may give it a subscription where it was, whatever it is asked by
                members = [member for member in members if not member.moved]
            for member in members:
                source.remove(member)
                if alike:
                    member.reason = "reopened: moved"
                    target.add(member)
                member.moved = member.moved or not alike
            if not alike:
                self._listener.resubscribe(members)
            _log.info("streams_repacked", mailboxes=len(members), into=target.affinity.anchor, same_server=alike)

    def start(self, group: StreamGroup) -> None:
        """Have a group live, unless it does or has nobody, or the watcher does not run."""
        if self.tasks is not None and not group.running and group.members:
            group.running = True
            self.spawn(self._live(group), f"stream:{group.affinity.anchor}")

    def tidy(self, group: StreamGroup) -> None:
        """Drop a group that is empty and expects nobody."""
        if not (group.members or group.reserved or group.running) and group in self.groups:
            self.groups.remove(group)
            self._listener.dropped(group)
            if self._gathering is group:
                self._gathering = None
        self.repack_soon()

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Start a task that ends with the watcher."""
        assert self.tasks is not None  # noqa: S101 - groups and renewals live and die within run()
        task: asyncio.Task[None] = self.tasks.create_task(work, name=name)
        self.running.add(task)
        task.add_done_callback(self.running.discard)
        return task

    def views(self) -> list[StreamView]:
        """Show each group."""
        return [view(group) for group in self.groups]

    def limits(self, *, beyond: int) -> LimitsView:
        """Show what the server allows at present; `beyond` mailboxes may not be subscribed."""
        return LimitsView(
            streams_limit=self.limit.limit,
            streams_open=len(self.limit.open),
            stream_refusals=self.limit.refusals,
            seconds_to_next_stream=self.limit.seconds_to_next_try(),
            beyond=beyond,
        )

    async def _live(self, group: StreamGroup) -> None:
        try:
            await group.run()
        finally:
            group.running = False
        self.tidy(group)

    def _new_group(self, mailbox: Mailbox, *, own: bool) -> StreamGroup:
        group = StreamGroup(
            client=self._client,
            listener=self._listener,
            openings=self._openings,
            limit=self.limit,
            anchor=mailbox,
            size=self._group_size,
            key=self._group_key(mailbox),
            own=own,
            number=next(self._numbers),
            impersonation=self._impersonation,
            stream_minutes=self._stream_minutes,
            open_delay=self._open_delay,
            reopen_interval=self._reopen_interval,
            now=self._now,
            random=self._random,
        )
        self.groups.append(group)
        return group


def server_of(group: StreamGroup) -> str | None:
    """Give the mailbox server that holds a group's subscriptions; None where their ids name none."""
    return next((server_name(member.subscription_id) for member in group.members.values()), None)


def view(group: StreamGroup) -> StreamView:
    """Show a group."""
    return StreamView(
        number=group.number,
        anchor=group.affinity.anchor,
        members=len(group.members),
        state=group.state,
        opened_at=group.opened_at,
        last_heartbeat=group.last_heartbeat,
        reopenings=max(group.times_opened - 1, 0),
        server=server_of(group),
        own=group.own,
        front_end=group.affinity.front_end,
        back_end=group.affinity.back_end,
        reason="" if group.state == "streamed" else group.trouble,
        next_try=group.next_try,
    )
