"""Streaming subscriptions: what is listened to, what has happened since the last message, and who may read it."""

import asyncio
import base64
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from rainbow_exchange.lab.exchange.calendar import Item
from rainbow_exchange.lab.exchange.dials import Dials
from rainbow_exchange.lab.exchange.errors import Refused
from rainbow_exchange.lab.exchange.mailbox import Mailbox
from rainbow_exchange.lab.exchange.wire import Xml, t
from rainbow_exchange.lab.exchange.zones import written

_TICKS_FROM = datetime(1, 1, 1, tzinfo=UTC)
# the short keys that events carry: of no use for comparison
_ITEM_KEY, _FOLDER_KEY = "DwAAAA==", "AQAAAA=="
_MOST_PENDING = 5000
EVENTS_A_MESSAGE = 50


@dataclass(slots=True, eq=False, kw_only=True)
class Subscription:
    """A streaming subscription. `account` signed in to make it, in the name of `identity`; `charged` pays for it."""

    id: str
    account: str
    identity: str
    charged: str
    mailbox: Mailbox
    folders: frozenset[str] | None
    """None for all folders of the mailbox."""
    events: frozenset[str]
    server: str
    """The mailbox server in whose memory it is."""
    made: datetime
    last_read: datetime
    pending: deque[Xml] = field(default_factory=deque)
    wake: asyncio.Event | None = None
    """Set while a stream reads it: to be set when something happens."""
    stream: object | None = None
    lost: str = ""
    """The code with which it can no longer be read, and after a space what its text names."""

    def happened(self, kind: str, mailbox: Mailbox, item: Item, moment: datetime) -> None:
        """Queue the events that one change makes: item, free/busy, folder (ews.md §1)."""
        folder = item.folder
        moved_from, old_number = item.came_from if kind == "Moved" else ("", 0)
        if self.folders is not None and folder not in self.folders and moved_from not in self.folders:
            return
        stamp = written(moment)
        item_id = mailbox.item_id(item.number)

        def event(name: str, *, of_folder: bool = False) -> None:
            if name not in self.events:
                return
            subject = (
                t("FolderId", Id=mailbox.folder_id(folder), ChangeKey=_FOLDER_KEY)
                if of_folder
                else t("ItemId", Id=item_id, ChangeKey=_ITEM_KEY)
            )
            parent = "msgfolderroot" if of_folder else folder
            extra = (
                ()
                if name != "MovedEvent"
                else (
                    t("OldItemId", Id=mailbox.item_id(old_number)),
                    t("OldParentFolderId", Id=mailbox.folder_id(moved_from)),
                )
            )
            self.pending.append(
                t(
                    name,
                    t("TimeStamp", stamp),
                    subject,
                    t("ParentFolderId", Id=mailbox.folder_id(parent), ChangeKey=_FOLDER_KEY),
                    *extra,
                )
            )

        event(f"{kind}Event")
        if kind in ("Created", "Modified"):
            event("FreeBusyChangedEvent")
        event("ModifiedEvent", of_folder=True)
        self._queued()

    def folder_happened(self, mailbox: Mailbox, moment: datetime) -> None:
        """Queue the event of a change to the calendar's folder alone, such as its name or its rights."""
        if "ModifiedEvent" in self.events and (self.folders is None or "calendar" in self.folders):
            self.pending.append(
                t(
                    "ModifiedEvent",
                    t("TimeStamp", written(moment)),
                    t("FolderId", Id=mailbox.folder_id("calendar"), ChangeKey=_FOLDER_KEY),
                    t("ParentFolderId", Id=mailbox.folder_id("msgfolderroot"), ChangeKey=_FOLDER_KEY),
                )
            )
            self._queued()

    def _queued(self) -> None:
        if len(self.pending) > _MOST_PENDING:
            self.pending.clear()
            self.lost = "ErrorReadEventsFailed"
        if self.wake is not None:
            self.wake.set()


