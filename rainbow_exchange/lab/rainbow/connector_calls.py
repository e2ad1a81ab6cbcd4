"""The lab's calls for and about connectors: their events, commands to them, and how those ended."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from rainbow_exchange.lab.rainbow.events import ConnectorEvents
from rainbow_exchange.lab.rainbow.management import Management
from rainbow_exchange.lab.rainbow.people import People
from rainbow_exchange.lab.rainbow.sign_in import Refusal
from rainbow_exchange.lab.user import LabUser

_ADMIN = "/api/rainbow/admin/v1.0/connectors"
_IMPORTS = "/api/rainbow/massprovisioning/v1.0/{kind:users|directories}/imports/synchronize"


class ConnectorCalls:
    """REST calls; `signed_in` gives the user of a request's token, `administrator` one who must be an administrator.

    `connector` tells whether a user is a connector.
    """

    def __init__(
        self,
        *,
        events: ConnectorEvents,
        management: Management,
        people: People,
        connector: Callable[[LabUser], bool],
        signed_in: Callable[[web.Request], LabUser],
        administrator: Callable[[web.Request], LabUser],
        body: Callable[[web.Request], Awaitable[dict[str, Any]]],
    ) -> None:
        self._events = events
        self._management = management
        self._people = people
        self._connector = connector
        self._signed_in = signed_in
        self._administrator = administrator
        self._body = body

    def routes(self) -> list[web.RouteDef]:
        """All calls."""
        return [
            web.post(f"{_ADMIN}/events", self._store),
            web.post(f"{_ADMIN}/ldaps/{{id}}/command", self._command),
            web.post(f"{_IMPORTS}/{{command}}/report", self._report),
        ]

    async def _store(self, request: web.Request) -> web.Response:
        user = self._signed_in(request)
        if not self._connector(user):
            raise _denied("Not a connector")
        return web.json_response({"data": self._events.store(user, await self._body(request))})

    async def _command(self, request: web.Request) -> web.Response:
        by = self._administrator(request)
        connector = self._people.by_id(request.match_info["id"])
        if connector is None or not self._connector(connector):
            raise Refusal(status=404, code=404000, message="Resource not found", details="Connector does not exist")
        config_id = request.query.get("ldapConfigId", "")
        answer = await self._management.command(connector, by, await self._body(request), config_id=config_id)
        return web.json_response({"data": answer})

    async def _report(self, request: web.Request) -> web.Response:
        if not self._connector(self._signed_in(request)):
            raise _denied("Not a connector")
        answer = await self._management.report(request.match_info["command"], await self._body(request))
        return web.json_response({"data": answer})


def _denied(details: str) -> Refusal:
    return Refusal(status=403, code=403000, message="Access denied", details=details)
