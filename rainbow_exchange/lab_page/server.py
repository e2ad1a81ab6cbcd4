"""Serves the page of a running lab, on loopback only."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import structlog
from aiohttp import web
from tzlocal import get_localzone

from rainbow_exchange.ending import ended_alone
from rainbow_exchange.lab.serve import LabAddresses
from rainbow_exchange.lab_page.administration import Administration
from rainbow_exchange.lab_page.appointments import Appointments
from rainbow_exchange.lab_page.board import board
from rainbow_exchange.lab_page.clients import Clients
from rainbow_exchange.lab_page.company import Company
from rainbow_exchange.lab_page.connecting import commands
from rainbow_exchange.lab_page.faults import FaultSwitches
from rainbow_exchange.lab_page.panel import Panel
from rainbow_exchange.lab_page.sight import Sight
from rainbow_exchange.web import app as web_app
from rainbow_exchange.web import refusals, security
from rainbow_exchange.web.calls import MAX_BODY_BYTES
from rainbow_exchange.web.guard import Anybody
from rainbow_exchange.web.pages import Pages, refused
from rainbow_exchange.web.rates import Allowance
from rainbow_exchange.web.render import LAB
from rainbow_exchange.web.view import Change, View

log = structlog.get_logger()

HOST, PORT = "127.0.0.1", 3002
_MAX_REQUESTS = 64
#: how often the page may be asked, and something changed on it: at once, and then by the second
_LOOKS, _CHANGES = (200, 50.0), (50, 10.0)
#: of the time, what rendering may take; the page is what the lab is for
_SHARE = 0.25


@asynccontextmanager
async def serve(lab: LabAddresses, port: int = PORT) -> AsyncIterator[str]:
    """Serve the page while the context is open; yields its address. A port that is taken is replaced by a free one."""
    async with aiohttp.ClientSession() as session:
        zone = get_localzone()
        company, clients = Company(lab), Clients(session, lab)
        sight = Sight(clients, whose=company.whose, now=_now)
        sides = {"lab_exchange": company.has_exchange, "lab_rainbow": company.has_rainbow}
        parts = [part for part, there in sides.items() if there]
        if len(parts) > 1:
            parts.insert(1, "lab_way")
        panels = panels_of(company, sight, clients)
        views: list[View] = [
            board(
                company,
                sight,
                panels,
                parts=parts,
                connecting=commands(lab, windows=sys.platform == "win32"),
                now=_now,
                zone=zone,
            )
        ]
        changes: list[Change] = [change for panel in panels for change in panel.changes()]
        if company.has_exchange:
            appointments = Appointments(company, sight, clients, now=_now, zone=zone)
            views += appointments.views()
            changes += appointments.changes()
        looking = asyncio.create_task(sight.run(panels), name="lab-page")
        looking.add_done_callback(_say_why)
        try:
            async with web_app.serve(make_app(views, changes), HOST, port) as bound:
                yield f"http://{HOST}:{bound}"
        finally:
            await ended_alone(looking)


def panels_of(company: Company, sight: Sight, clients: Clients) -> list[Panel]:
    """Give the panels below both sides."""
    panels: list[Panel] = []
    if clients.administrator is not None:
        panels.append(
            Administration(
                company,
                sight,
                administrator=clients.administrator,
                mailboxes=clients.mailboxes,
                exchange=clients.lab.exchange,
            )
        )
    return [*panels, FaultSwitches(company, sight, clients.faults)]


def make_app(views: Sequence[View], changes: Sequence[Change]) -> web.Application:
    """Build the application."""
    pages = Pages(
        Anybody(Allowance(*_LOOKS, time.monotonic), Allowance(*_CHANGES, time.monotonic)),
        views,
        changes,
        share=_SHARE,
    )
    app = web.Application(
        client_max_size=MAX_BODY_BYTES,
        middlewares=[
            refusals.shown(refused, Allowance(*_LOOKS, time.monotonic)),
            security.known_hosts_only,
            security.at_most(_MAX_REQUESTS),
        ],
    )
    app[security.SITE] = LAB
    app.on_response_prepare.append(security.add_headers)
    pages.add_to(app.router)
    app.on_shutdown.append(pages.live.end)
    return app


def _say_why(ended: asyncio.Task[None]) -> None:
    """Say at once why the page is not live any more; a lab that ends says nothing."""
    if not ended.cancelled() and (error := ended.exception()) is not None:
        log.error("lab_page_failed", exc_info=error)


def _now() -> datetime:
    return datetime.now(UTC)
