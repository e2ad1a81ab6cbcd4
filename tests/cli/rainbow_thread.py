"""The lab's Rainbow in a thread of its own, for commands that run in this process."""

import asyncio
import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.rainbow import LabRainbow


@dataclass
class Rainbow:
    """Where it is, and its own wire."""

    url: str
    login: str
    folder: Path

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)  # noqa: S310 (loopback)
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 (loopback)
            return json.loads(answer.read())

    def turn(self, **dials: Any) -> None:
        self.call("POST", "/lab/dials", dials)

    def calls(self, part: str) -> list[str]:
        """Give what was asked of addresses with this part."""
        requests = self.call("GET", "/lab/requests?only=requests")["requests"]
        return [f"{each['method']} {each['status']}" for each in requests if part in each["path"]]

    def options(self) -> list[str]:
        """Give what an administrator types who leaves nothing out."""
        (self.folder / "typed-password").write_text("Secret#1\n")
        (self.folder / "typed-secret").write_text("appsecret1\n")
        password, secret = str(self.folder / "typed-password"), str(self.folder / "typed-secret")
        return ["--login", self.login, "--password-file", password, "--app-id", "app1", "--app-secret-file", secret]


@contextmanager
def rainbow_in_a_thread(folder: Path) -> Iterator[Rainbow]:
    ready = threading.Event()
    made: list[LabRainbow] = []
    stops: list[Callable[[], object]] = []

    async def serve() -> None:
        stopped, loop = asyncio.Event(), asyncio.get_running_loop()
        stops.append(lambda: loop.call_soon_threadsafe(stopped.set))
        lab = LabRainbow(users=make_company(2), now=lambda: datetime.now(UTC), random=Random(1))
        await lab.start()
        made.append(lab)
        ready.set()
        await stopped.wait()
        await lab.stop()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(60)
    try:
        yield Rainbow(made[0].url, made[0].login, folder)
    finally:
        stops[0]()
        thread.join()
