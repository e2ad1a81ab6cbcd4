"""What a refused login means for the next one (pure). The times are ours: `docs/reference/rainbow-wire.md`, "Login"."""

from rainbow_exchange.rainbow.errors import RainbowApiError, RainbowAuthenticationError

_UNAUTHORIZED = 401
#: Stands for a refusal in Rainbow's form that names no code.
WITHOUT_CODE = 401000
#: What may have counted as a wrong password.
_COUNTED = frozenset({401500, WITHOUT_CODE})
#: Seconds until one new login may be tried by itself. A locked account opens after 60 minutes by default, and a wrong
#: attempt before that locks it anew; the other two need an administrator, and an attempt harms nobody.
_RETRY = {401501: 65 * 60.0, 401521: 3600.0, 401523: 3600.0}
#: The same for refusals that are not documented, where these credentials have worked before in this process, and for
#: those that are not in Rainbow's form: something in between may have answered, and is not known to count attempts.
_RETRY_AFTER_SUCCESS = (60.0, 300.0, 900.0, 3600.0)


def judged(
    error: RainbowApiError, *, has_worked: bool, refusals: int
) -> tuple[RainbowAuthenticationError, float | None]:
    """Give the refusal of a login, and the seconds until the next one may go out by itself; None: not at all.

    `refusals` counts those before it.
    """
    by_rainbow = error.by_rainbow and error.status == _UNAUTHORIZED
    code = WITHOUT_CODE if by_rainbow and error.code == _UNAUTHORIZED else error.code
    refused = RainbowAuthenticationError(code, error.detail)
    refused.correlation_id, refused.request_id = error.correlation_id, error.request_id
    wait = _RETRY.get(code)
    if wait is None and code not in _COUNTED and (has_worked or code == error.status):
        wait = _RETRY_AFTER_SUCCESS[min(refusals, len(_RETRY_AFTER_SUCCESS) - 1)]
    return refused, wait
