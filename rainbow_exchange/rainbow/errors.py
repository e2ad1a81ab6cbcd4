"""What can go wrong on the Rainbow side, as a tree by what the caller can do.

RainbowError
├── RainbowConnectionError      name, TCP, TLS, time limit, proxy, 5xx                 worth a retry
├── RainbowAuthenticationError  login refused (401500, 401501, 401521, 401523)         not before something changes
├── RateLimited                 429 or 503 with Retry-After
├── RainbowApiError             any other refusal, with Rainbow's errorDetailsCode
├── SaslRefused                 the XMPP server refused the account's credentials
├── StreamEnded                 the XMPP stream ended, with the server's reason
├── ConnectionEnded             the S2S connection is of no use, or none could be made
└── UnexpectedAnswer            an answer that is not of the documented shape
    ├── BadFrame                a frame that XMPP does not allow
    └── ListMoved               a list that changed while its pages were read: read it again
"""

from rainbow_exchange.errors import RainbowExchangeError
from rainbow_exchange.network.shown import nameless, shown
from rainbow_exchange.network.verdict import Why
from rainbow_exchange.words import _, joined


class RainbowError(RainbowExchangeError):
    """Whatever the Rainbow side raises. `correlation_id` is the request's own, as it stands in the log; "" without.

    `request_id` is what Rainbow calls the same request, "" where it did not say.
    """

    correlation_id: str = ""
    request_id: str = ""


class RainbowConnectionError(RainbowError):
    """Rainbow could not be reached. `kind`: "name", "refused", "tls", "timeout", "closed", "proxy", "http-<status>".

    `why` tells more of "tls", "proxy" and "timeout", where more is known. `cut_off`: the connection broke before
    anything of an answer came, as one does that was kept open for too long.
    """

    cut_off: bool = False

    def __init__(self, kind: str, detail: str = "", *, why: Why | None = None) -> None:
        super().__init__(joined(": ", (kind, detail)))
        self.kind = kind
        self.detail = detail
        self.why = why


class RainbowAuthenticationError(RainbowError):
    """Rainbow refused the login. `code` is errorDetailsCode: 401500 wrong, 401501 locked, 401521 company not active."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = code
        self.detail = detail


class RateLimited(RainbowError):
    """Rainbow asks to wait `retry_after` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(_("retry after {seconds} s", seconds=f"{round(retry_after, 1):g}"))
        self.retry_after = retry_after


class RainbowApiError(RainbowError):
    """Rainbow refused a call; `detail` is its errorMsg, which names no secret.

    `token_expired` tells the one refusal that a new login mends. `by_rainbow`: the refusal is in Rainbow's form, and
    nothing in between has spoken in its place.
    """

    token_expired: bool = False
    by_rainbow: bool = False

    def __init__(self, status: int, code: int, detail: str = "") -> None:
        said = f"HTTP {status}" if code == status else f"HTTP {status}, {code}"
        super().__init__(f"{said}: {detail}" if detail else said)
        self.status = status
        self.code = code
        self.detail = detail


class SaslRefused(RainbowError):
    """The XMPP server refused our credentials; `condition` is SASL's (RFC 6120 section 6.5)."""

    def __init__(self, condition: str, detail: str = "") -> None:
        self.condition = shown(condition)
        self.detail = nameless(shown(detail))
        super().__init__(joined(": ", (self.condition, self.detail)))


class StreamEnded(RainbowError):
    """The XMPP stream ended; `condition` is that of the stream error (RFC 6120 section 4.9), "closed" without one.

    `see_other_uri` is where the server wants us instead, "" where it says nothing.
    """

    def __init__(self, condition: str, detail: str = "", *, see_other_uri: str = "") -> None:
        self.condition = shown(condition)
        self.detail = nameless(shown(detail))
        super().__init__(joined(": ", (self.condition, self.detail)))
        self.see_other_uri = see_other_uri


class ConnectionEnded(RainbowError):
    """An S2S connection is of no use any more, or none came about.

    `condition`: "listener" (callbacks cannot be listened for), "not-called" (Rainbow does not call back), "ended" (it
    ended the connection), "conflict" (somebody else did, with the same account).
    """

    def __init__(self, condition: str, detail: str) -> None:
        super().__init__(detail)
        self.condition = condition


class UnexpectedAnswer(RainbowError):
    """An answer that is not of the documented shape: not JSON, a page that repeats, a field that is missing."""


class BadFrame(UnexpectedAnswer):
    """A frame that XMPP does not allow; `condition` is the stream error to end with (RFC 6120 section 4.9.3)."""

    def __init__(self, condition: str, detail: str) -> None:
        super().__init__(detail)
        self.condition = condition


class ListMoved(UnexpectedAnswer):
    """The list changed while its pages were read: what came so far is no whole list; read it again."""


def ids(error: BaseException) -> dict[str, str]:
    """Give what a line in the log says so that a request can be found at Rainbow; nothing where none was answered."""
    if not isinstance(error, RainbowError) or not error.correlation_id:
        return {}
    return {"correlation_id": error.correlation_id, "request_id": error.request_id}
