from collections.abc import Callable

import pytest
from lxml import etree

from rainbow_exchange.ews.errors import MalformedResponse, ResponseError
from rainbow_exchange.ews.operations.get_service_configuration import (
    GetServiceConfiguration,
    ServiceConfiguration,
    parse,
)
from rainbow_exchange.ews.soap import open_envelope

Read = Callable[[str], etree._Element]


def test_mail_tips_are_asked_about(checked: Callable[..., etree._Element]) -> None:
    request = checked(GetServiceConfiguration())
    assert [text for text in request.itertext() if text.strip()] == ["MailTips"]


@pytest.mark.parametrize(
    ("case", "enabled", "most"),
    [
        ("Exchange2019/get_service_configuration/fifty", True, 50),
        ("Exchange2019/get_service_configuration/plenty", True, 5000),
        ("Exchange2019/get_service_configuration/disabled", False, 50),
        ("Exchange2019/get_service_configuration/silent", None, None),
    ],
)
def test_what_the_server_says_is_read(answer: Read, case: str, enabled: bool | None, most: int | None) -> None:
    read = GetServiceConfiguration.parse(answer(case))
    assert read == ServiceConfiguration(mail_tips_enabled=enabled, max_recipients_per_mail_tips_request=most)


def test_a_refusal_inside_or_outside_is_raised() -> None:
    refusal = b"<ResponseCode>ErrorMailTipsDisabled</ResponseCode>"
    inside = (
        b"<ServiceConfigurationResponseMessageType ResponseClass='Error'>%s</ServiceConfigurationResponseMessageType>"
    )
    for content in (refusal, inside % refusal):
        whole = (
            b"<Envelope><Body><GetServiceConfigurationResponse>%s</GetServiceConfigurationResponse></Body></Envelope>"
        )
        with pytest.raises(ResponseError, match="ErrorMailTipsDisabled"):
            parse(open_envelope(whole % content).body_element)


def test_the_answer_to_something_else_is_malformed(answer: Read) -> None:
    with pytest.raises(MalformedResponse, match="no answer to GetServiceConfiguration"):
        parse(answer("Exchange2019/find_item/empty"))
