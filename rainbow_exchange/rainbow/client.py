"""REST client of Rainbow: signs in, keeps the token alive, makes calls, notifies.

Calls, headers and what of them is documented: `docs/reference/rainbow-wire.md`.
"""

import re
import ssl as ssl_module
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import structlog

from rainbow_exchange import __version__
from rainbow_exchange.errors import UserError
from rainbow_exchange.network.proxy import Proxy, proxy
from rainbow_exchange.rainbow import assumed
from rainbow_exchange.rainbow.answers import Reply
from rainbow_exchange.rainbow.auth import app_auth, basic
from rainbow_exchange.rainbow.endpoints import checked
from rainbow_exchange.rainbow.errors import (
    RainbowApiError,
    RainbowAuthenticationError,
    RainbowError,
)
from rainbow_exchange.rainbow.login_urls import SignInWays, sign_in_ways
from rainbow_exchange.rainbow.notify_body import notify_body
from rainbow_exchange.rainbow.sign_in import Remember, SignIn, SignInCounters, remember_nothing
from rainbow_exchange.rainbow.transport import Request, Transport, TransportCounters
from rainbow_exchange.rainbow.types import Account
from rainbow_exchange.words import _

_log = structlog.get_logger()

_NOTIFY = "/api/rainbow/calendarprovider/v1.0/notify"

_PRINTABLE = re.compile(r"[ -~]*\Z")


@dataclass(slots=True)
class ClientCounters:
    """What the client has done since start, besides what `transport` and `sign_in` count."""

    transport: TransportCounters
    sign_in: SignInCounters
    notified: int = 0
    unreadable_users: int = 0


