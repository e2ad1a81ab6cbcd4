"""A question from Rainbow → an answer.

What cannot be known is an error, never an empty calendar: `item-not-found` for whoever has no covered mailbox,
`remote-server-timeout` where Exchange could not be asked in time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import structlog

from rainbow_exchange.bridge.out_of_office import OutOfOfficeWatch
from rainbow_exchange.bridge.privacy import PrivacyOfPeople
from rainbow_exchange.bridge.reader import Lane, Reader
from rainbow_exchange.bridge.recorder import Recorder
from rainbow_exchange.bridge.roster import Coverage, Member
from rainbow_exchange.bridge.timings import TellingTimes
from rainbow_exchange.bridge.told import Digest, Ledger, Told, digest_auto_reply, digest_events, whole_days
from rainbow_exchange.bridge.translate import Shown, auto_reply, events, shown
from rainbow_exchange.bridge.way import OnTheWay
from rainbow_exchange.ews.errors import EwsError, reason_of
from rainbow_exchange.model import Agenda, OutOfOffice, Window
from rainbow_exchange.rainbow.link import Answer, QuestionRefused
from rainbow_exchange.rainbow.types import AutoReply, CalendarEvent, Question

log = structlog.get_logger()

#: a little less than the link's own deadline, so that the refusal is ours and says why
DEADLINE = 9.0
#: how long Exchange is waited for before the last agenda is answered instead
READ_FOR = 8.5
LONGEST_WINDOW = timedelta(days=42)
#: what a question about a single instant is taken for: the wire has no finer times
INSTANT = timedelta(seconds=1)
ITEM_NOT_FOUND = ("item-not-found", "cancel")
NOT_IN_TIME = ("remote-server-timeout", "wait")
BAD_REQUEST = ("bad-request", "modify")


@dataclass(slots=True)
class View:
    """How agendas are shown to Rainbow: by everybody's privacy, in the company's language."""

    privacy: PrivacyOfPeople
    language: str = "en"

    def shown(self, agenda: Agenda, window: Window, now: datetime) -> tuple[Shown, ...]:
        """Return what Rainbow sees of an agenda, and why."""
        level = self.privacy.at(agenda.mailbox)
        rules = self.privacy.rules
        return shown(agenda, window, now=now, rules=rules, privacy=level, language=self.language)

    def events(self, agenda: Agenda, window: Window, now: datetime) -> tuple[CalendarEvent, ...]:
        """Return what Rainbow sees of an agenda."""
        level = self.privacy.at(agenda.mailbox)
        rules = self.privacy.rules
        return events(agenda, window, now=now, rules=rules, privacy=level, language=self.language)


@dataclass(slots=True)
class AnswerCounters:
    """Questions by outcome since start; `stale`: answered, but from the last agenda."""

    answered: int = 0
    stale: int = 0
    not_found: int = 0
    not_in_time: int = 0
    bad_request: int = 0


@dataclass(slots=True, eq=False)
class Answers:
    """Answers questions. `who(address)` finds, and where need be subscribes, whoever is meant; None if nobody is.

    `known(address)` gives whoever it finds without asking anybody.
    """

    who: Callable[[str], Awaitable[Member | None]]
    reader: Reader
    absences: OutOfOfficeWatch
    ledger: Ledger
    view: View
    now: Callable[[], datetime]
    times: TellingTimes
    known: Callable[[str], Member | None] = lambda _: None
    way: OnTheWay = field(default_factory=OnTheWay)
    record: Recorder = field(default_factory=Recorder)
    counters: AnswerCounters = field(default_factory=AnswerCounters)

    def at_once(self, question: Question) -> Answer | None:
        """Return an answer from what is known; None where Exchange or Rainbow is to be asked, or there is none."""
        member = self.known(question.email)
        if member is None or member.mailbox is None or refusal_of(member):
            return None
        address = member.mailbox.address
        if question.kind == Told.AUTO_REPLY:
            absence = self.absences.current(address, sure=True)
            answer = None if absence is None else self._replied(question, member.user.id, address, absence)
        else:
            try:
                window = self.window(question)
            except QuestionRefused:
                return None
            agenda = self.reader.current(address, window)
            answer = None if agenda is None else self._told(question, member.user.id, agenda, window)
        if answer is not None:
            self.ledger.asked(Told(question.kind))
            self.counters.answered += 1
        return answer

    async def answer(self, question: Question) -> Answer:
        """Return the answer. Raises QuestionRefused with the condition to answer instead."""
        self.ledger.asked(Told(question.kind))
        try:
            async with asyncio.timeout(DEADLINE):
                answer = await self._answer(question)
        except (EwsError, TimeoutError) as error:
            self.counters.not_in_time += 1
            condition, why = NOT_IN_TIME[0], reason_of(error)
            log.debug("question_refused", question=question.id, kind=question.kind, reason=why)
            noted = partial(self.record.question_refused, question.email, question.kind, condition, why)
            raise QuestionRefused(*NOT_IN_TIME, sent=noted) from error
        except QuestionRefused as refused:
            self.counters.bad_request += refused.condition == BAD_REQUEST[0]
            raise
        self.counters.answered += 1
        return answer

    async def _answer(self, question: Question) -> Answer:
        member = await self.who(question.email)
        if member is None or refusal_of(member) == ITEM_NOT_FOUND:
            self.counters.not_found += 1
            raise QuestionRefused(*ITEM_NOT_FOUND, sent=lambda: self._refused(member, question))
        if refusal_of(member) or member.mailbox is None:
            raise TimeoutError
        user_id, address = member.user.id, member.mailbox.address
        said = self._asked(question, user_id, address)
        if question.kind == Told.AUTO_REPLY:
            return self._replied(question, user_id, address, await self.absences.read(address), said)
        window = self.window(question)
        agenda, stale = await self.agenda(address, window)
        self.counters.stale += stale
        return self._told(question, user_id, agenda, window, said, stale=stale)

    def _asked(self, question: Question, user_id: str, address: str) -> dict[str, str]:
        """Log a question; return what else is logged of it."""
        change = self.way.asked(user_id, Told(question.kind))
        said = {"question": question.id, "user": user_id, "kind": question.kind, "change": change}
        log.debug("question_asked", mailbox=address, **said)
        return said

    def _replied(
        self,
        question: Question,
        user_id: str,
        address: str,
        absence: OutOfOffice,
        said: Mapping[str, str] | None = None,
    ) -> Answer:
        said = self._asked(question, user_id, address) if said is None else said
        reply = auto_reply(absence, now=self.now())
        digest = digest_auto_reply(reply)
        return Answer(auto_reply=reply, sent=lambda: self._reply_sent(user_id, reply, digest, said))

    def _told(
        self,
        question: Question,
        user_id: str,
        agenda: Agenda,
        window: Window,
        said: Mapping[str, str] | None = None,
        *,
        stale: bool = False,
    ) -> Answer:
        said = self._asked(question, user_id, agenda.mailbox) if said is None else said
        state = self._state(agenda)
        told = self.view.events(agenda, window, self.now())

        def sent() -> None:
            self._sent(user_id, state)
            log.debug("question_answered", **said, appointments=len(told), stale=stale)
            self.record.answered(user_id, told, window, self.now(), stale=stale)

        return Answer(events=told, sent=sent)

    def window(self, question: Question) -> Window:
        """Return the window that a question means. Raises QuestionRefused."""
        now = self.now()
        day = timedelta(days=1)
        try:
            start = question.start or (now - timedelta(hours=1) if question.end is None else question.end - day)
            end = question.end or (now + day if question.start is None else start + day)
            if not start <= end:
                raise QuestionRefused(*BAD_REQUEST)
            if end - start > LONGEST_WINDOW and start < now < end:
                # Of more than can be read, what is shown now must not be what is cut away.
                start = max(start, self.reader.window().start)
            return Window(start=start, end=min(max(end, start + INSTANT), start + LONGEST_WINDOW))
        except OverflowError:  # the calendar's first or last days
            raise QuestionRefused(*BAD_REQUEST) from None

    async def agenda(self, address: str, window: Window) -> tuple[Agenda, bool]:
        """Return what there is to answer from, and whether it is the last one, since Exchange cannot be read now.

        Raises EwsError and TimeoutError where there is nothing.
        """
        try:
            async with asyncio.timeout(READ_FOR):
                agenda = await self.reader.agenda(address, window, lane=Lane.QUESTION)
        except (EwsError, TimeoutError):
            stale = self.reader.stale(address, window)
            if stale is None:
                raise
            return stale, True
        return agenda, False

    def _state(self, agenda: Agenda) -> Digest | None:
        if agenda is self.reader.last(agenda.mailbox):
            return self.digest(agenda)
        days = whole_days(agenda.window, within=self.reader.window())
        return digest_events(self.shown(agenda), days) if days else None

    def digest(self, agenda: Agenda) -> Digest:
        """Return the state of an agenda as Rainbow would see it, hidden subjects hidden."""
        entry, level = self.reader.entry(agenda.mailbox), self.view.privacy.at(agenda.mailbox)
        if entry is None or entry.agenda is not agenda:
            return digest_events(self.shown(agenda), agenda.window)
        kept = entry.shown
        if kept is None or kept[0] is not agenda or kept[1] is not level or kept[2] != self.view.language:
            made = digest_events(self.shown(agenda), agenda.window)
            kept = entry.shown = (agenda, level, self.view.language, made)
        return kept[3]

    def shown(self, agenda: Agenda) -> tuple[CalendarEvent, ...]:
        """Return all events of an agenda as Rainbow would see them."""
        return self.view.events(agenda, agenda.window, agenda.read_at)

    def _refused(self, member: Member | None, question: Question) -> None:
        why = member.reason if member else "nobody"
        log.debug("question_refused", question=question.id, kind=question.kind, reason=why)
        self.record.question_refused(question.email, question.kind, ITEM_NOT_FOUND[0], why)
        self.ledger.refused(member.user.id if member else "", Told(question.kind), _time())

    def _reply_sent(self, user_id: str, reply: AutoReply, digest: Digest, said: Mapping[str, str]) -> None:
        log.debug("question_answered", **said)
        self.way.answered(user_id, Told.AUTO_REPLY)
        self.record.replied(user_id, reply)
        self.ledger.answered(user_id, Told.AUTO_REPLY, digest, _time())

    def _sent(self, user_id: str, state: Digest | None) -> None:
        self.way.answered(user_id, Told.EVENTS)
        if state is not None:
            self.ledger.answered(user_id, Told.EVENTS, state, _time())
            self.times.answered(user_id, _time())


def refusal_of(member: Member) -> tuple[str, str] | None:
    """Give the condition by which a question about a member is refused; None where it can be answered."""
    if member.coverage is Coverage.FAILED:
        return ITEM_NOT_FOUND
    if member.coverage is Coverage.PENDING or member.mailbox is None:
        # Known to Rainbow, not yet to us: Exchange has not said whether there is a mailbox.
        return NOT_IN_TIME
    return None


def _time() -> float:
    return asyncio.get_running_loop().time()
