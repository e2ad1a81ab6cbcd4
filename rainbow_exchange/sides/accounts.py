"""Builds what signs in to Exchange from the accounts that the settings name.

What has become of credentials, of either side, is remembered across restarts.
"""

import ssl as tls
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import structlog

from rainbow_exchange.config.accounts import ExchangeAccount
from rainbow_exchange.ews.auth import Authenticator, BasicAuth, BearerAuth
from rainbow_exchange.ews.auto_auth import AutoAuth
from rainbow_exchange.ews.errors import EwsAuthenticationError, Tried
from rainbow_exchange.ews.latch import Latch, Standing
from rainbow_exchange.ews.logins import Login
from rainbow_exchange.ews.tokens import TokenSource
from rainbow_exchange.ews.windows_auth import NEGOTIATE, NTLM, WindowsAuth
from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.rainbow.errors import RainbowAuthenticationError
from rainbow_exchange.rainbow.sign_in import Remember
from rainbow_exchange.state.credentials import CredentialMemory

log = structlog.get_logger()


def exchange_logins(
    accounts: Sequence[ExchangeAccount],
    *,
    url: str,
    scheme: str,
    token_url: str | None,
    token_parameters: Mapping[str, str],
    ssl: tls.SSLContext | None,
    token_proxy: Proxy,
    memory: CredentialMemory,
    now: Callable[[], datetime],
) -> list[Login]:
    """Build a login for each account; `scheme` is `exchange.auth`. To be called on the running event loop."""
    log.info("exchange_accounts", accounts=[account.name for account in accounts], scheme=scheme)
    logins = []
    for account in accounts:
        tokens = None
        if account.kind == "token":
            tokens = TokenSource(
                url=token_url or "",
                client_id=account.client_id,
                client_secret=account.client_secret,
                more=token_parameters,
                ssl=ssl,
                proxy_url=token_proxy,
            )
        logins.append(
            Login(
                auth=_authenticator(account, scheme, urlsplit(url).hostname or ""),
                name=account.name,
                tokens=tokens,
                latch=_latch(account, (url, scheme, token_url), memory, now),
            )
        )
    return logins


def _authenticator(account: ExchangeAccount, scheme: str, host: str) -> Authenticator:
    match scheme:
        case "bearer" if account.kind == "token":
            return BearerAuth()
        case "basic":
            return BasicAuth(account.username or "", account.password or "")
        case "ntlm" | "negotiate":
            allowed = (NTLM,) if scheme == "ntlm" else (NEGOTIATE,)
            return WindowsAuth(username=account.username, password=account.password, host=host, allowed=allowed)
        case _:
            return AutoAuth(
                username=account.username, password=account.password, host=host, tokens=account.kind == "token"
            )


def _latch(
    account: ExchangeAccount,
    where: tuple[str | None, ...],
    memory: CredentialMemory,
    now: Callable[[], datetime],
) -> Latch:
    return remembered(
        memory,
        now,
        *(*where, account.kind, account.username, account.password, account.client_id, account.client_secret),
    )


def remembered(memory: CredentialMemory, now: Callable[[], datetime], *credentials: str | None) -> Latch:
    """Build the latch of these credentials, which remembers what became of them before. On the running event loop."""
    digest = memory.digest(*credentials)

    def changed(standing: Standing) -> None:
        memory.keep(digest, _written(standing, now()))

    return Latch(_read(memory.recall(digest), now()), changed)


def _written(standing: Standing, at: datetime) -> dict[str, Any]:
    """Only what may have counted as a wrong password is worth being held back for by the next process."""
    error = standing.refused
    if error is None or not error.counted:
        return {"worked": standing.worked}
    return {
        "worked": standing.worked,
        "refusals": standing.refusals,
        "at": at.isoformat(),
        "status": error.status,
        "offered": list(error.offered),
        "tried": asdict(error.tried) if error.tried else None,
    }


def _read(record: Mapping[str, Any], at: datetime) -> Standing:
    worked = record.get("worked") is True
    if "status" not in record:
        return Standing(worked=worked)
    try:
        tried = Tried(**record["tried"]) if record["tried"] else None
        return Standing(
            worked=worked,
            refused=EwsAuthenticationError(int(record["status"]), tuple(map(str, record["offered"])), tried),
            refusals=int(record["refusals"]),
            ago=(at - datetime.fromisoformat(record["at"])).total_seconds(),
        )
    except (KeyError, TypeError, ValueError):  # written by a version that this one does not know
        return Standing(worked=worked)


def rainbow_refusal(
    memory: CredentialMemory, *credentials: str | None
) -> tuple[RainbowAuthenticationError | None, datetime | None, Remember]:
    """Give the refusal of these credentials that still stands, when they may be tried again, and what keeps the next.

    None in place of the instant: not by themselves.
    """
    digest = memory.digest(*credentials)

    def remember(error: RainbowAuthenticationError | None, retry_at: datetime | None) -> None:
        kept = {} if error is None else {"code": error.code, "retry_at": retry_at and retry_at.isoformat()}
        memory.keep(digest, kept)

    record = memory.recall(digest)
    try:
        refused = RainbowAuthenticationError(int(record["code"]))
        retry_at = datetime.fromisoformat(record["retry_at"]) if record["retry_at"] else None
    except (KeyError, TypeError, ValueError):  # none, or written by a version that this one does not know
        return None, None, remember
    return refused, retry_at, remember
