"""Calls of the lab's own wire, of either side: at /lab/, without sign-in."""

import json
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import aiohttp

from rainbow_exchange.lab.owner_wire import Refused, read_all

_MAX_ANSWER = 16 * 2**20


class LabCalls:
    """Calls of the server at `url`. They raise Refused, aiohttp.ClientError or TimeoutError."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        ssl_context: ssl.SSLContext | None = None,
        seconds: float = 5.0,
    ) -> None:
        self._session = session
        self._url = url
        self._ssl = ssl_context
        self._seconds = seconds

    async def call(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the JSON of the answer."""
        answer, _ = await self.call_with_headers(method, path, query=query, body=body)
        return answer

    async def call_with_headers(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        waits: float = 0.0,
    ) -> tuple[Any, Mapping[str, str]]:
        """Return the JSON of the answer, and its headers; the answer may take `waits` seconds longer than others."""
        async with self._session.request(
            method,
            f"{self._url}/lab/{path}",
            params=query,
            json=body,
            timeout=aiohttp.ClientTimeout(total=self._seconds + waits),
            ssl=self._ssl or True,
        ) as answer:
            content = await read_all(answer, _MAX_ANSWER)
        try:
            parsed = json.loads(content)
        except ValueError as error:
            raise Refused(f"http-{answer.status}") from error
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise Refused(f"http-{answer.status}", str(parsed.get("error", "")) if isinstance(parsed, dict) else "")
        return parsed, answer.headers
