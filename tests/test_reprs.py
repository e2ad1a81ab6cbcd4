"""No repr shows a subject or a text: what stands in one may end up in a log or a traceback."""

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest

import rainbow_exchange

#: fields that hold what somebody wrote
WRITTEN = {
    "subject", "internal_text", "external_text", "message_html", "internal_html", "external_html", "body", "content",
}  # fmt: skip
#: packages and modules through which such texts pass
WAY = ("rainbow_exchange.ews", "rainbow_exchange.rainbow", "rainbow_exchange.bridge", "rainbow_exchange.model")
#: the same words for what is ours: a cause's text, a rule's name
OURS = {"rainbow_exchange.bridge.translate.Shown.subject"}


def classes() -> Iterator[type]:
    for found in pkgutil.walk_packages(rainbow_exchange.__path__, "rainbow_exchange."):
        if found.name.startswith(WAY):
            for each in vars(importlib.import_module(found.name)).values():
                if isinstance(each, type) and dataclasses.is_dataclass(each) and each.__module__ == found.name:
                    yield each


def holders() -> list[Any]:
    return [
        pytest.param(field, id=name)
        for each in classes()
        for field in dataclasses.fields(each)
        if (name := f"{each.__module__}.{each.__name__}.{field.name}") not in OURS and field.name in WRITTEN
    ]


@pytest.mark.parametrize("field", holders())
def test_no_repr_shows_what_somebody_wrote(field: "dataclasses.Field[Any]") -> None:
    assert field.repr is False


def test_the_holders_of_texts_are_found() -> None:
    names = {param.id for param in holders()}
    assert {
        "rainbow_exchange.model.Appointment.subject",
        "rainbow_exchange.model.OutOfOffice.internal_text",
        "rainbow_exchange.rainbow.types.CalendarEvent.subject",
        "rainbow_exchange.rainbow.types.AutoReply.external_text",
        "rainbow_exchange.ews.operations.find_item.CalendarItem.subject",
        "rainbow_exchange.ews.operations.get_user_availability.CalendarEventDetails.subject",
        "rainbow_exchange.ews.operations.get_user_oof_settings.OofSettings.internal_html",
        "rainbow_exchange.ews.operations.get_mail_tips.MailTip.message_html",
    } <= names
