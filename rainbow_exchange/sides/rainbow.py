"""Builds the Rainbow side from the settings: client and link. It lives as long as its credentials stand.

Whether there is a bridge to Exchange, and which, may change meanwhile (`bridged`).
"""

import asyncio
import secrets as secrets_module
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from rainbow_exchange.bridge.administration_causes import review_administration
from rainbow_exchange.bridge.commands import Commands
from rainbow_exchange.bridge.evidence import affected, working
from rainbow_exchange.bridge.health import Health
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.bridge.rainbow_health import RainbowHealth
from rainbow_exchange.bridge.reports import Reports
from rainbow_exchange.bridge.sso_watch import SsoWatch
from rainbow_exchange.bridge.synchronise import synchronise
from rainbow_exchange.config import Settings
from rainbow_exchange.config.consistency import CALLBACK_HOST, CALLBACK_PORT
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.ending import ended, in_time
from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.network.trust import client_context
from rainbow_exchange.rainbow.administration import Administration
from rainbow_exchange.rainbow.assumed import ESCAPE_TWICE, NOTIFY_HEADER_VALUE, NOTIFY_WITH_BEARER
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.desk import Desk
from rainbow_exchange.rainbow.endpoints import websocket_url
from rainbow_exchange.rainbow.entered import Entered
from rainbow_exchange.rainbow.link import RainbowLink
from rainbow_exchange.rainbow.orders import TakeOrder
from rainbow_exchange.rainbow.s2s import S2sLink
from rainbow_exchange.rainbow.xmpp import XmppLink
from rainbow_exchange.sides.accounts import rainbow_refusal
from rainbow_exchange.sides.company import administration
from rainbow_exchange.state.credentials import CredentialMemory
from rainbow_exchange.state.store import Store


@dataclass(slots=True, eq=False)
class RainbowSide:
    """What exists once Rainbow's credentials are there."""

    client: RainbowClient
    link: RainbowLink
    desk: Desk
    health: RainbowHealth
    reports: Reports
    commands: Commands
    administration: Administration
    problems: Problems
    sso: SsoWatch
    #: from now on nothing that ends is a failure
    leaving: bool = False

    def review(self, exchange: Health | None) -> None:
        """Open and close problems by what the parts say now, and report what follows. `exchange`: if there is one."""
        if self.leaving:
            return
        self.health.review(asyncio.get_running_loop().time())
        review_administration(self.administration, self.problems, signed_in=self.client.account is not None)
        self.reports.review(working=working(self.health, exchange), affected=partial(affected, self.health.pipeline))

    def measures(self) -> dict[str, Any]:
        """Return what `metrics.render` shows of this side: numbers only, no address."""
        outbox = self.reports.outbox
        return {
            **self.health.measures(),
            "reports_sent": outbox.counters.sent,
            "reports_dropped": outbox.counters.dropped,
            "reports_waiting": len(outbox),
            "commands": self.commands.counters,
        }

    @asynccontextmanager
    async def at_work(self, end_by: Callable[[], float]) -> AsyncIterator[None]:
        """Be signed in and linked while the context is open, then leave in order, by `end_by` on the loop's clock."""
        async with asyncio.TaskGroup() as tasks:
            link = tasks.create_task(self.link.run(), name="link")
            sign_in = tasks.create_task(self.client.run(), name="rainbow")
            others = [
                tasks.create_task(self.reports.run(), name="reports"),
                tasks.create_task(self.commands.run(), name="commands"),
                tasks.create_task(self.sso.run(), name="sso"),
                tasks.create_task(self.administration.run(), name="administration"),
            ]
            try:
                yield
                self.leaving = True
                for task in others:
                    task.cancel()  # what they have not told yet waits in the state
                await in_time(self._leave(link, sign_in), end_by())
            finally:
                for task in (link, sign_in, *others):
                    task.cancel()

    @asynccontextmanager
    async def bridged(self, pipeline: Pipeline) -> AsyncIterator[None]:
        """Have this pipeline answer Rainbow's questions while the context is open."""
        self.health.pipeline = pipeline
        try:
            async with self.desk.staffed(
                pipeline.parts.answers.answer,
                at_once=pipeline.parts.answers.at_once,
                link_restored=pipeline.changes.link_restored,
                users_changed=pipeline.membership.listing.somebody_changed,
                overdue=lambda: pipeline.parts.ledger.not_asked(pipeline.parts.loop_time()) > 0,
                link_lost=pipeline.changes.link_lost,
                rainbow_forgot=pipeline.changes.rainbow_forgot,
            ):
                yield
        finally:
            self.health.pipeline = None

    async def _leave(self, link: asyncio.Task[None], sign_in: asyncio.Task[None]) -> None:
        await ended(link)
        await ended(sign_in)  # or it would sign in again
        await self.client.logout()


