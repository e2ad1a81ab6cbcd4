"""The check's steps with one person's mailbox: found, acted for, subscribed, streamed, read."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice

from rainbow_exchange.bridge.causes import Cause
from rainbow_exchange.bridge.finding import Finding as MailboxFinding
from rainbow_exchange.bridge.people import trouble_by
from rainbow_exchange.bridge.read_mode import Mode
from rainbow_exchange.bridge.roster import Identifier, Member, Roster, Try
from rainbow_exchange.diagnosis.check.case import Case
from rainbow_exchange.diagnosis.check.exchange import exchange_fault
from rainbow_exchange.diagnosis.check.results import Finding, failed, nothing, passed, warned
from rainbow_exchange.errors import RainbowExchangeError
from rainbow_exchange.ews.calendar import read_availability, read_calendar_view
from rainbow_exchange.ews.directory import resolve
from rainbow_exchange.ews.errors import ConnectionLimitReached, EwsError, ResponseError, ServerBusy, reason_of
from rainbow_exchange.ews.grouping import Affinity
from rainbow_exchange.ews.operations.get_streaming_events import GetStreamingEvents
from rainbow_exchange.ews.operations.subscribe import Subscribe
from rainbow_exchange.ews.operations.unsubscribe import Unsubscribe
from rainbow_exchange.ews.out_of_office import Tip, read_mail_tips, read_oof_settings
from rainbow_exchange.ews.treatment import Treatment, treatment
from rainbow_exchange.ews.types import ConnectingSid, connecting_sid
from rainbow_exchange.model import Agenda, Mailbox, OofState, Window
from rainbow_exchange.network.shown import few, shown
from rainbow_exchange.rainbow.company_users import users_by_address
from rainbow_exchange.rainbow.errors import RainbowError
from rainbow_exchange.rainbow.types import RainbowUser

#: users who are tried until one has a mailbox
_MOST_USERS = 10
#: seconds in which a subscription is given back, whatever happens
_GIVE_BACK_WITHIN = 5.0
#: seconds until the first message of a stream; some servers send none before their first heartbeat, after 45 s
FIRST_MESSAGE_WITHIN = 25.0
_IMPERSONATION = frozenset({"ErrorImpersonateUserDenied", "ErrorImpersonationDenied", "ErrorImpersonationFailed"})
_PRINTS = "rainbow-exchange throttling-policy print --group NAME has the lines."


@dataclass(slots=True, eq=False)
class PersonSteps:
    """Each method is a step. `mailbox` is whose the rest is tried with; `id` the subscription, "" while there is none.

    `refusal` is why there is none.
    """

    case: Case
    box: Mailbox | None = None
    id: str = ""
    refusal: EwsError | None = None
    _user: RainbowUser | None = None
    _affinity: Affinity | None = None
    _owner: bool = False
    _tries: list[Try] = field(default_factory=list)
    _unlisted: RainbowError | None = None

    def explained(self, error: RainbowExchangeError) -> Cause:
        """Say what is wrong, of the one mailbox or of Exchange as a whole."""
        if not isinstance(error, ResponseError) or isinstance(error, ServerBusy | ConnectionLimitReached):
            return exchange_fault(self.case, error)
        return _refused(error, self._name())

    def late(self, seconds: float) -> Cause:
        """Say that Exchange has not answered in time."""
        return Cause(
            "exchange-unreachable",
            f"Exchange has not answered about {self._name()} within {seconds:.0f} s.",
            "Run it again, and for another user: if only this one is slow, look at the mailbox; else at the server.",
        )

    async def user(self) -> Finding:
        """Look the address up at Rainbow, and say by what the mailbox is looked for."""
        address = self.case.address
        found = await users_by_address(self.case.cloud(), address)
        roster = self._roster(found)
        member = roster.find(address)
        if member is None:
            several = roster.knows(address)
            text = f"Several users have the address {address}." if several else f"No user has the address {address}."
            action = "Write the login of the one who is meant." if several else "Check it in Rainbow's administration."
            if any(not user.is_active for user in found):
                text = f"The user with the address {address} is a guest, or has left: such are not watched."
            return failed(Cause("user-unknown", text, action))
        self._user = member.user
        wanted, refused = roster.identifiers(member)
        tried = ", ".join(f"{each.kind} {each.value}" for each in wanted)
        left_out = ", ".join(f"{each.identifier.kind} {each.identifier.value} ({each.code})" for each in refused)
        text = f"{member.user.login_email}. A mailbox is looked for by {tried or 'nothing'}"
        text += f"; not by {left_out}." if left_out else "."
        facts = {"login": member.user.login_email, "tried": _listed(wanted), "not_tried": _tried(refused)}
        if not wanted:
            text = f"{member.user.login_email} has no address that a mailbox could have: {left_out}."
            action = "Give the user a work e-mail address in Rainbow's administration."
            return failed(Cause("user-without-address", text, action), **facts)
        return passed(text, **facts)

    async def mailbox(self) -> Finding:
        """Find the mailbox as the connector does: by subscribing to its calendar."""
        finding = MailboxFinding(self.case.client(), self._take, impersonation=self._impersonates)
        asked: list[str] = []
        async with aclosing(self._members()) as members:
            async for member, identifiers in members:
                asked.append(member.user.login_email)
                found = await self._of_one(finding, member, identifiers)
                if found is not None:
                    return found
        if not asked:
            why = f", since Rainbow's users are not to be had ({shown(str(self._unlisted))})" if self._unlisted else ""
            text = f"Nobody is known whose mailbox could be tried{why}."
            return failed(Cause("user-unknown", text, "Name somebody: rainbow-exchange check ADDRESS."))
        said = few(self._tries, 5, lambda each: f"{each.identifier.kind} {each.identifier.value} ({each.code})")
        text = f"Exchange knows no mailbox by {said}." if said else f"{few(asked, 3)} has no address to look for."
        action = "Compare login and work address in Rainbow with the primary address of the mailbox in Exchange."
        return failed(Cause("mailbox-not-found", text, action), tried=_tried(self._tries))

    async def impersonation(self) -> Finding:
        """See that the account may act for the owner, as far as it is meant to."""
        if not self._impersonates:
            text = "exchange.impersonation is off: who is out of office is known without its plan and without the text"
            text += " for outside, and subjects only where the account is Reviewer."
            action = f"Nothing, if that is meant. Else give the account ApplicationImpersonation: {_PRINTS}"
            return warned(Cause("exchange-impersonation-off", text, action))
        if self.refusal is not None and reason_of(self.refusal) in _IMPERSONATION:
            return warned(_refused(self.refusal, self._name()))
        try:
            agenda = await self._view()
        except ServerBusy:
            raise
        except ResponseError as error:
            if error.code in _IMPERSONATION:
                return warned(_refused(error, self._name()))
            text = f"The account may act for {self._name()}, but the calendar cannot be read so ({error.code})."
            action = "Calendars are read by free/busy then; look up this code in Microsoft's list of response codes."
            return warned(Cause("exchange-own-calendar-refused", text, action), code=error.code)
        self._owner = True
        text = f"The account may act for {self._name()}."
        if not agenda.expanded:
            text += " Exchange does not show the meetings of series so: calendars are read by free/busy."
        return passed(text, series_expanded=agenda.expanded)

    async def must_refuse(self) -> Finding:
        """See that Exchange refuses what it is to refuse."""
        if not self.case.must_refuse:
            return nothing("Nobody is named (--must-refuse ADDRESS).")
        codes: dict[str, str] = {}
        for address in self.case.must_refuse:
            try:
                await self._view(Mailbox(address=address.strip().lower()))
            except ServerBusy:
                raise
            except ResponseError as error:
                codes[address] = error.code
            else:
                codes[address] = "NoError"
        if open_ := [address for address, code in codes.items() if code == "NoError"]:
            text = f"The account may read the calendar of {few(open_, 3)}, which must be refused."
            action = "Narrow its rights: ApplicationImpersonation with a scope (--group, --scope);"
            return failed(Cause("exchange-rights-too-wide", text, f"{action} {_PRINTS}"), codes=codes)
        nobody = [address for address, code in codes.items() if _names_nobody(code)]
        if nobody:
            text = f"No mailbox is {few(nobody, 3)}, which proves nothing."
            return warned(Cause("must-refuse-unknown", text, "Name the primary address of a mailbox."), codes=codes)
        if unclear := [address for address, code in codes.items() if treatment(ResponseError(code)) is _TRANSIENT]:
            text = f"Whether {few(unclear, 3)} is refused cannot be told ({codes[unclear[0]]})."
            return warned(Cause("must-refuse-unknown", text, "Run this again later."), codes=codes)
        said = ", ".join(f"{address} ({code})" for address, code in codes.items())
        return passed(f"Refused, as is meant: {said}.", codes=codes)

    async def subscription(self) -> Finding:
        """Say whether Exchange has taken the subscription."""
        if self.refusal is not None:
            return failed(_refused(self.refusal, self._name()), code=reason_of(self.refusal))
        return passed(f"Exchange has taken one to the calendar of {self._name()}.")

    async def stream(self) -> Finding:
        """Wait for the first message of a stream; leaving it closes its connection."""
        operation = GetStreamingEvents(subscription_ids=(self.id,), connection_timeout_minutes=1)
        streaming = self.case.client().stream(operation, impersonate=self._sid, affinity=self._affinity)
        taken = False
        try:
            async with asyncio.timeout(FIRST_MESSAGE_WITHIN), streaming as messages:
                taken = True
                async for message in messages:
                    if message.error is not None:
                        raise message.error
                    return passed("Exchange streams.")
                text = "Exchange ended the stream without a word."
                return failed(Cause("exchange-stream-ended", text, _BALANCER))
        except ConnectionLimitReached as error:
            if self.case.daemon is None:
                raise
            text = f"Exchange allows no further stream ({error.code}); the service, which runs, may have all it gets."
            return warned(Cause("exchange-busy", text, "Nothing, as long as status names nobody who is polled."))
        except TimeoutError:
            began = "Exchange has begun to answer" if taken else "Exchange answers everything but this"
            text = f"{began}, and nothing came within {FIRST_MESSAGE_WITHIN:.0f} s."
            judge = warned if taken else failed
            return judge(Cause("exchange-stream-silent", text, _BALANCER))

    async def availability(self) -> Finding:
        """Read the calendar as others are read, and see how much Exchange shows; nothing of it is told."""
        box = self._box()
        if box.smtp is None:
            return nothing(f"{box.address} is no address: the calendar is read by itself.")
        window = self._window()
        result = (await read_availability(self.case.client(), [box.smtp], window, read_at=self.case.now()))[box.smtp]
        if isinstance(result, EwsError):
            raise result
        count = len(result.appointments)
        facts = {"appointments": count, "detailed": result.detailed}
        if result.detailed is None:
            text = "The calendar is empty for a week, which says nothing about rights on its subjects."
            return passed(text if not self._owner else "It can be read; it is empty for a week.", **facts)
        if result.detailed or self._owner:
            by = "by free/busy" if result.detailed else "by acting for the owner"
            return passed(f"It can be read, with subjects, {by} ({count} in a week).", **facts)
        text = f"Of {count} appointments in a week Exchange shows times only, and no subject."
        action = f"Make the account Reviewer of the calendar, or give it ApplicationImpersonation: {_PRINTS}"
        return warned(Cause("exchange-busy-only", text, f"Nothing, if that is meant. {action}"), **facts)

    async def out_of_office(self) -> Finding:
        """Read whether the automatic reply is on; nothing of its text is told."""
        box, client = self._box(), self.case.client()
        if self._owner and box.smtp is not None:
            try:
                oof = await read_oof_settings(client, box, impersonate=True)
            except ServerBusy:
                raise
            except ResponseError as error:
                code = error.code
            else:
                on = {OofState.DISABLED: "off", OofState.ENABLED: "on", OofState.SCHEDULED: "planned"}[oof.state]
                return passed(f"It is {on}.", state=oof.state.value, source="settings")
        else:
            code = ""
        if box.smtp is None:
            text = f"{box.address} is no address: its automatic reply is not known."
            return warned(Cause("exchange-out-of-office-unreadable", text, "Give the user a work e-mail address."))
        tip, why = await self._tip(box.smtp)
        if tip is None:
            code = code or why
            text = f"Exchange does not tell the automatic reply of {self._name()} ({code})."
            action = f"Allow MailTips on Exchange, or give the account ApplicationImpersonation: {_PRINTS}"
            return warned(Cause("exchange-out-of-office-unreadable", text, action), code=code)
        state = "on" if tip.out else "off"
        return passed(f"It is {state}, by its mail tip: a plan is not known.", state=state, source="mail tip")

    async def _tip(self, address: str) -> tuple[Tip | None, str]:
        """Give the mail tip of an address; None with the reason where Exchange tells none."""
        client = self.case.client()
        asks = client.account if "@" in client.account else address
        try:
            tip = (await read_mail_tips(client, [address], sending_as=asks, impersonate=None))[address]
        except ServerBusy:
            raise
        except ResponseError as error:
            return None, error.code
        if isinstance(tip, EwsError):
            return None, reason_of(tip)
        return (None, "no mail tip") if tip.missing else (tip, "")

    @property
    def _impersonates(self) -> bool:
        return self.case.combined.settings.exchange.impersonation

    @property
    def _sid(self) -> ConnectingSid | None:
        return connecting_sid(self._box()) if self._impersonates else None

    def _box(self) -> Mailbox:
        if self.box is None:
            raise RuntimeError("no mailbox was found")
        return self.box

    def _name(self) -> str:
        return self.box.address if self.box else self.case.address or "the mailbox"

    def _window(self) -> Window:
        now = self.case.now()
        return Window(start=now - timedelta(days=1), end=now + timedelta(days=7))

    async def _view(self, box: Mailbox | None = None) -> Agenda:
        own = self._impersonates
        who = box or self._box()
        return await read_calendar_view(
            self.case.client(), who, self._window(), impersonate=own, read_at=self.case.now(), subjects=False
        )

    def _roster(self, people: Sequence[RainbowUser]) -> Roster:
        roster = Roster(domains=self.case.given.bridge.domains or None)
        roster.take(user for user in people if user.is_active)
        return roster

    async def _members(self) -> AsyncGenerator[tuple[Member, list[Identifier]], None]:
        """Give whoever may be tried: the one who was asked for, else users of the company, else the account itself."""
        if self._user is not None or self.case.address:
            user = self._user or RainbowUser(id="", login_email=self.case.address)
            yield self._tried_as(user)
            return
        listed = 0
        if self.case.rainbow is not None:
            people: list[RainbowUser] = []
            try:
                people, _ = await self.case.people()
            except RainbowError as error:
                self._unlisted = error
            for user in islice((user for user in people if user.is_active), _MOST_USERS):
                listed += 1
                yield self._tried_as(user)
        for known in islice(self.case.store.remembered().values(), 0 if listed else _MOST_USERS):
            yield self._tried_as(RainbowUser(id=known.user_id, login_email=known.identifier))
            listed += 1
        account = self.case.client().account
        if not listed and "@" in account:
            yield self._tried_as(RainbowUser(id="", login_email=account))

    def _tried_as(self, user: RainbowUser) -> tuple[Member, list[Identifier]]:
        roster = self._roster([user])
        member = next(iter(roster))
        return member, roster.identifiers(member)[0]

    async def _of_one(
        self, finding: MailboxFinding, member: Member, identifiers: Sequence[Identifier]
    ) -> Finding | None:
        """Try the identifiers of one user; None where none leads to a mailbox."""
        denied: EwsError | None = None
        for identifier in identifiers:
            try:
                await finding.subscribe(member, identifier, None)
            except ResponseError as error:
                if isinstance(error, ServerBusy | ConnectionLimitReached):
                    raise
                self._tries.append(Try(identifier, error.code))
                if treatment(error) is not Treatment.NEXT_IDENTIFIER:
                    denied = denied or error
                    self.box = self.box or Mailbox(address=await self._primary(identifier.value.strip().lower()))
            else:
                self.refusal = None
                how = f"{self._box().address}, by the {identifier.kind} {identifier.value}."
                return passed(how, mailbox=self._box().address, by=identifier.kind.value, tried=_tried(self._tries))
        if denied is None:
            return None
        self.refusal = denied
        text = f"Whether {self._name()} has a mailbox is not told ({reason_of(denied)})."
        return nothing(text, mailbox=self._name(), tried=_tried(self._tries))

    async def _primary(self, address: str) -> str:
        """Give the primary address that the directory knows this one by, else the same."""
        with suppress(EwsError):
            return (await resolve(self.case.client(), address)) or address
        return address

    async def _take(self, _: Member, _identifier: Identifier, box: Mailbox, _mode: Mode | None = None) -> None:
        """Subscribe as the connector does, and see to it that the subscription is given back."""
        affinity = Affinity.to(box)
        sid = connecting_sid(box) if self._impersonates else None
        operation = Subscribe(mailbox_address=None if self._impersonates else box.address)
        response = await self.case.client().call(operation, impersonate=sid, affinity=affinity)
        self.box, self._affinity, self.id = box, affinity, response.subscription_id
        self.case.stack.push_async_callback(self._give_back, response.subscription_id, sid, affinity)

    async def _give_back(self, subscription: str, sid: ConnectingSid | None, affinity: Affinity) -> None:
        # what cannot be given back expires by itself
        with suppress(EwsError, TimeoutError):
            async with asyncio.timeout(_GIVE_BACK_WITHIN):
                await self.case.client().call(
                    Unsubscribe(subscription_id=subscription), impersonate=sid, affinity=affinity
                )


_TRANSIENT = Treatment.TRANSIENT
_BALANCER = (
    "Look at what stands between this machine and Exchange: a proxy or balancer that gathers answers, or ends long"
    " ones, lets no stream through."
)


def _names_nobody(code: str) -> bool:
    return treatment(ResponseError(code)) is Treatment.NEXT_IDENTIFIER


def _refused(error: EwsError, who: str) -> Cause:
    """Say why one mailbox cannot be had."""
    code = reason_of(error)
    problem, trouble = trouble_by(code, who)
    action = trouble.action
    if treatment(error) is Treatment.DENIED and "ApplicationImpersonation" in action:
        action = f"{action} {_PRINTS}"
    return Cause(problem, trouble.text, action)


def _listed(identifiers: Sequence[Identifier]) -> list[dict[str, str]]:
    return [{"kind": each.kind.value, "value": shown(each.value)} for each in identifiers]


def _tried(tries: Sequence[Try]) -> list[dict[str, str]]:
    return [
        {"kind": each.identifier.kind.value, "value": shown(each.identifier.value), "code": each.code} for each in tries
    ]
