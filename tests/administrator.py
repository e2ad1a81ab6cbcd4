"""The company's administrator at the lab's Rainbow, over its wire, and servers that record who knocks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from rainbow_exchange.lab.rainbow import LabRainbow

_ADMIN = "/api/rainbow/admin/v1.0"
_CONFIG = f"{_ADMIN}/connectors/ldaps/config"


class Administrator:
    """Sets what the connector is to do."""

    def __init__(self, rainbow: LabRainbow) -> None:
        self.rainbow = rainbow
        self.config_id = ""

    async def switch(self, value: object) -> None:
        await self.record(exchangeCalendarCustomisation=value)

    async def record(self, **fields: Any) -> None:
        await self._call("PUT", f"{_ADMIN}/companies/{self.rainbow.company_id}", fields)

    async def exchange(self, **fields: Any) -> None:
        """Enter these fields of the connector's configuration; the rest stays."""
        settings = {"company": fields}
        if self.config_id:
            await self._call("PUT", f"{_CONFIG}/{self.config_id}", {"settings": settings})
            return
        body = {"companyId": self.rainbow.company_id, "type": "exchange_config", "settings": settings}
        self.config_id = (await self._call("POST", _CONFIG, body))["data"]["id"]

    async def directory(self, **fields: Any) -> None:
        """Enter the configuration of an AD/LDAP connector."""
        body = {"companyId": self.rainbow.company_id, "type": "ldap_config", "settings": {"company": fields}}
        await self._call("POST", _CONFIG, body)

    async def forget(self) -> None:
        await self._call("DELETE", f"{_CONFIG}/{self.config_id}", None)
        self.config_id = ""

    async def add_user(self, **fields: Any) -> str:
        """Add a user; return the id."""
        return str((await self._call("POST", f"{_ADMIN}/users", fields))["data"]["id"])

    async def change_user(self, user_id: str, **fields: Any) -> None:
        await self._call("PUT", f"{_ADMIN}/users/{user_id}", fields)

    async def delete_user(self, user_id: str) -> None:
        await self._call("DELETE", f"{_ADMIN}/users/{user_id}", None)

    async def _call(self, method: str, path: str, body: Any) -> dict[str, Any]:
        async with aiohttp.ClientSession(self.rainbow.url) as session:
            async with session.post("/lab/tokens", json={}) as answer:
                token = (await answer.json())["token"]
            headers = {"Authorization": f"Bearer {token}"}
            async with session.request(method, path, json=body, headers=headers) as answer:
                answer.raise_for_status()
                return dict(await answer.json())


class Stranger:
    """A server that asks everybody who comes for a password, and notes what they brought."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[str | None] = []

    async def _take(self, request: web.Request) -> web.Response:
        await request.read()
        self.requests.append(request.headers.get("Authorization"))
        answer = web.Response(status=401)
        for scheme in ("Negotiate", "NTLM", 'Basic realm="x"'):
            answer.headers.add("WWW-Authenticate", scheme)
        return answer

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Stranger"]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/EWS/Exchange.asmx"
        try:
            yield self
        finally:
            await runner.cleanup()
