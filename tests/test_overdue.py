"""A test whose event loop never comes to rest ends with an error in time, whichever task the alarm meets."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
TESTS = """
import asyncio
import time

def test_goes_on_for_ever():
    async def works():
        while True:
            try:
                time.sleep(0.001)
                await asyncio.sleep(0)
            except asyncio.CancelledError:  # it does not end while the loop is closed, either
                continue

    async def whole():
        at_work = [asyncio.create_task(works()) for _ in range(3)]
        while at_work:
            await asyncio.sleep(0)

    asyncio.run(whole())

def test_is_run_after_it():
    pass
"""


@pytest.mark.processes  # it spins for seconds
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no alarm: there the process is ended")
def test_what_goes_on_for_ever_is_a_failure_and_the_next_test_is_run(tmp_path: Path) -> None:
    text = CONFTEST.read_text(encoding="utf-8")
    assert "_AGAIN_AFTER = 20.0" in text
    (tmp_path / "conftest.py").write_text(text.replace("_AGAIN_AFTER = 20.0", "_AGAIN_AFTER = 2.0"), encoding="utf-8")
    (tmp_path / "test_some.py").write_text(TESTS, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if name not in {"CI", "PYTEST_ADDOPTS"}}
    kept["PYTHONPATH"] = str(CONFTEST.parents[1])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout", "3", "--rootdir"]
    ended = subprocess.run(  # noqa: S603  (our own interpreter on files written here)
        [*command, str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        env=kept,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == pytest.ExitCode.TESTS_FAILED, ended.stdout + ended.stderr
    assert "OverdueError: Timeout (>3.0s)" in ended.stdout
    assert "1 failed, 1 passed" in ended.stdout
