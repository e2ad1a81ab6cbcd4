"""What befalls the Rainbow side of a company, and the connector itself."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from tests.house import now
from tests.torture.people import Peopled
from tests.torture.steps import Step

#: an outage that long makes the connector expect that Rainbow has lost its memory
LONG = 300.0
#: waits that are promised and outlast the fault: after n conflicts, and after refused XMPP logins
CONFLICT_FIRST, LONGEST = 300.0, 3600.0
PATHS = {
    "breaks at login": "/login",
    "breaks at settings": "/settings/apis",
    "breaks at renew": "/renew",
    "breaks at a page": "/admin/v1.0/users",
    "breaks at notify": "/notify",
    "breaks at logout": "/logout",
    "breaks at bind": "xmpp:bind",
    "breaks at question": "xmpp:question",
    "breaks at answer": "xmpp:answer",
}
#: what leads to such a call at once, or as soon as may be
CAUSES = {
    "breaks at login": "tokens void",
    "breaks at settings": "tokens void",
    "breaks at renew": "ask",
    "breaks at a page": "stopped",
    "breaks at notify": "make appointment",
    "breaks at logout": "stopped",
    "breaks at bind": "link cut",
    "breaks at question": "make appointment",
    "breaks at answer": "make appointment",
}


class Troubled(Peopled):
    """Faults begin as tasks, may overlap, and end after their time or once all are to be over."""

    def __init__(self, folder: Path, *, impersonation: bool, uses: Counter[str]) -> None:
        super().__init__(folder, impersonation=impersonation, uses=uses)
        self.port = 0
        self.over = asyncio.Event()
        self.faults: set[asyncio.Task[None]] = set()
        self.away: dict[object, tuple[tuple[str, ...], str]] = {}
        self.downs = 0
        self.up = True
        self.switch = asyncio.Lock()
        self.down_since = 0.0
        self.conflicts = 0
        self.locks = 0
        self.troubles: list[tuple[float, float]] = []
        self.waits: list[tuple[float, float]] = []

    def do(self, step: Step) -> None:
        """Do what a step says; it counts where it could be done."""
        name = step.what.replace(",", "").replace(" ", "_")
        if step.what in PATHS:
            self.arm(step)
        elif hasattr(self, f"fault_{name}"):
            self.begin(getattr(self, f"fault_{name}"), step)
        elif getattr(self, f"change_{name}")(step) is False:
            return
        self.uses[step.what] += 1

    def begin(self, fault: Callable[[Step], Awaitable[None]], step: Step) -> None:
        async def trouble() -> None:
            began = _time()
            try:
                await fault(step)
            finally:
                self.troubles.append((began, _time()))

        task = asyncio.create_task(trouble(), name=f"torture:{step.what}")
        self.faults.add(task)
        task.add_done_callback(self.faults.discard)

    def wait(self, seconds: float) -> None:
        """Expect the connector to take so long over a fault that is over, as is promised."""
        self.waits.append((_time(), _time() + seconds))

    async def lasting(self, seconds: float) -> None:
        """Wait so long, or until all faults are to be over."""
        try:
            async with asyncio.timeout(seconds):
                await self.over.wait()
        except TimeoutError:
            pass

    async def out_of_reach(self, seconds: float, parts: tuple[str, ...], how: str) -> None:
        key = object()
        self.away[key] = (parts, how)
        self.put_away()
        await self.lasting(seconds)
        del self.away[key]
        self.put_away()

    def put_away(self) -> None:
        """Have the worst of all outages: what resets is worse than what is silent."""
        hows = {part: {how for parts, how in self.away.values() if part in parts} for part in ("rest", "link")}
        worst = {part: "reset" if "reset" in found else "silent" if found else "" for part, found in hows.items()}
        if worst != self.rainbow.outage.as_json():
            self.rainbow.outage.set(worst)

    async def fault_rest_resets(self, step: Step) -> None:
        await self.out_of_reach(step.lasts, ("rest",), "reset")

    async def fault_rest_is_silent(self, step: Step) -> None:
        await self.out_of_reach(step.lasts, ("rest",), "silent")

    async def fault_link_resets(self, step: Step) -> None:
        await self.out_of_reach(step.lasts, ("link",), "reset")

    async def fault_link_is_silent(self, step: Step) -> None:
        await self.out_of_reach(step.lasts, ("link",), "silent")

    async def fault_both_reset(self, step: Step) -> None:
        await self.out_of_reach(step.lasts, ("rest", "link"), "reset")

    async def fault_both_are_silent(self, step: Step) -> None:
        await self.out_of_reach(step.lasts, ("rest", "link"), "silent")

    async def fault_killed(self, step: Step) -> None:
        await self.down(step.lasts, self.rainbow.kill)

    async def fault_killed_memory_lost(self, step: Step) -> None:
        """Only an outage that is long makes the connector expect this: once in a while."""
        if step.how % 2:
            await self.fault_killed(step)
            return
        self.uses["memory was lost"] += 1
        await self.down(LONG + 60 + step.lasts, self.rainbow.kill, forget=True)

    async def fault_shut_down(self, step: Step) -> None:
        await self.down(step.lasts, self.rainbow.stop)

    async def down(self, seconds: float, end: Callable[[], Awaitable[None]], *, forget: bool = False) -> None:
        """Have no server listen; whoever ends it last has it start again."""
        self.downs += 1
        async with self.switch:
            if self.up:
                self.up, self.down_since = False, _time()
                await end()
        await self.lasting(seconds)
        self.downs -= 1
        async with self.switch:
            if self.downs or self.up:
                return
            if forget and _time() - self.down_since > LONG:
                self.rainbow.forget()
            await self.rainbow.start(port=self.port)
            self.up = True

    async def fault_too_many_requests(self, step: Step) -> None:
        await self.refused(step, status=429)

    async def fault_unavailable(self, step: Step) -> None:
        await self.refused(step, status=503)

    async def refused(self, step: Step, *, status: int) -> None:
        wait = (0, 1, 7, 30)[step.how % 4]
        self.rainbow.dials.set(
            {"refuse_next": 1_000_000, "refuse_status": status, "refuse_retry_after": wait, "refuse_path": ""}
        )
        await self.lasting(step.lasts)
        self.rainbow.dials.set({"refuse_next": 0})

    async def fault_rest_is_late(self, step: Step) -> None:
        self.rainbow.dials.set({"rest_late_seconds": (0.4, 4.0, 20.0, 45.0)[step.how % 4]})
        await self.lasting(step.lasts)
        self.rainbow.dials.set({"rest_late_seconds": 0.0})

    async def fault_xmpp_logins_refused(self, step: Step) -> None:
        self.rainbow.dials.set({"refuse_xmpp_logins": True})
        self.rainbow._streams.cut()
        await self.lasting(step.lasts)
        self.rainbow.dials.set({"refuse_xmpp_logins": False})
        self.wait(min(2 * max(60.0, step.lasts), LONGEST))

    async def fault_link_cut(self, _: Step) -> None:
        self.rainbow._streams.cut()

    async def fault_conflict(self, _: Step) -> None:
        streams = list(self.rainbow._streams._open)
        if streams:
            self.conflicts += 1
            self.wait(min(CONFLICT_FIRST * 2 ** (self.conflicts - 1), LONGEST))
        for stream in streams:
            await stream.fail("conflict", "Replaced by new connection", limit=1.0)

    async def fault_tokens_expired(self, _: Step) -> None:
        self.rainbow.sign_in.expire_tokens()

    async def fault_tokens_void(self, _: Step) -> None:
        self.rainbow.sign_in.new_key()

    async def fault_account_locked(self, step: Step) -> None:
        """Somebody else has tried wrong passwords, once in a while, and our token is void besides."""
        if step.how % 3:
            await self.fault_tokens_void(step)
            return
        self.uses["an account was locked"] += 1
        self.rainbow.sign_in.lock(self.rainbow.login, now())
        self.rainbow.sign_in.new_key()
        self.locks += 1

    def arm(self, step: Step) -> None:
        """Have the next such call broken off, before or after it was handled, and everything be away then."""
        when = "after" if step.how % 2 or PATHS[step.what].startswith("xmpp:") else "before"
        self.rainbow.dials.set({"break_next": 1, "break_path": PATHS[step.what], "break_when": when})

        async def afterwards(_: Step) -> None:
            await self.out_of_reach(step.lasts, ("rest", "link"), "reset" if step.how % 4 < 2 else "silent")

        def broken() -> None:
            self.uses[f"{step.what}, it did"] += 1
            self.begin(afterwards, step)

        self.rainbow.outage.on_break = broken
        if step.how % 8 < 6:
            self.do(replace(step, what=CAUSES[step.what]))

    async def fault_stopped(self, step: Step) -> None:
        daemon, running = self.daemon, self.running
        if daemon is None or running is None:
            return
        self.daemon = self.running = None
        daemon.stop()
        async with asyncio.timeout(10):
            assert await running == 0
        await self.lasting(step.lasts)
        self.start()

    async def fault_crashed(self, step: Step) -> None:
        running, self.daemon, self.running = self.running, None, None
        if running is None:
            return
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled()
        await self.lasting(step.lasts)
        self.start()


def _time() -> float:
    return asyncio.get_running_loop().time()
