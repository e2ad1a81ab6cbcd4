"""The installed command with its default settings between both sides of the lab: three processes, and what each spends.

How far the product is, the lab's Rainbow says, for whoever was told of is covered; what it spends, the kernel says of
its process. So nothing is asked of the product itself while it is measured, but for the longest hold of its loop.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import aiohttp

from tests.soak.labs import Labs
from tests.soak.product import Product

Mode = Literal["own", "batched"]
#: seconds that the lab's Exchange takes for any answer
ANSWER_TIME = 0.005
#: the last three: of an account that `rainbow-exchange throttling-policy` has given what it needs
_DIALS = {"delay_seconds": ANSWER_TIME, "stream_limit": 0, "subscription_limit": 0, "request_limit": 0}
_SETTINGS: dict[Mode, dict[str, str]] = {
    "own": {},
    "batched": {"RAINBOW_EXCHANGE_EXCHANGE__IMPERSONATION": "false"},
}
#: what the products of this run were given besides the defaults: variable → each value → of how many products
GIVEN: dict[str, Counter[str]] = {}
#: in a second, by which Linux counts processor time for whoever asks (USER_HZ, proc_pid_stat(5))
_TICKS = 100
#: seconds between two looks at the lab's Rainbow, and at the longest hold, which the product remembers for a minute
_LOOK, _HOLDS = 0.25, 40.0


class StuckError(Exception):
    """The product did not come to where it was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What has passed since the product was started: seconds, its processor seconds, requests by operation."""

    seconds: float
    cpu: float
    requests: Counter[str]

    def since(self, before: "Spent") -> "Spent":
        """Return what has passed since then."""
        return Spent(
            seconds=self.seconds - before.seconds, cpu=self.cpu - before.cpu, requests=self.requests - before.requests
        )


class Rig:
    """Both sides of the lab, and the product once it is started; made by `between_labs`."""

    def __init__(
        self,
        folder: Path,
        labs: Labs,
        users: Sequence[Mapping[str, Any]],
        settings: Mapping[str, str],
        session: aiohttp.ClientSession,
        stack: ExitStack,
    ) -> None:
        self.labs = labs
        self.users = users
        self._folder = folder
        self._settings = dict(settings)
        self._session = session
        self._stack = stack
        self._product: Product | None = None
        self._began = 0.0
        self._longest = 0.0

    @property
    def product(self) -> Product:
        """The product. Raises StuckError where it has ended, or was not started."""
        if self._product is None:
            raise StuckError("the product was not started")
        if (code := self._product.process.poll()) is not None:
            raise StuckError(f"the product has ended with {code}:\n{self._product.output()[-4000:]}")
        return self._product

    @property
    def addresses(self) -> list[str]:
        """The addresses of all mailboxes."""
        return [str(each["loginEmail"]) for each in self.users]

    def start(self, command: Sequence[str] = ()) -> None:
        """Start the product, on an empty state; `command` is what runs instead of it."""
        self._began = time.monotonic()
        self._product = Product(
            self._folder / "product", self.labs.settings() | self._settings, self._session, self._stack, command
        )
        for name, value in self._product.environment.items():
            GIVEN.setdefault(name, Counter())[value] += 1

    async def all_told(self, *, within: float, since: int = 0) -> Spent:
        """Wait until Rainbow was told of everybody, which is done of those who are covered; return what that took.

        `since`: only notifies after that number count.
        """
        waiting = {str(each["id"]) for each in self.users}
        end, newest = time.monotonic() + within, since
        while waiting:
            self._check(end, f"{len(waiting)} of {len(self.users)} were not told of within {within:g} s")
            await asyncio.sleep(_LOOK)
            told, newest = await self.told(newest)
            waiting -= told.keys()
        return await self.spent()

    async def told(self, since: int | Literal["now"]) -> tuple[dict[str, list[float]], int]:
        """Return who was named in a notify after that number: id → Unix times; and the newest number."""
        found = await self.labs.rainbow("GET", f"/lab/notified?since={since}")
        times: dict[str, list[float]] = {}
        for each in found["notified"]:
            times.setdefault(each["id"], []).append(each["at"])
        return times, found["newest"]

    async def at_rest(self, *, within: float, below: float = 0.1, over: float = 3.0) -> None:
        """Wait until the product takes less than this share of a core over so many seconds."""
        end = time.monotonic() + within
        while True:
            before = self.cpu()
            await asyncio.sleep(over)
            if self.cpu() - before < below * over:
                return
            self._check(end, f"it was not at rest within {within:g} s")

    async def spent(self) -> Spent:
        """Say what has passed since the start."""
        cpu, seconds = self.cpu(), time.monotonic() - self._began
        return Spent(seconds=seconds, cpu=cpu, requests=Counter(await self.labs.exchange("GET", "/lab/counts")))

    def cpu(self) -> float:
        """Return the processor seconds of the product's process, of all its threads."""
        stat = Path(f"/proc/{self.product.process.pid}/stat").read_text(encoding="ascii")
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident(self) -> int:
        """Return the bytes that the product has in memory."""
        status = Path(f"/proc/{self.product.process.pid}/status").read_text(encoding="ascii")
        [kibibytes] = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
        return int(kibibytes) * 1024

    async def longest_hold(self) -> float:
        """Return the longest hold of the product's loop since it was started, or since this was asked last."""
        await self._look()
        longest, self._longest = self._longest, 0.0
        return longest

    async def _look(self) -> None:
        with suppress(OSError, aiohttp.ClientError):  # its page is not there yet
            found = await self.product.metrics()
            self._longest = max(self._longest, found["loop_lag_longest_seconds"])

    async def watch_holds(self) -> None:
        """Ask for the longest hold before it is forgotten, until cancelled."""
        while True:
            await asyncio.sleep(_HOLDS)
            if self._product is not None and self._product.process.poll() is None:
                await self._look()

    async def stop(self) -> None:
        """End the product in order. Raises StuckError where it does not."""
        if (code := await asyncio.to_thread(self.product.stop)) != 0:
            raise StuckError(f"the product ended with {code}")

    def _check(self, end: float, problem: str) -> None:
        output = self.product.output
        if time.monotonic() > end:
            raise StuckError(f"{problem}:\n{output()[-2000:]}")


@asynccontextmanager
async def between_labs(
    folder: Path,
    people: int,
    *,
    mode: Mode = "own",
    seed: int,
    appointments: int = 10,
    besides: Mapping[str, str] | None = None,
    **settings: str,
) -> AsyncIterator[Rig]:
    """Start both sides of the lab, for so many people with so many appointments each; the product is still to start.

    `own`: the account impersonates, as by default. `batched`: it is a reviewer of each calendar, and does not.
    `settings` by their upper-case variable names, below the prefix, for what is not to be the default; `besides` are
    variables of the process that are no settings.
    """
    options = ["--users", str(people), "--plain", "--appointments", str(appointments), "--seed", str(seed)]
    options += ["--right", "freebusy" if mode == "own" else "reviewer"]
    options += [f"--dial={name}={value}" for name, value in _DIALS.items()]
    with ExitStack() as stack:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            labs = await asyncio.to_thread(Labs, folder, options, session, stack)
            users = await labs.rainbow("GET", "/lab/users")
            chosen = {f"RAINBOW_EXCHANGE_{name}": value for name, value in settings.items()} | dict(besides or {})
            rig = Rig(folder, labs, users, _SETTINGS[mode] | chosen, session, stack)
            watching = asyncio.create_task(rig.watch_holds(), name="holds")
            try:
                yield rig
            finally:
                watching.cancel()
                await asyncio.wait({watching})
