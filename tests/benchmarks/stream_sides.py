"""Three that read one stream: the product, exchangelib, and the floor, below which nothing that uses lxml can get.

Each gives, of every notification in order, the subscription and how many items it names, which is what the product
takes from one: a notification only says whose calendar is to be read again.
"""

from collections.abc import Iterable
from typing import Any

import exchangelib  # type: ignore[import-untyped]  # it ships no types
from exchangelib.services import GetStreamingEvents  # type: ignore[import-untyped]  # same
from lxml import etree

from rainbow_exchange.ews.event_stream import EventStream
from rainbow_exchange.lab.exchange.wire import MESSAGES, TYPES
from tests.benchmarks.stream_bytes import Told

Counted = list[tuple[str, int]]
_END = b"</Envelope>"
_NOTIFICATION = f"{{{MESSAGES}}}Notification"


def by_product(pieces: Iterable[bytes]) -> Counted:
    """Read by the product's own path."""
    events = EventStream()
    of_each = [each[:2] for piece in pieces for message in events.feed(piece) for each in message.notifications]
    events.close()
    return of_each


def by_floor(pieces: Iterable[bytes]) -> Counted:
    """Find the end tag, have lxml parse, take the ids. Knows no errors, limits, comments, or other prefixes."""
    pending, of_each = bytearray(), list[tuple[str, int]]()
    for piece in pieces:
        searched = max(0, len(pending) - len(_END))
        pending += piece
        while (end := pending.find(_END, searched)) >= 0:
            root = etree.fromstring(bytes(pending[: end + len(_END)]))
            of_each += [(each[0].text or "", len(each) - 1) for each in root.iter(_NOTIFICATION)]
            del pending[: end + len(_END)]
            searched = 0
    return of_each


class Peer:
    """exchangelib, from the bytes of an answer to its notification objects.

    It is given the bytes one by one, as it asks its HTTP library for them, but without that library, which costs it
    ten times as much again: so it is measured at its best.
    """

    def __init__(self) -> None:
        configuration = exchangelib.Configuration(
            service_endpoint="https://exchange.acme.test/EWS/Exchange.asmx",
            credentials=exchangelib.Credentials("svc", "password"),
            auth_type=exchangelib.BASIC,
            version=exchangelib.Version(build=exchangelib.Build(15, 1, 1591, 10)),
        )
        account = exchangelib.Account(
            "svc@acme.test",
            config=configuration,
            autodiscover=False,
            access_type=exchangelib.DELEGATE,
            default_timezone=exchangelib.EWSTimeZone("UTC"),
        )
        self._service = GetStreamingEvents(account=account)

    def read(self, data: bytes) -> list[Any]:
        """Read by exchangelib's streaming path; gives its notifications."""
        return list(self._service.parse(data))


def counted(notifications: Iterable[Any]) -> Counted:
    """Count what exchangelib gives."""
    return [(each.subscription_id, len(each.events)) for each in notifications]


def items_by_floor(pieces: Iterable[bytes]) -> list[str]:
    """Give the ids of all items and folders that are said to have changed, in order."""
    answer = b"<all>" + b"".join(pieces) + b"</all>"
    # with a parser of its own: one that has read so much is slower ever after
    events = etree.fromstring(answer, etree.XMLParser()).iterfind(f".//{_NOTIFICATION}/*/{{{TYPES}}}TimeStamp/..")
    return [each[1].get("Id", "") for each in events]


def items(notifications: Iterable[Any]) -> list[str]:
    """Give the same of what exchangelib gives."""
    return [(event.item_id or event.folder_id).id for each in notifications for event in each.events]


def told(of_each: Counted) -> list[Told]:
    """Spell out what one of the three read."""
    return [(name, number, item) for number, (name, count) in enumerate(of_each) for item in range(count)]
