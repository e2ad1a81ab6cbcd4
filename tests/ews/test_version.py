"""The version by which we ask is lowered once, and only where that helps."""

import pytest

from rainbow_exchange.ews.version import RequestVersion


def test_it_begins_with_that_of_2013() -> None:
    assert RequestVersion().value == "Exchange2013_SP1"


@pytest.mark.parametrize(
    "code",
    ["ErrorInvalidServerVersion", "ErrorSchemaValidation", "ErrorInvalidRequest", "ErrorInvalidSubscriptionRequest"],
)
def test_it_is_lowered_once_and_stays_so_where_that_helps(code: str) -> None:
    version = RequestVersion()
    assert version.refused(code, "Exchange2013_SP1")
    assert version.value == "Exchange2010_SP1"
    version.accepted("Exchange2010_SP1")
    assert not version.refused(code, "Exchange2010_SP1")
    assert version.value == "Exchange2010_SP1"


def test_where_it_does_not_help_it_is_taken_back_for_good() -> None:
    version = RequestVersion()
    assert version.refused("ErrorSchemaValidation", "Exchange2013_SP1")
    assert not version.refused("ErrorSchemaValidation", "Exchange2010_SP1")
    assert version.value == "Exchange2013_SP1"
    assert not version.refused("ErrorInvalidServerVersion", "Exchange2013_SP1")


def test_requests_that_were_on_their_way_follow_what_another_has_found_out() -> None:
    version = RequestVersion()
    assert version.refused("ErrorInvalidServerVersion", "Exchange2013_SP1")
    assert version.refused("ErrorInvalidServerVersion", "Exchange2013_SP1")
    version.accepted("Exchange2010_SP1")
    assert version.refused("ErrorInvalidServerVersion", "Exchange2013_SP1")
    assert version.value == "Exchange2010_SP1"


def test_other_refusals_say_nothing_about_it() -> None:
    version = RequestVersion()
    version.accepted("Exchange2013_SP1")
    assert not version.refused("ErrorAccessDenied", "Exchange2013_SP1")
    assert version.value == "Exchange2013_SP1"
    assert version.refused("ErrorInvalidServerVersion", "Exchange2013_SP1")
