"""What can go wrong on the Rainbow side, as a tree by what the caller can do.

RainbowError
├── RainbowConnectionError      name, TCP, TLS, time limit, proxy, 5xx                 worth a retry
├── RainbowAuthenticationError  login refused (401500, 401501, 401521, 401523)         not before something changes
├── RateLimited                 429 or 503 with Retry-After
├── RainbowApiError             any other refusal, with Rainbow's errorDetailsCode
└── UnexpectedAnswer            an answer that is not of the documented shape
"""

from rainbow_exchange.errors import RainbowExchangeError


class RainbowError(RainbowExchangeError):
    """Whatever the Rainbow side raises."""


class RainbowConnectionError(RainbowError):
    """Rainbow could not be reached. `kind`: "name", "refused", "tls", "timeout", "closed", "proxy", "http-<status>"."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        self.detail = detail


class RainbowAuthenticationError(RainbowError):
    """Rainbow refused the login. `code` is errorDetailsCode: 401500 wrong, 401501 locked, 401521 company not active."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = code
        self.detail = detail


class RateLimited(RainbowError):
    """Rainbow asks to wait `retry_after` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"retry after {retry_after:g} s")
        self.retry_after = retry_after


class RainbowApiError(RainbowError):
    """Rainbow refused a call; `detail` is its errorMsg, which names no secret."""

    def __init__(self, status: int, code: int, detail: str = "") -> None:
        super().__init__(f"HTTP {status}, {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail


class UnexpectedAnswer(RainbowError):
    """An answer that is not of the documented shape: not JSON, a page that repeats, a field that is missing."""
