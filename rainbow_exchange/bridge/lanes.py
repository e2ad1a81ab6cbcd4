"""Reads by urgency: how many of each are in flight at once, and how long they may take. Pure.

The client lets requests pass in order of arrival, so what is not urgent must leave room for what is.
"""

from enum import StrEnum


class Lane(StrEnum):
    """Reads of different urgency never share a request."""

    QUESTION = "question"
    CHANGE = "change"
    BACKGROUND = "background"


#: seconds that several wait for one answer before they are asked in parts
PATIENCE = {Lane.QUESTION: 2.0, Lane.CHANGE: 2.0, Lane.BACKGROUND: 10.0}
TIME_LIMIT = {Lane.QUESTION: 8.0, Lane.CHANGE: 30.0, Lane.BACKGROUND: 60.0}
_SLOTS = {Lane.QUESTION: 16, Lane.CHANGE: 8, Lane.BACKGROUND: 4}
_SPARE = 2  # which the background leaves to those who come


def slots(lane: Lane, *, allowed: int, others: int) -> int:
    """Say how many requests of `lane` may be in flight.

    The background takes more than its own where Exchange has `allowed` more at once than the `others` make use of.
    """
    return max(_SLOTS[lane], allowed - others - _SPARE) if lane is Lane.BACKGROUND else _SLOTS[lane]
