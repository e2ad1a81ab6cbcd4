"""Dials as they are written on a command line: `NAME=VALUE`, for whichever side of the lab has a dial of that name."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rainbow_exchange.errors import UserError
from rainbow_exchange.lab.dial_values import BadDial
from rainbow_exchange.lab.exchange.dials import Dials as ExchangeDials
from rainbow_exchange.lab.rainbow.dials import Dials as RainbowDials

_TAKES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: 'a list such as ["a", "b"]',
    dict: 'an object such as {"a": "b"}',
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions:
    """Positions of dials at start, by side."""

    exchange: Mapping[str, Any] = field(default_factory=dict)
    rainbow: Mapping[str, Any] = field(default_factory=dict)


def read(written: Sequence[str], *, exchange: Mapping[str, Any] | None = None) -> Positions:
    """Read `NAME=VALUE`, VALUE being JSON; quotes around a text may be left out. Raise UserError with all faults.

    `exchange` are positions of Exchange's dials that hold where nothing else is written.
    """
    of_exchange, of_rainbow, faults = ExchangeDials(), RainbowDials(), list[str]()
    here, there = of_exchange.shown(), of_rainbow.as_json()
    found: dict[str, dict[str, Any]] = {"exchange": dict(exchange or {}), "rainbow": {}}
    for each in written:
        name, equals, text = each.partition("=")
        side = "exchange" if name in here else "rainbow" if name in there else ""
        if not (side and equals):
            faults.append(_unknown(name, [*here, *there]) if not side else f"--dial {name}: write {name}=VALUE.")
            continue
        now = here[name] if side == "exchange" else there[name]
        try:
            value = _value(text, of_text=isinstance(now, str))
            if side == "exchange":
                of_exchange.turn({name: value})
            else:
                of_rainbow.set({name: value})
        except BadDial as error:
            faults.append(f"--dial {each}: {error}.")
        except ValueError:
            faults.append(f"--dial {each}: {name} takes {_TAKES[type(now)]}; at start it is {json.dumps(now)}.")
        else:
            found[side][name] = value
    if faults:
        raise UserError(faults)
    return Positions(**found)


def _value(text: str, *, of_text: bool) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        if of_text:
            return text
        raise


def _unknown(name: str, known: Sequence[str]) -> str:
    return f"--dial {name}: no dial is called so. There are {', '.join(known)}."
