"""An account of Rainbow's that calls its REST: signs in, signs in again when its token is over, within limits.

Written by hand here; it knows nothing of the product's client.
"""

import base64
import hashlib
import json
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import aiohttp

from rainbow_exchange.lab.owner_wire import Refused, read_all

_API = "/api/rainbow"
_MAX_ANSWER = 16 * 2**20


class RainbowAccount:
    """One account. `call` raises Refused, aiohttp.ClientError or TimeoutError."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        url: str,
        login: str,
        password: str,
        app_id: str,
        app_secret: str,
        ssl_context: ssl.SSLContext | None = None,
        seconds: float = 5.0,
    ) -> None:
        self._session = session
        self._url = url
        digest = hashlib.sha256((app_secret + password).encode()).hexdigest()
        self._sign_in_headers = {"Authorization": _basic(login, password), "x-rainbow-app-auth": _basic(app_id, digest)}
        self._ssl = ssl_context
        self._timeout = aiohttp.ClientTimeout(total=seconds)
        self._token = ""
        self.id = ""

    async def call(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> Any:
        """Call what stands below /api/rainbow; return the JSON of the answer."""
        if not self._token:
            await self._sign_in()
        status, answer = await self._send(method, path, query, body)
        if status == HTTPStatus.UNAUTHORIZED:  # the token is over
            self._token = ""
            await self._sign_in()
            status, answer = await self._send(method, path, query, body)
        if status >= HTTPStatus.BAD_REQUEST:
            raise _refused(status, answer)
        return answer

    async def _sign_in(self) -> None:
        path = "/authentication/v1.0/login"
        status, answer = await self._request("GET", path, {**self._sign_in_headers, "Accept": "application/json"})
        match answer:
            case {"token": str(token), "loggedInUser": {"id": str(id_)}} if status == HTTPStatus.OK:
                self._token, self.id = token, id_
            case _:
                raise _refused(status, answer)

    async def _send(
        self, method: str, path: str, query: Mapping[str, str] | None, body: Mapping[str, Any] | None
    ) -> tuple[int, Any]:
        return await self._request(method, path, {"Authorization": f"Bearer {self._token}"}, query, body)

    async def _request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> tuple[int, Any]:
        async with self._session.request(
            method,
            f"{self._url}{_API}{path}",
            params=query,
            json=body,
            headers=headers,
            timeout=self._timeout,
            ssl=self._ssl or True,
        ) as answer:
            content = await read_all(answer, _MAX_ANSWER)
        try:
            return answer.status, json.loads(content)
        except ValueError as error:
            if answer.status < HTTPStatus.BAD_REQUEST:
                raise Refused("answer-not-understood") from error
            return answer.status, None


def _refused(status: int, answer: Any) -> Refused:
    """Tell a refusal by its status and what Rainbow says about it."""
    details = answer.get("errorDetails") if isinstance(answer, dict) else None
    if isinstance(details, list):
        details = "; ".join(f"{each.get('param')}: {each.get('msg')}" for each in details if isinstance(each, dict))
    return Refused(f"http-{status}", details if isinstance(details, str) else "")


def _basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()
