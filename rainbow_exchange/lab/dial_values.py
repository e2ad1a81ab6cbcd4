"""What a dial may be turned to, on either side of the lab: one of some words, a number that means something."""

from collections.abc import Sequence
from math import isfinite
from typing import Any


class BadDial(ValueError):
    """A dial that does not exist, or a value it cannot take."""


def check_number(name: str, value: float, *, least: float | None = 0) -> None:
    """Raise BadDial for what is no finite number, or is below `least`."""
    try:
        meant = isfinite(value)
    except OverflowError:
        meant = False
    if not meant or (least is not None and value < least):
        kind = "a whole number" if isinstance(value, int) else "a finite number"
        raise BadDial(f"{name} takes {kind}{'' if least is None else f', {least} or more'}")


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """Raise BadDial for a word, or a list of words, that is not among `choices`."""
    chosen = value if isinstance(value, list) else [value]
    if any(each not in choices for each in chosen):
        words = ", ".join(each or '""' for each in choices)
        raise BadDial(f"{name} takes {words}")
