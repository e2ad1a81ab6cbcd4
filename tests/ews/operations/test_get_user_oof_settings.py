from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from rainbow_exchange.ews.errors import MalformedResponse, ResponseError
from rainbow_exchange.ews.operations.get_user_oof_settings import GetUserOofSettings, OofSettings, parse
from rainbow_exchange.ews.soap import open_envelope

Read = Callable[[str], etree._Element]


def test_one_mailbox_is_asked_for(checked: Callable[..., etree._Element]) -> None:
    request = checked(GetUserOofSettings(address="ada@acme.test"))
    assert [text for text in request.itertext() if text.strip()] == ["ada@acme.test"]


def test_a_scheduled_absence_has_its_times_and_texts(answer: Read) -> None:
    settings = GetUserOofSettings.parse(answer("Exchange2019/get_user_oof_settings/scheduled"))
    assert settings.oof_state == "Scheduled"
    assert settings.external_audience == "Known"
    assert settings.start == datetime(2026, 3, 2, 17, tzinfo=UTC)
    assert settings.end == datetime(2026, 3, 9, 7, tzinfo=UTC)
    assert settings.internal_html.startswith("<html xmlns:o=")
    assert settings.external_html == "Away.\r\nBack on Monday."


def test_a_stale_duration_is_not_taken(answer: Read) -> None:
    assert parse(answer("Exchange2019/get_user_oof_settings/stale_duration")) == OofSettings(
        oof_state="Disabled", external_audience="None", allowed_audience="All", internal_html="<p>An old text</p>"
    )


def test_the_documented_answer_is_read(sample: Read) -> None:
    assert parse(sample("GetUserOofSettings__getuseroofsettings-operation_1")) == OofSettings(
        oof_state="Disabled",
        external_audience="All",
        allowed_audience="All",
        internal_html="I am out of office. This is my internal reply.",
        external_html="I am out of office. This is my external reply.",
    )


def test_anothers_mailbox_is_refused_by_a_response_message(answer: Read) -> None:
    with pytest.raises(ResponseError) as refused:
        parse(answer("Exchange2019/get_user_oof_settings/not_owner"))
    assert refused.value.code == "ErrorAccessDenied"


def test_anothers_mailbox_is_refused_by_a_fault_without_code(answer: Read, shared: Path) -> None:
    with pytest.raises(ResponseError) as refused:
        answer("Exchange2007/get_user_oof_settings/fault_not_owner")
    assert refused.value.code == "ErrorAccessDenied"
    recorded = (shared / "ews/samples/Fault__getuseroofsettings-operation_2.xml").read_bytes()
    with pytest.raises(ResponseError) as refused:
        open_envelope(recorded)
    assert refused.value.code == "ErrorAccessDenied"
    assert refused.value.fault


def test_success_without_a_state_is_malformed(answer: Read) -> None:
    body = answer("Exchange2019/get_user_oof_settings/scheduled")
    next(body.iter("{*}OofState")).text = " "
    with pytest.raises(MalformedResponse, match="without OofState"):
        parse(body)
