"""The version by which we ask is lowered once, and only where that helps."""

import pytest

from rainbow_exchange.ews.version import RequestVersion

NEW, OLD = "Exchange2013_SP1", "Exchange2010_SP1"


def test_it_begins_with_that_of_2013() -> None:
    assert RequestVersion().value == "Exchange2013_SP1"


@pytest.mark.parametrize(
    "code",
    ["ErrorInvalidServerVersion", "ErrorSchemaValidation", "ErrorInvalidRequest", "ErrorInvalidSubscriptionRequest"],
)
def test_it_is_lowered_once_and_stays_so_where_that_helps(code: str) -> None:
    version = RequestVersion()
    assert version.lower(code, NEW, "Subscribe") == OLD
    assert version.value == NEW
    version.accepted(OLD)
    assert version.value == OLD
    assert version.lower(code, OLD, "Subscribe") is None
    assert version.value == OLD


def test_where_it_does_not_help_it_is_not_tried_again_for_that_operation() -> None:
    version = RequestVersion()
    assert version.lower("ErrorInvalidRequest", NEW, "GetPasswordExpirationDate") == OLD
    assert version.lower("ErrorInvalidRequest", OLD, "GetPasswordExpirationDate") is None
    assert version.lower("ErrorInvalidRequest", NEW, "GetPasswordExpirationDate") is None
    assert version.lower("ErrorInvalidRequest", NEW, "Subscribe") == OLD
    assert version.value == NEW


def test_a_request_on_its_way_follows_what_another_has_found_out() -> None:
    version = RequestVersion()
    version.accepted(OLD)
    assert version.lower("ErrorInvalidRequest", NEW, "FindItem") == OLD


def test_a_server_that_has_understood_one_request_lacks_the_operation_of_another() -> None:
    version = RequestVersion()
    version.accepted(NEW)
    assert version.lower("ErrorInvalidRequest", NEW, "GetMailTips") is None
    assert version.lower("ErrorInvalidServerVersion", NEW, "GetMailTips") == OLD


def test_other_refusals_say_nothing_about_it() -> None:
    assert RequestVersion().lower("ErrorAccessDenied", NEW, "Subscribe") is None
