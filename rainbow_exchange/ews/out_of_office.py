"""Out of office: who is, by GetMailTips for many; the whole state, by GetUserOofSettings for one.

Texts become plain.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rainbow_exchange.ews.errors import (
    EwsError,
    MalformedResponse,
    ResponseError,
    ServerBusy,
)
from rainbow_exchange.ews.operations.get_mail_tips import GetMailTips, MailTip
from rainbow_exchange.ews.operations.get_service_configuration import GetServiceConfiguration
from rainbow_exchange.ews.operations.get_user_oof_settings import GetUserOofSettings, OofSettings
from rainbow_exchange.ews.plain_text import plain
from rainbow_exchange.ews.repeat import Repeat
from rainbow_exchange.ews.treatment import is_refusal
from rainbow_exchange.ews.types import Caller, ResponseCode, connecting_sid
from rainbow_exchange.model import Audience, Mailbox, OofState, OutOfOffice

#: what we ask for at once, whatever more the server would take
MOST_MAIL_TIPS = 100

#: no reply is sent: one object for all, since it is nearly everybody's state
DISABLED = OutOfOffice(state=OofState.DISABLED)

_STATE = {state.value: state for state in OofState}
_AUDIENCE = {audience.value: audience for audience in Audience}
_WIDER = [Audience.NONE, Audience.KNOWN, Audience.ALL]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """What MailTips shows of one mailbox. With `pending` nothing is known: keep the old value and ask again.

    `missing`: the server left the out-of-office part out, so that nothing is known either, and perhaps never will be.
    `text` is plain and possibly shortened by the server; `start` and `end` only where the server gave them.
    """

    out: bool
    text: str = field(default="", repr=False)
    pending: bool = False
    missing: bool = False
    start: datetime | None = None
    end: datetime | None = None


#: the tip of nearly everybody, shared as well
_NO_REPLY = Tip(out=False)


@dataclass(slots=True)
class TipsRead:
    """What was read last of those who are asked about together: the same bytes about the same people are not read anew.

    The tips are in the order of those who were `asked` about.
    """

    asked: tuple[str, ...] = ()
    tips: tuple[Tip | EwsError, ...] = field(default=(), repr=False)
    digest: bytes = b""
    server_version: str | None = None


async def read_mail_tips(
    client: Caller,
    addresses: Sequence[str],
    *,
    sending_as: str,
    impersonate: Mailbox | None,
    before: TipsRead | None = None,
) -> dict[str, Tip | EwsError]:
    """Ask for the tips of at most `mail_tips_limit` addresses by one request; each gets its tip or its error.

    `before` is what was read of them last, and afterwards what was read now. Raises EwsError where the whole request
    failed.
    """
    asked = tuple(dict.fromkeys(addresses))
    known = before if before is not None and before.asked == asked else TipsRead()
    repeat = Repeat[tuple[MailTip | EwsError, ...]]((), known=known.digest, server_version=known.server_version)
    tips = known.tips
    answers = await client.call(
        GetMailTips(addresses=asked, sending_as=sending_as, repeat=repeat),
        impersonate=None if impersonate is None else connecting_sid(impersonate),
        anchor=None if impersonate is None else impersonate.smtp,
    )
    if not repeat.unchanged:
        tips = tuple([_tip(answer) for answer in _by_address(asked, answers).values()])
        if before is not None:
            # that the server is busy the client is to see in each answer
            busy = any(isinstance(tip, ServerBusy) for tip in tips)
            before.asked, before.tips = asked, () if busy else tips
            before.digest, before.server_version = b"" if busy else repeat.digest, repeat.server_version
    return dict(zip(asked, tips, strict=True))


async def read_oof_settings(client: Caller, mailbox: Mailbox, *, impersonate: bool) -> OutOfOffice:
    """Read the whole out-of-office state of one mailbox. Raises EwsError; without rights its code is ErrorAccessDenied.

    A Scheduled state without both its times is a MalformedResponse: whether it holds now cannot be told.
    """
    settings = await client.call(
        GetUserOofSettings(address=mailbox.address),
        impersonate=connecting_sid(mailbox) if impersonate else None,
        anchor=mailbox.smtp,
    )
    state = _STATE.get(settings.oof_state.lower())
    if state is None:
        raise MalformedResponse("an OofState that is none of the three")
    if state is OofState.DISABLED:
        return DISABLED  # its texts are of the last time, and nobody is told them
    scheduled = state is OofState.SCHEDULED
    if scheduled and (settings.start is None or settings.end is None):
        raise MalformedResponse("a scheduled absence without its times")
    return OutOfOffice(
        state=state,
        start=settings.start if scheduled else None,
        end=settings.end if scheduled else None,
        internal_text=plain(settings.internal_html),
        external_text=plain(settings.external_html),
        audience=_audience(settings),
    )


def _audience(settings: OofSettings) -> Audience:
    """Tell who outside gets the reply: whom its owner wants to, as far as the company lets it."""
    wanted = _AUDIENCE.get(settings.external_audience.lower(), Audience.NONE)
    allowed = _AUDIENCE.get(settings.allowed_audience.lower(), Audience.ALL)
    return min(wanted, allowed, key=_WIDER.index)


async def mail_tips_limit(client: Caller) -> int:
    """Ask how many tips one request may ask for: at most 100; 0 where MailTips are disabled.

    A server that refuses the question may give tips all the same: 100. Raises EwsError where it could not be asked.
    """
    try:
        configuration = await client.call(GetServiceConfiguration())
    except EwsError as error:
        if isinstance(error, ResponseError) and error.code == ResponseCode.MAIL_TIPS_DISABLED:
            return 0
        if is_refusal(error):
            return MOST_MAIL_TIPS
        raise
    if configuration.mail_tips_enabled is False:
        return 0
    return min(MOST_MAIL_TIPS, configuration.max_recipients_per_mail_tips_request or MOST_MAIL_TIPS)


def _tip(answer: MailTip | EwsError) -> Tip | EwsError:
    if isinstance(answer, EwsError):
        return answer
    message = answer.message_html or ""
    out = bool(message) and not answer.pending
    if answer.message_html == "" and not answer.pending:
        return _NO_REPLY
    return Tip(
        out=out,
        text=plain(message) if out else "",
        pending=answer.pending,
        missing=answer.message_html is None and not answer.pending,
        start=answer.start if out else None,
        end=answer.end if out else None,
    )


def _by_address(asked: tuple[str, ...], answers: tuple[MailTip | EwsError, ...]) -> dict[str, MailTip | EwsError]:
    """Give each address its answer: the one that names it; else, where the numbers agree, the one in its place."""
    wanted = {address.lower() for address in asked}
    names = [answer.address.lower() if isinstance(answer, MailTip) else "" for answer in answers]
    named = {name: place for place, name in reversed(tuple(enumerate(names)))}  # the first where several have it
    found: dict[str, MailTip | EwsError] = {}
    for place, address in enumerate(asked):
        if (its := named.get(address.lower())) is not None:
            found[address] = answers[its]
        elif len(answers) == len(asked) and names[place] not in wanted:
            found[address] = answers[place]
        else:
            found[address] = MalformedResponse("no mail tip for this recipient")
    return found
