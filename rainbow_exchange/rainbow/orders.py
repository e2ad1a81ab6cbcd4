"""Orders of Rainbow's administration as they arrive over XMPP: who may give them, and who is refused."""

from collections.abc import Awaitable, Callable, Sequence

import structlog
from lxml import etree

from rainbow_exchange.rainbow.askers import Jid, may_ask
from rainbow_exchange.rainbow.link import LinkCounters
from rainbow_exchange.rainbow.management import Command, ConfigurationChanged, Order, read_orders, refused
from rainbow_exchange.rainbow.stream import Stream

_log = structlog.get_logger()

#: takes an order and the JID it came from, "" for our own server; must not block or raise
TakeOrder = Callable[[Order, str], None]


def ignore_order(_order: Order, _sender: str) -> None:
    """Do nothing with an order."""


class Orders:
    """Hands each order of whoever may ask questions to `take`.

    Others are refused by `reply`, and `stranger` is told of them.
    """

    def __init__(
        self,
        *,
        take: TakeOrder,
        counters: LinkCounters,
        trusted_askers: Sequence[str] | None,
        stranger: Callable[[str], None],
        reply: Callable[[str, Stream], Awaitable[None]],
    ) -> None:
        self._take = take
        self._counters = counters
        self._trusted_askers = trusted_askers
        self._stranger = stranger
        self._reply = reply

    async def receive(self, message: etree._Element, stream: Stream, me: Jid) -> None:
        """See to the orders of a stanza, if it holds any. Raises RainbowError when the stream is over."""
        orders = read_orders(message)
        if not orders:
            return
        sender = message.get("from", "")
        if not may_ask(sender, me, self._trusted_askers):
            if any(isinstance(order, Command | ConfigurationChanged) for order in orders):
                self._stranger(Jid.read(sender).domain)
                await self._reply(refused(message, stream.jid), stream)
            return
        for order in orders:
            self._counters.orders += 1
            _log.debug("order_received", order=type(order).__name__)
            self._take(order, sender)
