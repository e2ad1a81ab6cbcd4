import sys
from pathlib import Path

import pytest

from rainbow_exchange.installation import pythons
from rainbow_exchange.installation.pythons import Python
from rainbow_exchange.installation.refused import RefusedError

GOOD = Python(executable=r"C:\Program Files\Python312\python.exe", version=(3, 12))


def test_the_newest_that_will_do_is_taken() -> None:
    newer = Python(executable=r"C:\Program Files\Python313\python.exe", version=(3, 13))
    small = Python(executable=r"C:\Program Files (x86)\Python314-32\python.exe", version=(3, 14), bits=32)
    assert pythons.choose([GOOD, newer, small], fitting=None) == newer
    assert pythons.choose([GOOD, newer, small], fitting=frozenset({(3, 11), (3, 12)})) == GOOD


@pytest.mark.parametrize(
    ("executable", "version", "bits", "all_users", "reason"),
    [
        (
            r"C:\Program Files\WindowsApps\PythonSoftwareFoundation.Python.3.12\python.exe",
            (3, 12),
            64,
            True,
            "it is the Microsoft Store's, which works for one user only and not in a service",
        ),
        (
            r"D:\Profiles\anne\AppData\Local\Programs\Python\Python312\python.exe",
            (3, 12),
            64,
            False,
            "it is installed for one user only; the service's account cannot use it",
        ),
        (r"C:\Program Files\Python310\python.exe", (3, 10), 64, True, "older than 3.11"),
        (r"C:\Python312-32\python.exe", (3, 12), 32, True, "it has 32 bits; 64 are needed"),
        (r"C:\Program Files\Python315\python.exe", (3, 15), 64, True, "the folder of wheels is for Python 3.11, 3.12"),
    ],
)
def test_each_that_will_not_do_is_named_with_its_reason(
    executable: str, version: tuple[int, int], bits: int, all_users: bool, reason: str
) -> None:
    python = Python(executable=executable, version=version, bits=bits, all_users=all_users)
    with pytest.raises(RefusedError) as refused:
        pythons.choose([python], fitting=frozenset({(3, 12), (3, 11)}))
    said = str(refused.value).splitlines()
    assert said[1] == f"    Python {version[0]}.{version[1]} ({bits} bits, {executable}): {reason}"
    assert "Install Python for all users" in said[-1]


def test_a_machine_without_any_is_told_how_to_get_one() -> None:
    with pytest.raises(RefusedError, match=r"(?s)None was found.*/quiet InstallAllUsers=1"):
        pythons.choose([], fitting=None)


def test_what_stands_in_the_registry_counts_where_its_folder_holds_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLIC", r"D:\Profiles\Public")
    folder = tmp_path / "Python312"
    folder.mkdir()
    assert pythons.registered("3.12", str(folder), all_users=True) is None
    executable = folder / "python.exe"
    executable.touch()
    found = Python(executable=str(executable), version=(3, 12), bits=64, all_users=True)
    assert pythons.registered("3.12", str(folder), all_users=True) == found
    assert pythons.registered("3.12-32", str(folder), all_users=False) == Python(
        executable=str(executable), version=(3, 12), bits=32, all_users=False
    )
    assert pythons.registered("3.13t", str(folder), all_users=True) is None  # free-threaded: no wheels for it


def test_a_python_says_itself_what_it_is() -> None:
    found = pythons.ask(sys.executable)
    assert (found.version, found.bits) == ((sys.version_info[0], sys.version_info[1]), 64)


def test_what_is_no_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no Python that works here"):
        pythons.ask(str(tmp_path / "python.exe"))
