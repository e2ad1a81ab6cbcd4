"""Fixtures that all tests share, and the rule about skipped tests in CI."""

import fnmatch
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

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


class NoSkips:
    """With CI=true a skipped test fails the run, unless `.ci/run` lists it.

    The list comes as RAINBOW_EXCHANGE_ALLOWED_SKIPS: one pattern per line for a test's name, a reason behind it.
    """

    def __init__(self, allowed: str) -> None:
        self.allowed = [line.split()[0] for line in allowed.splitlines() if line.strip()]
        self.refused: list[str] = []

    def look_at(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        if any(fnmatch.fnmatchcase(report.nodeid, pattern) for pattern in self.allowed):
            return
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        self.refused.append(f"{report.nodeid}: {reason}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.look_at(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.look_at(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self.refused and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.refused:
            terminalreporter.section("skipped, not listed in .ci/run: with CI=true this fails the run", red=True)
            for line in self.refused:
                terminalreporter.line(line)


def pytest_configure(config: pytest.Config) -> None:
    """Watch for skips in CI; in a worker of xdist the one who started it watches."""
    if os.environ.get("CI") == "true" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(NoSkips(os.environ.get("RAINBOW_EXCHANGE_ALLOWED_SKIPS", "")))


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
