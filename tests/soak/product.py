"""The product as a process, and what can be seen of it from outside."""

import json
import os
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.processes import Connector
from tests.soak.series import Sample

_TIMEOUT = aiohttp.ClientTimeout(total=30)
_OURS = "rainbow_exchange_"


class Product:
    """`rainbow-exchange run`, on a state of its own; `command` is what runs instead of it."""

    def __init__(
        self,
        folder: Path,
        settings: dict[str, str],
        session: aiohttp.ClientSession,
        stack: ExitStack,
        command: Iterable[str] = (),
    ) -> None:
        self._folder = folder
        self._session = session
        environment = settings | {
            "RAINBOW_EXCHANGE_STATE__PATH": str(folder / "state"),
            "RAINBOW_EXCHANGE_WEB__PORT": "0",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }
        self.environment = environment
        self._connector = Connector(["run"], folder, environment, command=tuple(command))
        stack.callback(self._connector.kill)
        self._connector.start()
        self.process = self._connector.process
        self._began = time.monotonic()

    @property
    def url(self) -> str:
        """The address of the local page. Raises OSError while there is none."""
        runtime = json.loads((self._folder / "state" / "runtime.json").read_text(encoding="utf-8"))
        return f"http://{runtime['host']}:{runtime['port']}"

    @property
    def headers(self) -> dict[str, str]:
        token = (self._folder / "state" / "web-token").read_text(encoding="utf-8").strip()
        return {"Authorization": f"Bearer {token}"}

    async def metrics(self) -> dict[str, float]:
        """Return its metrics: name, or name and label's value with a colon between, → value."""
        async with self._session.get(f"{self.url}/metrics", timeout=_TIMEOUT) as answer:
            text = await answer.text()
        return {
            ":".join([sample.name.removeprefix(_OURS), *sample.labels.values()]): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def status(self) -> dict[str, Any]:
        """Return what `rainbow-exchange status --json` prints."""
        async with self._session.get(f"{self.url}/api/status", headers=self.headers, timeout=_TIMEOUT) as answer:
            shown: dict[str, Any] = await answer.json()
        return shown

    async def retry(self) -> None:
        """Have it try at once what it would try later, as `rainbow-exchange retry --all` does."""
        url = f"{self.url}/api/retry"
        async with self._session.post(url, json={"all": True}, headers=self.headers, timeout=_TIMEOUT) as answer:
            assert answer.status == 200, await answer.text()

    async def sample(self, calm: int | None) -> Sample:
        """Count what it holds now.

        How many streams it takes to carry all mailboxes changes with the servers that they lie on. Each has a task and
        a socket, which are taken off: what is left has nothing to do with their number. A calm is one only while both
        sides are connected: where something is missing, there would be room for what is too much.
        """
        found = await self.metrics()
        whole = found.get("exchange_connected") == found.get("rainbow_connected") == 1
        streams = found.get("streams", 0)
        kinds = {name: value for name, value in found.items() if name.startswith("tasks:")}
        kinds["tasks:stream"] = kinds.get("tasks:stream", 0) - streams
        counts = kinds | {
            "tasks": sum(kinds.values()),
            "threads": found["threads"],
            "sockets": self._sockets() - streams,
            "files": found["process_open_fds"] - streams,
        }
        sizes = {"memory": found["process_resident_memory_bytes"], "blocks": found["memory_blocks"], "streams": streams}
        return Sample(at=time.monotonic() - self._began, calm=calm if whole else None, counts=counts, sizes=sizes)

    def _sockets(self) -> int:
        """Count the open sockets; a file that is closed meanwhile is none."""
        names = []
        for file in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                names.append(os.readlink(file))  # noqa: PTH115 - what it names is no path
            except FileNotFoundError:
                continue
        return sum(name.startswith("socket:") for name in names)

    def output(self) -> str:
        """Everything it has written."""
        return self._connector.output()

    def stop(self) -> int:
        """Stop it in order; return its exit code."""
        return self._connector.stop(within=60)
