"""Whatever is missing, doubled, moved or strange in an answer: it is read or refused, and no other error leaves."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from rainbow_exchange.ews.errors import EwsError
from rainbow_exchange.ews.operations.find_item import FindItem
from rainbow_exchange.ews.operations.get_mail_tips import GetMailTips
from rainbow_exchange.ews.operations.get_service_configuration import GetServiceConfiguration
from rainbow_exchange.ews.operations.get_streaming_events import GetStreamingEvents
from rainbow_exchange.ews.operations.get_user_availability import GetUserAvailability
from rainbow_exchange.ews.operations.get_user_oof_settings import GetUserOofSettings
from rainbow_exchange.ews.operations.resolve_names import ResolveNames
from rainbow_exchange.ews.operations.subscribe import Subscribe
from rainbow_exchange.ews.operations.unsubscribe import Unsubscribe
from rainbow_exchange.ews.soap import open_envelope
from rainbow_exchange.model import Window

FOLDER = Path(__file__).parents[2] / "fixtures" / "ews"
ANSWERS = [path.read_bytes() for path in sorted(FOLDER.rglob("*.xml"))]
WINDOW = Window(start=datetime(2026, 3, 2, tzinfo=UTC), end=datetime(2026, 3, 3, tzinfo=UTC))
OPERATIONS: list[Any] = [
    FindItem(window=WINDOW),
    GetMailTips,
    GetServiceConfiguration,
    GetStreamingEvents,
    GetUserAvailability(addresses=("ada@acme.test",), window=WINDOW),
    GetUserOofSettings,
    ResolveNames,
    Subscribe,
    Unsubscribe,
]
WORDS = [
    "",
    " ",
    "0",
    "-1",
    "true",
    "Error",
    "NoError",
    "9" * 5000,
    "2026-03-02T25:00:00",
    "2026-03-02",
    "Détaillé",
    "\n",
]


def changed(body: etree._Element, places: list[tuple[int, int, str]]) -> None:
    """Do something to the elements at these places: remove, double, turn around, empty, or say something else."""
    for place, kind, word in places:
        elements = [element for element in body.iter("{*}*") if element is not body]
        if not elements:
            return
        element = elements[place % len(elements)]
        parent = element.getparent()
        assert parent is not None
        if kind == 0:
            parent.remove(element)
        elif kind == 1:
            parent.append(etree.fromstring(etree.tostring(element, with_tail=False)))
        elif kind == 2:
            parent[:] = list(reversed(parent))
        elif kind == 3:
            for name in element.attrib:
                element.set(name, word)
        else:
            element.text = word


def outcome(operation: Any, body: etree._Element) -> str:
    """Give what an answer is read as; any error but ours flies."""
    try:
        return repr(operation.parse(body))
    except EwsError as error:
        return repr(error)


@given(
    st.sampled_from(ANSWERS),
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 4), st.sampled_from(WORDS)), max_size=6),
)
def test_a_spoilt_answer_is_read_or_refused(data: bytes, places: list[tuple[int, int, str]]) -> None:
    try:
        body = open_envelope(data).body_element
    except EwsError:
        return
    changed(body, places)
    for operation in OPERATIONS:
        assert outcome(operation, body) == outcome(operation, body)
