"""With CI=true a skipped test fails the run, unless the list of `.ci/run` names it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SKIPS = Path(__file__).with_name("skips.py")
TESTS = """
import pytest

def test_runs():
    pass

@pytest.mark.skip(reason="no such peer")
def test_is_skipped():
    pass

@pytest.mark.xfail
def test_is_expected_to_fail():
    assert False
"""


def run(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    rule = SKIPS.read_text(encoding="utf-8") + "\n\npytest_configure = watch\n"
    (folder / "conftest.py").write_text(rule, encoding="utf-8")
    (folder / "test_some.py").write_text(TESTS, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if name not in {"CI", "PYTEST_ADDOPTS"}}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    return subprocess.run(  # noqa: S603  (our own interpreter on files written here)
        command, cwd=folder, env=kept | environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_skip_is_fine_outside_ci(tmp_path: Path) -> None:
    assert run(tmp_path).returncode == pytest.ExitCode.OK


def test_a_skip_fails_ci_and_is_named_with_its_reason(tmp_path: Path) -> None:
    ended = run(tmp_path, CI="true")
    assert ended.returncode == pytest.ExitCode.TESTS_FAILED
    assert "test_some.py::test_is_skipped: Skipped: no such peer" in ended.stdout
    assert "test_is_expected_to_fail:" not in ended.stdout


def test_a_skip_that_the_list_names_is_fine_in_ci(tmp_path: Path) -> None:
    allowed = "\ntest_other.py::*  another reason\ntest_some.py::test_is_*  only where that peer runs\n"
    assert run(tmp_path, CI="true", RAINBOW_EXCHANGE_ALLOWED_SKIPS=allowed).returncode == pytest.ExitCode.OK


def test_a_module_skipped_as_a_whole_fails_ci(tmp_path: Path) -> None:
    (tmp_path / "test_whole.py").write_text("import pytest\npytest.importorskip('no_such_module')\n", encoding="utf-8")
    ended = run(tmp_path, CI="true", RAINBOW_EXCHANGE_ALLOWED_SKIPS="test_some.py::*  whatever")
    assert ended.returncode == pytest.ExitCode.TESTS_FAILED
    assert "test_whole.py: Skipped: could not import" in ended.stdout
