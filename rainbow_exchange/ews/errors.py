"""What can go wrong on the Exchange side, as a tree by what the caller can do.

EwsError
├── EwsConnectionError       name, TCP, TLS, time limit, 5xx without SOAP, not an EWS address      worth a retry
├── EwsAuthenticationError   401, 403                                          not before something changes
├── MalformedResponse        not XML, truncated, not the envelope that was asked for
│   └── StreamCut            a stream that ended in the middle of an envelope
├── UnencodableText          a string that XML 1.0 cannot carry
└── ResponseError            Exchange refused: a SOAP fault or a ResponseMessage of class Error
    ├── ServerBusy           ErrorServerBusy in any of its three shapes
    ├── SubscriptionLost     the treatment group "subscription lost"
    └── ConnectionLimitReached  ErrorExceededConnectionCount
"""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from rainbow_exchange.errors import RainbowExchangeError
from rainbow_exchange.network.verdict import Why
from rainbow_exchange.words import joined

#: ours: an error for which the server gave no code
NO_CODE = "no ResponseCode"
_WORD = re.compile(r"\w[\w.:-]{0,99}")


class EwsError(RainbowExchangeError):
    """Whatever the Exchange side raises.

    `sent`: a request went out. None does while the server wants to be left alone; the error then repeats what it said.
    """

    sent = True


class EwsConnectionError(EwsError):
    """The server could not be reached or did not answer as EWS.

    `kind`: "name", "refused", "tls", "proxy", "timeout", "closed", "http-<status>", "not-ews"; "kerberos" and "token"
    where that is what is in the way, `detail` then being the word for it. `retry_after` in seconds or None. `why` tells
    more of "tls", "proxy" and "timeout", where more is known. `shared`: it was another request that failed so, this one
    waited.
    """

    def __init__(
        self,
        kind: str,
        detail: str = "",
        *,
        retry_after: float | None = None,
        why: Why | None = None,
        shared: bool = False,
    ) -> None:
        super().__init__(joined(": ", (kind, detail)))
        self.kind = kind
        self.detail = detail
        self.retry_after = retry_after
        self.why = why
        self.shared = shared


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """How far a sign-in came.

    `stage`: "offer": the server offers nothing that could be tried; "proof": the proof of the password, the ticket or
    the token was refused; "handshake": the server did not go on with it; "kerberos", "token": the domain controller or
    the token endpoint refused the account, and `reason` is the word for it. `binding`: a channel binding was sent.
    `password`: it was about a password or secret, not about a ticket or a token.
    """

    scheme: str
    stage: Literal["offer", "proof", "handshake", "kerberos", "token"]
    reason: str = ""
    binding: bool = False
    password: bool = True

    @property
    def counted(self) -> bool:
        """Whether it may have counted as a wrong password, of which an account has only so many."""
        return self.password and self.stage in {"proof", "kerberos", "token"}


class EwsAuthenticationError(EwsError):
    """The server refused the credentials. `offered` are the schemes of its WWW-Authenticate; `tried` None: unknown."""

    def __init__(self, status: int, offered: tuple[str, ...] = (), tried: Tried | None = None) -> None:
        how = f"{tried.scheme} refused ({tried.reason or tried.stage}), " if tried else ""
        super().__init__(f"HTTP {status}, {how}offered: {', '.join(offered) or 'nothing'}")
        self.status = status
        self.offered = offered
        self.tried = tried

    @property
    def counted(self) -> bool:
        """Whether it may have counted as a wrong password."""
        if self.tried is not None and self.tried.scheme == "Basic" and self.offered:
            return "basic" in (name.lower() for name in self.offered)  # a server without Basic does not look at it
        return self.status == HTTPStatus.UNAUTHORIZED and (self.tried is None or self.tried.counted)


class MalformedResponse(EwsError):
    """An answer that is not the whole, well-formed envelope that was asked for."""


class StreamCut(MalformedResponse):
    """A stream that ended in the middle of an envelope."""


class UnencodableText(EwsError, ValueError):
    """A string holds a character that XML 1.0 cannot carry."""


class ResponseError(EwsError):
    """Exchange refused with `code`; `values` are the entries of MessageXml by name.

    A code that is no single word is none: it may be what somebody wrote.

    `fault` tells whether it came as a SOAP fault. `text` is the server's own, localised: for logs at DEBUG only.
    """

    def __init__(self, code: str, text: str = "", *, values: dict[str, str] | None = None, fault: bool = False) -> None:
        self.code = code if _WORD.fullmatch(code) else NO_CODE
        super().__init__(self.code)
        self.text = text
        self.values = values or {}
        self.fault = fault


class ServerBusy(ResponseError):
    """Exchange asks to stay away; `back_off` in seconds or None where it names none."""

    back_off: float | None = None


class SubscriptionLost(ResponseError):
    """The subscription is gone: subscribe anew and re-read."""


class ConnectionLimitReached(ResponseError):
    """Too many requests or streams are open for this account or mailbox."""


def hint(error: EwsError) -> float:
    """Give the seconds for which the server asks to be left alone, 0 where it does not say."""
    if isinstance(error, ServerBusy):
        return error.back_off or 0.0
    return (error.retry_after or 0.0) if isinstance(error, EwsConnectionError) else 0.0


def reason_of(error: Exception) -> str:
    """Name an error in a word: a refusal's code, a kind of connection error, or what stands for it."""
    return str(getattr(error, "code", "") or getattr(error, "kind", "") or type(error).__name__)
