from collections.abc import Callable

import pytest
from lxml import etree

from rainbow_exchange.ews.errors import MalformedResponse, ResponseError, ServerBusy, UnencodableText
from rainbow_exchange.ews.operations.subscribe import Subscribe, SubscribeResponse, parse
from rainbow_exchange.ews.soap import build
from rainbow_exchange.ews.types import ConnectingSid

Read = Callable[[str], etree._Element]
TYPES = {"t": "http://schemas.microsoft.com/exchange/services/2006/types"}


def test_the_calendar_of_a_named_mailbox_is_asked_for(checked: Callable[..., etree._Element]) -> None:
    request = checked(Subscribe(mailbox_address="ada@acme.test"))
    folder = request.find(".//t:DistinguishedFolderId", TYPES)
    assert folder is not None
    assert folder.get("Id") == "calendar"
    assert folder.findtext("t:Mailbox/t:EmailAddress", namespaces=TYPES) == "ada@acme.test"
    assert [kind.text for kind in request.iterfind(".//t:EventType", TYPES)] == [
        "CreatedEvent",
        "ModifiedEvent",
        "DeletedEvent",
        "MovedEvent",
        "CopiedEvent",
        "FreeBusyChangedEvent",
    ]


@pytest.mark.parametrize("kind", ["PrincipalName", "SID", "PrimarySmtpAddress", "SmtpAddress"])
def test_without_a_mailbox_it_is_that_of_the_impersonated(checked: Callable[..., etree._Element], kind: str) -> None:
    whom = ConnectingSid(kind=kind, value="ada@acme.test")  # type: ignore[arg-type]  # one of the four literals
    request = checked(Subscribe(), whom)
    assert request.find(".//t:Mailbox", TYPES) is None


def test_an_address_that_xml_cannot_carry_is_refused_without_repeating_it() -> None:
    with pytest.raises(UnencodableText, match=r"^U\+0001 at position 3 has no form in XML$"):
        build(Subscribe(mailbox_address="ada\x01@acme.test"))


def test_the_id_is_read(answer: Read) -> None:
    assert parse(answer("Exchange2019/subscribe/success")) == SubscribeResponse(
        subscription_id="FABtYnguYWNtZS50ZXN0AQ=="
    )
    assert Subscribe.parse(answer("other/subscribe/bare_message")).subscription_id == "c3ViLWFkYQ=="


def test_the_documented_answer_is_read(sample: Read) -> None:
    name = "Subscribe__how-to-stream-notifications-about-mailbox-events-by-using-ews-in-exchange_1"
    assert parse(sample(name)).subscription_id == (
        "JgBibjFwcjAzbWIyMDIubmFtcHJkMDMucHJvZC5vdXRsb29rLmNvbRAAAADwXxVesOnHS5BxUHKwAW88SHjwd1iB0Ag="
    )


def test_a_refusal_is_raised_with_its_code(answer: Read) -> None:
    with pytest.raises(ResponseError) as refused:
        parse(answer("Exchange2019/subscribe/no_access"))
    assert refused.value.code == "ErrorAccessDenied"
    assert refused.value.text == "Access is denied. Check credentials and try again."
    assert not refused.value.fault


def test_busy_inside_an_internal_error_is_busy(answer: Read) -> None:
    with pytest.raises(ServerBusy) as refused:
        parse(answer("Exchange2016/subscribe/busy_inside"))
    assert refused.value.code == "ErrorInternalServerError"
    assert refused.value.back_off == 12.5
    assert refused.value.values["InnerErrorResponseCode"] == "ErrorServerBusy"


@pytest.mark.parametrize("name", ["Exchange2019/subscribe/fault_impersonation", "other/subscribe/fault_without_detail"])
def test_a_fault_is_raised_with_its_code(answer: Read, name: str) -> None:
    with pytest.raises(ResponseError) as refused:
        answer(name)
    assert refused.value.code == "ErrorImpersonateUserDenied"
    assert refused.value.fault


def test_success_without_id_and_the_answer_to_something_else_are_malformed(answer: Read) -> None:
    whole = answer("Exchange2019/subscribe/success")
    for found in list(whole.iter("{*}SubscriptionId")):
        found.getparent().remove(found)  # type: ignore[union-attr]  # it has a parent: the message
    with pytest.raises(MalformedResponse, match="without SubscriptionId"):
        parse(whole)
    with pytest.raises(MalformedResponse, match="no answer to Subscribe"):
        parse(answer("Exchange2019/find_item/empty"))
