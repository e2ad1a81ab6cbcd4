"""Bearer tokens from an OAuth token endpoint: client credentials (RFC 6749 §4.4), as AD FS and hybrid Exchange have it.

One request for all who wait. A token is renewed once half its life is over, while the old one still serves; whoever
finds it ended waits for the new one.
"""

import asyncio
import re
import ssl as tls
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import aiohttp
import structlog

from rainbow_exchange.backoff import backoff
from rainbow_exchange.ews.errors import EwsAuthenticationError, EwsConnectionError, EwsError, Tried
from rainbow_exchange.ews.failures import explained, named_failures
from rainbow_exchange.json_text import read_json
from rainbow_exchange.network.failures import Way
from rainbow_exchange.network.proxy import Proxy, proxy
from rainbow_exchange.outage import Outage
from rainbow_exchange.words import _

log = structlog.get_logger()

_LIMIT = 20.0  # seconds for a whole answer
_PATIENCE = 7.0  # seconds that one request waits for it: less than its own limit, which would blame Exchange
_WAITS = (5.0, 60.0)  # seconds after a failure and after many, within which the endpoint is not asked again
_WAITS_REFUSED = (60.0, 3600.0)  # the same where it may have been the secret that it did not like
_LONGEST_ANSWER = 256 * 1024
_LIFE = 600.0  # seconds that a token is taken to live where the endpoint does not say (RFC 6749 §5.1 lets it)
_LONGEST_LIFE = 86400.0
_SAFE = 30.0  # seconds before its end from which on a token is not used any more
_PAUSE = 30.0  # seconds between two tries to renew a token that still serves
_BEARER = re.compile(r"[A-Za-z0-9\-._~+/]+=*\Z")  # RFC 6750 §2.1
_ERROR = re.compile(r"[a-z_]{1,40}\Z")  # RFC 6749 §5.2: a word, shown; the description is the server's own and is not
#: what another try cannot mend; anything else with status 4xx is treated alike
_BUSY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class TokenSource:
    """Keeps one token of one client. `more` are further parameters of the request: `scope`, `resource`."""

    def __init__(
        self,
        *,
        url: str,
        client_id: str,
        client_secret: str,
        more: Mapping[str, str],
        ssl: tls.SSLContext | None,
        proxy_url: str | Proxy | None = None,
    ) -> None:
        self._url = url
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            **more,
        }
        self._ssl: tls.SSLContext | bool = ssl if ssl is not None else True
        self._proxy = proxy(proxy_url)
        self._way = Way(url, self._proxy)
        self._token: str | None = None
        self._renew_at = self._ends = self._not_before = 0.0  # loop time
        self._failed: EwsConnectionError | None = None
        self._waits, self._waits_refused = backoff(*_WAITS), backoff(*_WAITS_REFUSED)
        self._fetching: asyncio.Task[str] | None = None
        #: ahead of time, while the old one serves
        self._not_renewed = Outage("token_not_renewed", "token_renewed_again")
        self.fetched = 0

    async def token(self, *, newer_than: str | None = None) -> str:
        """Return a token that is good, and not the one given.

        Raises EwsConnectionError where none can be had now, EwsAuthenticationError where the client is refused.
        """
        now = asyncio.get_running_loop().time()
        if self._token is not None and self._token != newer_than and now < self._ends:
            if now >= self._renew_at and now >= self._not_before and self._fetching is None:
                self._not_before = now + _PAUSE
                self._begin()
            return self._token
        if self._failed is not None and now < self._not_before and self._fetching is None:
            raise EwsConnectionError("token", self._failed.detail, why=self._failed.why)
        fetching = self._fetching or self._begin()
        try:
            async with asyncio.timeout(_PATIENCE):
                return await asyncio.shield(fetching)
        except TimeoutError as error:
            raise EwsConnectionError("token", self._way.failure(error).detail) from None

    def try_again(self) -> None:
        """Let the endpoint be asked at once, because somebody says so."""
        self._not_before = 0.0

    async def close(self) -> None:
        """End a request under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])

    def _begin(self) -> asyncio.Task[str]:
        self._fetching = asyncio.create_task(self._fetch(), name="ews:token")
        self._fetching.add_done_callback(self._ended)
        return self._fetching

    def _ended(self, fetching: asyncio.Task[str]) -> None:
        self._fetching = None
        if fetching.cancelled():
            return
        error = fetching.exception()  # seen, even where everybody who waited has gone
        if error is None:
            self._not_renewed.went_well()
        elif isinstance(error, EwsError) and asyncio.get_running_loop().time() < self._ends:
            self._not_renewed.failed(reason=str(error))

    async def _fetch(self) -> str:
        self.fetched += 1
        status = 0
        try:
            status, said = await self._asked()
            return self._taken(status, said)
        except EwsConnectionError as error:
            waits = self._waits_refused if _is_refusal(status) else self._waits
            self._failed, wait = error, next(waits)
            self._not_before = max(self._not_before, asyncio.get_running_loop().time() + wait)
            raise

    async def _asked(self) -> tuple[int, Mapping[str, Any]]:
        try:
            with named_failures(self._way):
                async with asyncio.timeout(_LIMIT), self._session() as session:
                    async with self._way.passage():
                        answer = await session.post(
                            self._url,
                            data=self._form,
                            headers={"Accept": "application/json", **self._proxy.beside(self._url)},
                            allow_redirects=False,
                            proxy=self._proxy.url,
                            proxy_headers=self._proxy.headers,
                        )
                    return answer.status, _json(await _read(answer))
        except EwsConnectionError as error:
            more = await explained(self._way, error)
            raise EwsConnectionError("token", more.detail or more.kind, why=more.why) from error

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._ssl, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=_LIMIT),
        )

    def _taken(self, status: int, said: Mapping[str, Any]) -> str:
        if status != HTTPStatus.OK:
            error = said.get("error")
            word = error if isinstance(error, str) and _ERROR.match(error) else ""
            if _is_refusal(status) and word:
                tried = Tried(scheme="Bearer", stage="token", reason=word)
                raise EwsAuthenticationError(HTTPStatus.UNAUTHORIZED, (), tried)
            answered = f"{status} {word}" if word else str(status)
            raise EwsConnectionError("token", _("it answered {status}", status=answered))
        token = said.get("access_token")
        if not isinstance(token, str) or not _BEARER.match(token):
            raise EwsConnectionError("token", _("its answer holds no token"))
        life, now = _seconds(said.get("expires_in")), asyncio.get_running_loop().time()
        self._token, self._renew_at, self._not_before = token, now + life / 2, 0.0
        self._ends = now + max(life - _SAFE, life / 2)
        self._failed, self._waits, self._waits_refused = None, backoff(*_WAITS), backoff(*_WAITS_REFUSED)
        return token


def _is_refusal(status: int) -> bool:
    return HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _BUSY


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    while chunk := await answer.content.readany():
        body += chunk
        if len(body) > _LONGEST_ANSWER:
            answer.close()
            raise EwsConnectionError("token", _("its answer has no end"))
    return bytes(body)


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        said = read_json(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _seconds(expires_in: object) -> float:
    """Read `expires_in`, which some write as text."""
    try:
        seconds = float(expires_in) if isinstance(expires_in, int | float | str) else _LIFE
    except (ValueError, OverflowError):
        return _LIFE
    return min(seconds, _LONGEST_LIFE) if seconds > 0 else _LIFE
