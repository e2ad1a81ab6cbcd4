"""What the parts of the Exchange side say to each other: codes, who is impersonated, what an operation is."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, TypeVar, runtime_checkable

from lxml import etree

from rainbow_exchange.ews.errors import NO_CODE
from rainbow_exchange.model import Mailbox

R_co = TypeVar("R_co", covariant=True)


class ResponseCode(str):
    """Exchange's ResponseCode. Any string is one: servers invent codes. Those that our code names are constants here.

    https://learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode
    """

    __slots__ = ()

    NO_ERROR: ClassVar["ResponseCode"]
    SERVER_BUSY: ClassVar["ResponseCode"]
    INTERNAL_SERVER_ERROR: ClassVar["ResponseCode"]
    EXCEEDED_CONNECTION_COUNT: ClassVar["ResponseCode"]
    EXCEEDED_SUBSCRIPTION_COUNT: ClassVar["ResponseCode"]
    INVALID_SUBSCRIPTION: ClassVar["ResponseCode"]
    SUBSCRIPTION_NOT_FOUND: ClassVar["ResponseCode"]
    ACCESS_DENIED: ClassVar["ResponseCode"]
    NO_FREE_BUSY_ACCESS: ClassVar["ResponseCode"]
    FREE_BUSY_FAILED: ClassVar["ResponseCode"]
    TIME_INTERVAL_TOO_BIG: ClassVar["ResponseCode"]
    NAME_RESOLUTION_NO_RESULTS: ClassVar["ResponseCode"]
    NAME_RESOLUTION_MULTIPLE_RESULTS: ClassVar["ResponseCode"]
    MAIL_TIPS_DISABLED: ClassVar["ResponseCode"]
    UNNAMED: ClassVar["ResponseCode"]


ResponseCode.NO_ERROR = ResponseCode("NoError")
ResponseCode.SERVER_BUSY = ResponseCode("ErrorServerBusy")
ResponseCode.INTERNAL_SERVER_ERROR = ResponseCode("ErrorInternalServerError")
ResponseCode.EXCEEDED_CONNECTION_COUNT = ResponseCode("ErrorExceededConnectionCount")
ResponseCode.EXCEEDED_SUBSCRIPTION_COUNT = ResponseCode("ErrorExceededSubscriptionCount")
ResponseCode.INVALID_SUBSCRIPTION = ResponseCode("ErrorInvalidSubscription")
ResponseCode.SUBSCRIPTION_NOT_FOUND = ResponseCode("ErrorSubscriptionNotFound")
ResponseCode.ACCESS_DENIED = ResponseCode("ErrorAccessDenied")
ResponseCode.NO_FREE_BUSY_ACCESS = ResponseCode("ErrorNoFreeBusyAccess")
ResponseCode.FREE_BUSY_FAILED = ResponseCode("ErrorFreeBusyGenerationFailed")
ResponseCode.TIME_INTERVAL_TOO_BIG = ResponseCode("ErrorTimeIntervalTooBig")
ResponseCode.NAME_RESOLUTION_NO_RESULTS = ResponseCode("ErrorNameResolutionNoResults")
ResponseCode.NAME_RESOLUTION_MULTIPLE_RESULTS = ResponseCode("ErrorNameResolutionMultipleResults")
ResponseCode.MAIL_TIPS_DISABLED = ResponseCode("ErrorMailTipsDisabled")
#: ours: an error for which the server gave no code
ResponseCode.UNNAMED = ResponseCode(NO_CODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectingSid:
    """Whom a request impersonates: the one child of ConnectingSID, by its element name, and its text."""

    kind: Literal["PrincipalName", "SID", "PrimarySmtpAddress", "SmtpAddress"]
    value: str


def is_sid(text: str) -> bool:
    """Tell whether a text has the form of a SID in SDDL."""
    return text.upper().startswith("S-1-")


def connecting_sid(mailbox: Mailbox) -> ConnectingSid:
    """Say how to impersonate `mailbox`: by its principal (UPN, or SID in SDDL form) if it has one, else by address."""
    if mailbox.principal is None:
        return ConnectingSid(kind="PrimarySmtpAddress", value=mailbox.address)
    if is_sid(mailbox.principal):
        return ConnectingSid(kind="SID", value=mailbox.principal)
    return ConnectingSid(kind="PrincipalName", value=mailbox.principal)


class Operation(Protocol[R_co]):
    """One EWS request, ready to be written, and the reading of its answer.

    NAME is EWS's own name of the operation; TEMPLATE its file in `soap_templates`, without ".xml".
    """

    NAME: ClassVar[str]
    TEMPLATE: ClassVar[str]

    def fill(self, template: etree._Element, /) -> None:
        """Write this request into a private copy of the operation's element. Raises UnencodableText."""

    def parse(self, body: etree._Element, /) -> R_co:
        """Read the answer from the soap Body. Raises ResponseError and MalformedResponse."""


@runtime_checkable
class ReadInParts(Protocol[R_co]):
    """An operation whose answer may be so long that reading it at once would hold the loop up."""

    def parse_in_parts(self, body: etree._Element, /) -> Generator[None, None, R_co]:
        """Do what `parse` does, a short part at each step; the result is what it returns in the end."""


class Caller(Protocol):
    """Whoever can carry an operation to a server: `EwsClient`."""

    async def call(
        self,
        operation: Operation[R_co],
        *,
        impersonate: ConnectingSid | None = None,
        anchor: str | None = None,
        affinity: Any = None,
    ) -> R_co:
        """Return the operation's parsed answer; raise the EwsError family only."""
