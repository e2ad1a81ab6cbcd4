"""The check's steps with the mailbox that was found: acted for its owner, subscribed, streamed, read."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from rainbow_exchange.bridge.causes import Cause
from rainbow_exchange.diagnosis.check.case import Case
from rainbow_exchange.diagnosis.check.mailbox import PRINTS, MailboxSteps, names_nobody, refused
from rainbow_exchange.diagnosis.check.results import Finding, failed, nothing, passed, warned
from rainbow_exchange.ews.calendar import read_availability, read_calendar_view
from rainbow_exchange.ews.errors import ConnectionLimitReached, EwsError, ResponseError, ServerBusy, reason_of
from rainbow_exchange.ews.operations.get_streaming_events import GetStreamingEvents
from rainbow_exchange.ews.out_of_office import Tip, read_mail_tips, read_oof_settings
from rainbow_exchange.ews.treatment import Treatment, treatment_of
from rainbow_exchange.model import Agenda, Mailbox, OofState, Window
from rainbow_exchange.network.shown import few

#: seconds until the first message of a stream; some servers send none before their first heartbeat, after 45 s
FIRST_MESSAGE_WITHIN = 25.0
_IMPERSONATION = frozenset({"ErrorImpersonateUserDenied", "ErrorImpersonationDenied", "ErrorImpersonationFailed"})
_BALANCER = (
    "Look at what stands between this machine and Exchange: a proxy or balancer that gathers answers, or ends long"
    " ones, lets no stream through."
)


@dataclass(slots=True, eq=False)
class PersonSteps:
    """Each method is a step; `of` has found whose mailbox it is."""

    of: MailboxSteps
    _owner: bool = False

    @property
    def case(self) -> Case:
        """The check."""
        return self.of.case

    async def impersonation(self) -> Finding:
        """See that the account may act for the owner, as far as it is meant to."""
        if not self.of.impersonates:
            text = "exchange.impersonation is off: who is out of office is known without its plan and without the text"
            text += " for outside, and subjects only where the account is Reviewer."
            action = f"Nothing, if that is meant. Else give the account ApplicationImpersonation: {PRINTS}"
            return warned(Cause("exchange-impersonation-off", text, action))
        if self.of.refusal is not None and reason_of(self.of.refusal) in _IMPERSONATION:
            return warned(refused(self.of.refusal, self.of.name()))
        try:
            agenda = await self._view()
        except ServerBusy:
            raise
        except ResponseError as error:
            if treatment_of(error.code) is Treatment.TRANSIENT:
                raise
            if error.code in _IMPERSONATION:
                return warned(refused(error, self.of.name()))
            text = f"The account may act for {self.of.name()}, but the calendar cannot be read so ({error.code})."
            action = "Calendars are read by free/busy then; look up this code in Microsoft's list of response codes."
            return warned(Cause("exchange-own-calendar-refused", text, action), code=error.code)
        self._owner = True
        text = f"The account may act for {self.of.name()}."
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
            return failed(Cause("exchange-rights-too-wide", text, f"{action} {PRINTS}"), codes=codes)
        nobody = [address for address, code in codes.items() if names_nobody(code)]
        if nobody:
            text = f"No mailbox is {few(nobody, 3)}, which proves nothing."
            return warned(Cause("must-refuse-unknown", text, "Name the primary address of a mailbox."), codes=codes)
        if unclear := [address for address, code in codes.items() if treatment_of(code) is Treatment.TRANSIENT]:
            text = f"Whether {few(unclear, 3)} is refused cannot be told ({codes[unclear[0]]})."
            return warned(Cause("must-refuse-unknown", text, "Run this again later."), codes=codes)
        said = ", ".join(f"{address} ({code})" for address, code in codes.items())
        return passed(f"Refused, as is meant: {said}.", codes=codes)

    async def subscription(self) -> Finding:
        """Say whether Exchange has taken the subscription."""
        if self.of.refusal is not None:
            return failed(refused(self.of.refusal, self.of.name()), code=reason_of(self.of.refusal))
        return passed(f"Exchange has taken one to the calendar of {self.of.name()}.")

    async def stream(self) -> Finding:
        """Wait for the first message of a stream; leaving it closes its connection."""
        operation = GetStreamingEvents(subscription_ids=(self.of.id,), connection_timeout_minutes=1)
        streaming = self.case.client().stream(operation, impersonate=self.of.sid, affinity=self.of.affinity)
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
        box = self.of.found()
        if box.smtp is None:
            return nothing(f"{box.address} is no address: the calendar is read by itself.")
        hidden, at = self.of.hides_subjects(), self.case.now()
        read = await read_availability(self.case.client(), [box.smtp], self._window(), read_at=at, subjects=not hidden)
        result = read[box.smtp]
        if isinstance(result, EwsError):
            raise result
        count = len(result.appointments)
        facts = {"appointments": count, "detailed": result.detailed}
        if hidden:
            return passed(
                f"It can be read ({count} in a week); subjects are not asked for, by bridge.privacy.", **facts
            )
        if result.detailed is None:
            text = "The calendar is empty for a week, which says nothing about rights on its subjects."
            return passed(text if not self._owner else "It can be read; it is empty for a week.", **facts)
        if result.detailed or self._owner:
            by = "by free/busy" if result.detailed else "by acting for the owner"
            return passed(f"It can be read, with subjects, {by} ({count} in a week).", **facts)
        text = f"Of {count} appointments in a week Exchange shows times only, and no subject."
        action = f"Make the account Reviewer of the calendar, or give it ApplicationImpersonation: {PRINTS}"
        return warned(Cause("exchange-busy-only", text, f"Nothing, if that is meant. {action}"), **facts)

    async def out_of_office(self) -> Finding:
        """Read whether the automatic reply is on; nothing of its text is told."""
        box, client = self.of.found(), self.case.client()
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
            text = f"Exchange does not tell the automatic reply of {self.of.name()} ({code})."
            action = f"Allow MailTips on Exchange, or give the account ApplicationImpersonation: {PRINTS}"
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

    def _window(self) -> Window:
        now = self.case.now()
        return Window(start=now - timedelta(days=1), end=now + timedelta(days=7))

    async def _view(self, box: Mailbox | None = None) -> Agenda:
        own = self.of.impersonates
        who = box or self.of.found()
        return await read_calendar_view(
            self.case.client(), who, self._window(), impersonate=own, read_at=self.case.now(), subjects=False
        )
