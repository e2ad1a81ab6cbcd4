"""What would leave the building about one person if Rainbow asked now, with the rule that made each field so.

It is made by the parts that answer Rainbow, and told by no other: what they mask is masked here. Nothing is sent, and
nothing is noted as told. The form: `docs/reference/commands.md`, section "preview".
"""

import asyncio
from collections.abc import Iterator
from typing import Any

from rainbow_exchange.bridge.answer import DEADLINE, NOT_IN_TIME, Answers, refusal_of
from rainbow_exchange.bridge.people import in_words, name_of
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.privacy import Applied, Privacy, SubjectRule
from rainbow_exchange.bridge.read_mode import Mode
from rainbow_exchange.bridge.roster import Member
from rainbow_exchange.bridge.told import Told
from rainbow_exchange.bridge.translate import Shown, auto_reply
from rainbow_exchange.ews.errors import EwsError, reason_of
from rainbow_exchange.rainbow.link import Answer, QuestionRefused, RainbowLink
from rainbow_exchange.rainbow.notify_body import notify_wire
from rainbow_exchange.rainbow.types import AutoReply, Question
from rainbow_exchange.rainbow.wording import write_date
from rainbow_exchange.words import _

SCHEMA_VERSION = 1

_NOBODY = _("No user of the company has this address.")
_SEVERAL = _("Several users have this address, and none as login; write the login of the one who is meant.")
_NOT_SAID = _("Exchange has not said yet whether there is a mailbox")
_UNTOUCHED = _("as it stands in Exchange")
_NOT_ASKED = _("Exchange is not asked for it")
_SUBJECTS = {
    SubjectRule.AS_WRITTEN: _("as it was written"),
    SubjectRule.UNTITLED: _("there is none, and Rainbow demands one"),
    SubjectRule.NOT_TOLD: _("Exchange does not show it to the service account"),
    SubjectRule.MASKED: _("the appointment is marked as private"),
    SubjectRule.HIDDEN: _("no subject is shown"),
}


async def preview(address: str, pipeline: Pipeline, link: RainbowLink) -> dict[str, Any]:
    """Return what would be answered about whoever has this address, to questions without dates."""
    member = pipeline.parts.roster.named(address)
    known = {"schema_version": SCHEMA_VERSION, "address": address, "user": member and name_of(member)}
    if member is None:
        several = pipeline.parts.roster.knows(address)
        return known | {"state": "unknown", "reason": _SEVERAL if several else _NOBODY}
    mailbox = member.mailbox.address if member.mailbox else None
    mode = pipeline.parts.reader.mode(mailbox) if mailbox else None
    applied = pipeline.parts.answers.view.privacy.rules.of_member(member)
    seen = _Seen(address, member, answers=pipeline.parts.answers, link=link, applied=applied, mode=mode)
    events, absence = await asyncio.gather(seen.events(), seen.absence())
    return known | {
        "state": "shown",
        "reason": ""
        if link.connected
        else _("Nothing leaves at present: the link is down ({reason}).", reason=link.reason),
        "mailbox": mailbox,
        "read_mode": mode and mode.value,
        "privacy": {"level": applied.level.value, "rule": _source(applied)},
        "link": link.kind,
        "notify": _notify(member.user.id),
        "events": events,
        "autoreply": absence,
        "never": _never(applied.level, mode),
    }


def not_ready(address: str, reason: str) -> dict[str, Any]:
    """Return what there is to say while there is no bridge between Exchange and Rainbow."""
    return {
        "schema_version": SCHEMA_VERSION,
        "address": address,
        "user": None,
        "state": "not-ready",
        "reason": _("Rainbow is told nothing: {reason}", reason=reason),
    }


