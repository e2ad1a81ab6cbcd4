"""What befalls both sides while a soak goes on: each for a few seconds, or until all is to be over."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random

from tests.soak.labs import LabRefusedError, Labs, lasting

#: how the link to Rainbow is cut, each in turn; a conflict is waited out for minutes unless somebody says otherwise
#: a policy-violation is waited out for minutes, longer than a calm may take to come
CUTS = (True, "mid-stanza", "close", "system-shutdown")
STREAM_ENDS = ("drop", "truncate", "break", "break-character", "html", "close", "silence")
BUSY = ("fault", "message", "inner", "http")


class Faults:
    """Begins one by chance when told to; `uses` counts them. `retry` is what an administrator types."""

    def __init__(self, labs: Labs, addresses: list[str], random: Random, retry: Callable[[], Awaitable[None]]) -> None:
        self.uses: Counter[str] = Counter()
        self.over = asyncio.Event()
        self._labs = labs
        self._addresses = addresses
        self._random = random
        self._retry = retry
        self._server = "exch01.acme.test"
        self._moved: set[str] = set()
        self._faults = {
            name.removeprefix("fault_").replace("_", " "): getattr(self, name)
            for name in dir(self)
            if name.startswith("fault_")
        }
        self._bag: list[str] = []

    async def one(self) -> None:
        """Have one fault, from its beginning to its end; all kinds are used before one is used again."""
        if not self._bag:
            self._bag = self._random.sample(sorted(self._faults), len(self._faults))
        name = self._bag.pop()
        self.uses[name] += 1
        await self._faults[name](self._random.uniform(2, 8))

    def _somebody(self) -> str:
        return self._random.choice(self._addresses)

    # -- Exchange ------------------------------------------------------------------------------------------------

    async def fault_streams_end(self, _: float) -> None:
        await self._labs.exchange("POST", "/lab/streams", {"order": self._random.choice(STREAM_ENDS)})

    async def fault_a_stream_ends(self, _: float) -> None:
        order = {"order": self._random.choice(STREAM_ENDS), "mailbox": self._somebody()}
        await self._labs.exchange("POST", "/lab/streams", order)

    async def fault_subscriptions_expire(self, _: float) -> None:
        for _ in range(10):
            await self._labs.exchange("DELETE", f"/lab/subscriptions?mailbox={self._somebody()}")

    async def fault_fail_over(self, lasts: float) -> None:
        self._server = "exch02.acme.test" if self._server.startswith("exch01") else "exch01.acme.test"
        over = {"server": self._server, "streams": self._random.choice(("drop", "error")), "refuse_seconds": lasts / 2}
        await self._labs.exchange("POST", "/lab/fail-over", over)

    async def fault_a_mailbox_moves(self, lasts: float) -> None:
        """To another server, and back with the next fail-over or when it is over."""
        self._moved.add(address := self._somebody())
        await self._move(address, "exch99.acme.test", lasts / 2)

    async def _move(self, address: str, server: str, seconds: float) -> None:
        where = {"server": server, "takes_seconds": seconds}
        await self._labs.exchange("POST", f"/lab/mailboxes/{address}/move", where)

    async def fault_server_busy(self, lasts: float) -> None:
        dials = {"server_busy": self._random.choice(BUSY), "server_busy_milliseconds": self._random.choice((500, 3000))}
        await self._turned(lasts, server_busy_requests=-1, **dials)

    async def fault_slow_answers(self, lasts: float) -> None:
        await self._turned(lasts, late_seconds=4.0)

    async def fault_late_notifications(self, lasts: float) -> None:
        await self._turned(lasts, notification_delay_seconds=2.0)

    async def fault_mailboxes_refused(self, lasts: float) -> None:
        await self._turned(lasts, mailbox_errors={self._somebody(): "ErrorMailboxStoreUnavailable" for _ in range(5)})

    async def fault_exchange_stands_still(self, lasts: float) -> None:
        await self._labs.held_still("exchange", self.over, lasts)

    async def fault_exchange_out_of_reach(self, lasts: float) -> None:
        await self._labs.exchange("POST", "/lab/outage", {"ews": self._random.choice(("reset", "silent"))})
        await lasting(self.over, lasts)
        await self._labs.exchange("POST", "/lab/outage", {"ews": ""})

    async def fault_answers_cut(self, lasts: float) -> None:
        await self._turned(lasts, cut_answers=self._random.choice(("short", "broken")))

    async def fault_a_balancer_answers(self, lasts: float) -> None:
        await self._turned(lasts, web_server_status=self._random.choice((502, 503, 504)))

    async def fault_notifications_doubled(self, lasts: float) -> None:
        await self._turned(lasts, notification_copies=3, notification_spread_seconds=1.0)

    async def _turned(self, seconds: float, **dials: object) -> None:
        await self._labs.turn(**dials)
        await lasting(self.over, seconds)
        await self._labs.turn_back(*dials)

    # -- Rainbow -------------------------------------------------------------------------------------------------

    async def fault_rest_away(self, lasts: float) -> None:
        await self._away(lasts, "rest")

    async def fault_link_away(self, lasts: float) -> None:
        await self._away(lasts, "link")

    async def fault_rainbow_away(self, lasts: float) -> None:
        await self._away(lasts, "rest", "link")

    async def _away(self, seconds: float, *parts: str) -> None:
        how = self._random.choice(("reset", "silent"))
        await self._labs.rainbow("POST", "/lab/dials", {"away": dict.fromkeys(parts, how)})
        await lasting(self.over, seconds)
        await self._labs.rainbow("POST", "/lab/dials", {"away": dict.fromkeys(parts, "")})

    async def fault_rainbow_stands_still(self, lasts: float) -> None:
        await self._labs.held_still("rainbow", self.over, lasts)

    async def fault_link_cut(self, _: float) -> None:
        await self._labs.rainbow("POST", "/lab/dials", {"cut_link": self._random.choice(CUTS)})

    async def fault_conflict(self, lasts: float) -> None:
        """A rival throws the connector out, is taken away, and an administrator types `retry`."""
        try:
            await self._labs.rainbow("POST", "/lab/dials", {"rival": "same"})
        except LabRefusedError:  # the link is down, by another fault: there is nobody to throw out
            self.uses["conflict"] -= 1
            return
        await lasting(self.over, lasts)
        await self._labs.rainbow("POST", "/lab/dials", {"rival": "gone"})
        await self._retry()

    async def fault_tokens_expire(self, _: float) -> None:
        await self._labs.rainbow("POST", "/lab/dials", {"expire_tokens": True})

    async def fault_rainbow_refuses(self, _: float) -> None:
        refusal = {"refuse_next": 3, "refuse_status": self._random.choice((429, 503, 500)), "refuse_retry_after": 1}
        await self._labs.rainbow("POST", "/lab/dials", refusal)

    async def fault_calls_break(self, _: float) -> None:
        when = self._random.choice(("before", "after"))
        path = self._random.choice(("", "/notify", "xmpp:question", "xmpp:answer"))
        await self._labs.rainbow("POST", "/lab/dials", {"break_next": 2, "break_path": path, "break_when": when})

    async def fault_rest_late(self, lasts: float) -> None:
        await self._labs.rainbow("POST", "/lab/dials", {"rest_late_seconds": 2.0})
        await lasting(self.over, lasts)
        await self._labs.rainbow("POST", "/lab/dials", {"rest_late_seconds": 0.0})

    async def settle(self) -> None:
        """Take back what waits for its next occasion, and move mailboxes back to where the others are."""
        await self._labs.rainbow("POST", "/lab/dials", {"refuse_next": 0, "break_next": 0})
        while self._moved:
            await self._move(self._moved.pop(), self._server, 0)
