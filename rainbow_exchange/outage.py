"""What fails for a while is logged as one outage: a WARNING when it begins, an INFO with its length when it is over."""

import asyncio
import time
from typing import Any

import structlog

log = structlog.wrap_logger(None, cache_logger_on_first_use=False)  # whoever calls is named on the line


class Outage:
    """One kind of outage, by the events of its two ends. `open` while it lasts.

    The first failure is logged as `fails` at warning, further ones at debug, and what ends it as `over` at info, with
    `lasted_seconds`.
    """

    def __init__(self, fails: str, over: str) -> None:
        self._fails = fails
        self._over = over
        self._began: float | None = None

    @property
    def open(self) -> bool:
        """Whether it lasts."""
        return self._began is not None

    def failed(self, **values: Any) -> None:
        """It failed, at first or again."""
        say = log.debug if self.open else log.warning
        if self._began is None:
            self._began = _now()
        say(self._fails, **values)

    def went_well(self, *, seconds_ago: float = 0.0, **values: Any) -> None:
        """It went well, since so many seconds; to be called whenever it does."""
        if self._began is not None:
            lasted, self._began = _now() - self._began - seconds_ago, None
            log.info(self._over, lasted_seconds=round(max(0.0, lasted), 1), **values)

    def forget(self) -> None:
        """Nobody tries any more, so that it will never be over."""
        self._began = None


def _now() -> float:
    """Give the time of the loop, or outside of one, that of this machine's steady clock, which the loop uses too."""
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return time.monotonic()
