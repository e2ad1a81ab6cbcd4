"""Looking at the lab as a colleague's Rainbow client does: who shows as what now, and how long it took to get there."""

import asyncio
import base64
import hashlib
import ssl
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from itertools import islice
from typing import Any

import aiohttp
import structlog

from rainbow_exchange.backoff import backoff
from rainbow_exchange.lab.made import Made
from rainbow_exchange.lab.user import LabUser

log = structlog.get_logger()

_API = "/api/rainbow"
_CHUNK = 100
_NOTHING: dict[str, Any] = {"status": "not_enabled"}


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

    Each look asks for those whose change is awaited and for the next hundred of the others in turn.
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
        ssl_context: ssl.SSLContext | None = None,
        interval: float = 0.2,
        seconds: float = 10.0,
    ) -> None:
        self._url = url
        self._login = login
        self._password = password
        self._application = (app_id, app_secret)
        self._users = {user.id: user for user in users}
        self._by_mailbox: dict[str, list[str]] = {}
        for user in users:
            if user.mailbox is not None:
                self._by_mailbox.setdefault(user.mailbox.address.lower(), []).append(user.id)
        self._made = made
        self._ssl = ssl_context
        self._interval = interval
        self._timeout = aiohttp.ClientTimeout(total=seconds)
        self._token = ""
        self._turn = 0
        self._seen: dict[str, dict[str, Any]] = {}

    async def changes(self) -> AsyncGenerator[Seen]:
        """Yield what clients come to see, without end; somebody known for the first time and free is no change.

        While Rainbow does not answer, look again later.
        """
        waits = backoff(0.5, 15.0)
        failing = False
        async with aiohttp.ClientSession() as session:
            while True:
                try:
                    states = await self._look(session)
                except (aiohttp.ClientError, TimeoutError) as error:
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

    def _compare(self, user_id: str, state: dict[str, Any]) -> Seen | None:
        before = self._seen.get(user_id, _NOTHING)
        self._seen[user_id] = state
        if state == before or (before["status"] == "not_enabled" and state["status"] in ("free", "not_enabled")):
            return None
        user = self._users[user_id]
        seconds = None
        if user.mailbox is not None:
            seconds = self._made.seen(user.mailbox.address, asyncio.get_running_loop().time())
        until = state.get("until")
        return Seen(
            user=user,
            status=state["status"],
            subject=state.get("subject"),
            until=None if until is None else datetime.fromisoformat(until),
            seconds=seconds,
        )

    def _asked(self) -> list[str]:
        awaited = [user_id for mailbox in self._made.waiting() for user_id in self._by_mailbox.get(mailbox, ())]
        everybody = list(self._users)
        turn = list(islice(everybody, self._turn, self._turn + _CHUNK))
        self._turn = self._turn + _CHUNK if self._turn + _CHUNK < len(everybody) else 0
        return list(dict.fromkeys([*awaited[:_CHUNK], *turn]))

    async def _look(self, session: aiohttp.ClientSession) -> dict[str, dict[str, Any]]:
        if not self._token:
            await self._sign_in(session)
        async with session.post(
            f"{self._url}{_API}/calendar/v1.0/states",
            json={"users": self._asked()},
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=self._timeout,
            ssl=self._ssl or True,
        ) as answer:
            if answer.status == HTTPStatus.UNAUTHORIZED:
                self._token = ""
                return {}
            answer.raise_for_status()
            states: dict[str, dict[str, Any]] = await answer.json()
            return states

    async def _sign_in(self, session: aiohttp.ClientSession) -> None:
        app_id, app_secret = self._application
        digest = hashlib.sha256((app_secret + self._password).encode()).hexdigest()
        async with session.get(
            f"{self._url}{_API}/authentication/v1.0/login",
            headers={
                "Authorization": _basic(self._login, self._password),
                "x-rainbow-app-auth": _basic(app_id, digest),
                "Accept": "application/json",
            },
            timeout=self._timeout,
            ssl=self._ssl or True,
        ) as answer:
            answer.raise_for_status()
            self._token = (await answer.json())["token"]


def _basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()
