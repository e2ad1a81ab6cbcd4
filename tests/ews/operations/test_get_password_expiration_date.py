from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from lxml import etree

from rainbow_exchange.ews.errors import MalformedResponse, ResponseError
from rainbow_exchange.ews.operations.get_password_expiration_date import GetPasswordExpirationDate, parse

Read = Callable[[str], etree._Element]


def test_without_an_address_the_callers_own_is_asked_for(checked: Callable[..., etree._Element]) -> None:
    assert len(checked(GetPasswordExpirationDate())) == 0


def test_an_address_may_be_named(checked: Callable[..., etree._Element]) -> None:
    request = checked(GetPasswordExpirationDate(address="svc-rainbow@acme.test"))
    assert [text for text in request.itertext() if text.strip()] == ["svc-rainbow@acme.test"]


def test_a_date_is_read(answer: Read) -> None:
    read = GetPasswordExpirationDate.parse(answer("Exchange2019/get_password_expiration_date/ends"))
    assert read == datetime(2026, 3, 16, 8, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    "date", [None, "0001-01-01T00:00:00Z", "1601-01-01T00:00:00Z", "9999-12-31T23:59:59-05:00", "9" * 5000]
)
def test_the_ends_of_a_calendar_mean_never(answer: Read, date: str | None) -> None:
    body = answer("Exchange2019/get_password_expiration_date/never")
    if date is not None:
        next(body.iter("{*}PasswordExpirationDate")).text = date
    assert parse(body) is None


def test_a_server_that_does_not_know_the_operation_refuses(answer: Read) -> None:
    with pytest.raises(ResponseError) as refused:
        answer("Exchange2010/get_password_expiration_date/fault_unknown")
    assert refused.value.code == "ErrorInvalidRequest"


def test_success_without_a_date_is_malformed(answer: Read) -> None:
    with pytest.raises(MalformedResponse, match="without a date"):
        parse(answer("Exchange2019/get_password_expiration_date/no_date"))
