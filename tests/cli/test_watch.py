"""The status is looked at again and again: kept in place for a person, a line per change for a program."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from rainbow_exchange.cli.watch import frame, watch

if TYPE_CHECKING:
    from tests.cli.conftest import Page
else:
    Page = Any

AT_8, AT_9 = "2026-03-02T08:00:00Z", "2026-03-02T09:00:00Z"
DENIED = {"id": "mailbox-denied", "severity": "warning", "since": AT_8, "text": "Denied.", "action": "Grant it."}
WELL: dict[str, Any] = {"schema_version": 1, "state": "healthy", "started": AT_8, "problems": []}
GONE = WELL | {
    "state": "not running",
    "started": None,
    "problems": [DENIED | {"id": "not-running", "text": "No file."}],
}
TIME = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ", re.MULTILINE)


def looks(*answers: Mapping[str, Any]) -> Callable[[], dict[str, Any]]:
    """Give these answers one after the other, then Ctrl-C."""
    left: Iterator[Mapping[str, Any]] = iter(answers)

    def look() -> dict[str, Any]:
        for answer in left:
            return dict(answer)
        raise KeyboardInterrupt

    return look


def test_in_a_pipe_a_line_is_printed_when_state_or_problems_change_and_at_no_other_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bad = WELL | {"state": "degraded", "problems": [DENIED]}
    twice = bad | {"problems": [DENIED, DENIED | {"id": "exchange-error", "text": "It \x1b fails."}]}

    last = watch(looks(WELL, WELL | {"latency": 1}, bad, bad, twice, twice, WELL), every=0.0, as_json=False)

    assert last == WELL
    assert TIME.sub("", capsys.readouterr().out).splitlines() == [
        "Healthy",
        "Degraded: mailbox-denied: Denied",
        "Degraded: mailbox-denied: Denied, exchange-error: It ? fails",
        "Healthy",
    ]


def test_a_restart_of_the_daemon_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    anew = WELL | {"started": AT_9}
    bad = anew | {"state": "degraded", "problems": [DENIED]}

    watch(looks(GONE, WELL, GONE, GONE, anew, bad), every=0.0, as_json=False)

    lines = TIME.sub("", capsys.readouterr().out).splitlines()
    assert [re.sub(r"\d\d:\d\d:\d\d", "T", line) for line in lines] == [
        "Not running: not-running: No file",
        "Healthy",
        "Not running: not-running: No file. It was there before; looking on until it is back.",
        "Healthy. The daemon was started anew at T.",
        "Degraded: mailbox-denied: Denied",
    ]


def test_a_daemon_that_did_not_answer_for_a_moment_was_not_started_anew(capsys: pytest.CaptureFixture[str]) -> None:
    watch(looks(WELL, GONE, WELL), every=0.0, as_json=False)

    assert "anew" not in capsys.readouterr().out


def test_as_json_each_look_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    last = watch(looks(WELL, WELL, GONE), every=0.0, as_json=True)

    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [WELL, WELL, GONE]
    assert last == GONE


def test_whoever_interrupts_before_the_first_answer_has_interrupted() -> None:
    with pytest.raises(KeyboardInterrupt):
        watch(looks(), every=0.0, as_json=False)


def test_a_frame_is_drawn_over_the_one_before_and_never_scrolls() -> None:
    size = os.terminal_size((20, 6))

    assert frame(["Healthy", "x" * 50], "Ctrl-C", size) == (
        "\x1b[HHealthy\x1b[K\r\n" + "x" * 19 + "\x1b[K\r\n\x1b[K\r\nCtrl-C\x1b[J"
    )
    drawn = frame([f"line {number}" for number in range(50)], "Ctrl-C", size)
    assert drawn.count("\r\n") == 5
    assert "line 2\x1b[K\r\n... 47 lines more: \x1b[K" in drawn


def test_in_a_terminal_the_screen_is_kept_and_ctrl_c_ends_it_with_what_was_seen_last(page: Page) -> None:
    parent, child = pytest.importorskip("pty").openpty()  # Windows has none
    environment = os.environ | {"RAINBOW_EXCHANGE_STATE__PATH": str(page.folder), "TERM": "xterm"}
    command = [sys.executable, "-m", "rainbow_exchange", "status", "--watch", "--every", "0.5"]
    watching = subprocess.Popen(command, stdin=child, stdout=child, stderr=child, env=environment)  # noqa: S603 (ours)
    os.close(child)
    try:
        seen = read_until(parent, "Ctrl-C ends this.")
        assert seen.startswith("\x1b[?1049h\x1b[?25l\x1b[HHealthy since ")
        page.status |= {"state": "degraded"}
        read_until(parent, "\x1b[HDegraded since ")
        watching.send_signal(signal.SIGINT)
        rest = read_until(parent, "Told after")
        assert "\x1b[?25h\x1b[?1049lDegraded since " in rest
        assert watching.wait(60) == 1
    finally:
        watching.kill()
        watching.wait(60)
        os.close(parent)


def read_until(terminal: int, text: str) -> str:
    """Read what a terminal shows until this comes after the cursor was put back, or a minute is over."""
    seen, end = "", time.monotonic() + 60
    while text not in seen.rpartition("\x1b[?25h")[2]:
        assert time.monotonic() < end, seen
        if select.select([terminal], [], [], 0.2)[0]:
            seen += os.read(terminal, 65536).decode()
    return seen