class Subscriptions:
    """All living subscriptions by id. A change costs as much as its mailbox has subscriptions."""

    def __init__(
        self,
        *,
        server_of: Callable[[Mailbox], str],
        dials: Dials,
        now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self._random = random
        self._server_of = server_of
        self._dials = dials
        self._now = now
        self._by_id: dict[str, Subscription] = {}
        self._by_mailbox: dict[str, dict[str, Subscription]] = {}
        self._charged: Counter[str] = Counter()
        self._late: set[asyncio.TimerHandle] = set()

    def __iter__(self) -> Iterator[Subscription]:
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def subscribe(
        self,
        *,
        account: str,
        identity: str,
        charged: str,
        mailbox: Mailbox,
        folders: frozenset[str] | None,
        events: frozenset[str],
    ) -> Subscription:
        """Make a subscription. Raises ErrorExceededSubscriptionCount where `charged` has as many as it may."""
        moment = self._now()
        limit = self._dials.subscription_limit
        if limit and self._charged[charged] >= limit:
            for old in self:
                self._sweep(old)
            if self._charged[charged] >= limit:
                raise Refused("ErrorExceededSubscriptionCount")
        self._charged[charged] += 1
        subscription = Subscription(
            id=self._new_id(mailbox, moment),
            account=account,
            identity=identity,
            charged=charged,
            mailbox=mailbox,
            folders=folders,
            events=events,
            server=self._server_of(mailbox),
            made=moment,
            last_read=moment,
        )
        self._by_id[subscription.id] = subscription
        of_mailbox = self._by_mailbox.setdefault(mailbox.address, {})
        for old in list(of_mailbox.values()):
            self._sweep(old)
        of_mailbox[subscription.id] = subscription
        if self.changed not in mailbox.listeners:
            mailbox.listeners.append(self.changed)
        return subscription

    def _new_id(self, mailbox: Mailbox, moment: datetime) -> str:
        """Give an id as Exchange makes it (ews.md §0.6): server, GUID, ticks, mailbox GUID."""
        name = self._server_of(mailbox).encode()
        ticks = (moment - _TICKS_FROM) // timedelta(microseconds=1) * 10
        raw = len(name).to_bytes(2, "little") + name + b"\x10\0\0\0" + uuid.uuid4().bytes
        raw += ticks.to_bytes(8, "little") + b"\x10\0\0\0" + mailbox.guid.bytes_le
        return base64.b64encode(raw).decode()

    def find(self, subscription_id: str) -> Subscription | None:
        """Give the living subscription of this id."""
        found = self._by_id.get(subscription_id)
        return None if found is None or self._sweep(found) else found

    def _sweep(self, subscription: Subscription) -> bool:
        expired = subscription.last_read + timedelta(minutes=self._dials.subscription_minutes) < self._now()
        if expired and subscription.wake is None:
            self.remove(subscription)
            return True
        return False

    def remove(self, subscription: Subscription) -> None:
        """Forget a subscription; a stream that reads it is woken to say so."""
        if self._by_id.pop(subscription.id, None) is not None:
            self._charged[subscription.charged] -= 1
        of_mailbox = self._by_mailbox.get(subscription.mailbox.address, {})
        of_mailbox.pop(subscription.id, None)
        subscription.lost = subscription.lost or "ErrorSubscriptionNotFound"
        if subscription.wake is not None:
            subscription.wake.set()

    def of(self, address: str) -> list[Subscription]:
        """Give the living subscriptions to a mailbox."""
        return list(self._by_mailbox.get(address, {}).values())

    def changed(self, kind: str, mailbox: Mailbox, item: Item) -> None:
        """Tell the subscriptions of a mailbox of a change."""
        if self._dials.suppress_notifications:
            return
        moment = self._now()

        def tell() -> None:
            for subscription in self.of(mailbox.address):
                if not self._sweep(subscription):
                    subscription.happened(kind, mailbox, item, moment)

        for _ in range(self._dials.notification_copies):
            late = self._dials.notification_delay_seconds + self._random() * self._dials.notification_spread_seconds
            if late <= 0:
                tell()
            else:
                self._later(late, tell)

    def _later(self, seconds: float, tell: Callable[[], None]) -> None:
        def ring() -> None:
            self._late.discard(handle)
            tell()

        handle = asyncio.get_running_loop().call_later(seconds, ring)
        self._late.add(handle)

    def cry_wolf(self, mailbox: Mailbox) -> int:
        """Tell of a change to the calendar's folder itself, which changes no appointment; return how many were told."""
        told = [each for each in self.of(mailbox.address) if not self._sweep(each)]
        for subscription in told:
            subscription.folder_happened(mailbox, self._now())
        return len(told)

    def close(self) -> None:
        """Forget everything, as a server that goes down."""
        for handle in self._late:
            handle.cancel()
        self._late.clear()
        for subscription in self:
            self.remove(subscription)
