"""What Rainbow's administration holds for the connector: the company's record and the connector's configuration.

The calls are documented (`docs/reference/rainbow-wire.md`, "Settings of the company"); that settings of Exchange stand
there, and under which type, is ours.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from rainbow_exchange.rainbow import assumed
from rainbow_exchange.rainbow.answers import Reply
from rainbow_exchange.rainbow.calls import Caller
from rainbow_exchange.rainbow.errors import RainbowApiError, UnexpectedAnswer
from rainbow_exchange.words import _

_ADMIN = "/api/rainbow/admin/v1.0"
_ENDUSER = "/api/rainbow/enduser/v1.0"
_CONFIG = "/api/rainbow/admin/v1.0/connectors/ldaps/config"

#: bytes of a document at most: the settings of a company, and not its users
_LARGEST = 1024 * 1024
_REFUSED = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
_NONE = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})

Document = Mapping[str, Any]


async def company_record(caller: Caller, company_id: str) -> Document:
    """Read the company's record, as an administrator or, where that is refused, as anybody of the company may."""
    company = quote(company_id, safe="")
    try:
        reply = await caller.call("company", "GET", f"{_ADMIN}/companies/{company}")
    except RainbowApiError as error:
        if error.status not in _REFUSED:
            raise
        query = {"format": "full", "selectedThemeObj": "false"}
        reply = await caller.call("company", "GET", f"{_ENDUSER}/companies/{company}", query=query)
    data = _data(reply)
    if not isinstance(data, dict):
        raise UnexpectedAnswer(_("the company's record is no object"))
    return data


async def exchange_configuration(caller: Caller, company_id: str) -> Document | None:
    """Read the connector's configuration for Exchange; None where there is none.

    One of another type is never taken: it holds the directory's password.
    """
    query = {"companyId": company_id, "type": assumed.EXCHANGE_CONFIGURATION}
    try:
        reply = await caller.call("configuration", "GET", _CONFIG, query=query)
    except RainbowApiError as error:
        if error.status not in _NONE:
            raise
    else:
        if (found := _of_exchange(reply)) is not None:
            return found
    try:
        reply = await caller.call("configurations", "GET", f"{_CONFIG}s", query={"companyId": company_id})
    except RainbowApiError as error:
        if error.status not in _NONE:
            raise
        return None
    return _of_exchange(reply)


def _of_exchange(reply: Reply) -> Document | None:
    data = _data(reply)
    for entry in data if isinstance(data, list) else [data]:
        if isinstance(entry, dict) and entry.get("type") == assumed.EXCHANGE_CONFIGURATION:
            return entry
    return None


def _data(reply: Reply) -> object:
    if len(reply.body) > _LARGEST:
        raise UnexpectedAnswer(_("a document of more than {largest} bytes", largest=_LARGEST))
    return reply.data()
