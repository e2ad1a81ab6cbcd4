"""GetUserOofSettings, SetUserOofSettings, GetMailTips and GetServiceConfiguration (ews.md §5)."""

from datetime import datetime
from zoneinfo import ZoneInfo

from rainbow_exchange.lab.exchange.call import Call
from rainbow_exchange.lab.exchange.errors import Fault, LegacyFault, Refused
from rainbow_exchange.lab.exchange.mailbox import Access, Mailbox, OutOfOffice
from rainbow_exchange.lab.exchange.wire import (
    Element,
    Xml,
    boolean,
    child,
    m,
    named,
    refusal_children,
    response_message,
    t,
    text,
)
from rainbow_exchange.lab.exchange.zones import instant, written

_LANGUAGE = "xml:lang"
_PARIS = ZoneInfo("Europe/Paris")


def _own(call: Call, address: str) -> Mailbox:
    """Give the mailbox, only to its owner or who acts as its owner."""
    try:
        mailbox = call.company.by_primary(address.strip())
    except Refused as error:
        raise Fault(error.code, values=error.values) from error
    if call.access(mailbox) is not Access.OWNER:
        asking = call.acting.sid if call.acting else "S-1-5-21-1004336348-1177238915-682003330-500"
        raise LegacyFault(
            "Microsoft.Exchange.Data.Storage.AccessDeniedException: User is not mailbox owner. "
            f"User = {asking}, MailboxGuid = {mailbox.guid} ---> User is not mailbox owner. "
        )
    return mailbox


def get_settings(call: Call, request: Element) -> Xml:
    """Answer GetUserOofSettings; the duration stands there even where it is stale."""
    mailbox = _own(call, text(request, "Mailbox", "Address"))
    dials = call.company.dials
    if code := dials.absence_errors.get(mailbox.address.lower()):
        raise Refused(code)
    oof = mailbox.oof
    return m(
        "GetUserOofSettingsResponse",
        response_message("ResponseMessage"),
        t(
            "OofSettings",
            t("OofState", oof.state),
            t("ExternalAudience", oof.audience),
            _duration(oof, dials.absence_times),
            _reply("InternalReply", oof.internal),
            _reply("ExternalReply", oof.external),
        ),
        m("AllowExternalOof", dials.external_replies),
    )


def _duration(oof: OutOfOffice, form: str) -> Xml:
    """Give the times in UTC, with Paris's offset, or without saying that they are in UTC."""

    def time(moment: datetime) -> str:
        match form:
            case "offset":
                return moment.astimezone(_PARIS).isoformat(timespec="seconds")
            case "bare":
                return written(moment).removesuffix("Z")
            case _:
                return written(moment)

    return t("Duration", t("StartTime", time(oof.start)), t("EndTime", time(oof.end)))


def _reply(name: str, message: str) -> Xml:
    """Give a reply, whose language stands there though nobody keeps it up to date."""
    return t(name, t("Message", message), **{_LANGUAGE: "en-US"})


def set_settings(call: Call, request: Element) -> Xml:
    """Answer SetUserOofSettings."""
    mailbox = _own(call, text(request, "Mailbox", "Address"))
    wanted = child(request, "UserOofSettings")
    state, audience = text(wanted, "OofState"), text(wanted, "ExternalAudience")
    if state not in ("Disabled", "Enabled", "Scheduled") or audience not in ("None", "Known", "All"):
        raise Fault("ErrorSchemaValidation", values={"Violation": "UserOofSettings"})
    start, end = mailbox.oof.start, mailbox.oof.end
    if child(wanted, "Duration") is not None:
        start = instant(text(wanted, "Duration", "StartTime"))
        end = instant(text(wanted, "Duration", "EndTime"))
    if state == "Scheduled" and not max(start, call.company.now()) < end:
        raise Refused("ErrorInvalidScheduledOofDuration")
    mailbox.oof = OutOfOffice(
        state=state,
        audience=audience,
        start=start,
        end=end,
        internal=text(wanted, "InternalReply", "Message"),
        external=text(wanted, "ExternalReply", "Message"),
    )
    return m("SetUserOofSettingsResponse", response_message("ResponseMessage"))


