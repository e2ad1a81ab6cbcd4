"""Asking the server whether it would stream some subscriptions, which costs a stream for a moment."""

from rainbow_exchange.ews.errors import ConnectionLimitReached, ResponseError, ServerBusy
from rainbow_exchange.ews.grouping import Affinity
from rainbow_exchange.ews.members import Streams
from rainbow_exchange.ews.operations.get_streaming_events import GetStreamingEvents
from rainbow_exchange.ews.types import ConnectingSid


async def accepted(
    client: Streams, ids: tuple[str, ...], *, impersonate: ConnectingSid | None, affinity: Affinity
) -> bool | None:
    """Open a stream for these alone until its first message. None: the server is too busy to be asked."""
    operation = GetStreamingEvents(subscription_ids=ids, connection_timeout_minutes=1)
    try:
        async with client.stream(operation, impersonate=impersonate, affinity=affinity) as messages:
            async for message in messages:
                error = message.error
                if error is None:
                    return not message.error_subscription_ids
                return None if isinstance(error, ServerBusy | ConnectionLimitReached) else False
    except (ServerBusy, ConnectionLimitReached):
        return None
    except ResponseError:
        pass
    return False
