"""A stream as Exchange 2016 sends it, made up from a seed, and what it tells. Pure.

Source: protocols page on EWS §0.1, §0.6, §1: whole envelopes end to end; a change is a pair of events of one item, then
one of the folder; item, folder and subscription are long ids of which one mailbox's begin alike.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from rainbow_exchange.lab.exchange.flavour import EXCHANGE
from rainbow_exchange.lab.exchange.wire import Xml, m, stream_envelope, t

#: a subscription, which of all notifications it is, and which of its items, a folder being one, too
Told = tuple[str, int, int]
MOST_IN_A_PIECE = 4096
_ITEM_KEY, _FOLDER_KEY = "DwAAAA==", "AQAAAA=="
_SERVER = b"exchange-3.corp.acme.test"
_TICKS = 638_000_000_000_000_000
_MONDAY = datetime(2026, 10, 19, 8, tzinfo=UTC)
#: of each change: what it is called, and whether the free/busy time goes with it
_CHANGES = (("CreatedEvent", True), ("ModifiedEvent", True), ("DeletedEvent", False), ("MovedEvent", False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Bytes in pieces as a socket gives them, and what they tell, in order; `items` are the ids that stand there."""

    pieces: tuple[bytes, ...]
    told: tuple[Told, ...]
    items: tuple[str, ...]


def stream(random: Random, *, envelopes: int, notifications: int) -> Stream:
    """Make one up, with so many notifications in each envelope."""
    written, told, items = [], list[Told](), list[str]()
    for number in range(envelopes):
        content = []
        for place in range(notifications):
            mailbox = _Mailbox(random)
            changed = list(mailbox.changed(_MONDAY + timedelta(seconds=number)))
            content.append(mailbox.notification(changed))
            told += [(mailbox.subscription, number * notifications + place, nth) for nth in range(len(changed))]
            items += [item for _, item in changed]
        written.append(_envelope(content))
    return Stream(pieces=tuple(_pieces(random, b"".join(written))), told=tuple(told), items=tuple(items))


class _Mailbox:
    """The ids of one mailbox: of a subscription, its calendar, and an item in there."""

    def __init__(self, random: Random) -> None:
        self._random = random
        guid = random.randbytes(16)
        ticks = (_TICKS + random.randrange(10**15)).to_bytes(8, "little")
        parts = (len(_SERVER).to_bytes(2, "little"), _SERVER, b"\x10\0\0\0", random.randbytes(16), ticks)
        self.subscription = _base64(b"".join((*parts, b"\x10\0\0\0", guid)))
        self._beginning = b"\0\x03\x24\0" + base64.b16encode(guid).lower() + random.randbytes(12)
        self._calendar = self._id(42)

    def changed(self, at: datetime) -> Iterator[tuple[Xml, str]]:
        """Give the events of one change, each with the id that it is about."""
        kind, free_busy = self._random.choice(_CHANGES)
        item = self._id(66)
        yield self._event(kind, at, t("ItemId", Id=item, ChangeKey=_ITEM_KEY)), item
        if free_busy:
            yield self._event("FreeBusyChangedEvent", at, t("ItemId", Id=item, ChangeKey=_ITEM_KEY)), item
        yield self._event("ModifiedEvent", at, t("FolderId", Id=self._calendar, ChangeKey=_FOLDER_KEY)), self._calendar

    def notification(self, changed: list[tuple[Xml, str]]) -> Xml:
        """Build what tells of it."""
        return m("Notification", t("SubscriptionId", self.subscription), *(event for event, _ in changed))

    def _event(self, kind: str, at: datetime, about: Xml) -> Xml:
        children = [
            t("TimeStamp", f"{at:%Y-%m-%dT%H:%M:%SZ}"),
            about,
            t("ParentFolderId", Id=self._calendar, ChangeKey=_FOLDER_KEY),
        ]
        if kind == "MovedEvent":
            children += (t("OldItemId", Id=self._id(66)), t("OldParentFolderId", Id=self._id(42)))
        return t(kind, *children)

    def _id(self, length: int) -> str:
        return _base64(self._beginning + self._random.randbytes(length))


def _envelope(notifications: list[Xml]) -> bytes:
    message = m(
        "GetStreamingEventsResponseMessage",
        m("ResponseCode", "NoError"),
        m("Notifications", *notifications),
        ResponseClass="Success",
    )
    return stream_envelope(m("GetStreamingEventsResponse", m("ResponseMessages", message)), EXCHANGE)


def _pieces(random: Random, data: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(data):
        end = place + random.randint(1, MOST_IN_A_PIECE)
        yield data[place:end]
        place = end


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
