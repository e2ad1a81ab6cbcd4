import pytest

from rainbow_exchange.rainbow.errors import RainbowApiError
from rainbow_exchange.rainbow.refusals import judged


def refused(status: int, code: int, *, by_rainbow: bool = True) -> RainbowApiError:
    error = RainbowApiError(status, code, "no")
    error.by_rainbow = by_rainbow
    return error


@pytest.mark.parametrize(
    ("status", "code", "by_rainbow", "kept", "wait"),
    [
        (401, 401500, True, 401500, None),
        (401, 401501, True, 401501, 3900),
        (401, 401521, True, 401521, 3600),
        (401, 401523, True, 401523, 3600),
        (401, 401999, True, 401999, None),
        # Rainbow's form, but no errorDetailsCode: it may have counted as a wrong password
        (401, 401, True, 401000, None),
        # no form of Rainbow's
        (401, 401, False, 401, 60),
        (403, 403, False, 403, 60),
        (403, 403, True, 403, 60),
    ],
)
def test_refusal_of_credentials_that_never_worked(
    status: int, code: int, kept: int, wait: float | None, *, by_rainbow: bool
) -> None:
    error, seconds = judged(refused(status, code, by_rainbow=by_rainbow), has_worked=False, refusals=0)
    assert (error.code, seconds) == (kept, wait)


@pytest.mark.parametrize(("code", "wait"), [(401500, None), (401, None), (401999, 900), (401501, 3900)])
def test_third_refusal_of_credentials_that_had_worked(code: int, wait: float | None) -> None:
    assert judged(refused(401, code), has_worked=True, refusals=2)[1] == wait


def test_both_ids_are_kept() -> None:
    error = refused(401, 401500)
    error.correlation_id, error.request_id = "c", "r"
    found, _ = judged(error, has_worked=False, refusals=0)
    assert (found.correlation_id, found.request_id) == ("c", "r")
