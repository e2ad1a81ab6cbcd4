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
from rainbow_exchange.words import _, sentences

#: seconds until the first message of a stream; some servers send none before their first heartbeat, after 45 s
FIRST_MESSAGE_WITHIN = 25.0
_IMPERSONATION = frozenset({"ErrorImpersonateUserDenied", "ErrorImpersonationDenied", "ErrorImpersonationFailed"})
_BALANCER = _(
    "Look at what stands between this machine and Exchange: a proxy or balancer that gathers answers, or"
    " ends long ones, lets no stream through."
)
_REPLY = {
    OofState.DISABLED: _("It is off."),
    OofState.ENABLED: _("It is on."),
    OofState.SCHEDULED: _("It is planned."),
}


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
            text = _(
                "exchange.impersonation is off: who is out of office is known without its plan and without the text"
                " for outside, and subjects only where the account is Reviewer."
            )
            action = _(
                "Nothing, if that is meant. Else give the account ApplicationImpersonation: {prints}", prints=PRINTS
            )
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
            text = _(
                "The account may act for {name}, but the calendar cannot be read so ({code}).",
                name=self.of.name(),
                code=error.code,
            )
            action = _("Calendars are read by free/busy then; look up this code in Microsoft's list of response codes.")
            return warned(Cause("exchange-own-calendar-refused", text, action), code=error.code)
        self._owner = True
        text = _("The account may act for {name}.", name=self.of.name())
        if not agenda.expanded:
            text = sentences(
                text, _("Exchange does not show the meetings of series so: calendars are read by free/busy.")
            )
        return passed(text, series_expanded=agenda.expanded)

    async def must_refuse(self) -> Finding:
        """See that Exchange refuses what it is to refuse."""
        if not self.case.must_refuse:
            return nothing(_("Nobody is named (--must-refuse ADDRESS)."))
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
            text = _("The account may read the calendar of {open}, which must be refused.", open=few(open_, 3))
            action = _("Narrow its rights: ApplicationImpersonation with a scope (--group, --scope);")
            return failed(Cause("exchange-rights-too-wide", text, sentences(action, PRINTS)), codes=codes)
        nobody = [address for address, code in codes.items() if names_nobody(code)]
        if nobody:
            text = _("No mailbox is {nobody}, which proves nothing.", nobody=few(nobody, 3))
            return warned(Cause("must-refuse-unknown", text, _("Name the primary address of a mailbox.")), codes=codes)
        if unclear := [address for address, code in codes.items() if treatment_of(code) is Treatment.TRANSIENT]:
            text = _(
                "Whether {unclear} is refused cannot be told ({codes}).",
                unclear=few(unclear, 3),
                codes=codes[unclear[0]],
            )
            return warned(Cause("must-refuse-unknown", text, _("Run this again later.")), codes=codes)
        said = ", ".join(f"{address} ({code})" for address, code in codes.items())
        return passed(_("Refused, as is meant: {said}.", said=said), codes=codes)

    async def subscription(self) -> Finding:
        """Say whether Exchange has taken the subscription."""
        if self.of.refusal is not None:
            return failed(refused(self.of.refusal, self.of.name()), code=reason_of(self.of.refusal))
        return passed(_("Exchange has taken one to the calendar of {name}.", name=self.of.name()))

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
                    return passed(_("Exchange streams."))
                text = _("Exchange ended the stream without a word.")
                return failed(Cause("exchange-stream-ended", text, _BALANCER))
        except ConnectionLimitReached as error:
            if self.case.daemon is None:
                raise
            text = _(
                "Exchange allows no further stream ({code}); the service, which runs, may have all it gets.",
                code=error.code,
            )
            return warned(Cause("exchange-busy", text, _("Nothing, as long as status names nobody who is polled.")))
        except TimeoutError:
            began = _("Exchange has begun to answer") if taken else _("Exchange answers everything but this")
            text = _(
                "{began}, and nothing came within {seconds} s.", began=began, seconds=f"{FIRST_MESSAGE_WITHIN:.0f}"
            )
            judge = warned if taken else failed
            return judge(Cause("exchange-stream-silent", text, _BALANCER))

    async def availability(self) -> Finding:
        """Read the calendar as others are read, and see how much Exchange shows; nothing of it is told."""
        box = self.of.found()
        if box.smtp is None:
            return nothing(_("{address} is no address: the calendar is read by itself.", address=box.address))
        hidden, at = self.of.hides_subjects(), self.case.now()
        read = await read_availability(self.case.client(), [box.smtp], self._window(), read_at=at, subjects=not hidden)
        result = read[box.smtp]
        if isinstance(result, EwsError):
            raise result
        count = len(result.appointments)
        facts = {"appointments": count, "detailed": result.detailed}
        if hidden:
            return passed(
                _("It can be read ({count} in a week); subjects are not asked for, by bridge.privacy.", count=count),
                **facts,
            )
        if result.detailed is None:
            text = _("The calendar is empty for a week, which says nothing about rights on its subjects.")
            return passed(text if not self._owner else _("It can be read; it is empty for a week."), **facts)
        if result.detailed or self._owner:
            by = _("by free/busy") if result.detailed else _("by acting for the owner")
            return passed(_("It can be read, with subjects, {by} ({count} in a week).", by=by, count=count), **facts)
        text = _("Of {count} appointments in a week Exchange shows times only, and no subject.", count=count)
        action = _(
            "Make the account Reviewer of the calendar, or give it ApplicationImpersonation: {prints}", prints=PRINTS
        )
        meant = sentences(_("Nothing, if that is meant."), action)
        return warned(Cause("exchange-busy-only", text, meant), **facts)

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
                return passed(_REPLY[oof.state], state=oof.state.value, source="settings")
        else:
            code = ""
        if box.smtp is None:
            text = _("{address} is no address: its automatic reply is not known.", address=box.address)
            return warned(Cause("exchange-out-of-office-unreadable", text, _("Give the user a work e-mail address.")))
        tip, why = await self._tip(box.smtp)
        if tip is None:
            code = code or why
            text = _("Exchange does not tell the automatic reply of {name} ({code}).", name=self.of.name(), code=code)
            action = _(
                "Allow MailTips on Exchange, or give the account ApplicationImpersonation: {prints}", prints=PRINTS
            )
            return warned(Cause("exchange-out-of-office-unreadable", text, action), code=code)
        if tip.out:
            return passed(_("It is on, by its mail tip: a plan is not known."), state="on", source="mail tip")
        return passed(_("It is off, by its mail tip: a plan is not known."), state="off", source="mail tip")

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
        return (None, _("no mail tip")) if tip.missing else (tip, "")

    def _window(self) -> Window:
        now = self.case.now()
        return Window(start=now - timedelta(days=1), end=now + timedelta(days=7))

    async def _view(self, box: Mailbox | None = None) -> Agenda:
        own = self.of.impersonates
        who = box or self.of.found()
        return await read_calendar_view(
            self.case.client(), who, self._window(), impersonate=own, read_at=self.case.now(), subjects=False
        )
