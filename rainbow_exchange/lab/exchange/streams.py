"""GetStreamingEvents: one hanging answer of many envelopes (ews.md §0 and §2)."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from rainbow_exchange.lab.exchange.call import Call
from rainbow_exchange.lab.exchange.errors import Fault, text_of
from rainbow_exchange.lab.exchange.subscriptions import EVENTS_A_MESSAGE, Subscription
from rainbow_exchange.lab.exchange.throttling import exceeded
from rainbow_exchange.lab.exchange.wire import Element, Xml, m, named, number, stream_envelope, t, text
from rainbow_exchange.lab.exchange.written import Written

MOST_IDS = 200
MOST_MINUTES = 30
Write = Callable[[bytes], Awaitable[None]]

#: of ErrorReadEventsFailed: texts come in the language of the account that asks
IN_ANOTHER_LANGUAGE = "Impossible de récupérer les événements de cet abonnement. L'abonnement doit être recréé."
GATEWAY_PAGE = (
    b"<html><head><title>504 Gateway Time-out</title></head><body><h1>504 Gateway Time-out</h1></body></html>"
)


class Dropped(Exception):
    """The connection ends here without an orderly end; `rest` is still sent before."""

    def __init__(self, rest: bytes = b"", *, abruptly: bool = False) -> None:
        super().__init__()
        self.rest = rest
        self.abruptly = abruptly


@dataclass(slots=True, eq=False, kw_only=True)
class Stream:
    """One open stream."""

    call: Call
    ids: tuple[str, ...]
    minutes: int
    opened: str
    subscriptions: list[Subscription] = field(default_factory=list)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    order: str = ""
    """What a test ordered: drop, truncate, break, break-character, html, close, silence."""
    in_order: bool = False
    """Whether it has ended with Closed."""
    taken: list[Subscription] = field(default_factory=list)
    """Subscriptions that a newer stream has opened."""
    messages: int = 0

    def ordered(self, order: str) -> None:
        """Carry out an order at once."""
        self.order = order
        self.wake.set()


class Streams:
    """The open streams, how many each account has, and when their notifications were written."""

    def __init__(self) -> None:
        self.written = Written()
        self.open: set[Stream] = set()
        self.charged: Counter[str] = Counter()

    def cut(self) -> None:
        """Break all of them off."""
        for stream in tuple(self.open):
            stream.ordered("drop")

    def accepted(self, call: Call, request: Element) -> Stream:
        """Check a request before the head of the answer is sent; raises Fault."""
        minutes = number(text(request, "ConnectionTimeout"))
        ids = tuple((each.text or "").strip() for each in named(request, "SubscriptionId"))
        if not 1 <= minutes <= MOST_MINUTES or not ids:
            raise Fault("ErrorSchemaValidation", values={"Violation": "ConnectionTimeout or SubscriptionIds"})
        if len(ids) > MOST_IDS:
            raise Fault("ErrorInvalidRequest")
        limit = call.company.dials.stream_limit
        if limit and self.charged[call.charged] >= limit:
            raise Fault(
                "ErrorExceededConnectionCount",
                values=exceeded("MaxStreamingConcurrency", limit),
            )
        self.charged[call.charged] += 1
        opened = call.company.now().isoformat()
        return Stream(call=call, ids=ids, minutes=minutes, opened=opened)

    def ended(self, stream: Stream) -> None:
        """Give back what the stream was charged with, unless it was closed in order as late as a dial says."""
        after = 0.0 if stream.in_order else stream.call.company.dials.abandoned_seconds

        def give_back() -> None:
            self.charged[stream.call.charged] -= 1

        if after > 0:
            asyncio.get_running_loop().call_later(after, give_back)
        else:
            give_back()

    async def run(self, stream: Stream, write: Write) -> str:
        """Write the stream's messages until its end; return the code it ended with. Raises Dropped."""
        self.open.add(stream)
        try:
            bad = _bad(stream)
            if bad and not (stream.call.company.flavour.owner_bound and stream.subscriptions):
                return await _refuse(stream, bad, write)
            _attach(stream)
            await write(_error(stream, bad, status="OK") if bad else _message(stream, status="OK"))
            return await _messages(stream, write, self.written)
        finally:
            self.open.discard(stream)
            _detach(stream, stream.subscriptions)


def _bad(stream: Stream) -> dict[str, str]:
    """Sort the ids: good ones go to `stream.subscriptions`, bad ones are returned with their code."""
    call, dials = stream.call, stream.call.company.dials
    bad = {}
    for each in stream.ids:
        found = call.company.subscriptions.find(each)
        if found is None or found.mailbox.address.lower() in dials.bad_mailboxes:
            code = dials.bad_id_code
        elif call.company.flavour.owner_bound and found.identity != call.identity:
            code = "ErrorInvalidSubscription"
        elif found.server != call.landed:
            code = "ErrorSubscriptionNotFound"
        elif found.account != call.account.name:
            code = "ErrorSubscriptionAccessDenied"
        else:
            code = found.lost or dials.mailbox_errors.get(found.mailbox.address.lower(), "")
        if code:
            bad[each] = code
        elif found is not None and found not in stream.subscriptions:
            stream.subscriptions.append(found)
    return bad


def _attach(stream: Stream) -> None:
    for subscription in stream.subscriptions:
        other = subscription.stream
        if isinstance(other, Stream):
            other.taken.append(subscription)
            other.wake.set()
        subscription.stream, subscription.wake = stream, stream.wake
        if subscription.pending:
            stream.wake.set()


