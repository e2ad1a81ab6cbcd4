"""What can go wrong on the way to Exchange, named: aiohttp's and the system's exceptions as EwsConnectionError."""

import asyncio
import ssl as tls
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from yarl import URL

from rainbow_exchange.ews.certificate import describe_presented
from rainbow_exchange.ews.errors import EwsConnectionError

_LOOK_AGAIN = 60.0  # seconds between two looks at a certificate that is not trusted


class CertificateLook:
    """Looks at the certificate of the server at `url` where it is not trusted."""

    def __init__(self, url: URL, *, proxied: bool) -> None:
        self._url = url
        self._proxied = proxied
        self._looked_at: float | None = None  # loop time
        self._presented: str | None = None

    async def explained(self, error: EwsConnectionError) -> EwsConnectionError:
        """Add what certificate it is that is not trusted; looked at once a minute at most."""
        if error.kind != "tls" or self._proxied or self._url.host is None:
            return error
        now = asyncio.get_running_loop().time()
        if self._looked_at is None or now - self._looked_at >= _LOOK_AGAIN:
            self._looked_at = now
            self._presented = await describe_presented(self._url.host, self._url.port or 443)
        return EwsConnectionError("tls", f"{error.detail}; it is {self._presented}") if self._presented else error


@contextmanager
def named_failures(host: str) -> Iterator[None]:
    """Turn what aiohttp and the system raise into EwsConnectionError with the kind that its docstring lists."""
    try:
        yield
    except aiohttp.ClientConnectorDNSError as error:
        raise EwsConnectionError("name", f"the name {error.host} is not known") from error
    except (aiohttp.ClientSSLError, tls.SSLError) as error:
        raise EwsConnectionError("tls", _verdict(error, host)) from error
    except aiohttp.ClientHttpProxyError as error:
        raise EwsConnectionError(f"http-{error.status}", f"the proxy said {error.status} {error.message}") from error
    except TimeoutError as error:
        raise EwsConnectionError("timeout", f"no answer from {host} in time") from error
    except aiohttp.ClientConnectorError as error:
        raise EwsConnectionError("refused", f"no connection to {error.host}:{error.port}: {error.strerror}") from error
    except aiohttp.ClientResponseError as error:
        raise EwsConnectionError("not-ews", f"{host} does not speak HTTP: {type(error).__name__}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise EwsConnectionError("closed", f"{host} closed the connection: {type(error).__name__}") from error


def _verdict(error: Exception, host: str) -> str:
    cause = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else error
    if isinstance(cause, tls.SSLCertVerificationError):
        return f"the certificate of {host} is not trusted: {cause.verify_message}"
    reason = getattr(cause, "reason", None) or type(cause).__name__
    return f"no TLS with {host}: {reason}"
