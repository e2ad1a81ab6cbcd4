"""The lab's calls for S2S connections (portal `ucs`), and for the answers that the connector posts to them (*ours*)."""

import ipaddress
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from rainbow_exchange.lab.rainbow.connections import Connections, S2sConnection
from rainbow_exchange.lab.rainbow.sign_in import Refusal
from rainbow_exchange.lab.user import LabUser

_CONNECTIONS = "/api/rainbow/ucs/v1.0/connections"
_SHOWS = ("", "away", "chat", "dnd", "xa")


class ConnectionCalls:
    """REST calls; `signed_in` gives the user of a request's token, who sees no connection but the own ones.

    `echoes`: whether answers are refused, and repeated.
    """

    def __init__(
        self,
        connections: Connections,
        *,
        signed_in: Callable[[web.Request], LabUser],
        body: Callable[[web.Request], Awaitable[dict[str, Any]]],
        echoes: Callable[[], bool],
    ) -> None:
        self._connections = connections
        self._signed_in = signed_in
        self._body = body
        self._echoes = echoes

    def routes(self) -> list[web.RouteDef]:
        """All calls."""
        one = f"{_CONNECTIONS}/{{id}}"
        return [
            web.get(_CONNECTIONS, self._list),
            web.post(_CONNECTIONS, self._make),
            web.get(one, self._get),  # HEAD, too
            web.delete(one, self._delete),
            web.put(f"{one}/presences", self._be_present),
            web.post(f"{one}/calendar/{{kind:events|autoreply}}", self._answer),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        user = self._signed_in(request)
        return web.json_response({"data": [each.as_json() for each in self._connections.of(user.id)]})

    async def _make(self, request: web.Request) -> web.Response:
        user = self._signed_in(request)
        wanted = (await self._body(request)).get("connection")
        wanted = wanted if isinstance(wanted, dict) else {}
        url, resource = wanted.get("callback_url"), wanted.get("resource", "")
        if not isinstance(url, str) or not _on_loopback(url):
            raise _field("callback_url", "Must be a web address; the lab calls back on loopback only")
        if not isinstance(resource, str):
            raise _field("resource", "Must be a string")
        made = self._connections.make(user.id, url.rstrip("/"), resource)
        return web.json_response({"data": made.as_json()}, status=201)

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response({"data": self._named(request).as_json()})

    async def _delete(self, request: web.Request) -> web.Response:
        self._connections.remove(self._named(request))
        return web.Response(status=204)

    async def _be_present(self, request: web.Request) -> web.Response:
        connection = self._named(request)
        presence = (await self._body(request)).get("presence")
        if not isinstance(presence, dict) or presence.get("show") not in _SHOWS:
            raise _field("presence.show", f"Must be one of {', '.join(map(repr, _SHOWS))}")
        self._connections.be_present(connection, {"show": presence["show"], "status": presence.get("status", "")})
        return web.json_response({"data": {}}, status=202)

    async def _answer(self, request: web.Request) -> web.Response:
        connection = self._named(request)
        body = await self._body(request)
        self._connections.answered(connection, request.match_info["kind"], body)
        if self._echoes():
            said = json.dumps(body, ensure_ascii=False)
            details = [{"param": "subject", "msg": f"not acceptable: {said}", "value": said}]
            raise Refusal(status=400, code=400000, message=f"Bad request: {said}", details=details)
        return web.json_response({"data": {}}, status=202)

    def _named(self, request: web.Request) -> S2sConnection:
        found = self._connections.get(self._signed_in(request).id, request.match_info["id"])
        if found is None:
            raise Refusal(status=404, code=404000, message="Resource not found", details="Connection does not exist")
        return found


def _on_loopback(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme in ("http", "https") and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


def _field(param: str, message: str) -> Refusal:
    details = [{"param": param, "msg": message}]
    return Refusal(status=400, code=400000, message="Bad request", details=details)
