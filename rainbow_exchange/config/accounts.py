"""Who is to sign in to Exchange, by what the settings say and what they leave out. Pure, but for a look at the system.

Client id and secret have two readings: with a token endpoint they are OAuth's; without one, and without a user name,
they are user name and password.
"""

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import urlsplit

from rainbow_exchange.ews import kerberos
from rainbow_exchange.words import _

if TYPE_CHECKING:
    from rainbow_exchange.config import ExchangeSettings

Kind = Literal["password", "ticket", "token"]


class ResolvedSecrets(Protocol):
    """Of `credentials.Secrets`, what tells whether something is missing."""

    @property
    def exchange_password(self) -> str | None:
        """Its value, or None."""
        ...

    @property
    def exchange_client_secret(self) -> str | None:
        """Its value, or None."""
        ...

    @property
    def exchange_fallback_password(self) -> str | None:
        """Its value, or None."""
        ...

    @property
    def rainbow_password(self) -> str | None:
        """Its value, or None."""
        ...

    @property
    def rainbow_app_secret(self) -> str | None:
        """Its value, or None."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeAccount:
    """Somebody to sign in as; `name` is for people.

    "password": `username` and `password`; "ticket": no password, but a Kerberos ticket, a keytab or the identity of the
    process, of `username` if that is given; "token": OAuth's `client_id` and `client_secret`, and the other two besides
    if they are given. `setting` is the one that holds a password which somebody has to change now and then.
    """

    kind: Kind
    name: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    setting: str = ""


def accounts(exchange: "ExchangeSettings", secrets: ResolvedSecrets) -> list[ExchangeAccount]:
    """Give the accounts in the order in which they are to be tried; [] while the first is not complete."""
    if missing_credentials(exchange, secrets):
        return []
    found = [_first(exchange, secrets)]
    if exchange.fallback_username:
        name = exchange.fallback_username
        found.append(
            ExchangeAccount(
                kind="password",
                name=name,
                username=name,
                password=secrets.exchange_fallback_password,
                setting="exchange.fallback_password",
            )
        )
    return found


def _first(exchange: "ExchangeSettings", secrets: ResolvedSecrets) -> ExchangeAccount:
    username, client = exchange.username, exchange.client_id or ""
    if exchange.token_url:
        return ExchangeAccount(
            kind="token",
            name=_(
                "client {client} (token from {hostname})", client=client, hostname=urlsplit(exchange.token_url).hostname
            ),
            username=username,
            password=secrets.exchange_password if username else None,
            client_id=client,
            client_secret=secrets.exchange_client_secret or "",
        )
    if username and secrets.exchange_password:
        return ExchangeAccount(
            kind="password",
            name=username,
            username=username,
            password=secrets.exchange_password,
            setting="exchange.password",
        )
    if client and not username:
        name = _("{client} (client id, taken as user name)", client=client)
        return ExchangeAccount(
            kind="password",
            name=name,
            username=client,
            password=secrets.exchange_client_secret,
            setting="exchange.client_secret",
        )
    whose = _("the account that this service runs as") if by_system() else _("the Kerberos ticket or keytab")
    return ExchangeAccount(kind="ticket", name=f"{username} ({whose})" if username else whose, username=username)


def missing_credentials(exchange: "ExchangeSettings", secrets: ResolvedSecrets) -> list[str]:
    """Name what is needed to sign in and not there, in the order in which one would fill it in."""
    needed: list[tuple[str, object]]
    if exchange.auth == "bearer" or exchange.token_url:
        needed = [
            ("exchange.token_url", exchange.token_url),
            ("exchange.client_id", exchange.client_id),
            ("exchange.client_secret", secrets.exchange_client_secret),
        ]
    elif exchange.username and not secrets.exchange_password and exchange.auth == "negotiate" and not by_system():
        needed = _ticket()
    elif exchange.client_id and not exchange.username:
        needed = [("exchange.client_secret", secrets.exchange_client_secret)]
    elif not exchange.username and not secrets.exchange_password and _own_identity(exchange.auth):
        needed = [] if by_system() else _ticket()
    else:
        needed = [("exchange.username", exchange.username), ("exchange.password", secrets.exchange_password)]
    if exchange.fallback_username:
        needed.append(("exchange.fallback_password", secrets.exchange_fallback_password))
    return [key for key, value in needed if not value]


def by_system() -> bool:
    """Whether the system signs in by itself, as the account that the process runs as."""
    return os.name == "nt"


def _own_identity(auth: str) -> bool:
    return auth in ({"auto", "negotiate", "ntlm"} if by_system() else {"negotiate"})


def _ticket() -> list[tuple[str, object]]:
    return [(_("exchange.password (or, for Kerberos without one, rainbow-exchange[kerberos])"), kerberos.available())]


def contradiction(exchange: "ExchangeSettings") -> str | None:
    """Say what does not go together, with the next step; None where all does."""
    if exchange.token_url and exchange.auth not in {"auto", "bearer"}:
        return _(
            "exchange.token_url has no effect with exchange.auth {auth}; write auto or bearer, or take"
            " the address out.",
            auth=exchange.auth,
        )
    for name in ("username", "fallback_username", "client_id"):
        if exchange.auth == "basic" and ":" in (getattr(exchange, name) or ""):
            return _(
                "exchange.{name} holds a colon, which Basic cannot carry; write COMPANY\\name or name@company.com.",
                name=name,
            )
    return None


def token_parameters(url: str, token_url: str, *, scope: str | None, resource: str | None) -> dict[str, str]:
    """Give what a token is asked for, besides who asks: the service at `url`, unless `scope` or `resource` say more.

    AD FS and version 1 of Entra ID's endpoint want `resource`, version 2 a `scope`; Exchange's identifier there is the
    host of its URL (AD FS: the identifiers of the relying party, hybrid: the service principal names).
    """
    given = {name: value for name, value in (("scope", scope), ("resource", resource)) if value}
    if given:
        return given
    service = f"https://{urlsplit(url).hostname}/"
    if "/v2.0/" in urlsplit(token_url).path:
        return {"scope": f"{service}.default"}
    return {"resource": service}
