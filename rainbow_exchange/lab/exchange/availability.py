"""GetUserAvailability (ews.md §4)."""

from datetime import datetime, timedelta

from rainbow_exchange.lab.exchange.calendar import Occurrence
from rainbow_exchange.lab.exchange.call import Call
from rainbow_exchange.lab.exchange.errors import Fault, Refused
from rainbow_exchange.lab.exchange.mailbox import Access, Mailbox, Right
from rainbow_exchange.lab.exchange.wire import (
    ERRORS,
    Element,
    Xml,
    boolean,
    child,
    children,
    escaped,
    m,
    number,
    refusal_children,
    response_message,
    t,
    text,
)
from rainbow_exchange.lab.exchange.zones import TwoRuleZone

_MOST_MAILBOXES = 100
_VIEWS = ("MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged")
_DIGITS = {"Free": 0, "Tentative": 1, "Busy": 2, "OOF": 3, "NoData": 4, "WorkingElsewhere": 4}
_EXCEPTION_CODES = {"ErrorMailRecipientNotFound": "5009", "ErrorInvalidSmtpAddress": "5035"}


def get(call: Call, request: Element) -> Xml:
    """Answer with one FreeBusyResponse per mailbox, in the order asked."""
    zone = TwoRuleZone(child(request, "TimeZone"))
    options = child(request, "FreeBusyViewOptions")
    start = zone.instant(text(options, "TimeWindow", "StartTime"))
    end = zone.instant(text(options, "TimeWindow", "EndTime"))
    interval = number(text(options, "MergedFreeBusyIntervalInMinutes"), otherwise=30)
    view = text(options, "RequestedView") or "Detailed"
    asked = [text(each, "Email", "Address").strip() for each in children(child(request, "MailboxDataArray"))]
    dials = call.company.dials
    if not asked:
        raise Fault("ErrorMailboxDataArrayEmpty")
    if len(asked) > _MOST_MAILBOXES:
        raise Fault("ErrorMailboxDataArrayTooBig")
    if view not in _VIEWS:
        raise Fault("ErrorInvalidFreeBusyViewType")
    if not 5 <= interval <= 24 * 60:  # noqa: PLR2004 — the limits of the protocol
        raise Fault("ErrorInvalidMergedFreeBusyInterval")
    if end <= start:
        raise Fault("ErrorInvalidTimeInterval")
    if end - start > timedelta(days=dials.availability_days):
        raise Fault("ErrorTimeIntervalTooBig")
    responses = []
    for address in asked:
        try:
            mailbox, detailed = _allowed(call, address)
        except Refused as error:
            responses.append(_refused(error))
            continue
        found = mailbox.calendar.view(start, end)
        kind = view if detailed else view.replace("Detailed", "FreeBusy")
        shown = "Detailed" in kind or (detailed and dials.unasked_fields)
        events = [_event(mailbox, each, zone, detailed=shown, call=call) for each in found]
        responses.append(
            m(
                "FreeBusyResponse",
                response_message("ResponseMessage"),
                m(
                    "FreeBusyView",
                    t("FreeBusyViewType", kind),
                    t("MergedFreeBusy", _merged(found, start, end, interval)) if "Merged" in kind else None,
                    t("CalendarEventArray", *events) if events and kind != "MergedOnly" else None,
                ),
            )
        )
    return m("GetUserAvailabilityResponse", m("FreeBusyResponseArray", *responses))


def _allowed(call: Call, address: str) -> tuple[Mailbox, bool]:
    """Give the mailbox and whether details may be shown. Impersonation alone shows none (design.md §1)."""
    if code := call.company.dials.availability_errors.get(address.lower()):
        raise Refused(code)
    try:
        mailbox = call.company.by_primary(address)
    except Refused as error:
        if error.code in ("ErrorNonExistentMailbox", "ErrorNonPrimarySmtpAddress"):
            raise Refused("ErrorMailRecipientNotFound") from error
        raise
    if call.account.service and mailbox is not call.account.mailbox:
        if mailbox.right is Right.REVIEWER:
            return mailbox, True
        if mailbox.right is Right.NONE and not call.impersonated:
            raise Refused("ErrorNoFreeBusyAccess")
        return mailbox, False
    return mailbox, call.access(mailbox) is Access.OWNER


def _refused(error: Refused) -> Xml:
    exception_code = _EXCEPTION_CODES.get(error.code)
    plain = Refused(error.code) if exception_code else error
    about = None
    if exception_code:
        name = "Microsoft.Exchange.InfoWorker.Common.Availability." + error.code.removeprefix("Error") + "Exception"
        about = m(
            "MessageXml",
            Xml(f'<ExceptionType xmlns="{ERRORS}">{name}</ExceptionType>'),
            Xml(f'<ExceptionCode xmlns="{ERRORS}">{exception_code}</ExceptionCode>'),
        )
    message = m("ResponseMessage", *refusal_children(plain), about, ResponseClass="Error")
    return m("FreeBusyResponse", message, m("FreeBusyView", t("FreeBusyViewType", "None")))


def _event(mailbox: Mailbox, each: Occurrence, zone: TwoRuleZone, *, detailed: bool, call: Call) -> Xml:
    details = each.details
    subject = details.subject + ("\x1f" if call.company.dials.charrefs_in_subjects else "")
    # Of what is written here a company has hundreds of thousands: in one piece. The id is a store id in upper hex, not
    # the ItemId.
    shown = (
        f"<t:CalendarEventDetails><t:ID>{mailbox.entry_id(each.item.number).hex().upper()}</t:ID>"
        f"<t:Subject>{escaped(subject)}</t:Subject><t:Location>{escaped(details.location)}</t:Location>"
        f"<t:IsMeeting>{boolean(details.is_meeting)}</t:IsMeeting>"
        f"<t:IsRecurring>{boolean(each.original is not None)}</t:IsRecurring>"
        f"<t:IsException>{boolean(each.kind == 'Exception')}</t:IsException>"
        f"<t:IsReminderSet>{boolean(details.reminder)}</t:IsReminderSet>"
        f"<t:IsPrivate>{boolean(details.sensitivity == 'Private')}</t:IsPrivate></t:CalendarEventDetails>"
    )
    return Xml(
        f"<t:CalendarEvent><t:StartTime>{zone.local(details.start)}</t:StartTime>"
        f"<t:EndTime>{zone.local(details.end)}</t:EndTime><t:BusyType>{details.show_as}</t:BusyType>"
        f"{shown if detailed else ''}</t:CalendarEvent>"
    )


def _merged(found: list[Occurrence], start: datetime, end: datetime, interval: int) -> str:
    """Give a digit per slot; the highest wins."""
    step = timedelta(minutes=interval)
    slots = [0] * -(-(end - start) // step)
    for each in found:
        digit = _DIGITS[each.details.show_as]
        first = max(0, (each.details.start - start) // step)
        for slot in range(first, min(len(slots), -(-(each.details.end - start) // step))):
            slots[slot] = max(slots[slot], digit)
    return "".join(map(str, slots))
