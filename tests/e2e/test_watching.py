"""Whoever watches the status sees the daemon go and another one come; Ctrl-C ends it with what was seen last."""

import json
import re
import signal
import sys
from typing import Any

import pytest

from tests.processes import Process, until

pytestmark = [pytest.mark.e2e, pytest.mark.processes]


@pytest.mark.skipif(sys.platform == "win32", reason="a process of Windows is not sent SIGINT")
def test_a_restart_is_seen_in_a_pipe_line_by_line(world: Any, person: Any) -> None:
    lab = world.lab([person("ada")])
    first = world.connector(lab)
    first.healthy(streamed=1)
    around = first.environment
    watching = [
        Process(["status", "--watch", "--every", "0.5", *more], world.folder / name, around).start()
        for name, more in (("lines", []), ("json", ["--json"]))
    ]
    lines, as_json = watching
    try:
        until(lambda: "  Healthy\n" in lines.output(), "the first line")
        assert first.stop() == 0
        until(lambda: "  Not running: not-running: there is no " in lines.output(), "that it is gone")
        second = world.connector(lab)
        second.healthy(streamed=1)
        anew = re.compile(r"\. The daemon was started anew at [\d:]{8}\.$", re.MULTILINE)
        until(lambda: anew.search(lines.output()) and "  Healthy" in lines.output().splitlines()[-1], "that it is back")
        assert lines.stop(signal.SIGINT) == 0
        assert second.stop() == 0
        until(lambda: '"state": "not running"' in as_json.output().splitlines()[-1], "that it is gone again")
        assert as_json.stop(signal.SIGINT) == 3
    finally:
        for each in watching:
            each.kill()
    seen = [json.loads(line)["state"] for line in as_json.output().splitlines()]
    assert len(seen) > 5
    assert {"healthy", "not running"} <= set(seen)
    assert "Traceback" not in lines.output() + as_json.output()
