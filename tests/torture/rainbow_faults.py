"""What befalls the Rainbow side of a company."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from tests.house import EPOCH, now
from tests.torture.people import PLACES
from tests.torture.steps import Step
from tests.torture.troubles import Troubled

#: what befalls the Rainbow side for a while
OUTAGES = (
    "rest resets",
    "rest is silent",
    "link resets",
    "link is silent",
    "both reset",
    "both are silent",
    "killed",
    "killed, memory lost",
    "shut down",
    "too many requests",
    "unavailable",
    "rest is late",
    "xmpp logins refused",
)
#: what befalls it in an instant
BLOWS = ("link cut", "conflict", "tokens expired", "tokens void", "account locked")
#: a call that is broken off: then everything is away for a while
BREAKS = (
    "breaks at login",
    "breaks at settings",
    "breaks at renew",
    "breaks at a page",
    "breaks at notify",
    "breaks at logout",
    "breaks at bind",
    "breaks at question",
    "breaks at answer",
)
FAULTS = (*OUTAGES, *BLOWS, *BREAKS)

#: an outage that long makes the connector expect that Rainbow has lost its memory
LONG = 300.0
#: waits that are promised and outlast the fault: after n conflicts, and after refused XMPP logins
CONFLICT_FIRST, LONGEST = 300.0, 3600.0
#: for how long a call that is to break is waited for, before what leads to it is done again
PATIENCE = (15.0, 30.0, 60.0, 120.0, 240.0)
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
#: what leads to such a call at once, or as soon as may be; a token is renewed by itself
CAUSES = {
    "breaks at login": ("tokens void", "make appointment"),
    "breaks at settings": ("tokens void", "make appointment"),
    "breaks at renew": (),
    "breaks at a page": ("stopped",),
    "breaks at notify": ("make appointment",),
    "breaks at logout": ("stopped",),
    "breaks at bind": ("link cut",),
    "breaks at question": ("ask",),
    "breaks at answer": ("ask",),
}


class RainbowFaults(Troubled):
    """Rainbow is out of reach, refuses, is late, forgets, breaks calls off."""

    def __init__(self, folder: Path, *, impersonation: bool, uses: Counter[str], luck: int = 1) -> None:
        super().__init__(folder, impersonation=impersonation, uses=uses, luck=luck)
        self.port = 0
        self.away: dict[object, tuple[tuple[str, ...], str]] = {}
        self.downs = 0
        self.up = True
        self.switch = asyncio.Lock()
        self.down_since = 0.0
        self.conflicts = 0
        self.locks = 0
        self.breaking = asyncio.Lock()

    def do(self, step: Step) -> None:
        if step.what in PATHS:
            self.begin(self.break_off, step, counted=False)
        else:
            super().do(step)

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
        """Only an outage that is long makes the connector expect this."""
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
        await self.there(lambda: self.rainbow._streams._open)
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

    async def fault_account_locked(self, _: Step) -> None:
        """Somebody else has tried wrong passwords, and our token is void besides."""
        self.rainbow.sign_in.lock(self.rainbow.login, now())
        self.rainbow.sign_in.new_key()
        self.locks += 1

    async def break_off(self, step: Step) -> None:
        """Break the next such call off, before or after it was handled, and have everything be away then.

        It counts once it has happened; what leads to it is done again until it has.
        """
        when = "after" if step.how % 2 or PATHS[step.what].startswith("xmpp:") else "before"
        async with self.breaking:
            happened = asyncio.Event()
            self.rainbow.outage.on_break = happened.set
            self.rainbow.dials.set({"break_next": 1, "break_path": PATHS[step.what], "break_when": when})
            places = [place for place in range(PLACES) if self.mailbox(place) in self.covered().values()]
            for wait in PATIENCE:
                for cause in CAUSES[step.what]:
                    self.do(replace(step, what=cause, who=places[step.how % len(places)] if places else 0, lasts=0.3))
                try:
                    async with asyncio.timeout(wait):
                        await happened.wait()
                    break
                except TimeoutError:
                    pass
            self.rainbow.dials.set({"break_next": 0})
        if happened.is_set():
            self.uses[step.what] += 1
            await self.out_of_reach(step.lasts, ("rest", "link"), "reset" if step.how % 4 < 2 else "silent")


def _time() -> float:
    """Return the seconds since it began; the loop's clock may have stood still."""
    return (now() - EPOCH).total_seconds()
