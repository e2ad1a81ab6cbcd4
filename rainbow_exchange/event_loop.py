"""The event loop on which `run` runs: a faster one, where the extra `speed` has put it there, else Python's own.

uvloop (https://uvloop.readthedocs.io) has none for Windows; winloop is its like there.
"""

import asyncio
import importlib
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog

log = structlog.get_logger()

FASTER = "winloop" if sys.platform == "win32" else "uvloop"

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T], usual: Callable[[], asyncio.AbstractEventLoop]) -> T:
    """Run to its end, as `asyncio.run` does: on the faster loop if it is there, else on what `usual` makes."""
    with asyncio.Runner(loop_factory=_faster() or usual) as runner:
        return runner.run(main)


def running() -> str:
    """Name the package of the loop that runs: `asyncio`, `uvloop`, `winloop`."""
    package = type(asyncio.get_running_loop()).__module__.partition(".")[0]
    return package if package == FASTER else "asyncio"


def _faster() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the faster loop, or None. One that is installed and does not load is no reason not to run."""
    try:
        made: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module(FASTER).new_event_loop
    except ImportError as error:
        if not (isinstance(error, ModuleNotFoundError) and error.name == FASTER):
            log.warning("faster_loop_unusable", package=FASTER, reason=str(error))
        return None
    return made
