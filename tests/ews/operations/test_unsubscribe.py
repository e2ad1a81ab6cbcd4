from collections.abc import Callable

import pytest
from lxml import etree

from rainbow_exchange.ews.errors import MalformedResponse, SubscriptionLost
from rainbow_exchange.ews.operations.unsubscribe import Unsubscribe, parse

Read = Callable[[str], etree._Element]


def test_one_id_is_given_back(checked: Callable[..., etree._Element]) -> None:
    request = checked(Unsubscribe(subscription_id="c3ViLWFkYQ=="))
    assert [child.text for child in request] == ["c3ViLWFkYQ=="]


def test_success_is_silent(answer: Read) -> None:
    parse(answer("Exchange2019/unsubscribe/success"))
    Unsubscribe.parse(answer("Exchange2019/unsubscribe/success"))


def test_one_that_is_gone_already_is_lost(answer: Read) -> None:
    with pytest.raises(SubscriptionLost) as lost:
        parse(answer("Exchange2019/unsubscribe/not_found"))
    assert lost.value.code == "ErrorSubscriptionNotFound"


def test_the_answer_to_something_else_is_malformed(answer: Read) -> None:
    with pytest.raises(MalformedResponse, match="no answer to Unsubscribe"):
        parse(answer("Exchange2019/subscribe/success"))
