"""The companies that an administrator manages: `admin/v1.0/companies` (`docs/reference/rainbow-wire.md`)."""

from dataclasses import dataclass

from rainbow_exchange.rainbow.calls import Caller
from rainbow_exchange.rainbow.errors import UnexpectedAnswer
from rainbow_exchange.rainbow.users import text
from rainbow_exchange.words import _

_COMPANIES = "/api/rainbow/admin/v1.0/companies"
#: as many as an administrator could choose from by reading
_FIRST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A company by its id and its name."""

    id: str
    name: str


async def list_companies(caller: Caller) -> list[Company]:
    """The first few companies that the caller manages."""
    query = {"format": "small", "limit": str(_FIRST), "offset": "0", "sortField": "name", "sortOrder": "1"}
    answer = (await caller.call("companies", "GET", _COMPANIES, query=query)).json()
    entries = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        raise UnexpectedAnswer(_("the list of companies holds no list"))
    found = ((text(each.get("id")), text(each.get("name")) or "") for each in entries if isinstance(each, dict))
    return [Company(id=id_, name=name) for id_, name in found if id_ is not None]
