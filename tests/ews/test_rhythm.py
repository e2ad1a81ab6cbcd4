import pytest

from rainbow_exchange.ews.rhythm import is_elsewhere, rhythm_of

DAILY = """
    ErrorNonExistentMailbox ErrorNonPrimarySmtpAddress ErrorInvalidSmtpAddress
    ErrorMissingEmailAddress ErrorInvalidExchangeImpersonationHeaderData
    ErrorAccountDisabled ErrorPasswordExpired ErrorMailboxConfiguration
    ErrorSchemaValidation ErrorInvalidRequest ErrorInvalidServerVersion ErrorInvalidSubscriptionRequest
"""
HOURLY = """
    ErrorImpersonateUserDenied ErrorImpersonationDenied ErrorImpersonationFailed
    ErrorAccessDenied ErrorFolderNotFound ErrorSubscriptionDelegateAccessNotSupported ErrorItemNotFound
    EwsAuthenticationError
"""
BACK_OFF = """
    ErrorMailboxMoveInProgress ErrorMailboxFailover ErrorMailboxStoreUnavailable ErrorConnectionFailed
    ErrorADUnavailable ErrorInsufficientResources ErrorInternalServerTransientError ErrorTimeoutExpired
    ErrorBatchProcessingStopped ErrorNoRespondingCASInDestinationSite ErrorNoApplicableProxyCASServersAvailable
    ErrorCrossSiteRequest ErrorProxyServiceDiscoveryFailed ErrorProxyRequestProcessingFailed ErrorProxyRequestNotAllowed
    ErrorExceededSubscriptionCount ErrorExceededConnectionCount ErrorServerBusy ErrorInternalServerError
    ErrorSubscriptionAccessDenied ErrorInvalidSubscription ErrorOfTomorrow MalformedResponse
"""


@pytest.mark.parametrize(
    ("code", "rhythm"),
    [
        (code, rhythm)
        for codes, rhythm in ((DAILY, "daily"), (HOURLY, "hourly"), (BACK_OFF, "back-off"))
        for code in codes.split()
    ],
)
def test_each_code_has_its_rhythm(code: str, rhythm: str) -> None:
    assert rhythm_of(code) == rhythm


@pytest.mark.parametrize(
    ("code", "text", "elsewhere"),
    [
        ("ErrorMailboxMoveInProgress", "", True),
        ("ErrorProxyRequestNotAllowed", "", True),
        ("ErrorNoDestinationCASDueToVersionMismatch", "", True),
        ("ErrorInvalidSubscription", "Subscription is invalid: MailboxMoveStarted.", True),
        ("ErrorInvalidSubscription", "Das Abonnement ist ungültig.", False),
        ("ErrorMailboxFailover", "MailboxMoveStarted", False),
        ("ErrorAccessDenied", "", False),
    ],
)
def test_who_has_moved_is_looked_for_elsewhere(code: str, text: str, elsewhere: bool) -> None:
    assert is_elsewhere(code, text) is elsewhere
