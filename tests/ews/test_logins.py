"""Two accounts: the second while the first is refused."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from rainbow_exchange.ews.auth import BasicAuth
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.errors import EwsAuthenticationError
from rainbow_exchange.ews.latch import Latch, Standing
from rainbow_exchange.ews.logins import Login, Logins
from rainbow_exchange.ews.operations.unsubscribe import Unsubscribe

#: base64 of "first:pw" and "second:pw"
FIRST, SECOND = "Basic Zmlyc3Q6cHc=", "Basic c2Vjb25kOnB3"
M = "http://schemas.microsoft.com/exchange/services/2006/messages"
DONE = (
    f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><m:UnsubscribeResponse xmlns:m="{M}">'
    '<m:ResponseMessages><m:UnsubscribeResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>'
    "</m:UnsubscribeResponseMessage></m:ResponseMessages></m:UnsubscribeResponse></s:Body></s:Envelope>"
).encode()


def login(name: str, before: Standing | None = None) -> Login:
    return Login(auth=BasicAuth(name, "pw"), name=name, latch=Latch(before))


def refused(*, worked: bool = False, ago: float = 0.0) -> Standing:
    return Standing(worked=worked, refused=EwsAuthenticationError(401), refusals=1, ago=ago)


class Server:
    """Lets in whoever is good."""

    def __init__(self, wire: Any) -> None:
        self.wire = wire
        self.good = {FIRST, SECOND}
        wire.script = self.script

    async def script(self, request: Any) -> bytes:
        if request.headers["Authorization"] in self.good:
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(DONE)}\r\n\r\n"
            return head.encode() + DONE
        return b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n"

    def tried(self) -> list[str]:
        return [request.headers["Authorization"] for request in self.wire.requests]


@pytest.fixture
def server(wire: Any) -> Server:
    return Server(wire)


@pytest.fixture
async def make(wire: Any) -> AsyncIterator[Callable[..., EwsClient]]:
    made: list[EwsClient] = []

    def make_one(*logins: Login) -> EwsClient:
        made.append(EwsClient(url=wire.url, auth=logins, ssl=None, now=lambda: datetime(2026, 3, 2, tzinfo=UTC)))
        return made[-1]

    yield make_one
    for client in made:
        await client.__aexit__()


async def ask(client: EwsClient) -> None:
    await client.call(Unsubscribe(subscription_id="x"))


async def test_the_first_is_used_while_it_is_good(server: Server, make: Callable[..., EwsClient]) -> None:
    client = make(login("first"), login("second"))
    await ask(client)
    assert server.tried() == [FIRST]
    assert (client.account, client.passed_over, client.refused) == ("first", None, None)


async def test_the_second_takes_over_within_the_same_call(server: Server, make: Callable[..., EwsClient]) -> None:
    server.good = {SECOND}
    client = make(login("first"), login("second"))
    await ask(client)
    await ask(client)
    assert server.tried() == [FIRST, SECOND, SECOND]
    assert client.account == "second"
    assert client.passed_over is not None
    assert client.passed_over[0] == "first"
    assert client.refused is None
    assert client.seconds_to_next_try() == 0


async def test_once_both_are_refused_nothing_goes_out(server: Server, make: Callable[..., EwsClient]) -> None:
    server.good = set()
    client = make(login("first"), login("second"))
    for _ in range(3):
        with pytest.raises(EwsAuthenticationError):
            await ask(client)
    assert server.tried() == [FIRST, SECOND]
    assert client.refused is not None
    assert client.passed_over is None
    assert client.seconds_to_next_try() is None


async def test_the_first_may_be_refused_in_mid_run_and_is_gone_back_to_when_somebody_says_so(
    server: Server, make: Callable[..., EwsClient]
) -> None:
    client = make(login("first"), login("second"))
    await ask(client)
    server.good = {SECOND}
    await ask(client)
    server.good = {FIRST, SECOND}
    await asyncio.sleep(10_000)
    await ask(client)
    assert server.tried() == [FIRST, FIRST, SECOND, SECOND]
    client.try_again()
    await ask(client)
    assert server.tried()[4:] == [FIRST]
    assert (client.account, client.passed_over) == ("first", None)


async def test_going_back_in_vain_ends_with_the_second(server: Server, make: Callable[..., EwsClient]) -> None:
    server.good = {SECOND}
    client = make(login("first"), login("second"))
    await ask(client)
    client.try_again()
    await ask(client)
    assert server.tried() == [FIRST, SECOND, FIRST, SECOND]
    assert client.account == "second"


async def test_of_two_that_had_worked_the_one_that_is_due_is_tried(
    server: Server, make: Callable[..., EwsClient]
) -> None:
    client = make(login("first", refused(worked=True, ago=10)), login("second", refused(worked=True, ago=30)))
    assert client.seconds_to_next_try() == 30
    with pytest.raises(EwsAuthenticationError):
        await ask(client)
    await asyncio.sleep(31)
    await ask(client)
    assert server.tried() == [SECOND]


async def test_after_a_restart_the_first_is_tried_if_its_time_has_come_and_passed_over_if_not() -> None:
    assert Logins([login("first", refused(worked=True, ago=61)), login("second")]).current().name == "first"
    logins = Logins([login("first", refused()), login("second")])
    assert logins.current().name == "second"
    assert logins.passed_over is not None