class _Seen:
    """One person as Rainbow would be shown."""

    def __init__(
        self,
        address: str,
        member: Member,
        *,
        answers: Answers,
        link: RainbowLink,
        applied: Applied,
        mode: Mode | None,
    ) -> None:
        self._address = address
        self._member = member
        self._answers = answers
        self._link = link
        self._applied = applied
        self._mode = mode

    async def events(self) -> dict[str, Any]:
        """Return what a question for events would be answered."""
        question = Question(kind=Told.EVENTS, email=self._address)
        window = self._answers.window(question)
        block: dict[str, Any] = {"window": {"start": write_date(window.start), "end": write_date(window.end)}}
        try:
            async with asyncio.timeout(DEADLINE):
                agenda, stale = await self._answers.agenda(self._mailbox(), window)
        except (QuestionRefused, EwsError, TimeoutError) as error:
            return block | self._refused(question, error)
        shown = self._answers.view.shown(agenda, window, self._answers.now())
        wire = self._link.wire(question, Answer(events=tuple(each.event for each in shown)))
        items = [self._fields(each) for each in shown if f'"{each.event.id}"' in wire]
        return block | {
            **_sent(wire),
            "read_at": write_date(agenda.read_at),
            "stale": stale,
            "doubtful": self._mode is Mode.BATCHED and agenda.detailed is True and self._masks,
            "items": items,
            "left_out": len(shown) - len(items),
        }

    async def absence(self) -> dict[str, Any]:
        """Return what a question for the automatic reply would be answered."""
        question = Question(kind=Told.AUTO_REPLY, email=self._address)
        try:
            async with asyncio.timeout(DEADLINE):
                absence = await self._answers.absences.read(self._mailbox())
        except (QuestionRefused, EwsError, TimeoutError) as error:
            return self._refused(question, error)
        reply = auto_reply(absence, now=self._answers.now())
        wire = self._link.wire(question, Answer(auto_reply=reply))
        return {**_sent(wire), "fields": list(_reply_fields(reply, over=reply.state != absence.state))}

    @property
    def _masks(self) -> bool:
        return self._applied.level is Privacy.PRIVATE_MASKED

    def _mailbox(self) -> str:
        """Return the mailbox that would be read. Raises QuestionRefused."""
        refused = refusal_of(self._member)
        if refused is not None or self._member.mailbox is None:
            raise QuestionRefused(*(refused or NOT_IN_TIME))
        return self._member.mailbox.address

    def _refused(self, question: Question, error: Exception) -> dict[str, Any]:
        refused = error if isinstance(error, QuestionRefused) else QuestionRefused(*NOT_IN_TIME)
        why = in_words(self._member.reason) or _NOT_SAID if refused is error else reason_of(error)
        return {**_sent(self._link.wire(question, refused)), "refused": refused.condition, "why": why}

    def _fields(self, shown: Shown) -> list[dict[str, Any]]:
        event, rule = shown.event, _SUBJECTS[shown.subject]
        if shown.subject in {SubjectRule.MASKED, SubjectRule.HIDDEN}:
            rule = _(
                "{rule}: {level} by {source}", rule=rule, level=self._applied.level.value, source=_source(self._applied)
            )
        kind = _UNTOUCHED
        if self._applied.level is Privacy.BUSY_ONLY and self._mode is Mode.BATCHED:
            kind = _("{not_asked} at busy-only: the same for all", not_asked=_NOT_ASKED)
        zone = _UNTOUCHED if event.timezone else _("Exchange told none")
        return [
            _field("id", event.id, _("a hash of what Exchange knows it by")),
            _field("subject", event.subject, rule),
            _field("type", event.type, kind),
            _field("showAs", event.show_as, _UNTOUCHED),
            _field("startDate", write_date(event.start), _UNTOUCHED),
            _field("endDate", write_date(event.end), _UNTOUCHED),
            _field("timezone", event.timezone, zone),
        ]


def _reply_fields(reply: AutoReply, *, over: bool) -> Iterator[dict[str, Any]]:
    yield _field("state", reply.state, _("the times of the absence are over") if over else _UNTOUCHED)
    if reply.state == "disabled":
        return
    for name, date in (("startDate", reply.start), ("endDate", reply.end)):
        yield _field(name, write_date(date) if date else None, _UNTOUCHED if date else _("Exchange told none"))
    plain = _("as whoever writes gets it, without formatting, at every level of privacy")
    yield _field("internalReplyMessage", reply.internal_text, plain)
    outside = plain if reply.external_text is not None else _("nobody outside gets one, or Exchange told none")
    yield _field("externalReplyMessage", reply.external_text, outside)
    yield _field("audience", reply.audience, _UNTOUCHED if reply.audience else outside)


def _notify(user_id: str) -> dict[str, Any]:
    """Show what Rainbow is told when something changes, before it asks."""
    rule = _("Rainbow's own id of the user: whose calendar changed, and nothing of it")
    return {**_sent(notify_wire(user_id)), "fields": [_field("value", user_id, rule)]}


def _never(level: Privacy, mode: Mode | None) -> list[dict[str, Any]]:
    """Say of what never leaves how it is kept from leaving."""
    sent = mode is Mode.BATCHED and level is not Privacy.BUSY_ONLY
    location = _("Exchange sends it with the subjects; it is dropped unread") if sent else _NOT_ASKED
    rules = {"location": location} | dict.fromkeys(("body", "organizer", "attendees", "categories"), _NOT_ASKED)
    return [_field(name, None, rule) for name, rule in rules.items()]


def _source(applied: Applied) -> str:
    """Name the setting that gives somebody this level."""
    return f'bridge.privacy_exceptions "{applied.pattern}"' if applied.pattern else "bridge.privacy"


def _sent(wire: str) -> dict[str, Any]:
    return {"wire": wire, "bytes": len(wire.encode())}


def _field(name: str, value: str | None, rule: str) -> dict[str, Any]:
    return {"name": name, "value": value, "rule": rule}
