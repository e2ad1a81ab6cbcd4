"""Signing in to Rainbow as an administrator, for one errand: what is wanted, who looks on, and the first steps.

What Rainbow says is turned into sentences with a next step; where it asks to wait, somebody may wait.
"""

import random as random_module
import ssl as ssl_module
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol, TypeVar

from rainbow_exchange import __version__
from rainbow_exchange.bridge.login_causes import SSO_WAYS, Offers, refused, until
from rainbow_exchange.errors import RainbowExchangeError, UserError
from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.rainbow import assumed
from rainbow_exchange.rainbow.calls import Caller
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.companies import Company, list_companies
from rainbow_exchange.rainbow.endpoints import checked
from rainbow_exchange.rainbow.errors import RainbowError, RateLimited
from rainbow_exchange.rainbow.login_urls import sign_in_ways
from rainbow_exchange.rainbow.pasted_token import PastedToken
from rainbow_exchange.rainbow.transport import Transport
from rainbow_exchange.rainbow.types import Account
from rainbow_exchange.words import _, sentences

T = TypeVar("T")

Kind = Literal["refused", "left alone", "wait", "not kept"]

_MANAGE_SEVERAL = frozenset({"bp_admin", "bp_finance", "support", "superadmin"})
_ORGANIZATION = "organization_admin"
_WAITS = 5
_SECONDS = 30.0


class Refusal(RainbowExchangeError):
    """It ended before it was done: `text` says why, `action` what to do; `at` is when to come back.

    `offers` are ways that are open to whoever asked; a command names its options for them, a page has buttons.
    """

    def __init__(self, kind: Kind, text: str, action: str, *, at: datetime | None = None, offers: Offers = ()) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text
        self.action = action
        self.at = at
        self.offers = offers


class SeveralCompanies(UserError):
    """The administrator manages several and has named none; `companies` are the first few, where Rainbow lists them."""

    def __init__(self, companies: Sequence[Company]) -> None:
        text = _("This account manages more than one company; name the one whose calendars are meant.")
        listed = ", ".join(f"{each.id} {each.name}".strip() for each in companies)
        super().__init__([sentences(text, _("It manages {listed}.", listed=listed) if listed else "")])
        self.companies = tuple(companies)


class Steps(Protocol):
    """Whoever looks on: a person at a terminal, a script, the page."""

    def begin(self, text: str) -> None:
        """Say what is being done."""

    def done(self, text: str) -> None:
        """Say what was done."""

    async def confirm(self, question: str, *, by_yes: bool = True) -> bool:
        """Ask for leave; False also where nobody can be asked. `by_yes`: leave that was given for all may count."""
        ...

    async def wait(self, seconds: float, text: str) -> bool:
        """Wait so long; False where nobody wants to."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an administrator wants. `token` in place of `login` and `password`, where somebody pasted one."""

    url: str
    app_id: str
    app_secret: str = field(repr=False)
    login: str = ""
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    company_id: str | None = None
    take_over: bool = False
    as_account: bool = False
    try_password: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How it ended: as whom the connector runs, where the secrets are, and what is still to be done ("" nothing)."""

    login: str
    company_id: str
    connector_id: str = ""
    kept: str = ""
    remark: str = ""


class Session(Caller, Protocol):
    """The administrator's, signed in."""

    async def login(self) -> Account:
        """Sign in; tell who that is."""
        ...


