"""A real browser, which reaches this machine only, and the installed command that it looks at."""

import importlib
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests import keyrings
from tests.peers.browser.company import Company, open_company
from tests.peers.browser.window import Browser
from tests.processes import World

PROGRAM = "chromium"


@pytest.fixture(scope="module")
def chromium(installed: Any) -> Iterator[Any]:
    """Start the browser once for a module: its driver keeps the thread's event loop as long as it runs."""
    installed.need("chromium", PROGRAM)
    pytest.importorskip("playwright", reason="no Playwright (pip install --group browser)")
    pytest.importorskip("axe_playwright_python", reason="no axe (pip install --group browser)")
    arguments = [
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--proxy-server=127.0.0.1:9",  # the port that discards; loopback goes past it
        *(["--no-sandbox"] if installed.as_root() else []),
    ]
    with importlib.import_module("playwright.sync_api").sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=installed.program(PROGRAM), args=arguments)
        yield started
        started.close()


@pytest.fixture
def browser(chromium: Any) -> Iterator[Browser]:
    """Open windows; nothing may have gone wrong in any of them."""
    made = Browser(chromium)
    yield made
    assert made.close() == []


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(tmp_path_factory.mktemp("browser"), stack)


@pytest.fixture
def ring(tmp_path: Path) -> dict[str, str]:
    """Give the variables by which a process has a keyring of its own, a file."""
    folder = tmp_path / "keyring"
    folder.mkdir()
    shutil.copyfile(Path(keyrings.__file__), folder / "keyring_of_test.py")
    return {
        "PYTHON_KEYRING_BACKEND": "keyring_of_test.FileKeyring",
        "TEST_KEYRING": str(folder / "ring"),
        "PYTHONPATH": str(folder),
    }


@pytest.fixture(scope="module")
def company(chromium: Any, world: World) -> Company:  # noqa: ARG001  (nothing is started where there is no browser)
    """Give a company of twelve at work: one without a mailbox, one whose mailbox is being moved, one out of office."""
    made, _ = open_company(world)
    return made
