"""`/set-up`: everything that has to be entered, in the order in which one part needs the other."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from rainbow_exchange.page.desk import Desk
from rainbow_exchange.page.set_up_exchange import ExchangeSection
from rainbow_exchange.page.set_up_proxy import ProxySection
from rainbow_exchange.page.somebody import Somebody
from rainbow_exchange.web.view import Change, View

PATH = "/set-up"
#: seconds after which a step that has ended is shown
_EVERY = 0.5

Context = Callable[[Mapping[str, str]], Awaitable[Mapping[str, Any]]]


def set_up(
    desk: Desk, somebody: Somebody, *, rainbow: Context, rainbow_parts: tuple[str, ...]
) -> tuple[View, tuple[Change, ...]]:
    """Make the view, and the forms of the proxy and of Exchange: each section has a context under its own name."""
    proxy, exchange = ProxySection(desk), ExchangeSection(desk, somebody)

    async def context(values: Mapping[str, str]) -> Mapping[str, Any]:
        return {
            "proxy": await proxy.context(values),
            "rainbow": await rainbow(values),
            "exchange": await exchange.context(values),
        }

    parts = ("set_up_proxy_trial", *rainbow_parts, "set_up_exchange")
    view = View(path=PATH, template="set_up.html", context=context, parts=parts, every=_EVERY)
    return view, (proxy.change, exchange.change)
