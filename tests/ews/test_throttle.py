import asyncio

import pytest

from rainbow_exchange.ews.errors import EwsAuthenticationError, EwsConnectionError, ServerBusy
from rainbow_exchange.ews.throttle import BackOffs, InFlight


async def test_no_more_than_the_limit_are_in_flight_and_they_go_in_order() -> None:
    limit = InFlight(2)
    order: list[int] = []
    most = 0

    async def work(number: int) -> None:
        nonlocal most
        async with limit:
            order.append(number)
            most = max(most, limit.in_flight)
            await asyncio.sleep(1)

    async with asyncio.TaskGroup() as tasks:
        for number in range(6):
            tasks.create_task(work(number))
    assert order == [0, 1, 2, 3, 4, 5]
    assert most == 2
    assert asyncio.get_running_loop().time() == pytest.approx(3, abs=0.1)


async def test_a_burst_of_refusals_halves_once() -> None:
    limit = InFlight(8)

    async def refused() -> None:
        async with limit:
            await asyncio.sleep(1)
            limit.shrink()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(8):
            tasks.create_task(refused())
    assert limit.limit == 4
    await refused()
    assert limit.limit == 2


async def test_it_never_falls_below_one_and_rises_again_slowly() -> None:
    limit = InFlight(3)
    for _ in range(5):
        async with limit:
            limit.shrink()
    assert limit.limit == 1
    limit.succeeded()
    assert limit.limit == 2
    limit.succeeded()
    assert limit.limit == 2.5
    for _ in range(10):
        limit.succeeded()
    assert limit.limit == 3


async def test_one_who_is_cancelled_while_waiting_takes_no_turn() -> None:
    limit = InFlight(1)
    order: list[str] = []

    async def work(name: str) -> None:
        async with limit:
            order.append(name)
            await asyncio.sleep(1)

    first, second, third = (asyncio.create_task(work(name)) for name in ("first", "second", "third"))
    await asyncio.sleep(0.5)
    second.cancel()
    await asyncio.gather(first, third)
    assert order == ["first", "third"]
    assert limit.in_flight == 0


async def test_a_turn_given_in_the_instant_of_the_cancel_is_passed_on() -> None:
    limit = InFlight(1)
    await limit.__aenter__()

    async def work() -> None:
        async with limit:
            await asyncio.sleep(100)

    waiting = asyncio.create_task(work())
    await asyncio.sleep(0)
    await limit.__aexit__(None, None, None)  # the turn is its, and it has not run yet
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert limit.in_flight == 0


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        InFlight(0)


async def test_who_asked_for_rest_is_left_alone_and_nobody_else() -> None:
    back_offs = BackOffs()
    back_offs.note("a@acme.test", ServerBusy("ErrorServerBusy"), 30)
    back_offs.check(None, "b@acme.test")
    await asyncio.sleep(10)
    with pytest.raises(ServerBusy) as raised:
        back_offs.check(None, "a@acme.test")
    assert raised.value.back_off == pytest.approx(20)
    assert back_offs.left() == pytest.approx(20)
    await asyncio.sleep(20.1)
    back_offs.check(None, "a@acme.test")
    assert back_offs.left() == 0


async def test_a_shorter_hint_does_not_end_a_longer_rest_and_none_is_endless() -> None:
    back_offs = BackOffs()
    assert back_offs.left() == 0
    back_offs.note(None, EwsConnectionError("http-503", retry_after=1e9), 1e9)
    back_offs.note(None, EwsConnectionError("http-503", retry_after=5), 5)
    with pytest.raises(EwsConnectionError) as raised:
        back_offs.check(None)
    assert raised.value.retry_after == 900


async def test_an_error_without_seconds_is_raised_as_it_came() -> None:
    back_offs = BackOffs()
    error = EwsAuthenticationError(403)
    back_offs.note(None, error, 5)
    with pytest.raises(EwsAuthenticationError) as raised:
        back_offs.check(None)
    assert raised.value is error
