"""Fixtures that all tests share, what watches over all of them, and an end of whatever would go on for ever."""

import os
import sys
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import settings

from tests.leaks.plugin import Leaks
from tests.ports import free_port
from tests.skips import watch

# no example is timed: the machine may be busy with other things
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """Give the folder of schemas and recorded answers that stands beside the project, or skip where it is absent."""
    folder = Path(os.environ.get("RAINBOW_EXCHANGE_SHARED") or ROOT.parent / "shared")
    if not (folder / "ews" / "schemas" / "all.xsd").is_file():
        pytest.skip(f"no shared folder at {folder} (RAINBOW_EXCHANGE_SHARED says where it is)")
    return folder


@pytest.fixture
def unused_tcp_port() -> int:
    """Give a port that nobody else is given by chance, unlike the one of the plugin's fixture of this name."""
    return free_port()


def pytest_configure(config: pytest.Config) -> None:
    """Listen for what nobody may see, and watch for skips."""
    config.pluginmanager.register(Leaks())
    watch(config)


if sys.platform != "win32":
    import signal

    _AGAIN_AFTER = 20.0

    class OverdueError(SystemExit):
        """A test's time is over.

        Of what is raised in a task or in a callback, an event loop lets this one through, as it ends the process. An
        exception of another kind would end whichever task is at work just then, and the test would go on.
        """

    @pytest.hookimpl(wrapper=True)
    def pytest_timeout_set_timer(settings: Any) -> Generator[None, Any, Any]:
        """Have the alarm end the test, wherever it comes; and come again, for what goes on while the loop is closed."""
        done = yield
        said = signal.getsignal(signal.SIGALRM)
        if settings.method == "signal" and callable(said):

            def insist(number: int, frame: FrameType | None) -> None:
                try:
                    said(number, frame)
                except pytest.fail.Exception as failed:
                    raise OverdueError(failed.msg) from None

            signal.signal(signal.SIGALRM, insist)
            signal.setitimer(signal.ITIMER_REAL, settings.timeout, _AGAIN_AFTER)
        return done


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have each process begin with a long test; at the end, one would run on while the others have nothing to do.

    `--dist worksteal` gives each process a stretch of the list, from its top on. What starts dozens of processes is
    left to CI, and to whoever asks for it.
    """
    if os.environ.get("CI") != "true" and not os.environ.get("RAINBOW_EXCHANGE_PROCESSES"):
        reason = "starts dozens of processes, half a second each: in CI, and with RAINBOW_EXCHANGE_PROCESSES=1"
        for item in items:
            if item.get_closest_marker("processes"):
                item.add_marker(pytest.mark.skip(reason=reason))
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    long = [item for item in items if item.get_closest_marker("long")]
    items[:] = [item for item in items if not item.get_closest_marker("long")]
    for number, item in enumerate(long):
        items.insert(number % processes * len(items) // processes + number, item)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what the tortures have used, and how often: it counts as much as that they passed."""
    reports = [each for each in terminalreporter.getreports("passed") if "/torture/" in each.nodeid]
    uses: Counter[str] = Counter()
    histories = 0
    told = [f"{each.nodeid.rpartition('::')[2]}: {each.capstdout.strip()}" for each in reports if each.capstdout]
    for report in reports:
        properties = dict(report.user_properties)
        uses.update(properties.get("uses", {}))
        histories += properties.get("histories", 0)
    if histories:
        told.append(f"{histories} histories: " + ", ".join(f"{what} {number}" for what, number in uses.items()))
    if told:
        terminalreporter.section("tortures")
        for line in told:
            terminalreporter.line(line)
