"""What will happen next about one person, and when: what waits in the parts, nearest first."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rainbow_exchange.bridge.boundaries import instants as boundary_instants
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.roster import Coverage, Member
from rainbow_exchange.json_text import iso
from rainbow_exchange.words import _


def next_things(member: Member, pipeline: Pipeline) -> list[dict[str, Any]]:
    """Return what comes, each with its time (UTC); what is overdue counts as now."""
    now = pipeline.parts.now()
    found = [(max(at, now), what) for what, at in _all(member, pipeline) if at is not None]
    return [{"at": iso(at), "what": what} for at, what in sorted(found)]


def _all(member: Member, pipeline: Pipeline) -> Iterator[tuple[str, datetime | None]]:
    parts, membership = pipeline.parts, pipeline.membership
    yield _("the users are listed anew"), membership.listing.next_at
    yield from _telling(member, pipeline)
    if member.coverage is not Coverage.COVERED or member.mailbox is None:
        yield _("the mailbox is looked for again"), member.next_try
        if membership.enrolment.outage is not None:
            yield _("Exchange is tried again"), membership.enrolment.next_attempt
        return
    address = member.mailbox.address
    if doubt := parts.watcher.doubt(address):
        yield _("a stream for its changes is tried again"), doubt.next_try
    if parts.watcher.coverage(address) == "waiting":
        yield _("the calendar is polled"), _wall(pipeline, pipeline.changes.polling.next_at(address))
    reading = (
        _("the calendar is read again that could not be read") if parts.reader.failed(address) else _("it is read")
    )
    yield reading, _wall(pipeline, parts.coalescer.due_at(address))
    yield _("the calendar is read again in any case"), parts.rereads.of(address)
    yield _("the out-of-office settings are read"), parts.absences.settings_at(address)
    if member.mailbox.smtp is not None:
        yield _("who is out of office is polled"), _wall(pipeline, parts.absences.everybody_at)
    if boundary := parts.boundaries.of(member.user.id):
        yield _boundary(address, boundary, pipeline), boundary


def _telling(member: Member, pipeline: Pipeline) -> Iterator[tuple[str, datetime | None]]:
    parts, user_id = pipeline.parts, member.user.id
    notifier = parts.notifier
    if notifier.waits(user_id):
        yield _("Rainbow is told"), _wall(pipeline, notifier.next_call or parts.loop_time())
    yield _("Rainbow is told again, which has refused this user"), _wall(pipeline, notifier.held_back.until(user_id))
    yield _("Rainbow is told again, which has not asked"), _wall(pipeline, parts.ledger.standing(user_id).again_at)


def _boundary(address: str, boundary: datetime, pipeline: Pipeline) -> str:
    parts = pipeline.parts
    if boundary not in boundary_instants(parts.reader.last(address), None):
        return _("an absence begins or ends")
    agenda = parts.reader.last(address)
    begins = agenda is not None and any(each.start == boundary for each in agenda.appointments)
    return _("an appointment begins") if begins else _("an appointment ends")


def _wall(pipeline: Pipeline, moment: float | None) -> datetime | None:
    return None if moment is None else pipeline.parts.wall(moment)