class Administrator:
    """Signs in for one order. Its methods raise Refusal and UserError; both say the next step."""

    def __init__(
        self,
        order: Order,
        *,
        steps: Steps,
        ssl: ssl_module.SSLContext | None,
        proxy: Proxy,
        now: Callable[[], datetime],
        random: Callable[[], float] = random_module.random,
    ) -> None:
        self.order = order
        self.steps = steps
        self.now = now
        self.company_id = order.company_id
        #: as far as Rainbow has told it
        self.company_name = ""
        self._ssl = ssl
        self._proxy = proxy
        self._random = random

    async def see_sso(self) -> None:
        """Ask how this login signs in, so that no password goes where only single sign-on would do."""
        order = self.order
        if order.token is not None:
            return
        self.steps.begin(_("How {login} signs in", login=order.login))
        async with Transport(
            url=checked(order.url, schemes=("https", "http"), name="rainbow.url"),
            headers={"x-rainbow-client": assumed.CLIENT_KIND, "x-rainbow-client-version": __version__},
            ssl=self._ssl,
            proxy=self._proxy,
            now=self.now,
            random=self._random,
            timeout=_SECONDS,
            max_bytes=1 << 20,
        ) as transport:
            ways = await self.ask("sign in", lambda: sign_in_ways(transport, order.login))
        if not ways.sso:
            self.steps.done(_("{login} signs in with a password", login=order.login))
            return
        kinds = " and ".join(ways.sso)
        self.steps.done(_("{login} signs in by single sign-on ({kinds})", login=order.login, kinds=kinds))
        if ways.only_sso and not order.try_password:
            raise Refusal(
                "refused",
                _(
                    "Rainbow says that {login} signs in by single sign-on ({kinds}), so that no password was sent.",
                    login=order.login,
                    kinds=kinds,
                ),
                sentences(
                    SSO_WAYS,
                    _("If this account has a password of Rainbow's own all the same, it can be tried."),
                ),
                offers=("token", "try-password"),
            )

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Open what the administrator gave: a token as it is, or an account, whose token is given back at the end."""
        order = self.order
        if order.token is not None:
            try:
                pasted = PastedToken(
                    url=order.url,
                    token=order.token,
                    app_id=order.app_id,
                    ssl=self._ssl,
                    proxy=self._proxy,
                    now=self.now,
                    random=self._random,
                )
            except RainbowError as error:
                raise _refusal("token", error, order.url) from None
            async with pasted:
                yield pasted
            return
        async with self.client(order.login, order.password or "", None) as client:
            try:
                yield client
            finally:
                await client.logout()

    def client(self, login: str, password: str, company: str | None) -> RainbowClient:
        """Make a client of an account, for a few calls."""
        order = self.order
        return RainbowClient(
            url=order.url,
            login=login,
            password=password,
            app_id=order.app_id,
            app_secret=order.app_secret,
            company_id=company,
            ssl=self._ssl,
            proxy_url=self._proxy,
            now=self.now,
            random=self._random,
            page_size=1,
        )

    async def sign_in(self, session: Session) -> Account:
        """Sign in."""
        self.steps.begin(_("Signing in to Rainbow"))
        account = await self.ask("token" if self.order.token is not None else "sign in", session.login)
        self.steps.done(_("Signed in to Rainbow as {login}", login=account.login or self.order.login))
        return account

    async def company(self, session: Session, account: Account) -> str:
        """Find the company; who manages several must name it."""
        if self.company_id is None:
            self.company_id = await self._found_company(session, account)
        return self.company_id

    async def _found_company(self, session: Session, account: Account) -> str:
        if not (_MANAGE_SEVERAL & set(account.roles) or account.admin_type == _ORGANIZATION):
            self._say_company(Company(id=account.company_id, name=account.company_name or ""))
            return account.company_id
        try:
            managed = await list_companies(session)
        except RainbowError:
            managed = []
        if len(managed) == 1:
            self._say_company(managed[0])
            return managed[0].id
        raise SeveralCompanies(managed)

    def _say_company(self, company: Company) -> None:
        self.company_name = company.name
        named = _("Company {name} ({id})", name=company.name, id=company.id) if company.name else ""
        self.steps.done(named or _("Company ({id})", id=company.id))

    async def ask(self, step: str, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call; wait where Rainbow asks for it and somebody is there to wait."""
        for _each in range(_WAITS):
            try:
                return await call()
            except RateLimited as error:
                why = refused(step, error, self.order.url)
                if not await self.steps.wait(error.retry_after, why.text):
                    at = self.now() + timedelta(seconds=error.retry_after)
                    action = sentences(why.action, _("Not before {time}.", time=until(at)))
                    raise Refusal("wait", why.text, action, at=at) from error
            except RainbowError as error:
                raise _refusal(step, error, self.order.url, company_id=self.company_id) from error
        raise Refusal("wait", _("Rainbow asks again and again to wait before the next try."), _("Try this later."))


def _refusal(step: str, error: RainbowError, url: str, *, company_id: str | None = None) -> Refusal:
    why = refused(step, error, url, company_id=company_id)
    return Refusal("refused", why.text, why.action, offers=why.offers)
