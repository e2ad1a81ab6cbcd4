"""The lab as `rainbow-exchange lab` and `run --lab` start it: a simulated Exchange and a simulated Rainbow."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Literal

import aiohttp

from rainbow_exchange.ending import ended_alone
from rainbow_exchange.errors import UserError
from rainbow_exchange.lab.company import LabUser, make_company, read_users_file
from rainbow_exchange.lab.dialing import Positions
from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.exchange.diary import Diary
from rainbow_exchange.lab.exchange.mailbox import Right
from rainbow_exchange.lab.life import Life
from rainbow_exchange.lab.made import Made
from rainbow_exchange.lab.owner import Owner
from rainbow_exchange.lab.rainbow import LabRainbow
from rainbow_exchange.lab.tls import Kind, LabAuthority
from rainbow_exchange.lab.user import COMPANY_ID
from rainbow_exchange.lab.watch import Watch

_EXCHANGE_ACCOUNT = "svc-rainbow"
# Made-up secrets of a simulation on loopback.
_EXCHANGE_PASSWORD = "Exchange#1"  # noqa: S105  (a made-up secret)
_RAINBOW_PASSWORD = "Rainbow#1"  # noqa: S105  (a made-up secret)
_APP_SECRET = "labsecret1"  # noqa: S105  (a made-up secret)
_APP_ID = "lab-app-1"
_CLIENT_SECRET = "lab-secret"  # noqa: S105  (a made-up secret)
_CLIENT_ID = "lab-connector"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabOptions:
    """What to start. `users` people are made up unless there is a `users_file`; port 0 takes a free one.

    `life`: appointments change every few seconds. `tls` and `certificate` concern Exchange, see `serve`. `dials`:
    positions at start. `plain`: see `make_company`. Each mailbox has `appointments` that begin within
    `appointment_days`. The same `seed` makes the same company and the same day.
    """

    users: int = 10
    plain: bool = False
    appointments: int = 0
    appointment_days: int = 7
    users_file: Path | None = None
    only: Literal["exchange", "rainbow"] | None = None
    exchange_port: int = 0
    rainbow_port: int = 0
    flavour: Literal["exchange", "owner-bound"] = "exchange"
    right: Literal["none", "freebusy", "reviewer"] = "freebusy"
    tls: bool = False
    certificate: Kind = "good"
    life: bool = False
    seed: int = 1
    dials: Positions = field(default_factory=Positions)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeSide:
    """How to reach the lab's Exchange; `ca_file` is None for plain http. The last three are for Bearer tokens."""

    url: str
    username: str
    password: str = field(repr=False)
    ca_file: Path | None
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RainbowSide:
    """How to reach the lab's Rainbow."""

    url: str
    login: str
    password: str = field(repr=False)
    app_id: str
    app_secret: str = field(repr=False)
    company_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabAddresses:
    """A running lab: where both sides are (None: not started), who is in it, and what was made when."""

    exchange: ExchangeSide | None
    rainbow: RainbowSide | None
    users: Sequence[LabUser]
    made: Made

    def as_json(self) -> dict[str, Any]:
        """Return what `lab --json` prints; sides that were not started are absent."""
        sides: dict[str, Any] = {}
        if self.exchange is not None:
            ca_file = self.exchange.ca_file
            sides["exchange"] = {
                "url": self.exchange.url,
                "username": self.exchange.username,
                "password": self.exchange.password,
                "ca_file": None if ca_file is None else str(ca_file),
                "token_url": self.exchange.token_url,
                "client_id": self.exchange.client_id,
                "client_secret": self.exchange.client_secret,
            }
        if self.rainbow is not None:
            sides["rainbow"] = {
                "url": self.rainbow.url,
                "login": self.rainbow.login,
                "password": self.rainbow.password,
                "app_id": self.rainbow.app_id,
                "app_secret": self.rainbow.app_secret,
                "company_id": self.rainbow.company_id,
            }
        return sides

    def watch(self) -> Watch:
        """Look at the lab as a client does. Raise ValueError if Rainbow was not started."""
        if self.rainbow is None:
            raise ValueError("the lab's Rainbow was not started")
        return Watch(
            url=self.rainbow.url,
            login=self.rainbow.login,
            password=self.rainbow.password,
            app_id=self.rainbow.app_id,
            app_secret=self.rainbow.app_secret,
            users=self.users,
            made=self.made,
        )


