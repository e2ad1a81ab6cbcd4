from pathlib import Path

import pytest

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
from rainbow_exchange.ews.treatment import TABLE, Treatment, error_from, is_refusal, treatment, treatment_of

EXPECTED = {
    "success": ["NoError"],
    "next identifier": [
        "ErrorCannotFindUser",
        "ErrorInvalidSid",
        "ErrorInvalidSmtpAddress",
        "ErrorInvalidUserPrincipalName",
        "ErrorInvalidUserSid",
        "ErrorMailRecipientNotFound",
        "ErrorNameResolutionNoResults",
        "ErrorNonExistentMailbox",
        "ErrorNonPrimarySmtpAddress",
    ],
    "transient": [
        "ErrorADUnavailable",
        "ErrorBatchProcessingStopped",
        "ErrorConnectionFailed",
        "ErrorCrossSiteRequest",
        "ErrorExceededConnectionCount",
        "ErrorExceededSubscriptionCount",
        "ErrorFreeBusyGenerationFailed",
        "ErrorIndividualMailboxLimitReached",
        "ErrorInsufficientResources",
        "ErrorInternalServerError",
        "ErrorInternalServerTransientError",
        "ErrorMailboxFailover",
        "ErrorMailboxLogonFailed",
        "ErrorMailboxMoveInProgress",
        "ErrorMailboxStoreUnavailable",
        "ErrorNoApplicableProxyCASServersAvailable",
        "ErrorNoDestinationCASDueToKerberosRequirements",
        "ErrorNoDestinationCASDueToSSLRequirements",
        "ErrorNoDestinationCASDueToVersionMismatch",
        "ErrorNoRespondingCASInDestinationSite",
        "ErrorProxiedSubscriptionCallFailure",
        "ErrorProxyRequestProcessingFailed",
        "ErrorProxyServiceDiscoveryFailed",
        "ErrorServerBusy",
        "ErrorServiceDiscoveryFailed",
        "ErrorTimeoutExpired",
    ],
    "subscription lost": [
        "ErrorExpiredSubscription",
        "ErrorInvalidSubscription",
        "ErrorMissedNotificationEvents",
        "ErrorNewEventStreamConnectionOpened",
        "ErrorProxyRequestNotAllowed",
        "ErrorReadEventsFailed",
        "ErrorSubscriptionAccessDenied",
        "ErrorSubscriptionNotFound",
        "ErrorSubscriptionUnsubscribed",
    ],
    "denied": [
        "ErrorAccessDenied",
        "ErrorAccountDisabled",
        "ErrorCalendarViewRangeTooBig",
        "ErrorFolderNotFound",
        "ErrorImpersonateUserDenied",
        "ErrorImpersonationDenied",
        "ErrorImpersonationFailed",
        "ErrorInvalidExchangeImpersonationHeaderData",
        "ErrorInvalidFreeBusyViewType",
        "ErrorInvalidMergedFreeBusyInterval",
        "ErrorInvalidRequest",
        "ErrorInvalidScheduledOofDuration",
        "ErrorInvalidServerVersion",
        "ErrorInvalidSubscriptionRequest",
        "ErrorItemNotFound",
        "ErrorMailTipsDisabled",
        "ErrorMailboxConfiguration",
        "ErrorMailboxDataArrayEmpty",
        "ErrorMailboxDataArrayTooBig",
        "ErrorMissingEmailAddress",
        "ErrorNoFreeBusyAccess",
        "ErrorPasswordExpired",
        "ErrorSchemaValidation",
        "ErrorSubscriptionDelegateAccessNotSupported",
        "ErrorTimeIntervalTooBig",
    ],
}


def test_the_table_is_this() -> None:
    groups: dict[str, list[str]] = {group.value: [] for group in Treatment}
    for code, group in sorted(TABLE.items()):
        groups[group.value].append(code)
    assert groups == EXPECTED


def test_every_code_is_one_that_exchange_has(shared: Path) -> None:
    schema = (shared / "ews" / "schemas" / "messages.xsd").read_text(encoding="utf-8")
    assert {code for code in TABLE if f'"{code}"' not in schema} <= {"ErrorMailTipsDisabled", "ErrorInvalidSid"}


