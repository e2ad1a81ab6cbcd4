"""When a mailbox that Exchange has refused is tried again: one rhythm for each ResponseCode. Pure.

Source: protocols page on EWS, §1 (table): what somebody has to mend first is tried daily, a right that is missing
hourly, everything else with back-off. `treatment` says what a code means; here stands how often to ask again.
"""

from enum import StrEnum

from rainbow_exchange.ews.treatment import Treatment, treatment_of


class Rhythm(StrEnum):
    """How often a mailbox is tried again."""

    BACK_OFF = "back-off"
    HOURLY = "hourly"
    DAILY = "daily"


_GROUPS = {
    # accounts that somebody has to mend first, what is ours to mend, and servers too old
    "daily": """
        ErrorAccountDisabled ErrorPasswordExpired ErrorMailboxConfiguration
        ErrorMissingEmailAddress ErrorInvalidExchangeImpersonationHeaderData
        ErrorSchemaValidation ErrorInvalidRequest ErrorInvalidServerVersion ErrorInvalidSubscriptionRequest
        UnencodableText
    """,
    # the mailbox is on another server than the one that was asked, or on its way there
    "elsewhere": """
        ErrorMailboxMoveInProgress ErrorProxyRequestNotAllowed
        ErrorNoRespondingCASInDestinationSite ErrorNoApplicableProxyCASServersAvailable
        ErrorNoDestinationCASDueToKerberosRequirements ErrorNoDestinationCASDueToSSLRequirements
        ErrorNoDestinationCASDueToVersionMismatch ErrorCrossSiteRequest ErrorProxyServiceDiscoveryFailed
        ErrorProxyRequestProcessingFailed ErrorProxiedSubscriptionCallFailure
    """,
}
_DAILY, _ELSEWHERE = (frozenset(_GROUPS[name].split()) for name in ("daily", "elsewhere"))
#: how the text of ErrorInvalidSubscription names a move; a name of the server's own, never localised
_MOVE = "MailboxMoveStarted"


def rhythm_of(code: str) -> Rhythm:
    """Give the rhythm of a ResponseCode, or of the class of an error that has none."""
    treat = treatment_of(code)
    if code in _DAILY or treat is Treatment.NEXT_IDENTIFIER:
        return Rhythm.DAILY
    return Rhythm.HOURLY if treat is Treatment.DENIED or code == "EwsAuthenticationError" else Rhythm.BACK_OFF


def is_elsewhere(code: str, text: str = "") -> bool:
    """Tell whether the mailbox has to be looked for on another server before it is tried again."""
    return code in _ELSEWHERE or (code == "ErrorInvalidSubscription" and _MOVE in text)
