"""What Rainbow calls back on an S2S connection: bodies read into plain values (pure).

Rainbow's S2S description names the paths and the forms of the bodies; the three in `assumed_s2s` are ours. See
`docs/reference/rainbow-wire.md`, section "S2S link".
"""

from dataclasses import dataclass
from typing import Any

from rainbow_exchange.json_text import read_json
from rainbow_exchange.rainbow import assumed_s2s
from rainbow_exchange.rainbow.users import text

#: a body may take this many bytes
MAX_BODY = 65_536

CONNECTION = "connection"
#: Rainbow's own; what has nothing to do with calendars is taken and left alone
_OTHERS = frozenset(
    {
        "presence",
        "user",
        "message",
        "chat-state",
        "receipt",
        "all-receipt",
        "all-deleted",
        "conversation",
        "room-invite",
        "room-member",
        "room-state",
        "telephony/rvcp",
        "telephony/rvcp/presence",
        "telephony/pcg",
        "telephony/pcg/presence",
        "conference",
        "error",
    }
)
_OURS = frozenset({assumed_s2s.CALENDAR_EVENTS, assumed_s2s.CALENDAR_AUTOREPLY, assumed_s2s.COMPANY_USER})
NAMES = frozenset({CONNECTION}) | _OTHERS | _OURS
QUESTIONS = frozenset({assumed_s2s.CALENDAR_EVENTS, assumed_s2s.CALENDAR_AUTOREPLY})

#: what Rainbow says of a connection
READY = "ready"
ENDED = frozenset({"unavailable", "terminated"})


class MalformedCallback(ValueError):
    """A body that is no callback's; its argument says why, without any text of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A callback: `name` is its path, `payload` what its body says under that name (`{}` for nothing).

    `connection_id` is which connection it is about, `user_id` whose that is; None where it does not say.
    """

    name: str
    connection_id: str
    user_id: str | None
    payload: dict[str, Any]

    @property
    def state(self) -> str:
        """What a `connection` callback says: "ready", "unavailable", "terminated"; "" for any other."""
        state = self.payload.get("state")
        return state if self.name == CONNECTION and isinstance(state, str) else ""


def read(name: str, body: bytes) -> Callback:
    """Read what came at the path `name`. Raises MalformedCallback."""
    try:
        value = read_json(body)
    except ValueError:
        raise MalformedCallback("no JSON") from None
    if not isinstance(value, dict):
        raise MalformedCallback("no object")
    connection_id = text(value.get("id"))
    if connection_id is None:
        raise MalformedCallback("no connection id")
    payload = value.get(name)
    return Callback(
        name=name,
        connection_id=connection_id,
        user_id=text(value.get("userId")),
        payload=payload if isinstance(payload, dict) else {},
    )
