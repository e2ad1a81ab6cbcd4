"""The company's connector users: `admin/v1.0/connectors/ldaps` (`docs/reference/rainbow-wire.md`, "Connector users").

Rainbow knows one kind of them for its AD/LDAP and its Exchange connector alike.
"""

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from rainbow_exchange.rainbow.calls import Caller
from rainbow_exchange.rainbow.errors import RainbowApiError, UnexpectedAnswer
from rainbow_exchange.rainbow.users import text
from rainbow_exchange.words import _

_LDAPS = "/api/rainbow/admin/v1.0/connectors/ldaps"
_PAGE = 100
_MAX_PAGES = 20  # a company has one, or a few
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorUser:
    """A connector user as Rainbow lists it; "" and None for what it does not say."""

    id: str
    login: str = ""
    name: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Activated:
    """What an activation gives: the only time that Rainbow tells the generated password."""

    id: str
    company_id: str
    login: str
    password: str = field(repr=False)


async def list_connectors(caller: Caller, company_id: str) -> list[ConnectorUser]:
    """All connector users of a company. Raises RainbowApiError 403 for whoever is not its administrator."""
    found: dict[str, ConnectorUser] = {}
    for page in range(_MAX_PAGES):
        query = {
            "companyId": company_id,
            "format": "full",
            "limit": str(_PAGE),
            "offset": str(page * _PAGE),
            "sortField": "displayName",
            "sortOrder": "1",
        }
        entries = _entries((await caller.call("connectors", "GET", _LDAPS, query=query)).json())
        for entry in entries:
            user = _read(entry)
            found[user.id] = user
        if len(entries) < _PAGE:
            break
    return list(found.values())


async def activate(caller: Caller, company_id: str) -> Activated:
    """Have Rainbow make a connector user with a login and a password of its own. Sent once, never repeated here.

    The answer is taken as it is documented, bare, and in Rainbow's usual `data` as well.
    """
    reply = await caller.call("activate", "POST", f"{_LDAPS}/activate", query={"companyId": company_id})
    answer = reply.json()
    if isinstance(answer, dict) and isinstance(answer.get("data"), dict):
        answer = answer["data"]
    if not isinstance(answer, dict):
        raise UnexpectedAnswer(_("the activation is not answered by an object"))
    id_, login, password = text(answer.get("id")), text(answer.get("loginEmail")), text(answer.get("password"))
    if id_ is None or login is None or password is None:
        raise UnexpectedAnswer(_("the activation is answered without id, loginEmail or password"))
    return Activated(id=id_, company_id=text(answer.get("companyId")) or company_id, login=login, password=password)


async def delete(caller: Caller, connector_id: str) -> bool:
    """Delete a connector user; False where there was none any more."""
    try:
        await caller.call("delete_connector", "DELETE", f"{_LDAPS}/{quote(connector_id, safe='')}")
    except RainbowApiError as error:
        if error.status != _NOT_FOUND:
            raise
        return False
    return True


def _entries(answer: object) -> list[object]:
    entries = answer.get("data") if isinstance(answer, dict) else answer
    if not isinstance(entries, list):
        raise UnexpectedAnswer(_("the list of connectors holds no list"))
    return entries


def _read(entry: object) -> ConnectorUser:
    id_ = text(entry.get("id")) if isinstance(entry, dict) else None
    if id_ is None or not isinstance(entry, dict):
        raise UnexpectedAnswer(_("the list of connectors holds one without an id"))
    return ConnectorUser(
        id=id_,
        login=text(entry.get("loginEmail")) or "",
        name=text(entry.get("displayName")) or "",
        created_at=_instant(text(entry.get("creationDate"))),
    )


def _instant(written: str | None) -> datetime | None:
    try:
        instant = datetime.fromisoformat(written or "")
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else None