def mail_tips(call: Call, request: Element) -> Xml:
    """Answer GetMailTips with the message that is in effect now, as a sender inside the company sees it."""
    dials = call.company.dials
    if not dials.mail_tips_enabled:
        raise Refused("ErrorMailTipsDisabled")
    recipients = child(request, "Recipients")
    addresses = [each.text or "" for each in named(recipients, "EmailAddress")] if recipients is not None else []
    if not addresses:
        raise Fault("ErrorSchemaValidation", values={"Violation": "Recipients"})
    if len(addresses) > dials.mail_tips_limit:
        raise Fault("ErrorInvalidRequest")
    messages = [_tip(call, address.strip()) for address in addresses]
    return m(
        "GetMailTipsResponse",
        m("ResponseCode", "NoError"),
        m("ResponseMessages", *messages),
        ResponseClass="Success",
    )


def _tip(call: Call, address: str) -> Xml:
    recipient = t("RecipientAddress", t("EmailAddress", address), t("RoutingType", "SMTP"))
    mailbox = call.company.directory.by_proxy.get(address.lower())
    if mailbox is None:
        tips = m("MailTips", recipient, t("PendingMailTips"), t("InvalidRecipient", "true"))
        return response_message("MailTipsResponseMessageType", tips)
    try:
        call.company.troubled(mailbox)
    except Refused as error:
        return response_message("MailTipsResponseMessageType", error=error)
    dials = call.company.dials
    if code := dials.mail_tip_errors.get(mailbox.address.lower()):
        return response_message("MailTipsResponseMessageType", error=Refused(code))
    if mailbox.address.lower() in dials.pending_mail_tips:
        tips = m("MailTips", recipient, t("PendingMailTips", "OutOfOfficeMessage"))
        return response_message("MailTipsResponseMessageType", tips)
    oof = mailbox.oof
    effective = oof.effective(call.company.now())
    scheduled = effective and oof.state == "Scheduled" and dials.mail_tip_durations
    message = oof.internal[: dials.mail_tip_characters or None] if effective else ""
    tips = m(
        "MailTips",
        recipient,
        t("PendingMailTips"),
        t(
            "OutOfOffice",
            _reply("ReplyBody", message),
            _duration(oof, dials.absence_times) if scheduled else None,
        ),
    )
    return response_message("MailTipsResponseMessageType", tips)


def service_configuration(call: Call, request: Element) -> Xml:
    """Answer GetServiceConfiguration for MailTips."""
    asked = {each.text for each in named(request, "ConfigurationName")}
    if asked != {"MailTips"}:
        raise Fault("ErrorInvalidRequest")
    dials = call.company.dials
    configuration = m(
        "MailTipsConfiguration",
        t("MailTipsEnabled", boolean(dials.mail_tips_enabled)),
        t("MaxRecipientsPerGetMailTipsRequest", str(dials.mail_tips_limit)),
        t("MaxMessageSize", "10485760"),
        t("LargeAudienceThreshold", "25"),
        t("ShowExternalRecipientCount", "true"),
        t("InternalDomains"),
        t("PolicyTipsEnabled", "false"),
        t("LargeAudienceCap", "1000"),
    )
    message = response_message("ServiceConfigurationResponseMessageType", configuration)
    return m(
        "GetServiceConfigurationResponse",
        m("ResponseCode", "NoError"),
        m("ResponseMessages", message),
        ResponseClass="Success",
    )


def refused(name: str, error: Refused) -> Xml:
    """Refuse in the answer's own shape, which has no ResponseMessages around a ResponseMessage."""
    if name in ("GetMailTips", "GetServiceConfiguration"):
        return m(f"{name}Response", *refusal_children(error), ResponseClass="Error")
    return m(f"{name}Response", response_message("ResponseMessage", error=error))