def test_an_unknown_code_is_worth_a_retry() -> None:
    assert treatment_of("ErrorInventedYesterday") is Treatment.TRANSIENT


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (EwsConnectionError("timeout"), Treatment.TRANSIENT),
        (EwsAuthenticationError(401), Treatment.DENIED),
        (MalformedResponse("half"), Treatment.TRANSIENT),
        (UnencodableText("U+0001"), Treatment.DENIED),
        (ResponseError("ErrorNonExistentMailbox"), Treatment.NEXT_IDENTIFIER),
        (ResponseError("ErrorFolderNotFound"), Treatment.DENIED),
        (ResponseError("InternalServiceFault"), Treatment.TRANSIENT),
        (ResponseError("NoError"), Treatment.TRANSIENT),
        (SubscriptionLost("ErrorReadEventsFailed"), Treatment.SUBSCRIPTION_LOST),
    ],
)
def test_each_error_has_one_treatment(error: EwsError, expected: Treatment) -> None:
    assert treatment(error) is expected


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ErrorServerBusy", ServerBusy),
        ("ErrorExceededConnectionCount", ConnectionLimitReached),
        ("ErrorExpiredSubscription", SubscriptionLost),
        ("ErrorProxyRequestNotAllowed", SubscriptionLost),
        ("ErrorAccessDenied", ResponseError),
        ("ErrorInternalServerError", ResponseError),
        ("Whatever", ResponseError),
    ],
)
def test_an_error_is_of_the_class_that_handlers_name(code: str, kind: type[ResponseError]) -> None:
    error = error_from(code, "text", {"Name": "value"}, fault=True)
    assert type(error) is kind
    assert (error.code, error.text, error.values, error.fault) == (code, "text", {"Name": "value"}, True)


@pytest.mark.parametrize(
    ("hint", "seconds"),
    [("297749", 297.749), ("0", 0.0), (" 5000 ", 5.0), ("", None), ("soon", None), ("-1", None), ("nan", None)],
)
def test_the_back_off_is_read_where_it_is_a_number(hint: str, seconds: float | None) -> None:
    error = error_from("ErrorServerBusy", values={"BackOffMilliseconds": hint}, fault=False)
    assert isinstance(error, ServerBusy)
    assert error.back_off == seconds


def test_the_policy_of_the_streaming_limit_is_kept(shared: Path) -> None:
    """The values of a recorded refusal of Exchange 2016 stand in a line of prose."""
    told = (shared / "ews/samples/fragments/throttling_e2016_streaming_concurrency.txt").read_text(encoding="utf-8")
    line = next(line for line in told.splitlines() if line.startswith("MessageXml values: "))
    pairs = line.removeprefix("MessageXml values: ").split(" ; ")
    values = {name.strip(): value.strip() for name, value in (pair.split("=", 1) for pair in pairs)}
    error = error_from("ErrorExceededConnectionCount", values=values, fault=False)
    assert isinstance(error, ConnectionLimitReached)
    assert error.values["Policy"] == "MaxStreamingConcurrency"
    assert error.values["MaxConcurrencyLimit"] == "10"
    assert treatment(error) is Treatment.TRANSIENT


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (ResponseError("ErrorInvalidRequest"), True),
        (ResponseError("ErrorInternalServerError"), True),
        (MalformedResponse("x"), True),
        (EwsConnectionError("http-500"), True),
        (EwsConnectionError("http-404"), True),
        (EwsConnectionError("not-ews"), True),
        (EwsConnectionError("http-503"), False),
        (EwsConnectionError("timeout"), False),
        (EwsConnectionError("closed"), False),
        (EwsAuthenticationError(403), False),
        (ServerBusy("ErrorServerBusy"), False),
        (ServerBusy("ErrorInternalServerError"), False),
        (ResponseError("ErrorMailboxStoreUnavailable"), False),
        (ResponseError("ErrorADUnavailable"), False),
        (ResponseError("ErrorNobodyKnows"), True),
        (ConnectionLimitReached("ErrorExceededConnectionCount"), False),
        (TimeoutError(), False),
    ],
)
def test_a_refusal_is_an_answer_and_not_an_absence(error: Exception, *, refusal: bool) -> None:
    assert is_refusal(error) is refusal
