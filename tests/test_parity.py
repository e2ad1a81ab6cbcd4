"""Names agree with each other, and each module stands alone."""

import os
import re
import subprocess
import sys
import tomllib
from importlib import resources
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "rainbow_exchange"
TEMPLATES = ROOT / "soap_templates"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in PACKAGE.rglob("*.py")
)
WRITTEN_BY_HAND = {".py", ".toml", ".md", ".xml", ".json", ".yaml", ".yml", ".txt", ".cfg", ".css", ".js", ".html", ""}
#: folders that tools make
MADE = {"build", "dist", "__pycache__", "node_modules"}


def own_files() -> list[Path]:
    """List what the repository holds: every file that no tool made."""
    found = []
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        hidden = any(part.startswith(".") and part not in {".ci", ".gitignore"} for part in parts)
        made = any(part in MADE or part.endswith(".egg-info") for part in parts)
        if not hidden and not made and path.is_file() and path.suffix in WRITTEN_BY_HAND:
            found.append(path)
    return found


def test_the_list_of_packages_equals_the_folders() -> None:
    folders = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("*.py")}
    listed = SETTINGS["tool"]["setuptools"]["packages"]
    assert sorted(folders | {"rainbow_exchange.soap_templates"}) == listed


def test_every_folder_of_the_package_says_what_it_is_for() -> None:
    for folder in sorted({path.parent for path in PACKAGE.rglob("*.py")}):
        assert (folder / "__init__.py").read_text(encoding="utf-8").startswith('"""'), folder


@pytest.mark.parametrize("operation", sorted(path.stem for path in TEMPLATES.glob("*.xml")))
def test_an_operation_has_one_name_everywhere(operation: str) -> None:
    assert (PACKAGE / "ews" / "operations" / f"{operation}.py").is_file()
    assert (ROOT / "tests" / "ews" / "operations" / f"test_{operation}.py").is_file()


def test_each_operation_module_has_its_template() -> None:
    modules = {path.stem for path in (PACKAGE / "ews" / "operations").glob("[a-z]*.py")}
    assert modules == {path.stem for path in TEMPLATES.glob("*.xml")}


def test_the_templates_are_found_as_a_part_of_the_package() -> None:
    shipped = {entry.name for entry in resources.files("rainbow_exchange.soap_templates").iterdir()}
    assert {path.name for path in TEMPLATES.glob("*.xml")} <= shipped


IMPORT_EACH_ALONE = """
import importlib, sys, traceback
for name in sys.argv[1:]:
    for loaded in [each for each in sys.modules if each.partition(".")[0] == "rainbow_exchange"]:
        del sys.modules[loaded]
    try:
        importlib.import_module(name)
    except Exception:
        print(name, traceback.format_exc(), sep=": ")
"""


@pytest.mark.skipif(os.environ.get("CI") != "true", reason="executes each module some thirty times over: in CI")
def test_each_module_imports_alone() -> None:
    """With no other module of ours loaded before it: none leans on the order in which others were imported."""
    command = [sys.executable, "-W", "error", "-c", IMPORT_EACH_ALONE, *MODULES]
    ended = subprocess.run(  # noqa: S603  (our own interpreter, names from our own folder)
        command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr


def test_no_test_module_tests_nothing_of_ours() -> None:
    """Tests mirror the package: `tests/ews/test_client.py` is for `rainbow_exchange/ews/client.py`.

    `tests/bridge/recovery/` is for the whole way of a change, with the fixtures of the bridge.
    """
    mirrored = ["ews", "rainbow", "bridge", "state", "web", "cli"]
    strays = []
    for folder in mirrored:
        for path in sorted((ROOT / "tests" / folder).rglob("test_*.py")):
            parts = path.relative_to(ROOT / "tests").with_name(path.name.removeprefix("test_")).parts
            module = PACKAGE.joinpath(*parts)
            if parts[:2] != ("bridge", "recovery") and not module.is_file() and not module.with_suffix("").is_dir():
                strays.append(str(path.relative_to(ROOT)))
    assert strays == []


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a package registry", r"//(registry|files|pypi|deb|index|mirror)\.|--(extra-)?index-url"),
        ("a path of one machine", r"/root/|/work/|/home/[a-z]|[A-Z]:\\Users\\[a-z]"),
    ],
)
def test_the_tree_names_no(what: str, pattern: str) -> None:
    told = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in own_files()
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert told == [], what


def test_every_relaxation_of_a_check_says_why() -> None:
    """`noqa` and `type: ignore` name their code, and words of reason stand behind it or on the line before."""
    relaxed = re.compile(r"# (noqa|type: ?ignore)(?P<code>: ?[A-Z]+[0-9]+[A-Z0-9, ]*|\[[a-z, -]+\])?(?P<reason>.*)")
    bare = []
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")]:
        before = ""
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = relaxed.search(line)
            if match and not (match["code"] and (match["reason"].strip() or before.strip().startswith("#"))):
                bare.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
            before = line
    assert bare == []
