"""Starting software that is not ours: on loopback, on free ports, in folders of its own, gone at the end."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port

# Debian puts servers where a user's PATH does not look.
LOOK = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
COMMAND = Path(sys.executable).parent / "rainbow-exchange"
PATIENCE = 60.0


class Installed:
    """The programs of this machine."""

    @staticmethod
    def need(packages: str, *programs: str) -> None:
        """Skip the test where one of these is missing, naming Debian's packages."""
        missing = [each for each in programs if shutil.which(each, path=LOOK) is None and not Path(each).exists()]
        if missing:
            pytest.skip(f"not installed: {', '.join(missing)} (apt-get install {packages})")

    @staticmethod
    def program(name: str) -> str:
        path = shutil.which(name, path=LOOK)
        assert path is not None
        return path

    def run(self, name: str, *arguments: str, typed: str = "", environment: Mapping[str, str] | None = None) -> str:
        """Run a program to its end; return what it prints."""
        ran = subprocess.run(  # noqa: S603  (the program we found)
            [self.program(name), *arguments],
            input=typed,
            text=True,
            env=os.environ | (environment or {}),
            check=False,
            timeout=PATIENCE,
            capture_output=True,
        )
        assert ran.returncode == 0, (name, ran.stdout, ran.stderr)
        return ran.stdout

    free_port = staticmethod(free_port)

    @staticmethod
    def as_root() -> bool:
        """Whether servers start as root, and want the name of another user to go on as."""
        return hasattr(os, "geteuid") and os.geteuid() == 0

    @staticmethod
    @contextmanager
    def folder() -> Iterator[Path]:
        """Give a folder that a server's own user can reach, unlike those of pytest."""
        made = Path(tempfile.mkdtemp(prefix="rainbow-exchange-peer-"))
        made.chmod(0o755)
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)

    @contextmanager
    def running(
        self,
        name: str,
        *arguments: str | Path,
        port: int,
        out: Path,
        environment: Mapping[str, str] | None = None,
        in_order: bool = True,
    ) -> Iterator[None]:
        """Run a server in the foreground; it listens when the context is entered, and is gone when it is left.

        `in_order` False spares the seconds that some take to end.
        """
        with out.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603  (the server we found, with our own settings)
                [self.program(name), *arguments], stdout=log, stderr=log, env=os.environ | (environment or {})
            )
        try:
            deadline = time.monotonic() + PATIENCE
            while True:
                assert process.poll() is None, out.read_text(errors="replace")
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                assert time.monotonic() < deadline, out.read_text(errors="replace")
                time.sleep(0.05)
            yield
        finally:
            process.terminate() if in_order else process.kill()
            process.wait(PATIENCE)

    @asynccontextmanager
    async def connector(
        self, folder: Path, settings: Mapping[str, str], **environment: str
    ) -> AsyncIterator["Connector"]:
        """Run our own command; `settings` by their variables' names below the prefix. It is gone at the end."""
        everything = {f"RAINBOW_EXCHANGE_{name}": value for name, value in settings.items()} | {
            "RAINBOW_EXCHANGE_STATE__PATH": str(folder / "state"),
            "RAINBOW_EXCHANGE_WEB__PORT": "0",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "NO_PROXY": "",
            "no_proxy": "",
            **environment,
        }
        made = Connector(folder / "out", everything)
        with made.out.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                COMMAND, "run", env=os.environ | everything, stdout=out, stderr=out, cwd=folder
            )
        try:
            yield made
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            async with asyncio.timeout(PATIENCE):
                await process.wait()


class Connector:
    """The connector as a process."""

    def __init__(self, out: Path, environment: Mapping[str, str]) -> None:
        self.out = out
        self._environment = environment

    def said(self) -> str:
        """Everything it has written."""
        return self.out.read_text(errors="replace")

    async def healthy(self, streamed: int) -> None:
        """Wait until everything is well and so many mailboxes are streamed."""
        await self._until(lambda it: it["state"] == "healthy" and it["mailboxes"]["streamed"] == streamed)

    async def problem(self, problem_id: str) -> dict[str, Any]:
        """Wait for a problem; return it."""
        shown = await self._until(lambda it: problem_id in {each["id"] for each in it["problems"]})
        [found] = (each for each in shown["problems"] if each["id"] == problem_id)
        return dict(found)

    async def account(self) -> str:
        """Say who signs in to Exchange."""
        return str((await self._until(bool))["exchange"]["account"])

    async def _until(self, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        deadline = time.monotonic() + 2 * PATIENCE
        while not (shown and reached(shown)):
            assert time.monotonic() < deadline, (shown, self.said())
            await asyncio.sleep(0.1)
            asked = await asyncio.create_subprocess_exec(
                COMMAND, "status", "--json", env=os.environ | self._environment, stdout=PIPE, stderr=DEVNULL
            )
            answer, _ = await asked.communicate()
            with suppress(ValueError):
                shown = json.loads(answer)
        return shown


@pytest.fixture(scope="session")
def installed() -> Installed:
    """Hand the functions of this file to tests, which are no package and cannot import them."""
    return Installed()
