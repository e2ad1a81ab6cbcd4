"""What can happen to a thousand mailboxes at once is not logged a thousand times."""

import asyncio
from typing import Any

import structlog

log = structlog.wrap_logger(None, cache_logger_on_first_use=False)  # whoever calls is named on the line

#: lines of one kind that are logged in a minute; further ones are counted
MOST = 10
WITHIN = 60.0


class Sparing:
    """One kind of line, logged at info by the event's name: at most ten in a minute, further ones at debug.

    How many they were is said when the minute is over (`lines_spared`). The loop must be running.
    """

    def __init__(self, event: str) -> None:
        self._event = event
        self._logged = 0
        self._spared = 0
        self._minute: asyncio.TimerHandle | None = None

    def log(self, **values: Any) -> None:
        """Log one more."""
        if self._minute is None:
            self._minute = asyncio.get_running_loop().call_later(WITHIN, self._over)
        if self._logged < MOST:
            self._logged += 1
            log.info(self._event, **values)
        else:
            self._spared += 1
            log.debug(self._event, **values)

    def _over(self) -> None:
        if self._spared:
            log.info("lines_spared", of=self._event, lines=self._spared, within_seconds=round(WITHIN))
        self._minute, self._logged, self._spared = None, 0, 0
