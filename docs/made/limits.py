"""Every limit and default that an administrator may meet, read from where the code has it."""

import inspect
import re
from collections.abc import Sequence
from datetime import timedelta
from importlib import import_module
from typing import Any

from docs.made.limits_listed import LISTED, Limit
from docs.made.markdown import table

PAGE = "reference/limits.md"

#: module, name, and then perhaps the parameter of a function, or the key or place of an entry
_WHERE = re.compile(r"([\w.]+):(\w+)(?:\((\w+)\)|\[(\w+)\])?")
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_KIB, _MIB = 1024, 1024 * 1024
#: units of time in the code, in seconds
_SECONDS = {"s": 1, "min": _MINUTE}


def parts() -> dict[str, str]:
    """Give a table for each subject."""
    return {name: table(("what", "value", "and then"), map(_row, limits)) for name, limits in LISTED.items()}


def _row(limit: Limit) -> tuple[str, str, str]:
    values = (written(value_at(each), limit.unit) for each in limit.where)
    return limit.what, ("; " if "; " in limit.what else " to ").join(values), limit.then


def value_at(where: str) -> Any:
    """Give what stands in the code there. Raises ValueError where nothing does, so that no row outlives its limit."""
    found = _WHERE.fullmatch(where)
    if found is None:
        raise ValueError(f"{where!r} names no place in the code")
    module, name, parameter, key = found.groups()
    value = getattr(import_module(f"rainbow_exchange.{module}"), name)
    if parameter:
        value = inspect.signature(value).parameters[parameter].default
    if key:
        value = value[int(key) if key.isdecimal() else key]
    if value is inspect.Parameter.empty:
        raise ValueError(f"{where!r} has no default")
    return value


def written(value: Any, unit: str) -> str:
    """Write a value as a person says it."""
    if isinstance(value, timedelta):
        return _span(value.total_seconds())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(written(each, unit) for each in value)
    if unit in _SECONDS:
        return _span(value * _SECONDS[unit])
    return _size(value) if unit == "bytes" else f"{int(value):,}{f' {unit}' if unit else ''}"


def _span(seconds: float) -> str:
    for size, name in ((_DAY, "day"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds > _MINUTE * 2 - 1 and seconds % size == 0:
            number = int(seconds // size)
            return f"{number} {name}{'s' if name == 'day' and number > 1 else ''}"
    return f"{seconds:g} s"


def _size(count: int) -> str:
    for size, name in ((_MIB, "MiB"), (_KIB, "KiB")):
        if count % size == 0:
            return f"{count // size} {name}"
    return f"{count:,} bytes"
