"""How the lab's Exchange refuses: as a SOAP fault, or inside the answer's response message."""

TEXTS = {
    "ErrorAccessDenied": "Access is denied. Check credentials and try again.",
    "ErrorFolderNotFound": "The specified folder could not be found in the store.",
    "ErrorImpersonateUserDenied": "The account does not have permission to impersonate the requested user.",
    "ErrorItemNotFound": "The specified object was not found in the store.",
    "ErrorNonExistentMailbox": "The SMTP address has no mailbox associated with it.",
    "ErrorNonPrimarySmtpAddress": "The primary SMTP address must be specified when referencing a mailbox.",
    "ErrorInvalidSmtpAddress": "The SMTP address format is invalid.",
    "ErrorInvalidExchangeImpersonationHeaderData": "ExchangeImpersonation SOAP header data is invalid.",
    "ErrorMissingEmailAddress": "When making a request as an account that does not have a mailbox, you must specify "
    "the mailbox primary SMTP address for any distinguished folder Ids.",
    "ErrorInvalidIdMalformed": "Id is malformed.",
    "ErrorInvalidServerVersion": "The specified server version is invalid.",
    "ErrorSchemaValidation": "The request failed schema validation.",
    "ErrorServerBusy": "The server cannot service this request right now. Try again later.",
    "ErrorInternalServerError": "An internal server error occurred. The operation failed.",
    "ErrorSubscriptionNotFound": "The specified subscription was not found.",
    "ErrorSubscriptionAccessDenied": "The subscription was made by another account.",
    "ErrorInvalidSubscription": "Subscription is invalid.",
    "ErrorMailboxMoveInProgress": "The mailbox is being moved. Try again later.",
    "ErrorProxyRequestNotAllowed": "The request may not be proxied: the mailbox is on another server.",
    "ErrorReadEventsFailed": "Unable to retrieve events for this subscription.  The subscription must be recreated.",
    "ErrorNewEventStreamConnectionOpened": "A new event stream connection was opened for this subscription.",
    "ErrorSubscriptionUnsubscribed": "The subscription was unsubscribed.",
    "ErrorExceededConnectionCount": "You have exceeded the available concurrent connections for your account.  Try "
    "again once your other requests have completed.",
    "ErrorNoFreeBusyAccess": "The caller does not have access to free/busy data.",
    "ErrorMailRecipientNotFound": "Unable to resolve e-mail address to an Active Directory object.",
    "ErrorMailboxDataArrayEmpty": "The MailboxDataArray is empty.",
    "ErrorMailboxDataArrayTooBig": "The MailboxDataArray holds more than 100 mailboxes.",
    "ErrorTimeIntervalTooBig": "The requested time window is too big.",
    "ErrorInvalidMergedFreeBusyInterval": "The interval must be between 5 and 1440 minutes.",
    "ErrorInvalidTimeInterval": "The end of the time window must be later than its start.",
    "ErrorCalendarViewRangeTooBig": "The specified view range exceeds the maximum range of two years.",
    "ErrorCalendarEndDateIsEarlierThanStartDate": "EndDate is earlier than StartDate.",
    "ErrorNameResolutionNoResults": "No results were found.",
    "ErrorNameResolutionMultipleResults": "Multiple results were found.",
    "ErrorInvalidScheduledOofDuration": "The end of the scheduled duration must be later than its start, and than now.",
    "ErrorMailTipsDisabled": "MailTips are disabled.",
    "ErrorInvalidSyncStateData": "Synchronization state data is corrupt or otherwise invalid.",
    "ErrorTimeZone": "The time zone is not known.",
}


def text_of(code: str) -> str:
    """Give the English sentence of a code; clients must not read it."""
    return TEXTS.get(code, "The operation failed.")


class Refusal(Exception):
    """The request is refused with `code`; `values` become the entries of MessageXml."""

    def __init__(self, code: str, text: str = "", *, values: dict[str, str] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.text = text or text_of(code)
        self.values = values or {}


class Refused(Refusal):
    """Refused inside the answer: a response message of class Error with HTTP 200."""


class Fault(Refusal):
    """Refused as a whole: a SOAP fault."""


class LegacyFault(Exception):
    """The fault of old that carries no EWS code: `soap:Client` and a .NET exception as text (ews.md §5)."""