@asynccontextmanager
async def build(
    settings: Settings,
    secrets: Secrets,
    *,
    proxy: Proxy,
    store: Store,
    problems: Problems,
    now: Callable[[], datetime],
    random: Callable[[], float],
    took: Callable[[Entered], None],
) -> AsyncIterator[RainbowSide]:
    """Build it; leaving the context closes its connections and the problems that it reported.

    `took` is given what Rainbow's administration says.
    """
    desk = Desk()
    async with rainbow_client(settings, secrets, proxy=proxy, store=store, now=now, random=random) as client:
        entered = administration(client, settings.rainbow_fields, store=store, took=took, random=random)
        reports = Reports(client, problems=problems, store=store, now=now, random=random)
        commands = Commands(
            client,
            synchronise=lambda: synchronise(lambda: health.pipeline),
            refresh_settings=entered.refresh,
            told=reports.told,
            store=store,
            now=now,
            random=random,
        )
        link = rainbow_link(
            settings,
            proxy=proxy,
            store=store,
            rainbow=client,
            desk=desk,
            on_connected=lambda: _connected(desk, entered),
            on_order=commands.take,
            now=now,
            random=random,
        )
        if isinstance(link, XmppLink):
            commands.tell_ended = link.tell_ended
        sso = SsoWatch(client)
        with problems.for_a_time() as ours:
            url = settings.rainbow.url
            health = RainbowHealth(rainbow=client, rainbow_url=url, link=link, sso=sso, problems=ours)
            yield RainbowSide(client, link, desk, health, reports, commands, entered, ours, sso)


def _connected(desk: Desk, entered: Administration) -> None:
    """What was asked, or announced, while there was no link is lost."""
    desk.link_restored()
    entered.refresh()


def rainbow_client(
    settings: Settings,
    secrets: Secrets,
    *,
    proxy: Proxy,
    store: Store,
    now: Callable[[], datetime],
    random: Callable[[], float],
) -> RainbowClient:
    """Build the client of Rainbow's REST."""
    url, login, app_id = settings.rainbow.url, settings.rainbow.login or "", settings.rainbow.app_id or ""
    password, app_secret = secrets.rainbow_password or "", secrets.rainbow_app_secret or ""
    refused, retry_at, remember = rainbow_refusal(
        CredentialMemory(store, "rainbow"), url, login, password, app_id, app_secret
    )
    return RainbowClient(
        url=url,
        login=login,
        password=password,
        app_id=app_id,
        app_secret=app_secret,
        refused=refused,
        retry_at=retry_at,
        remember=remember,
        company_id=settings.rainbow.company_id,
        ssl=client_context(),
        now=now,
        random=random,
        proxy_url=proxy,
        notify_header=NOTIFY_HEADER_VALUE if settings.rainbow.notify_header is None else settings.rainbow.notify_header,
        notify_bearer=NOTIFY_WITH_BEARER if (bearer := settings.rainbow.notify_with_token) is None else bearer,
    )


def rainbow_link(
    settings: Settings,
    *,
    proxy: Proxy,
    store: Store,
    rainbow: RainbowClient,
    desk: Desk,
    on_connected: Callable[[], None],
    on_order: TakeOrder,
    now: Callable[[], datetime],
    random: Callable[[], float],
) -> RainbowLink:
    """Build the link over which Rainbow asks; that of XMPP has a resource, made up once for this installation."""
    if settings.rainbow.link == "s2s":
        return S2sLink(
            client=rainbow,
            callback_url=settings.rainbow.callback_url or "",  # `config` has seen to it
            host=settings.rainbow.callback_host or CALLBACK_HOST,
            port=settings.rainbow.callback_port or CALLBACK_PORT,
            answer=desk.answer,
            now=now,
            random=random,
            on_connected=on_connected,
            on_lost=desk.link_lost,
            on_forgotten=desk.rainbow_forgot,
            on_company_user=desk.users_changed,
            overdue=desk.overdue,
        )
    resource = store.value("xmpp_resource") or f"node_{secrets_module.token_hex(4)}"
    store.set_value("xmpp_resource", resource)
    return XmppLink(
        url=websocket_url(settings.rainbow.url),
        account=rainbow.signed_in,
        resource=resource,
        answer=desk.answer,
        at_once=desk.at_once,
        trusted_askers=settings.rainbow.trusted_askers,
        escape_twice=ESCAPE_TWICE if (twice := settings.rainbow.escape_texts_twice) is None else twice,
        app_id=settings.rainbow.app_id or "",
        ssl=client_context(),
        now=now,
        random=random,
        on_connected=on_connected,
        on_lost=desk.link_lost,
        on_refused=rainbow.forget,
        on_order=on_order,
        proxy_url=proxy,
    )
