"""What befalls the Exchange side of a company: the server, the way to it, one mailbox, the notifications."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from rainbow_exchange.lab.exchange.streams import Stream
from tests.torture.dead_connections import bury
from tests.torture.people import PLACES, address
from tests.torture.steps import Step
from tests.torture.troubles import Troubled

FAULTS = (
    "streams cut",
    "streams cut in an envelope",
    "streams silent",
    "subscriptions forgotten",
    "server busy",
    "web server refuses",
    "not authorised",
    "failed over",
    "exchange down",
    "exchange restarted",
    "exchange resets",
    "exchange is silent",
    "answers are slow",
    "answers are late",
    "answers are cut",
    "one mailbox fails",
    "one mailbox is denied",
    "one mailbox is slow",
    "mailbox moved",
    "cookies ignored",
    "notifications are late",
    "notifications are doubled",
    "notifications of nothing",
    "connections of exchange die",
)
#: promised, and longer than the fault: refused mailboxes and refused credentials are tried again hourly
HOURLY = 3600.0 + 60.0
#: what may pass, and what is a refusal until somebody grants it
PASSING = ("ErrorMailboxMoveInProgress", "ErrorMailboxStoreUnavailable", "ErrorMailboxFailover", "ErrorTimeoutExpired")
DENYING = ("ErrorAccessDenied", "ErrorItemNotFound", "ErrorFolderNotFound", "ErrorImpersonateUserDenied")


class ExchangeFaults(Troubled):
    """Exchange's own faults; each ends after its time, or once all are to be over."""

    def __init__(self, folder: Path, *, impersonation: bool, uses: Counter[str], luck: int = 1) -> None:
        super().__init__(folder, impersonation=impersonation, uses=uses, luck=luck)
        self.exchange_port = 0
        self.exchange_downs = 0
        self.exchange_up = True
        self.exchange_switch = asyncio.Lock()
        self.servers = count(2)

    def orders(self) -> list[Stream]:
        """List the streams that can be given an order."""
        return list(self.exchange.streams.open)

    @contextmanager
    def turned(self, **positions: Any) -> Iterator[None]:
        """Have these dials stand so for a while; what two faults turn, the first to end turns back."""
        at_start = type(self.exchange.dials)().shown()
        self.exchange.dials.turn(positions)
        try:
            yield
        finally:
            self.exchange.dials.turn({name: at_start[name] for name in positions})

    # -- streams and subscriptions

    async def fault_streams_cut(self, step: Step) -> None:
        await self.there(self.orders)
        for stream in self.orders():
            stream.ordered(("drop", "html", "close")[step.how % 3])

    async def fault_streams_cut_in_an_envelope(self, step: Step) -> None:
        await self.there(self.orders)
        for stream in self.orders():
            stream.ordered(("truncate", "break", "break-character")[step.how % 3])

    async def fault_streams_silent(self, step: Step) -> None:
        """Those that are open for good, and those opened meanwhile for as long as it lasts."""
        for stream in self.orders():
            stream.ordered("silence")
        if step.how % 2:
            with self.turned(silence=True):
                await self.lasting(step.lasts)
            for stream in self.orders():
                stream.ordered("silence")  # those of the meantime are as dead

    async def fault_subscriptions_forgotten(self, step: Step) -> None:
        """Of one mailbox, or all of them; the code is one of those that servers have been seen to use."""
        codes = (
            "ErrorSubscriptionNotFound",
            "ErrorInvalidSubscription",
            "ErrorExpiredSubscription",
            "ErrorReadEventsFailed",
        )
        chosen = [
            each for each in self.exchange.subscriptions if step.how % 2 or each.mailbox.address == address(step.who)
        ]
        for each in chosen:
            each.lost = codes[step.how // 2 % 4]
            self.exchange.subscriptions.remove(each)
        with self.turned(name_bad_ids=step.how % 3 != 0, bad_id_code=codes[step.how // 2 % 4]):
            await self.lasting(step.lasts)

    async def fault_failed_over(self, step: Step) -> None:
        domain = self.exchange.back_ends.name.partition(".")[2]
        self.exchange.disasters.fail_over(
            f"exch{next(self.servers):02}.{domain}",
            streams=("drop", "error", "silence")[step.how % 3],
            refuse_seconds=step.lasts if step.how % 2 else 0.0,
        )
        with self.turned(affinity_cookies_ignored=step.how > 11):
            await self.lasting(step.lasts)

    async def fault_mailbox_moved(self, step: Step) -> None:
        """And back in the end: a mailbox on a server of its own has a stream of its own."""
        codes = ("ErrorInvalidSubscription", "ErrorProxyRequestNotAllowed", "ErrorMailboxMoveInProgress")
        domain = self.exchange.back_ends.name.partition(".")[2]
        takes = min(step.lasts, 600.0) if step.how % 2 else 0.0
        self.exchange.disasters.move(
            address(step.who), f"exch{90 + step.how % 3}.{domain}", code=codes[step.how % 3], takes_seconds=takes
        )
        await self.lasting(takes + step.lasts)
        self.exchange.disasters.move(address(step.who), self.exchange.back_ends.name, code=codes[step.how // 3 % 3])

    async def fault_cookies_ignored(self, step: Step) -> None:
        with self.turned(affinity_cookies_ignored=True):
            for stream in self.orders():
                stream.ordered("drop")
            await self.lasting(step.lasts)

    # -- the whole server, and the way to it

    async def fault_server_busy(self, step: Step) -> None:
        how = ("fault", "message", "inner", "http")[step.how % 4]
        wait = (-1, 0, 5_000, 120_000)[step.how // 4 % 4]
        with self.turned(server_busy=how, server_busy_milliseconds=wait):
            if step.who % 2:
                for stream in self.orders():
                    stream.ordered("drop")
            await self.lasting(step.lasts)
        self.wait(max(wait / 1000 * 1.25, 0.0) + 60)

    async def fault_web_server_refuses(self, step: Step) -> None:
        with self.turned(web_server_status=(503, 500, 502, 504)[step.how % 4]):
            if step.who % 2:
                for stream in self.orders():
                    stream.ordered("html")
            await self.lasting(step.lasts)

    async def fault_not_authorised(self, step: Step) -> None:
        """A domain controller is away: 401 for the right password."""
        with self.turned(unauthorized=True):
            if step.who % 2:
                for stream in self.orders():
                    stream.ordered("drop")
            await self.lasting(step.lasts)
        self.tried_again(step)

    async def fault_exchange_down(self, step: Step) -> None:
        self.exchange_downs += 1
        async with self.exchange_switch:
            if self.exchange_up:
                self.exchange_up = False
                await self.exchange.stop()
        await self.lasting(step.lasts)
        self.exchange_downs -= 1
        async with self.exchange_switch:
            if not self.exchange_downs and not self.exchange_up:
                await self.exchange.start(port=self.exchange_port)
                self.exchange_up = True

    async def fault_exchange_restarted(self, _: Step) -> None:
        """All subscriptions are gone; it is there again at once."""
        async with self.exchange_switch:
            if self.exchange_up:
                await self.exchange.stop()
                await self.exchange.start(port=self.exchange_port)

    async def fault_exchange_resets(self, step: Step) -> None:
        await self.exchange_away(step, "reset")

    async def fault_exchange_is_silent(self, step: Step) -> None:
        await self.exchange_away(step, "silent")

    async def exchange_away(self, step: Step, how: str) -> None:
        self.exchange.outage.set({"ews": how})
        await self.lasting(step.lasts)
        self.exchange.outage.set({"ews": ""})

    async def fault_connections_of_exchange_die(self, step: Step) -> None:
        """A firewall forgets the connections that there are: neither end hears of the other any more."""
        await self.there(self.orders)
        end = bury(self.exchange._runner)
        await self.lasting(step.lasts)
        end()

    async def fault_answers_are_slow(self, step: Step) -> None:
        with self.turned(delay_seconds=(1.0, 4.0, 12.0, 70.0)[step.how % 4]):
            await self.lasting(step.lasts)

    async def fault_answers_are_late(self, step: Step) -> None:
        """They tell what was when they were asked, some seconds later; what is being read may change meanwhile."""
        twice = step.how > 7
        with self.turned(late_seconds=0.3 if twice else (0.3, 2.0, 7.0, 40.0)[step.how % 4]):
            if twice:
                self.change_make_appointment(step)
                await self.lasting(0.3)  # it is read by now, and that has not arrived
                self.change_make_appointment(step)
            await self.lasting(step.lasts)

    async def fault_answers_are_cut(self, step: Step) -> None:
        with self.turned(cut_answers=("short", "broken")[step.how % 2]):
            await self.lasting(step.lasts)

    # -- one mailbox

    async def fault_one_mailbox_fails(self, step: Step) -> None:
        await self.mailbox_refused(step, PASSING[step.how % 4])

    async def fault_one_mailbox_is_denied(self, step: Step) -> None:
        await self.mailbox_refused(step, DENYING[step.how % 4])
        self.tried_again(step)

    def tried_again(self, step: Step) -> None:
        """Have somebody who reads the status say `retry`, or now and then let it be tried by itself."""
        if step.how:
            self.granted = True
        else:
            self.wait(HOURLY)

    async def mailbox_refused(self, step: Step, code: str) -> None:
        """Whoever takes or grants rights meanwhile has the last word."""
        mailbox, dials = address(step.who), self.exchange.dials
        errors = dials.availability_errors if step.how > 11 else dials.mailbox_errors
        if mailbox in errors:
            return
        errors[mailbox] = ours = str(bytearray(code, "ascii"), "ascii")  # not the very text by which rights are taken
        for stream in self.orders():
            stream.wake.set()
        await self.lasting(step.lasts)
        if errors.get(mailbox) is ours:
            del errors[mailbox]

    async def fault_one_mailbox_is_slow(self, step: Step) -> None:
        with self.turned(delay_seconds=(2.0, 5.0, 20.0, 70.0)[step.how % 4], delay_mailboxes=[address(step.who)]):
            await self.lasting(step.lasts)

    # -- notifications

    async def fault_notifications_are_late(self, step: Step) -> None:
        with self.turned(notification_delay_seconds=float(step.how % 3), notification_spread_seconds=90.0):
            await self.lasting(step.lasts)

    async def fault_notifications_are_doubled(self, step: Step) -> None:
        with self.turned(notification_copies=2 + step.how, notification_spread_seconds=step.how % 2 * 5.0):
            await self.lasting(step.lasts)

    async def fault_notifications_of_nothing(self, step: Step) -> None:
        for place in range(PLACES) if step.how % 2 else (step.who,):
            for _ in range(1 + step.how):
                self.exchange.subscriptions.cry_wolf(self.mailbox(place))
