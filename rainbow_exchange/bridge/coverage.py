"""Whose changes are not announced by a stream, why, and when that is tried again; and trying it at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice

from rainbow_exchange.bridge.parts import Cause
from rainbow_exchange.bridge.people import name_of, why
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.roster import Coverage, Member
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.endings import word
from rainbow_exchange.words import _

_NOT_YET = _("not tried yet")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotStreamed:
    """One user as status shows them. `user` is the login, or the id of somebody without one."""

    user: str
    mailbox: str | None
    coverage: str
    reason: str
    next_try: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRead:
    """One user whose calendar cannot be read; questions are answered from the last agenda while it is not too old."""

    user: str
    mailbox: str
    reason: str
    next_try: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """Whom a manual retry concerned, by login.

    `read`: they are streamed, and their calendars, which could not be read, are read now; `streamed`: in no need of it.
    `unknown` and `several` are addresses that nobody has, and that several have, none of them as login.
    """

    retried: tuple[str, ...]
    read: tuple[str, ...]
    streamed: tuple[str, ...]
    unknown: tuple[str, ...]
    several: tuple[str, ...] = ()


def not_streamed(pipeline: Pipeline, *, most: int | None = None) -> list[NotStreamed]:
    """Give those whose mailbox no stream carries, `most` of them at most, in the order of their logins."""
    parts = pipeline.parts
    held = map(parts.roster.holder, parts.watcher.everybody.not_streamed())
    found = chain(tuple(parts.roster.standings.uncovered.values()), filter(None, held))
    shown = (why_not_streamed(pipeline, member) for member in islice(found, most))
    return sorted(shown, key=lambda each: each.user)


def not_read(pipeline: Pipeline, *, most: int | None = None) -> list[NotRead]:
    """Give those whose calendar could not be read when it was tried last, alike."""
    holders = (pipeline.parts.roster.holder(address) for address, _ in pipeline.parts.reader.unread)
    found = (why_not_read(pipeline, member) for member in holders if member is not None)
    return sorted(islice(filter(None, found), most), key=lambda each: each.user)


def why_not_read(pipeline: Pipeline, member: Member) -> NotRead | None:
    """Say why somebody's calendar could not be read when it was tried last; None where it could, or was not tried."""
    parts, address = pipeline.parts, member.mailbox.address if member.mailbox else ""
    reason = parts.reader.failed(address)
    if not reason:
        return None
    due_at = parts.coalescer.due_at(address)
    wait = None if due_at is None else timedelta(seconds=due_at - parts.loop_time())
    next_try = None if wait is None else parts.now() + wait
    return NotRead(user=name_of(member), mailbox=address, reason=reason, next_try=next_try)


def retry(pipeline: Pipeline, exchange: EwsClient, addresses: Iterable[str] | None) -> Retried:
    """Try these at once, whatever their rhythm, or with None everybody who is not streamed.

    Credentials that were refused are tried once more, and so is reading as the owner: who asks for this may have mended
    the password, or given the right.
    """
    exchange.try_again()
    pipeline.parts.notifier.try_again()
    pipeline.membership.listing.try_again()
    roster = pipeline.parts.roster
    if addresses is None:
        members, missed = [member for member in roster if not is_streamed(pipeline, member)], list[str]()
        chosen: list[Member] = []
        streamed: list[Member] = []
    else:
        found = {address: roster.named(address) for address in addresses}
        missed = [address for address, member in found.items() if member is None]
        chosen = list(dict.fromkeys(member for member in found.values() if member is not None))
        streamed = [member for member in chosen if is_streamed(pipeline, member)]
        members = [member for member in chosen if member not in streamed]
    for member in members:
        pipeline.membership.enrolment.retry(member)
        if member.mailbox is not None:
            pipeline.parts.watcher.retry(member.mailbox.address)
    read = [
        member
        for member in (roster if addresses is None else chosen)
        if member.mailbox is not None
        and _read_again(pipeline, member.mailbox.address)
        and is_streamed(pipeline, member)
    ]
    return Retried(
        retried=tuple(map(name_of, members)),
        read=tuple(map(name_of, read)),
        streamed=tuple(name_of(member) for member in streamed if member not in read),
        unknown=tuple(address for address in missed if not roster.knows(address)),
        several=tuple(filter(roster.knows, missed)),
    )


def _read_again(pipeline: Pipeline, address: str) -> bool:
    """Read what could not be read, or not as its owner; return whether there is anything to read again."""
    if pipeline.changes.read_now(address):
        return True
    entry = pipeline.parts.reader.entry(address)
    if entry is None or not entry.mode.try_again():
        return False
    pipeline.changes.look_again(address, Cause.ASKED)
    return True


def is_streamed(pipeline: Pipeline, member: Member) -> bool:
    """Whether Exchange announces the changes of somebody's calendar at present."""
    return member.mailbox is not None and pipeline.parts.watcher.coverage(member.mailbox.address) == "streamed"


def why_not_streamed(pipeline: Pipeline, member: Member) -> NotStreamed:
    """Say of somebody who is not streamed why, and when that is tried again."""
    watcher, enrolment = pipeline.parts.watcher, pipeline.membership.enrolment
    address = member.mailbox.address if member.mailbox else None
    doubt = watcher.doubt(address) if address else None
    polled = address is not None and watcher.coverage(address) == "waiting"
    if doubt is not None:
        reason, next_try = doubt.reason, doubt.next_try
    elif member.coverage is Coverage.FAILED or member.next_try is not None:
        reason, next_try = why(member), member.next_try
    elif enrolment.outage is not None:
        reason, next_try = word(enrolment.outage), enrolment.next_attempt
    else:
        reason, next_try = member.reason or _NOT_YET, member.next_try
    return NotStreamed(
        user=name_of(member),
        mailbox=address,
        coverage="polled" if polled else "uncovered",
        reason=reason,
        next_try=next_try,
    )
