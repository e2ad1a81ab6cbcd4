"""One person anew, because somebody asks for it: subscribed if not yet, read now, and told to Rainbow in any case."""

import asyncio
from dataclasses import dataclass

from rainbow_exchange.bridge.coverage import is_streamed, why_not_streamed
from rainbow_exchange.bridge.people import name_of, why
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.roster import Member
from rainbow_exchange.ews.errors import EwsError, reason_of
from rainbow_exchange.words import _

#: seconds for finding the mailbox, and for telling Rainbow
SETTLED_WITHIN = 60.0
TOLD_WITHIN = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Anew:
    """What became of one address: `outcome` is a word of `docs/reference/commands.md`, section "resync".

    `absence`: why the out-of-office state could not be read, "" where it could.
    """

    address: str
    outcome: str
    user: str | None = None
    mailbox: str | None = None
    reason: str = ""
    absence: str = ""


async def one_anew(pipeline: Pipeline, address: str) -> Anew:
    """Have whoever has this address looked at anew, and Rainbow told."""
    roster = pipeline.parts.roster
    member = roster.named(address)
    if member is None:
        return Anew(address=address, outcome="several" if roster.knows(address) else "unknown")
    user = name_of(member)
    if member.mailbox is None:
        await _settled(pipeline, member)
    if member.mailbox is None:
        reason = why(member) or why_not_streamed(pipeline, member).reason
        return Anew(address=address, outcome="no-mailbox", user=user, reason=reason)
    mailbox, began = member.mailbox.address, pipeline.parts.loop_time()
    if not is_streamed(pipeline, member):
        pipeline.parts.watcher.retry(mailbox)
    read, absence = await asyncio.gather(pipeline.changes.read_anew(mailbox), _absence(pipeline, mailbox))
    if not read:
        outcome, reason = "not-read", pipeline.parts.reader.failed(mailbox) or _("the connector is being stopped")
    else:
        outcome, reason = await _told(pipeline, member, since=began)
    return Anew(address=address, outcome=outcome, user=user, mailbox=mailbox, reason=reason, absence=absence)


async def _settled(pipeline: Pipeline, member: Member) -> None:
    """Look for the mailbox now, whatever the rhythm; it may not be known in time."""
    pipeline.membership.enrolment.retry(member)
    try:
        async with asyncio.timeout(SETTLED_WITHIN):
            await pipeline.membership.enrolment.settle(member)
    except TimeoutError:
        return


async def _absence(pipeline: Pipeline, mailbox: str) -> str:
    """Read the out-of-office state now; return why it could not be read, "" where it could."""
    try:
        await pipeline.parts.absences.read(mailbox, anew=True)
    except EwsError as error:
        return reason_of(error)
    except TimeoutError:
        return "timeout"
    except KeyError:  # let go of meanwhile
        return "gone"
    return ""


async def _told(pipeline: Pipeline, member: Member, *, since: float) -> tuple[str, str]:
    """Have Rainbow told though nothing may have changed, and made to publish it, unless it is told by now anyway."""
    notifier, user_id = pipeline.parts.notifier, member.user.id
    told_at = pipeline.parts.ledger.standing(user_id).notified_at
    if not notifier.waits(user_id) and (told_at is None or told_at < since):
        notifier.add(user_id, pipeline.parts.loop_time(), force=True)
    for _second in range(TOLD_WITHIN):
        if not notifier.waits(user_id):
            break
        await asyncio.sleep(1.0)
    if user_id in notifier.held_back:
        return "not-told", _("Rainbow does not let itself be told of this user")
    if notifier.waits(user_id):
        return "not-told", str(notifier.last_error or _("Rainbow has not taken it yet"))
    return "told", ""
