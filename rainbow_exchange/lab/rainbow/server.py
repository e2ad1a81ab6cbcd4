"""The lab's Rainbow as one server: REST, XMPP over WebSocket at `/websocket`, and the lab's own wire at `/lab/…`."""

import asyncio
import ssl as ssl_module
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from random import Random
from typing import Any

from aiohttp import web

from rainbow_exchange.lab.listening import close, listen
from rainbow_exchange.lab.rainbow.burst import Bursts
from rainbow_exchange.lab.rainbow.connections import Connections
from rainbow_exchange.lab.rainbow.dials import Dials
from rainbow_exchange.lab.rainbow.lab_wire import LabWire
from rainbow_exchange.lab.rainbow.link_faults import LinkFaults
from rainbow_exchange.lab.rainbow.management import Management
from rainbow_exchange.lab.rainbow.outage import RainbowOutage
from rainbow_exchange.lab.rainbow.people import People
from rainbow_exchange.lab.rainbow.questions import Questions
from rainbow_exchange.lab.rainbow.record import Record
from rainbow_exchange.lab.rainbow.rest import Rest
from rainbow_exchange.lab.rainbow.sign_in import SignIn
from rainbow_exchange.lab.rainbow.streams import Streams
from rainbow_exchange.lab.user import COMPANY_ID, COMPANY_NAME, XMPP_DOMAIN, LabUser, jid_of, made_id

_MAX_BODY = 8 * 2**20


class LabRainbow:
    """A simulated Rainbow for one company.

    `login` is the connector's account, an administrator; everybody's password is `password`. `now` is its clock (aware
    UTC): tokens, lock-outs and what clients see follow it. `dials` are positions to start with (`Dials`).
    """

    def __init__(
        self,
        *,
        users: Sequence[LabUser],
        now: Callable[[], datetime],
        random: Random,
        company_id: str = COMPANY_ID,
        login: str = "connector@acme.test",
        password: str = "Secret#1",  # noqa: S107  (a made-up password of a simulation)
        app_id: str = "app1",
        app_secret: str = "appsecret1",  # noqa: S107  (a made-up secret of a simulation)
        domain: str = XMPP_DOMAIN,
        dials: Mapping[str, Any] | None = None,
    ) -> None:
        self.company_id = company_id
        self.login = login
        self.password = password
        self.app_id = app_id
        self.app_secret = app_secret
        self.record = Record()
        self.dials = Dials()
        self.dials.set(dials or {})
        self.outage = RainbowOutage(self.dials)
        self.people = People(users, account=_account(login, company_id, domain))
        self._streams = Streams(
            domain=domain,
            people=self.people,
            dials=self.dials,
            outage=self.outage,
            record=self.record,
            now=now,
            random=random,
        )
        self.connections = Connections(dials=self.dials, outage=self.outage, record=self.record, now=now, random=random)
        self.questions = Questions(
            streams=self._streams,
            connections=self.connections,
            people=self.people,
            dials=self.dials,
            record=self.record,
            now=now,
            random=random,
        )
        self.outage.cut["link"] = self._streams.cut
        self.management = Management(
            streams=self._streams, dials=self.dials, record=self.record, now=now, random=random
        )
        sign_in = SignIn(password=password, app_id=app_id, app_secret=app_secret, random=random, dials=self.dials)
        self.sign_in = sign_in
        self._rest = Rest(
            people=self.people,
            sign_in=sign_in,
            questions=self.questions,
            management=self.management,
            connections=self.connections,
            dials=self.dials,
            record=self.record,
            cut=self._streams.cut,
            now=now,
            random=random,
        )
        self.administration = self._rest.administration
        self._link_faults = LinkFaults(streams=self._streams, people=self.people, url=lambda: self._url)
        self._lab_wire = LabWire(
            people=self.people,
            questions=self.questions,
            bursts=Bursts(streams=self._streams, questions=self.questions),
            link_faults=self._link_faults,
            connections=self.connections,
            sign_in=sign_in,
            dials=self.dials,
            outage=self.outage,
            record=self.record,
            now=now,
        )
        self._runner: web.AppRunner | None = None
        self._asking: asyncio.Task[None] | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>`, or https; "" before the start."""
        return self._url

    async def start(self, *, host: str = "127.0.0.1", port: int = 0, ssl: ssl_module.SSLContext | None = None) -> None:
        """Listen; port 0 takes a free one. Raise OSError when the port is taken."""
        app = web.Application(middlewares=[self.outage.middleware, self._rest.middleware], client_max_size=_MAX_BODY)
        app.router.add_get("/websocket", self._streams.serve)
        app.router.add_routes(self._rest.routes())
        app.router.add_routes(self._lab_wire.routes())
        self._runner, self._url = await listen(app, host, port, ssl=ssl, shutdown_timeout=1.0)
        self._asking = asyncio.create_task(self.questions.run(), name="lab-rainbow-questions")

    async def stop(self) -> None:
        """Say goodbye to the streams and close; what was seen and told stays in memory, so that it can start again."""
        await self._ask_no_more()
        await self.connections.stop()
        if self._runner is not None:
            await self._streams.close()
            await close(self._runner)
            self._runner = None

    async def kill(self) -> None:
        """End as a killed process does: connections break without a word, questions to be asked are lost.

        What was told stays in memory, as in a database, so that it can start again; see `forget`.
        """
        runner, self._runner = self._runner, None
        if runner is None or runner.server is None:
            return
        for site in runner.sites:
            await site.stop()
        for connection in list(runner.server.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await self._ask_no_more()
        await self.connections.stop()
        self.questions.drop()
        await runner.cleanup()

    def forget(self) -> None:
        """Lose what a database would have kept: what was told of everybody, tokens, S2S connections."""
        self.connections.lose()
        self.questions.drop()
        self.questions.known.clear()
        self.sign_in.new_key()

    async def _ask_no_more(self) -> None:
        await self._link_faults.withdraw()
        if self._asking is not None:
            self._asking.cancel()
            with suppress(asyncio.CancelledError):
                await self._asking
            self._asking = None


def _account(login: str, company_id: str, domain: str) -> LabUser:
    user_id = made_id("account", login)
    jid, jid_password = jid_of(user_id, domain)
    return LabUser(
        id=user_id,
        login_email=login,
        first_name="Exchange",
        last_name="Connector",
        display_name="Exchange Connector",
        emails=((login, "work"),),
        roles=("admin",),
        company_id=company_id,
        company_name=COMPANY_NAME,
        jid=jid,
        jid_password=jid_password,
    )