def _detach(stream: Stream, leaving: Iterable[Subscription]) -> None:
    moment = stream.call.company.now()
    for subscription in leaving:
        if subscription.stream is stream:
            subscription.stream = subscription.wake = None
            subscription.last_read = moment


async def _refuse(stream: Stream, bad: dict[str, str], write: Write) -> str:
    """End a stream with an error; return its code."""
    stream.in_order = True
    await write(_error(stream, bad))
    return next(iter(bad.values())).partition(" ")[0]


async def _messages(stream: Stream, write: Write, written: Written) -> str:
    dials = stream.call.company.dials
    loop = asyncio.get_running_loop()
    end = loop.time() + stream.minutes * 60
    heartbeat = loop.time() + dials.heartbeat_seconds
    while True:
        beat, reached = False, loop.time()
        silent = dials.silence or stream.order == "silence"
        try:
            async with asyncio.timeout_at(None if silent else min(heartbeat, end)):
                await stream.wake.wait()
        except TimeoutError:
            beat, reached = True, min(heartbeat, end)  # a timer may ring early, by the clock's resolution
        stream.wake.clear()
        if dials.silence or stream.order == "silence":
            continue
        _carry_out(stream)
        if bad := _lost(stream):
            _detach(stream, [each for each in stream.subscriptions if each.id in bad])
            stream.subscriptions = [each for each in stream.subscriptions if each.id not in bad]
            if not (stream.call.company.flavour.owner_bound and stream.subscriptions):
                return await _refuse(stream, bad, write)
            await write(_error(stream, bad, status="OK"))
        while found := _events(stream):
            body, addresses = found
            written.note(addresses, stream.call.company.now().timestamp())
            await write(body)
            heartbeat, beat = loop.time() + dials.heartbeat_seconds, False
        if stream.order == "close" or max(reached, loop.time()) >= end:
            stream.in_order = True
            await write(_message(stream, status="Closed"))
            return "NoError"
        if beat:
            await write(_heartbeat(stream))
            heartbeat = loop.time() + dials.heartbeat_seconds


def _carry_out(stream: Stream) -> None:
    if stream.order == "drop":
        raise Dropped(abruptly=True)
    if stream.order == "html":
        raise Dropped(GATEWAY_PAGE)
    if stream.order in ("truncate", "break"):
        whole = _message(stream, status="OK")
        raise Dropped(whole[: len(whole) // 2], abruptly=stream.order == "break")
    if stream.order == "break-character":
        bad = dict.fromkeys(stream.ids, "ErrorReadEventsFailed")
        whole = _error(stream, bad, sentence=IN_ANOTHER_LANGUAGE)
        raise Dropped(whole[: whole.index("é".encode()) + 1], abruptly=True)


def _lost(stream: Stream) -> dict[str, str]:
    bad = {each.id: "ErrorNewEventStreamConnectionOpened" for each in stream.taken}
    stream.taken.clear()
    errors = stream.call.company.dials.mailbox_errors
    for each in stream.subscriptions:
        if each.lost:
            bad.setdefault(each.id, each.lost)
        elif errors and (code := errors.get(each.mailbox.address.lower())):
            bad.setdefault(each.id, code)
    return bad


def _events(stream: Stream) -> tuple[bytes, list[str]] | None:
    """Give the next message with notifications, and the mailboxes that they are about."""
    notifications, addresses = [], []
    exchange = not stream.call.company.flavour.status_events
    for each in stream.subscriptions:
        if not each.pending:
            continue
        events = [each.pending.popleft() for _ in range(min(EVENTS_A_MESSAGE, len(each.pending)))]
        # Real streams say m:Notification where the schema wants t: (ews.md §0.2).
        build = m if exchange else t
        notifications.append(build("Notification", t("SubscriptionId", each.id), *events))
        addresses.append(each.mailbox.address)
    if not notifications:
        return None
    return _message(stream, m("Notifications", *notifications), status="" if exchange else "OK"), addresses


def _heartbeat(stream: Stream) -> bytes:
    if not stream.call.company.flavour.status_events:
        return _message(stream, status="OK")
    notifications = [t("Notification", t("SubscriptionId", each.id), t("StatusEvent")) for each in stream.subscriptions]
    return _message(stream, m("Notifications", *notifications), status="OK")


def _message(stream: Stream, *content: Xml, status: str) -> bytes:
    flavour = stream.call.company.flavour
    message = m(
        "GetStreamingEventsResponseMessage",
        m("ResponseCode", "NoError"),
        *content,
        m("ErrorSubscriptionIds") if flavour.empty_error_ids else None,
        m("ConnectionStatus", status) if status else None,
        ResponseClass="Success",
    )
    return _enveloped(stream, message)


def _error(stream: Stream, bad: dict[str, str], *, status: str = "Closed", sentence: str = "") -> bytes:
    code, _, named = next(iter(bad.values())).partition(" ")
    build = m if stream.call.company.flavour.error_id_prefix == "m" else t
    ids = [build("SubscriptionId", each) for each in bad] if stream.call.company.dials.name_bad_ids else []
    message = m(
        "GetStreamingEventsResponseMessage",
        m("MessageText", f"{sentence or text_of(code)} {named}".rstrip()),
        m("ResponseCode", code),
        m("DescriptiveLinkKey", "0"),
        m("ErrorSubscriptionIds", *ids) if ids else None,
        m("ConnectionStatus", status),
        ResponseClass="Error",
    )
    return _enveloped(stream, message)


def _enveloped(stream: Stream, message: Xml) -> bytes:
    stream.messages += 1
    body = m("GetStreamingEventsResponse", m("ResponseMessages", message))
    return stream_envelope(body, stream.call.company.flavour)
