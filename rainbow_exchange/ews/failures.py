"""What goes wrong on the way to Exchange, as EwsConnectionError."""

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from rainbow_exchange.ews.errors import EwsConnectionError
from rainbow_exchange.network.failures import Failure, Way


@contextmanager
def named_failures(way: Way) -> Iterator[None]:
    """Turn what aiohttp and the system raise into EwsConnectionError."""
    try:
        yield
    except (aiohttp.ClientError, OSError, ValueError) as error:
        # a TimeoutError is an OSError; ValueError: a name that cannot be looked up, framing that makes no sense
        raise named(way.failure(error)) from error


async def explained(way: Way, error: EwsConnectionError) -> EwsConnectionError:
    """Say more of a certificate that is not trusted, by a look at it."""
    if not isinstance(error.__cause__, aiohttp.ClientError | OSError | ValueError):
        return error
    return named(await way.explained(error.__cause__))


def named(failure: Failure) -> EwsConnectionError:
    """Make the error of a failure."""
    kind = "not-ews" if failure.kind == "not-http" else failure.kind
    return EwsConnectionError(kind, failure.detail, why=failure.why)
