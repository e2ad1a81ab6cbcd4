"""S2S connections: Rainbow calls back instead of being connected to (`docs/reference/rainbow-wire.md`, "S2S link").

Source: Rainbow's S2S description, portal `ucs`. Every call raises RainbowError.
"""

from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

from rainbow_exchange.rainbow.calls import Caller
from rainbow_exchange.rainbow.errors import RainbowApiError, RainbowConnectionError, UnexpectedAnswer
from rainbow_exchange.rainbow.users import text
from rainbow_exchange.words import _

_CONNECTIONS = "/api/rainbow/ucs/v1.0/connections"
#: a connection that is not there (any more)
_GONE = frozenset({404, 410})
_NO_SUCH_METHOD, _NOT_IMPLEMENTED = 405, "http-501"
#: parts of a path that mean another one
_NO_IDS = frozenset({".", ".."})


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A connection as Rainbow tells of it; `callback_url` is "" where it does not say."""

    id: str
    callback_url: str


async def listed(caller: Caller) -> list[Connection]:
    """All connections of the account that is signed in."""
    reply = await caller.call("s2s_connections", "GET", _CONNECTIONS)
    entries = reply.member("data")
    if not isinstance(entries, list):
        raise UnexpectedAnswer(_("the list of S2S connections is none"))
    return [_read(entry) for entry in entries]


async def create(caller: Caller, callback_url: str) -> Connection:
    """Make a connection; Rainbow may give an existing one to whoever has the same callback address."""
    body = {"connection": {"callback_url": callback_url}}
    reply = await caller.call("s2s_connect", "POST", _CONNECTIONS, body=body)
    with suppress(UnexpectedAnswer):
        return _read(reply.data())
    # It is made, even where the answer does not say which one.
    made = [each for each in await listed(caller) if each.callback_url == callback_url]
    if not made:
        raise UnexpectedAnswer(_("Rainbow does not say which S2S connection it made"))
    return made[0]


async def get(caller: Caller, id_: str) -> Connection | None:
    """One connection; None when it is gone."""
    try:
        reply = await caller.call("s2s_connection", "GET", _path(id_))
    except RainbowApiError as error:
        if error.status in _GONE:
            return None
        raise
    return _read(reply.data())


async def exists(caller: Caller, id_: str) -> bool:
    """Whether a connection is still there."""
    try:
        await caller.call("s2s_alive", "HEAD", _path(id_))
    except RainbowApiError as error:
        if error.status in _GONE:
            return False
        if error.status == _NO_SUCH_METHOD:
            return await get(caller, id_) is not None
        raise
    except RainbowConnectionError as error:
        if error.kind == _NOT_IMPLEMENTED:
            return await get(caller, id_) is not None
        raise
    return True


async def delete(caller: Caller, id_: str) -> None:
    """End a connection; one that is gone already is no error."""
    try:
        await caller.call("s2s_disconnect", "DELETE", _path(id_))
    except RainbowApiError as error:
        if error.status not in _GONE:
            raise


async def be_present(caller: Caller, id_: str) -> None:
    """Become available on a connection, as the SDK does."""
    presence = {"presence": {"show": "", "status": "mode=auto"}}
    await caller.call("s2s_presence", "PUT", f"{_path(id_)}/presences", body=presence)


def _path(id_: str) -> str:
    return f"{_CONNECTIONS}/{quote(id_, safe='')}"


def _read(entry: object) -> Connection:
    id_ = text(entry.get("id")) if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or id_ is None or id_ in _NO_IDS:
        raise UnexpectedAnswer(_("an S2S connection without an id"))
    return Connection(id=id_, callback_url=text(entry.get("callback_url")) or "")
