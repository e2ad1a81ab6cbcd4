import asyncio
from itertools import pairwise

import pytest

from rainbow_exchange.ews.errors import EwsAuthenticationError, EwsConnectionError, Tried
from rainbow_exchange.ews.latch import Latch, Standing


class Server:
    """What the attempts meet."""

    def __init__(self, before: Standing | None = None) -> None:
        self.told: list[Standing] = []
        self.latch = Latch(before, self.told.append)
        self.error: Exception | None = None
        self.tried = 0

    async def ask(self, seconds: float = 1.0, *, decisive: bool = True) -> None:
        async with self.latch.attempt(decisive=decisive) as accepted:
            self.tried += 1
            await asyncio.sleep(seconds)
            if self.error is not None:
                raise self.error
            accepted()


async def test_until_accepted_one_goes_ahead_of_the_others() -> None:
    server = Server()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(5):
            tasks.create_task(server.ask())
        await asyncio.sleep(0.5)
        assert server.tried == 1
        await asyncio.sleep(1)
        assert server.tried == 5


async def test_whoever_goes_ahead_has_ten_seconds_and_twice_as_long_after_each_time_out() -> None:
    server = Server()
    server.error = EwsConnectionError("timeout")
    patience = []
    for _ in range(3):
        patience.append(server.latch.patience())
        with pytest.raises(EwsConnectionError):
            await server.ask()
    assert patience == [10, 20, 40]
    server.error = None
    await server.ask()
    assert server.latch.patience() == float("inf")
    server.error = EwsAuthenticationError(401)
    with pytest.raises(EwsAuthenticationError):
        await server.ask()
    assert server.latch.patience() == 10


async def test_those_who_waited_are_told_that_it_was_another_that_failed() -> None:
    server = Server()
    server.error = EwsConnectionError("timeout")
    results = await asyncio.gather(*(server.ask() for _ in range(3)), return_exceptions=True)
    assert [isinstance(result, EwsConnectionError) and result.shared for result in results] == [False, True, True]


async def test_a_wrong_password_is_one_attempt_however_many_ask() -> None:
    server = Server()
    server.error = EwsAuthenticationError(401, ("NTLM",))
    results = await asyncio.gather(*(server.ask() for _ in range(20)), return_exceptions=True)
    assert all(isinstance(result, EwsAuthenticationError) and result.offered == ("NTLM",) for result in results)
    assert server.tried == 1
    await asyncio.sleep(100_000)
    with pytest.raises(EwsAuthenticationError):
        await server.ask()
    assert server.tried == 1
    assert server.latch.seconds_to_next_try() is None


async def test_credentials_that_had_worked_are_tried_again_after_a_minute_then_hourly() -> None:
    server = Server()
    await server.ask(0)
    assert server.latch.seconds_to_next_try() == 0
    server.error = EwsAuthenticationError(401)
    times: list[float] = []
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(9000):
        while len(times) < 4:
            before = server.tried
            with pytest.raises(EwsAuthenticationError):
                await server.ask(0)
            if server.tried > before:
                times.append(loop.time())
            await asyncio.sleep(1)
    waits = [round(later - earlier) for earlier, later in pairwise(times)]
    assert waits == [60, 3600, 3600]
    server.error = None
    await asyncio.sleep(3600)
    await server.ask(0)
    assert server.latch.refused is None
    await server.ask(0)


async def test_of_those_on_their_way_when_one_is_refused_only_that_one_counts() -> None:
    server = Server()
    await server.ask(0)
    on_their_way = [asyncio.create_task(server.ask(seconds)) for seconds in (1, 2, 3)]
    await asyncio.sleep(0.5)
    server.error = EwsAuthenticationError(401)
    await asyncio.sleep(2)
    server.error = None  # the third is let through, since it was authenticated before
    results = await asyncio.gather(*on_their_way, return_exceptions=True)
    assert [type(result) for result in results] == [EwsAuthenticationError, EwsAuthenticationError, type(None)]
    assert server.latch.refused is not None
    assert server.latch.seconds_to_next_try() == pytest.approx(58, abs=0.1)


async def test_while_one_tries_again_the_others_fail_at_once() -> None:
    server = Server()
    await server.ask(0)
    server.error = EwsAuthenticationError(401)
    with pytest.raises(EwsAuthenticationError):
        await server.ask(0)
    await asyncio.sleep(61)
    server.error = None
    again = asyncio.create_task(server.ask(10))
    await asyncio.sleep(1)
    with pytest.raises(EwsAuthenticationError):
        await server.ask(0)
    await again
    assert server.latch.refused is None