@asynccontextmanager
async def serve(options: LabOptions) -> AsyncIterator[LabAddresses]:
    """Run the lab while the context is open; both sides listen on loopback when it is entered.

    With `tls` Exchange has a certificate of a made-up authority, whose file is `ca_file`; a `certificate` that is
    not good brings TLS along. Rainbow stays plain http on loopback: its real certificate comes from a public authority,
    so that the product has no setting for another.
    Raise UserError for a users file that is not right, or a port that is taken.
    """
    users = make_company(options.users, options.seed, plain=options.plain)
    if options.users_file is not None:
        users = await asyncio.to_thread(read_users_file, options.users_file)
    made = Made()
    async with AsyncExitStack() as stack:
        exchange = rainbow = None
        if options.only != "rainbow":
            exchange = await _exchange(options, users, stack)
        if options.only != "exchange":
            rainbow = await _rainbow(options, users, stack)
        if options.life and exchange is not None:
            await _begin_life(exchange, users, made, Random(options.seed), stack)
        yield LabAddresses(exchange=exchange, rainbow=rainbow, users=users, made=made)


async def _exchange(options: LabOptions, users: Sequence[LabUser], stack: AsyncExitStack) -> ExchangeSide:
    authority = None
    if options.tls or options.certificate != "good":
        authority = LabAuthority(Path(stack.enter_context(TemporaryDirectory(prefix="rainbow-exchange-lab-"))))
    diary = Diary(appointments=options.appointments, days=options.appointment_days, seed=options.seed, since=_now())
    lab = LabExchange(
        filled=diary.of,
        mailboxes=mailboxes_of(users, right=options.right),
        username=_EXCHANGE_ACCOUNT,
        password=_EXCHANGE_PASSWORD,
        client_id=_CLIENT_ID,
        client_secret=_CLIENT_SECRET,
        flavour=options.flavour,
        now=_now,
        random=Random(options.seed).random,
        **options.dials.exchange,
    )
    context = renew = None
    if authority is not None:
        context = authority.server_context(kind=options.certificate)
        renew = partial(authority.renew, context)
    try:
        await lab.start(port=options.exchange_port, ssl=context, renew=renew)
    except OSError as error:
        raise UserError([_taken("--exchange-port", options.exchange_port, error)]) from error
    stack.push_async_callback(lab.stop)
    ca_file = None if authority is None else authority.ca_file
    return ExchangeSide(
        url=lab.url,
        username=_EXCHANGE_ACCOUNT,
        password=_EXCHANGE_PASSWORD,
        ca_file=ca_file,
        token_url=lab.token_url,
        client_id=_CLIENT_ID,
        client_secret=_CLIENT_SECRET,
    )


async def _rainbow(options: LabOptions, users: Sequence[LabUser], stack: AsyncExitStack) -> RainbowSide:
    lab = LabRainbow(
        users=users,
        company_id=users[0].company_id if users else COMPANY_ID,
        password=_RAINBOW_PASSWORD,
        app_id=_APP_ID,
        app_secret=_APP_SECRET,
        now=_now,
        random=Random(options.seed),
        dials=options.dials.rainbow,
    )
    try:
        await lab.start(port=options.rainbow_port)
    except OSError as error:
        raise UserError([_taken("--rainbow-port", options.rainbow_port, error)]) from error
    stack.push_async_callback(lab.stop)
    return RainbowSide(
        url=lab.url,
        login=lab.login,
        password=_RAINBOW_PASSWORD,
        app_id=_APP_ID,
        app_secret=_APP_SECRET,
        company_id=lab.company_id,
    )


async def _begin_life(
    exchange: ExchangeSide, users: Sequence[LabUser], made: Made, random: Random, stack: AsyncExitStack
) -> None:
    context = None if exchange.ca_file is None else ssl.create_default_context(cafile=str(exchange.ca_file))
    session = await stack.enter_async_context(aiohttp.ClientSession())
    owners = [
        Owner(session, url=exchange.url, address=mailbox.address, password=exchange.password, ssl_context=context)
        for mailbox in mailboxes_of(users)
    ]
    life = Life(owners, made=made, now=_now, random=random)
    await life.prepare()
    living = asyncio.create_task(life.run(), name="lab-life")
    stack.push_async_callback(ended_alone, living)


def mailboxes_of(users: Sequence[LabUser], *, right: str = Right.FREEBUSY) -> list[LabMailbox]:
    """Make the mailboxes of these users, each address once; `right` is for those whose own is not given."""
    mailboxes: dict[str, LabMailbox] = {}
    for user in users:
        of = user.mailbox
        if of is None or of.address.lower() in mailboxes:
            continue
        mailbox = LabMailbox(
            address=of.address,
            display_name=user.display_name,
            aliases=of.aliases,
            upn=of.upn or "",
            sid=of.sid or "",
            timezone=of.timezone or user.timezone,
            right=of.right or right,
        )
        mailboxes[of.address.lower()] = mailbox
    return list(mailboxes.values())


def _now() -> datetime:
    return datetime.now(UTC)


def _taken(option: str, port: int, error: OSError) -> str:
    return f"{option} {port}: cannot listen ({error.strerror or error}); choose another port, or leave it out"
