"""The record of every request the lab's Exchange got, for tests to read over the lab's own wire."""

import asyncio
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any

KEPT = 200_000


@dataclass(slots=True, kw_only=True)
class Request:
    """One request. `code` is the first code other than NoError, "NoError", "401", or "" while it is not answered."""

    number: int
    arrived: str
    connection: int = 0
    operation: str = ""
    account: str = ""
    impersonated: str = ""
    anchor: str = ""
    prefers_affinity: bool = False
    cookies: dict[str, str] = field(default_factory=dict)
    user_agent: str = ""
    client_request_id: str = ""
    request_id: str = ""
    server_version: str = ""
    content_length: int | None = None
    mailboxes: list[str] = field(default_factory=list)
    subscription_ids: list[str] = field(default_factory=list)
    code: str = ""
    status: int = 0
    answered: str = ""
    body: str = ""


class Record:
    """Requests in the order of their arrival, the last 200,000 of them; counts go on."""

    def __init__(self) -> None:
        self._requests: deque[Request] = deque(maxlen=KEPT)
        self._next = 1
        self.counts: Counter[str] = Counter()
        self._waiting: list[asyncio.Future[None]] = []

    def arrived(self, at: str) -> Request:
        """Open the entry of a request that has just arrived."""
        request = Request(number=self._next, arrived=at)
        self._next += 1
        self._requests.append(request)
        return request

    def answered(self, request: Request, at: str) -> None:
        """Close the entry."""
        request.answered = at
        self._wake()

    def understood(self, request: Request) -> None:
        """Count the entry, which has got its operation."""
        self.counts[request.operation] += 1
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)

    def clear(self) -> None:
        """Forget all requests and counts; numbers go on."""
        self._requests.clear()
        self.counts.clear()

    @property
    def newest(self) -> int:
        """Give the number of the newest request, 0 before the first."""
        return self._next - 1

    def read(self, *, since: int = 0, operation: str = "", mailbox: str = "") -> list[dict[str, Any]]:
        """Give the requests with a number above `since` that name this mailbox and are of this operation.

        `operation` may be several, with commas between them.
        """
        operations = set(operation.split(",")) if operation else set()
        found = []
        for request in reversed(self._requests):
            if request.number <= since:
                break
            if operations and request.operation not in operations:
                continue
            if mailbox and mailbox not in (*request.mailboxes, request.impersonated, request.account):
                continue
            found.append(asdict(request))
        return found[::-1]

    async def wait(self) -> None:
        """Return when the next request is understood or answered."""
        ahead: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(ahead)
        await ahead