class RainbowClient:
    """Speaks to Rainbow as one account; an async context manager. Every method raises RainbowError only.

    `url` is https, or http on loopback (UserError otherwise). `now` gives aware UTC; `random` a number in [0, 1).
    `notify_header` and `notify_bearer` are our assumptions (`assumed.py`). One `run()` keeps the token alive;
    without it a call still signs in when it must. `refused` is an earlier refusal of the same credentials that still
    stands: then no login goes out by itself before `retry_at` (None: not at all); `remember` is told of new ones.
    """

    def __init__(
        self,
        *,
        url: str,
        login: str,
        password: str,
        app_id: str,
        app_secret: str,
        company_id: str | None,
        ssl: ssl_module.SSLContext | None = None,
        proxy_url: str | Proxy | None = None,
        proxy_username: str | None = None,
        proxy_password: str | None = None,
        now: Callable[[], datetime],
        random: Callable[[], float],
        refused: RainbowAuthenticationError | None = None,
        retry_at: datetime | None = None,
        remember: Remember = remember_nothing,
        notify_header: str = assumed.NOTIFY_HEADER_VALUE,
        notify_bearer: bool = assumed.NOTIFY_WITH_BEARER,
        request_timeout: float = 30,
        page_size: int = 100,
        max_answer_bytes: int = 32 * 1024 * 1024,
    ) -> None:
        for name, value in (("rainbow.app_id", app_id), ("rainbow.notify_header", notify_header)):
            if not _PRINTABLE.match(value):
                raise UserError(
                    [_("{name}: holds a character that no HTTP header can carry; copy it again", name=name)]
                )
        self._transport = Transport(
            url=checked(url, schemes=("https", "http"), name="rainbow.url"),
            headers={
                "x-rainbow-client": assumed.CLIENT_KIND,
                "x-rainbow-client-version": __version__,
                "x-rainbow-client-id": app_id,
            },
            ssl=ssl,
            proxy=proxy(proxy_url, proxy_username, proxy_password),
            now=now,
            random=random,
            timeout=request_timeout,
            max_bytes=max_answer_bytes,
        )
        self._sign_in = SignIn(
            self._transport,
            headers={
                "Authorization": basic(login, password),
                "x-rainbow-app-auth": app_auth(app_id, app_secret, password),
            },
            now=now,
            random=random,
            refused=refused,
            retry_at=retry_at,
            remember=remember,
        )
        self._notify_headers = {"X-Rainbow-EWS-connector": notify_header}
        self._notify_bearer = notify_bearer
        self._login = login
        self._configured_company = company_id
        self.page_size = page_size
        self.random = random
        self.counters = ClientCounters(self._transport.counters, self._sign_in.counters)

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._sign_in.close()
        await self._transport.__aexit__(kind, error, traceback)

    @property
    def account(self) -> Account | None:
        """Who we are signed in as; None while we are not."""
        return self._sign_in.grant.account if self._sign_in.grant is not None else None

    @property
    def company_id(self) -> str | None:
        """The company we serve: the configured one, otherwise the account's own; None before the first login."""
        return self._configured_company or (self.account.company_id if self.account is not None else None)

    @property
    def refused(self) -> RainbowAuthenticationError | None:
        """The last login's refusal; while it stands, no login goes out by itself before `retry_at`."""
        return self._sign_in.refused

    @property
    def retry_at(self) -> datetime | None:
        """When a refused login is tried again by itself; None: not at all."""
        return self._sign_in.retry_at

    def try_again(self) -> None:
        """Have what is refused, or what Rainbow asked to wait with, tried once more."""
        self._sign_in.try_again()

    @property
    def last_error(self) -> RainbowError | None:
        """What went wrong last, since start."""
        return self._sign_in.last_error

    @property
    def last_ok(self) -> datetime | None:
        """When Rainbow last did what it was asked."""
        return self._sign_in.last_ok

    async def sign_in_ways(self) -> SignInWays:
        """Ask how our login signs in; goes out whether it was refused or not."""
        return await sign_in_ways(self._transport, self._login)

    async def login(self) -> Account:
        """Sign in anew, or join the login under way. Fails at once while `refused` stands."""
        return (await self._sign_in.sign_in(self._sign_in.grant)).account

    async def signed_in(self) -> Account:
        """Return who we are, signing in first where we are not."""
        return (await self._sign_in.granted()).account

    def forget(self) -> None:
        """Sign in anew before the next call: what the last login gave has turned out to be void."""
        self._sign_in.forget()

    async def logout(self) -> None:
        """Give the token back, best effort, within 8 seconds; `run` is to have ended before."""
        await self._sign_in.logout()

    async def run(self) -> None:
        """Keep signed in until cancelled: renew ahead of time, sign in where that is refused."""
        await self._sign_in.run()

    async def call(
        self,
        name: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        bearer: bool = True,
        repeatable: bool | None = None,
        reads: bool = True,
        personal: bool = False,
    ) -> Reply:
        """Make one call as the account; `name` stands for it in counters and log.

        A token that has expired is replaced by one login, and the call repeated once. `repeatable`: it may be sent
        twice without harm, and is where the connection breaks before an answer; None: if it is a GET. Without `reads`
        the body of a success is not waited for. `personal`: see Request.
        """
        request = Request(
            name,
            method,
            path,
            query=query,
            body=body,
            headers=headers or {},
            bearer=bearer,
            repeatable=method == "GET" if repeatable is None else repeatable,
            reads=reads,
            personal=personal,
        )
        grant = await self._sign_in.granted()
        try:
            return await self._sign_in.send(grant, request)
        except RainbowApiError as error:
            if not self._sign_in.may_replace(grant, error):
                raise
        return await self._sign_in.send(await self._sign_in.sign_in(grant), request)

    async def notify(self, user_ids: Sequence[str], *, force: bool = False) -> dict[str, str]:
        """Tell Rainbow that something changed for these users, at most 100; return the ids of the call, by their names.

        `force` makes Rainbow publish even what it thinks unchanged. Repeating is harmless, and the caller's business.
        """
        if len(user_ids) > assumed.NOTIFY_MAX_IDS:
            raise ValueError(f"{len(user_ids)} ids in one notify")
        if not user_ids:
            return {}
        query = {"companyId": await self.company()} | ({"force": "true"} if force else {})
        reply = await self.call(
            "notify",
            "POST",
            _NOTIFY,
            query=query,
            body=notify_body(user_ids),
            headers=self._notify_headers,
            bearer=self._notify_bearer,
            repeatable=True,
            reads=False,
        )
        self.counters.notified += len(user_ids)
        return {"correlation_id": reply.correlation_id, "request_id": reply.request_id}

    async def try_notify(self) -> None:
        """Go the way of `notify`, and tell Rainbow of nobody; a Rainbow that wants somebody refuses that (400)."""
        await self.call(
            "try_notify",
            "POST",
            _NOTIFY,
            query={"companyId": await self.company()},
            body=notify_body([]),
            headers=self._notify_headers,
            bearer=self._notify_bearer,
            repeatable=True,
            reads=False,
        )

    async def company(self) -> str:
        """Return the company we serve, signing in first where only that tells."""
        return self._configured_company or (await self.signed_in()).company_id
