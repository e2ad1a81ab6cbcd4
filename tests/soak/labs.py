"""The lab's two sides as processes, and what a soak orders of them over their own wires."""

import asyncio
import json
import signal
from collections.abc import Coroutine, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp

from tests.processes import Lab

_TIMEOUT = aiohttp.ClientTimeout(total=60)


class LabRefusedError(Exception):
    """The lab does not do what it was told to."""


def options_of(users: list[dict[str, Any]], folder: Path) -> list[str]:
    """Write a file of these users; return the options for a lab of them, whose calendars the account may read."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "users.json"
    file.write_text(json.dumps(users), encoding="utf-8")
    return ["--users-file", str(file), "--right", "reviewer"]


class Labs:
    """Both sides, each a process of its own, so that one can stand still while the other goes on."""

    def __init__(self, folder: Path, people: Sequence[str], session: aiohttp.ClientSession, stack: ExitStack) -> None:
        """`people` are the options of the lab that say who is in it, and what else both sides are to be like."""
        self._session = session
        self.sides = {
            side: Lab(["lab", "--json", "--only", side, *people], folder / side) for side in ("exchange", "rainbow")
        }
        for lab in self.sides.values():
            stack.callback(lab.kill)
            lab.start()
        self._exchange = self.sides["exchange"].addresses["exchange"]["url"].removesuffix("/EWS/Exchange.asmx")
        self._rainbow = self.sides["rainbow"].addresses["rainbow"]["url"]
        self.at_rest: dict[str, Any] = {}
        self._calls: set[asyncio.Task[Any]] = set()

    def settings(self) -> dict[str, str]:
        """Give the variables that point the connector at both."""
        return self.sides["exchange"].settings() | self.sides["rainbow"].settings()

    async def exchange(self, method: str, path: str, body: Any = None) -> Any:
        """Call the test wire of Exchange. Raises LabRefusedError."""
        return await self._call(method, self._exchange + path, body)

    async def rainbow(self, method: str, path: str, body: Any = None) -> Any:
        """Call the test wire of Rainbow. Raises LabRefusedError."""
        return await self._call(method, self._rainbow + path, body)

    async def order(self, command: str) -> None:
        """Order something of the connector, as an administrator of Rainbow does."""
        made = await self.rainbow("POST", "/lab/tokens", {})
        path = f"/api/rainbow/admin/v1.0/connectors/ldaps/{made['user_id']}/command"
        await self._call("POST", self._rainbow + path, {"command": command}, token=made["token"])

    async def _call(self, method: str, url: str, body: Any, *, token: str = "") -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self._session.request(method, url, json=body, headers=headers, timeout=_TIMEOUT) as answer:
            text = await answer.text()
            if not answer.ok:
                raise LabRefusedError(f"{method} {url}: {answer.status}, {text[:200]}")
            return json.loads(text) if text else None

    def soon(self, call: Coroutine[Any, Any, Any]) -> None:
        """Make a call whose answer nobody waits for."""
        task = asyncio.create_task(call)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def turn(self, **dials: Any) -> None:
        """Turn dials of Exchange, and remember where they stood at first."""
        if not self.at_rest:
            self.at_rest = await self.exchange("GET", "/lab/dials")
        await self.exchange("POST", "/lab/dials", dials)

    async def turn_back(self, *names: str) -> None:
        """Put dials of Exchange back to where they stood."""
        await self.exchange("POST", "/lab/dials", {name: self.at_rest[name] for name in names})

    async def held_still(self, side: str, over: asyncio.Event, seconds: float) -> None:
        """Let a side's process stand still for a while, or until it is `over`: what is sent to it is kept."""
        process = self.sides[side].process
        process.send_signal(signal.Signals["SIGSTOP"])
        try:
            await lasting(over, seconds)
        finally:
            process.send_signal(signal.Signals["SIGCONT"])


async def lasting(over: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until it is over."""
    try:
        async with asyncio.timeout(seconds):
            await over.wait()
    except TimeoutError:
        pass
