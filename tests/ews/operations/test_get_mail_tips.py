from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from lxml import etree

from rainbow_exchange.ews.errors import MalformedResponse, ResponseError
from rainbow_exchange.ews.operations.get_mail_tips import GetMailTips, MailTip, parse
from rainbow_exchange.ews.soap import open_envelope

Read = Callable[[str], etree._Element]


def test_the_recipients_are_written(checked: Callable[..., etree._Element]) -> None:
    operation = GetMailTips(addresses=("ada@acme.test", "bob@acme.test"), sending_as="rainbow@acme.test")
    texts = [text for text in checked(operation).itertext() if text.strip()]
    assert texts == [
        "rainbow@acme.test",
        "SMTP",
        "ada@acme.test",
        "SMTP",
        "bob@acme.test",
        "SMTP",
        "OutOfOfficeMessage",
    ]


def test_each_recipient_gets_its_own_in_its_place(answer: Read) -> None:
    ada, bob, cyd, dan = GetMailTips.parse(answer("Exchange2019/get_mail_tips/four_recipients"))
    assert ada == MailTip(
        address="ada@acme.test",
        message_html="<html><body><div>Back on <b>Mon</b>day</div></body></html>",
        start=datetime(2026, 3, 2, 17, tzinfo=UTC),
        end=datetime(2026, 3, 9, 7, tzinfo=UTC),
    )
    assert bob == MailTip(address="bob@acme.test", message_html="")
    assert cyd == MailTip(address="cyd@acme.test", pending=True)
    assert isinstance(dan, ResponseError)
    assert dan.code == "ErrorMailRecipientNotFound"


def test_a_request_refused_as_a_whole_is_raised(answer: Read) -> None:
    with pytest.raises(ResponseError) as refused:
        parse(answer("Exchange2019/get_mail_tips/disabled"))
    assert refused.value.code == "ErrorMailTipsDisabled"


@pytest.mark.parametrize("name", ["GetMailTips__exchangelib_L189", "GetMailTips__getmailtips-operation_1"])
def test_the_documented_answers_say_not_out(sample: Read, name: str) -> None:
    assert parse(sample(name)) == (MailTip(address="user2@contoso.com", message_html=""),)


def test_one_unreadable_time_spoils_one_recipient_only(answer: Read) -> None:
    body = answer("Exchange2019/get_mail_tips/four_recipients")
    next(body.iter("{*}StartTime")).text = "soon"
    results = parse(body)
    assert isinstance(results[0], MalformedResponse)
    assert isinstance(results[1], MailTip)


def test_success_without_tips_is_an_error_and_bare_tips_are_read() -> None:
    def read(inside: bytes) -> tuple[object, ...]:
        whole = b"<Envelope><Body><GetMailTipsResponse>%s</GetMailTipsResponse></Body></Envelope>" % inside
        return parse(open_envelope(whole).body_element)

    (nothing,) = read(b"<MailTipsResponseMessageType ResponseClass='Success'/>")
    assert isinstance(nothing, MalformedResponse)
    address = b"<RecipientAddress><EmailAddress> ada@acme.test </EmailAddress></RecipientAddress>"
    assert read(b"<MailTips>%s<PendingMailTips>All</PendingMailTips></MailTips>" % address) == (
        MailTip(address="ada@acme.test", pending=True),
    )


def test_the_answer_to_something_else_is_malformed(answer: Read) -> None:
    with pytest.raises(MalformedResponse, match="no answer to GetMailTips"):
        parse(answer("Exchange2019/find_item/empty"))
