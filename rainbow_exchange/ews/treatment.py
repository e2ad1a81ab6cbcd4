"""What to do about each ResponseCode: one table, five groups. Codes are data; an unknown one is worth a retry.

Source: protocols page on EWS, §1 (table), §2 (errors in a stream), §4 (availability), §5 (out of office), and
https://learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode
"""

from collections.abc import Mapping
from enum import StrEnum
from math import isfinite
from types import MappingProxyType

from rainbow_exchange.ews.errors import (
    ConnectionLimitReached,
    EwsAuthenticationError,
    EwsConnectionError,
    EwsError,
    MalformedResponse,
    ResponseError,
    ServerBusy,
    SubscriptionLost,
    UnencodableText,
)
from rainbow_exchange.ews.types import ResponseCode


class Treatment(StrEnum):
    """What a code asks for."""

    SUCCESS = "success"
    #: this identifier names no mailbox: try the next one, then give up and show
    NEXT_IDENTIFIER = "next identifier"
    #: back off with jitter and try again
    TRANSIENT = "transient"
    #: forget the subscription, subscribe anew, re-read
    SUBSCRIPTION_LOST = "subscription lost"
    #: trying again unchanged is useless until somebody changes something: show it, try slowly
    DENIED = "denied"


_GROUPS: Mapping[Treatment, str] = {
    Treatment.SUCCESS: "NoError",
    Treatment.NEXT_IDENTIFIER: """
        ErrorNonExistentMailbox ErrorNonPrimarySmtpAddress ErrorInvalidSmtpAddress ErrorMailRecipientNotFound
        ErrorNameResolutionNoResults ErrorInvalidUserPrincipalName ErrorInvalidUserSid ErrorInvalidSid
        ErrorCannotFindUser
    """,
    Treatment.TRANSIENT: """
        ErrorMailboxMoveInProgress ErrorMailboxFailover ErrorMailboxStoreUnavailable ErrorConnectionFailed
        ErrorADUnavailable ErrorInsufficientResources ErrorInternalServerTransientError ErrorTimeoutExpired
        ErrorBatchProcessingStopped ErrorServerBusy ErrorInternalServerError
        ErrorExceededConnectionCount ErrorExceededSubscriptionCount
        ErrorNoRespondingCASInDestinationSite ErrorNoApplicableProxyCASServersAvailable
        ErrorNoDestinationCASDueToKerberosRequirements ErrorNoDestinationCASDueToSSLRequirements
        ErrorNoDestinationCASDueToVersionMismatch ErrorCrossSiteRequest ErrorProxyServiceDiscoveryFailed
        ErrorProxyRequestProcessingFailed ErrorProxiedSubscriptionCallFailure
        ErrorMailboxLogonFailed ErrorServiceDiscoveryFailed ErrorFreeBusyGenerationFailed
        ErrorIndividualMailboxLimitReached
    """,
    # ErrorProxyRequestNotAllowed means that the mailbox has moved to another site: in a stream the protocol page asks
    # for a new subscription, and a Subscribe refused with it is tried again with back-off like any lost one.
    # ErrorSubscriptionUnsubscribed is lost too, where it was not we who unsubscribed.
    Treatment.SUBSCRIPTION_LOST: """
        ErrorInvalidSubscription ErrorSubscriptionNotFound ErrorExpiredSubscription ErrorReadEventsFailed
        ErrorMissedNotificationEvents ErrorNewEventStreamConnectionOpened ErrorSubscriptionUnsubscribed
        ErrorSubscriptionAccessDenied ErrorProxyRequestNotAllowed
    """,
    Treatment.DENIED: """
        ErrorMissingEmailAddress ErrorInvalidExchangeImpersonationHeaderData
        ErrorImpersonateUserDenied ErrorImpersonationDenied ErrorImpersonationFailed
        ErrorAccessDenied ErrorFolderNotFound ErrorSubscriptionDelegateAccessNotSupported ErrorItemNotFound
        ErrorAccountDisabled ErrorPasswordExpired ErrorMailboxConfiguration
        ErrorSchemaValidation ErrorInvalidRequest ErrorInvalidServerVersion ErrorInvalidSubscriptionRequest
        ErrorNoFreeBusyAccess ErrorMailboxDataArrayTooBig ErrorMailboxDataArrayEmpty ErrorTimeIntervalTooBig
        ErrorInvalidMergedFreeBusyInterval ErrorInvalidFreeBusyViewType ErrorCalendarViewRangeTooBig
        ErrorInvalidScheduledOofDuration ErrorMailTipsDisabled
    """,
}

TABLE: Mapping[str, Treatment] = MappingProxyType(
    {code: group for group, codes in _GROUPS.items() for code in codes.split()}
)


#: what balancers and web servers say while the server behind them is away or has too much to do
_AWAY = frozenset({"http-408", "http-429", "http-502", "http-503", "http-504"})


def treatment_of(code: str) -> Treatment:
    """Give the treatment of a ResponseCode; one that the table does not know is TRANSIENT."""
    return TABLE.get(code, Treatment.TRANSIENT)


def treatment(error: EwsError) -> Treatment:
    """Give the treatment of whatever the Exchange side raised: never SUCCESS."""
    if isinstance(error, ResponseError):
        known = treatment_of(error.code)
        # an answer of class Error whose code is NoError contradicts itself: worth a retry
        return Treatment.TRANSIENT if known is Treatment.SUCCESS else known
    if isinstance(error, EwsAuthenticationError | UnencodableText):
        return Treatment.DENIED
    return Treatment.TRANSIENT


def is_refusal(error: Exception) -> bool:
    """Tell whether the server answered and will not do what it was asked, rather than being away or busy.

    Not every server knows every operation, and some say so by 500 or 404 and a line of text, or by the code that stands
    for any trouble whatever.
    """
    if isinstance(error, EwsConnectionError):
        return error.kind == "not-ews" or (error.kind.startswith("http-") and error.kind not in _AWAY)
    if isinstance(error, ResponseError) and error.code != ResponseCode.INTERNAL_SERVER_ERROR:
        return TABLE.get(error.code) is not Treatment.TRANSIENT
    return isinstance(error, ResponseError | MalformedResponse) and not isinstance(error, ServerBusy)


def error_from(code: str, text: str = "", values: Mapping[str, str] | None = None, *, fault: bool) -> ResponseError:
    """Build the error for `code`, of the class that its handlers name. `values` are MessageXml's, by name."""
    entries = dict(values or {})
    hint = _milliseconds(entries.get("BackOffMilliseconds"))
    wrapped = code == ResponseCode.INTERNAL_SERVER_ERROR and ResponseCode.SERVER_BUSY in entries.values()
    if code == ResponseCode.SERVER_BUSY or wrapped:
        busy = ServerBusy(code, text, values=entries, fault=fault)
        busy.back_off = hint
        return busy
    if code == ResponseCode.EXCEEDED_CONNECTION_COUNT:
        return ConnectionLimitReached(code, text, values=entries, fault=fault)
    if treatment_of(code) is Treatment.SUBSCRIPTION_LOST:
        return SubscriptionLost(code, text, values=entries, fault=fault)
    return ResponseError(code, text, values=entries, fault=fault)


def _milliseconds(text: str | None) -> float | None:
    try:
        seconds = float(text or "") / 1000
    except ValueError:
        return None
    return seconds if isfinite(seconds) and seconds >= 0 else None
