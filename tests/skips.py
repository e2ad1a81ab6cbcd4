"""The rule about skipped tests in CI."""

import fnmatch
import os

import pytest


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


def watch(config: pytest.Config) -> None:
    """Watch for skips in CI; in a worker of xdist the one who started it watches."""
    if os.environ.get("CI") == "true" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(NoSkips(os.environ.get("RAINBOW_EXCHANGE_ALLOWED_SKIPS", "")))