async def test_a_403_that_may_be_about_one_mailbox_is_not_remembered() -> None:
    server = Server()
    server.error = EwsAuthenticationError(403)
    with pytest.raises(EwsAuthenticationError):
        await server.ask(decisive=False)
    assert server.latch.refused is None
    with pytest.raises(EwsAuthenticationError):
        await server.ask()
    assert server.latch.refused is not None


async def test_those_who_wait_share_the_connection_error_of_the_first() -> None:
    server = Server()
    server.error = EwsConnectionError("refused", "no", retry_after=3)
    results = await asyncio.gather(*(server.ask() for _ in range(3)), return_exceptions=True)
    assert [str(result) for result in results] == ["refused: no"] * 3
    assert server.tried == 1
    server.error = None
    await server.ask()
    server.error = EwsConnectionError("closed")
    with pytest.raises(EwsConnectionError, match="closed"):
        await server.ask()


async def test_when_the_first_is_cancelled_the_next_goes_ahead() -> None:
    server = Server()
    first = asyncio.create_task(server.ask(50))
    second = asyncio.create_task(server.ask(1))
    await asyncio.sleep(5)
    first.cancel()
    await second
    assert server.tried == 2
    assert server.latch.proven


async def test_what_becomes_of_the_credentials_is_told_once_each() -> None:
    server = Server()
    await server.ask(0)
    await server.ask(0)
    assert server.told == [Standing(worked=True)]
    server.error = EwsAuthenticationError(401)
    for _ in range(2):
        with pytest.raises(EwsAuthenticationError):
            await server.ask(0)
    assert server.told[1:] == [Standing(worked=True, refused=server.error, refusals=1)]


async def test_a_refusal_that_is_remembered_lets_nothing_out() -> None:
    error = EwsAuthenticationError(401, ("NTLM",), Tried(scheme="NTLM", stage="proof"))
    server = Server(Standing(refused=error, refusals=1, ago=100_000))
    with pytest.raises(EwsAuthenticationError) as raised:
        await server.ask()
    assert raised.value.tried == error.tried
    assert server.tried == 0
    assert server.latch.seconds_to_next_try() is None


@pytest.mark.parametrize(
    ("refusals", "ago", "left"),
    [(1, 20.0, 40.0), (2, 20.0, 3580.0), (9, 0.0, 3600.0), (1, 90.0, 0.0), (1, -500.0, 60.0)],
)
async def test_credentials_that_had_worked_wait_for_the_rest_of_their_time_after_a_restart(
    refusals: int, ago: float, left: float
) -> None:
    before = Standing(worked=True, refused=EwsAuthenticationError(401), refusals=refusals, ago=ago)
    server = Server(before)
    assert server.latch.seconds_to_next_try() == pytest.approx(left)
    server.error = EwsAuthenticationError(401)
    await asyncio.sleep(left)
    with pytest.raises(EwsAuthenticationError):
        await server.ask(0)
    assert server.tried == 1
    assert server.told == [Standing(worked=True, refused=server.error, refusals=refusals + 1)]


@pytest.mark.parametrize(
    "tried",
    [
        Tried(scheme="NTLM", stage="offer"),
        Tried(scheme="NTLM", stage="handshake"),
        Tried(scheme="Negotiate", stage="proof", password=False),
        Tried(scheme="Bearer", stage="proof", password=False),
        Tried(scheme="Basic", stage="proof"),  # where Basic is off
    ],
)
async def test_what_cannot_have_counted_as_a_wrong_password_is_tried_again(tried: Tried) -> None:
    server = Server()
    server.error = EwsAuthenticationError(401, ("Negotiate",), tried)
    with pytest.raises(EwsAuthenticationError):
        await server.ask(0)
    assert server.latch.seconds_to_next_try() == 60


@pytest.mark.parametrize(
    "error",
    [
        EwsAuthenticationError(401),
        EwsAuthenticationError(401, ("Basic",), Tried(scheme="Basic", stage="proof")),
        EwsAuthenticationError(401, (), Tried(scheme="Bearer", stage="token", reason="invalid_client")),
        EwsAuthenticationError(401, (), Tried(scheme="Negotiate", stage="kerberos", reason="wrong-password")),
    ],
)
async def test_what_may_have_counted_is_not(error: EwsAuthenticationError) -> None:
    server = Server()
    server.error = error
    with pytest.raises(EwsAuthenticationError):
        await server.ask(0)
    assert server.latch.seconds_to_next_try() is None
