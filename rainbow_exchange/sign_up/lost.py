"""An activation whose answer was lost: which of the company's connectors it has left. Pure."""

from datetime import datetime, timedelta

from rainbow_exchange.rainbow.connectors import ConnectorUser
from rainbow_exchange.state.connector import OurConnector

#: what a lost activation has made came to be then, as far as clocks agree; where Rainbow does not say when, it must not
#: be long ago, or somebody else may have made one meanwhile
_CREATED_WITHIN = timedelta(minutes=10)
_LOST_WITHIN = timedelta(hours=1)


def left_by(ours: OurConnector | None, listed: list[ConnectorUser], now: datetime) -> ConnectorUser | None:
    """Find what an activation of ours has left whose answer was lost: the one that came to be then; None if unsure."""
    if ours is None or ours.id:
        return None
    new = [each for each in listed if each.id not in ours.before]
    if len(new) != 1:
        return None
    created = new[0].created_at
    sure = now - ours.asked_at < _LOST_WITHIN if created is None else abs(created - ours.asked_at) < _CREATED_WITHIN
    return new[0] if sure else None
