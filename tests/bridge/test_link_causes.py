from datetime import UTC, datetime
from typing import Any

import pytest

from rainbow_exchange.bridge.link_causes import link_cause
from rainbow_exchange.rainbow.errors import RainbowConnectionError, RainbowError, SaslRefused, StreamEnded
from rainbow_exchange.rainbow.xmpp import XmppLink


def link_with(error: RainbowError | None) -> XmppLink:
    async def never() -> Any:
        raise AssertionError

    link = XmppLink(
        url="wss://rainbow.test/websocket",
        account=never,
        resource="node_x",
        answer=lambda _: never(),
        app_id="app1",
        now=lambda: datetime(2026, 1, 5, tzinfo=UTC),
        random=lambda: 0.0,
    )
    if error is not None:
        link._lost(error, 0.0)
    return link


@pytest.mark.parametrize(
    ("error", "text", "action"),
    [
        (RainbowConnectionError("closed"), "closed", "proxy and firewall let WebSocket"),
        (StreamEnded("system-shutdown"), "system-shutdown", "reconnects by itself"),
        (StreamEnded("conflict", "Replaced by new connection"), "another connector signed in", "retry --all"),
        (SaslRefused("not-authorized"), "refused the login (not-authorized)", "ask Rainbow's support"),
        (
            StreamEnded("closed", see_other_uri="wss://evil.test/x?t=1"),
            "not its own, wss://evil.test/x; not",
            "It reconnects",
        ),
        (StreamEnded("policy-violation", "stanza too large"), "policy-violation: stanza too large", "report it"),
    ],
)
def test_each_ending_has_its_words_and_its_next_step(error: RainbowError, text: str, action: str) -> None:
    cause = link_cause(link_with(error))
    assert cause is not None
    assert cause.id == "rainbow-link-lost"
    assert text in cause.text
    assert action in cause.action


def test_link_that_was_never_tried_has_no_cause() -> None:
    assert link_cause(link_with(None)) is None
