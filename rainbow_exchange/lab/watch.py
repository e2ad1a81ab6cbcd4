"""Looking at the lab as a colleague's Rainbow client does: who shows as what now, and how long it took to get there."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice

import aiohttp
import structlog

from rainbow_exchange.backoff import backoff
from rainbow_exchange.lab.colleague import MOST, Colleague, State
from rainbow_exchange.lab.made import Made
from rainbow_exchange.lab.owner_wire import Refused
from rainbow_exchange.lab.rainbow_account import RainbowAccount
from rainbow_exchange.lab.user import LabUser

log = structlog.get_logger()

_NOTHING = State(status="not_enabled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A client now sees something else of `user`; `seconds` since it was made in Exchange, None if nobody made it now.

    `status`: free, busy, out_of_office or not_enabled.
    """

    user: LabUser
    status: str
    subject: str | None
    until: datetime | None
    seconds: float | None

    def sentence(self) -> str:
        """Say it in one line, times in the machine's own zone."""
        words = {"busy": "is busy", "free": "is free", "out_of_office": "is out of office", "not_enabled": "is unknown"}
        line = f"{self.user.display_name} {words.get(self.status, self.status)}"
        if self.subject:
            line += f": {self.subject}"
        if self.until:
            line += f", until {self.until.astimezone():%H:%M}"
        return line if self.seconds is None else f"{line} ({self.seconds:.1f} s)"


class Watch:
    """A client, signed in as `login`, that asks for states every `interval` seconds.

    Each look asks for those whose change is awaited and for the next of the others in turn, a hundred in all.
    """

    def __init__(
        self,
        *,
        url: str,
        login: str,
        password: str,
        app_id: str,
        app_secret: str,
        users: Sequence[LabUser],
        made: Made,
        interval: float = 0.2,
        seconds: float = 10.0,
    ) -> None:
        self._account = partial(
            RainbowAccount,
            url=url,
            login=login,
            password=password,
            app_id=app_id,
            app_secret=app_secret,
            seconds=seconds,
        )
        self._users = {user.id: user for user in users}
        self._by_mailbox: dict[str, list[str]] = {}
        for user in users:
            if user.mailbox is not None:
                self._by_mailbox.setdefault(user.mailbox.address.lower(), []).append(user.id)
        self._made = made
        self._interval = interval
        self._turn = 0
        self._seen: dict[str, State] = {}

    async def changes(self) -> AsyncGenerator[Seen]:
        """Yield what clients come to see, without end; somebody known for the first time and free is no change.

        While Rainbow does not answer, look again later.
        """
        waits = backoff(0.5, 15.0)
        failing = False
        async with aiohttp.ClientSession() as session:
            colleague = Colleague(self._account(session))
            while True:
                try:
                    states = await colleague.states(self._asked())
                except (Refused, aiohttp.ClientError, TimeoutError) as error:
                    if not failing:
                        log.warning("lab_watch_failed", reason=type(error).__name__)
                    failing = True
                    await asyncio.sleep(next(waits))
                    continue
                failing, waits = False, backoff(0.5, 15.0)
                for user_id, state in states.items():
                    change = self._compare(user_id, state)
                    if change is not None:
                        yield change
                await asyncio.sleep(self._interval)

    def _compare(self, user_id: str, state: State) -> Seen | None:
        before = self._seen.get(user_id, _NOTHING)
        self._seen[user_id] = state
        if state == before or (before.status == "not_enabled" and state.status in ("free", "not_enabled")):
            return None
        user = self._users[user_id]
        seconds = None
        if user.mailbox is not None:
            seconds = self._made.seen(user.mailbox.address, asyncio.get_running_loop().time())
        return Seen(
            user=user,
            status=state.status,
            subject=state.subject,
            until=state.until,
            seconds=seconds,
        )

    def _asked(self) -> list[str]:
        """Name whose change is awaited, and as many others as one question may be about."""
        awaited = [user_id for mailbox in self._made.waiting() for user_id in self._by_mailbox.get(mailbox, ())]
        asked = dict.fromkeys(awaited[: MOST // 2])
        turn = list(islice(self._users, self._turn, self._turn + MOST - len(asked)))
        self._turn = self._turn + len(turn) if self._turn + len(turn) < len(self._users) else 0
        return list(asked | dict.fromkeys(turn))
