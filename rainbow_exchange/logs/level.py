"""Which of our own lines are logged: as the settings say, or another level that somebody has chosen for a time.

Libraries stay at warning whatever is chosen.
"""

import asyncio
import logging
import time
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger()

OURS = "rainbow_exchange"
#: what may be chosen, the most talkative first
LEVELS = ("debug", "info", "warning", "error")
#: seconds after which "debug" is over by itself where nobody says how long
DEBUG_FOR = 30 * 60.0
#: seconds for which a level may be chosen at most
LONGEST = 7 * 24 * 3600.0


class LevelSwitch:
    """The level in force; it is that of the process, as Python's loggers are."""

    def __init__(self) -> None:
        self.settings = "info"
        self._chosen: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._time: Callable[[], float] = time.monotonic  # of the timer's loop

    @property
    def level(self) -> str:
        """The level in force."""
        return self._chosen or self.settings

    @property
    def chosen(self) -> bool:
        """Whether it is another than the settings say."""
        return self._chosen is not None

    def seconds_left(self) -> float | None:
        """Seconds for which the chosen level still counts; None without an end, or where none is chosen.

        May be called in any thread.
        """
        timer = self._timer
        return None if timer is None else max(0.0, timer.when() - self._time())

    def begin(self, level: str) -> None:
        """Take the level of the settings, as at a start."""
        self._forget()
        self.settings = level
        self._apply(level)

    def settings_say(self, level: str) -> None:
        """Take the level of settings that were read anew; where it is another than before, nothing else is chosen."""
        if level != self.settings:
            before = self.level
            self._forget()
            self.settings = level
            self._change(before, by="settings")

    def choose(self, level: str, seconds: float | None, *, by: str) -> None:
        """Use another level than that of the settings, for so many seconds; None: until the process ends.

        "debug" is over after half an hour where None is given. The level of the settings ends what was chosen.
        """
        before = self.level
        self._forget()
        if level != self.settings:
            self._chosen = level
            lasting = DEBUG_FOR if seconds is None and level == "debug" else seconds
            if lasting is not None:
                loop = asyncio.get_running_loop()
                self._timer, self._time = loop.call_later(min(lasting, LONGEST), self._over), loop.time
        self._change(before, by=by)

    def _over(self) -> None:
        before = self.level
        self._forget()
        self._change(before, by="time")

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._chosen = self._timer = None

    def _change(self, before: str, *, by: str) -> None:
        """Use the level in force, and say so while the more talkative one is."""
        numbers = logging.getLevelNamesMapping()
        talks_more = numbers[self.level.upper()] <= numbers[before.upper()]
        if talks_more:
            self._apply(self.level)
        left = None if self._timer is None else round(self.seconds_left() or 0.0)
        log.info("log_level_changed", to=self.level, before=before, by=by, for_seconds=left)
        self._apply(self.level)

    @staticmethod
    def _apply(level: str) -> None:
        logging.getLogger(OURS).setLevel(level.upper())


SWITCH = LevelSwitch()
