"""Why the link is down over which Rainbow asks, in plain words, and what to do about it."""

from rainbow_exchange.bridge.causes import Cause
from rainbow_exchange.rainbow.errors import (
    ConnectionEnded,
    RainbowApiError,
    SaslRefused,
    StreamEnded,
    UnexpectedAnswer,
)
from rainbow_exchange.rainbow.link import RainbowLink
from rainbow_exchange.rainbow.s2s import S2sLink
from rainbow_exchange.words import _, sentences

IDS = ("rainbow-link-lost", "rainbow-callback-missing", "rainbow-callback-port")

_RECONNECTS = _("It reconnects by itself.")
#: logins that fail for what the server is, whoever signs in
_NOT_THE_ACCOUNT = frozenset({"no-mechanism", "server-not-proved", "malformed-request", "incorrect-encoding"})


def link_cause(link: RainbowLink) -> Cause | None:
    """Say why it is down; None while it is up, or was not tried yet."""
    if link.connected or not (link.counters.connects or link.error):
        return None
    down = _(
        "The link over which Rainbow asks its questions is down: {reason}.", reason=link.reason or _("no reason given")
    )
    match link.error:
        case ConnectionEnded(condition="not-called"):
            return Cause(
                "rainbow-callback-missing",
                down,
                _(
                    "See that the name in rainbow.callback_url is known on the internet, that its certificate"
                    " is valid, and that firewall and reverse proxy let Rainbow through;"
                    " docs/how-to/s2s-link.md says how to try each."
                ),
            )
        case ConnectionEnded(condition="listener"):
            return Cause(
                "rainbow-callback-port",
                down,
                _(
                    "Set rainbow.callback_port to a port that is free, or rainbow.callback_host to an address"
                    " that this machine has, and let the reverse proxy lead there."
                ),
            )
        case ConnectionEnded(condition="conflict") | StreamEnded(condition="conflict"):
            action = _(
                "Stop the other connector, which may be a copy of this machine, then: rainbow-exchange"
                " retry --all. By itself this one tries again after 5, 10, 20, 40 and 60 minutes, then"
                " hourly."
            )
        case SaslRefused(condition=condition):
            action = sentences(
                _("It signs in anew, and tries again after 1, 2, 4 … 60 minutes."),
                _("If it stays, something in between may speak in Rainbow's place; if nothing does, report it.")
                if condition in _NOT_THE_ACCOUNT
                else _(
                    "If it stays, Rainbow's XMPP server does not know the account that its REST API gave us: ask"
                    " Rainbow's support."
                ),
            )
        case StreamEnded(condition="policy-violation"):
            action = sentences(
                _("It reconnects by itself, ever more slowly."),
                _("If it stays, report it: the connector breaks a rule of Rainbow's server."),
            )
        case RainbowApiError() if isinstance(link, S2sLink):
            action = sentences(
                _("Ask whoever administers Rainbow whether this account may have S2S connections."),
                _("It is tried again."),
            )
        case UnexpectedAnswer() if isinstance(link, S2sLink):
            action = sentences(
                _RECONNECTS, _("If it stays: does Rainbow answer at rainbow.url, and nothing in its place?")
            )
        case _ if isinstance(link, S2sLink):
            action = _RECONNECTS
        case _:
            action = sentences(_RECONNECTS, _("If it stays: do proxy and firewall let WebSocket (wss, 443) through?"))
    return Cause("rainbow-link-lost", down, action)
