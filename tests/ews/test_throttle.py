import asyncio

import pytest

from rainbow_exchange.ews.errors import ConnectionLimitReached, EwsAuthenticationError, EwsConnectionError, ServerBusy
from rainbow_exchange.ews.throttle import BackOffs, InFlight, exceeded


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
    assert back_offs.left(None, "a@acme.test") == pytest.approx(20)
    assert back_offs.left(None, "b@acme.test") == 0
    await asyncio.sleep(20.1)
    back_offs.check(None, "a@acme.test")
    assert back_offs.left(None, "a@acme.test") == 0


async def test_a_shorter_hint_does_not_end_a_longer_rest_and_none_is_endless() -> None:
    back_offs = BackOffs()
    assert back_offs.left(None) == 0
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


@pytest.mark.parametrize(
    ("values", "text", "stream", "told"),
    [
        ({"Policy": "MaxStreamingConcurrency", "MaxConcurrencyLimit": "9"}, "", False, ("MaxStreamingConcurrency", 9)),
        ({"Policy": "MaxConcurrency", "MaxConcurrencyLimit": "27"}, "", True, ("MaxConcurrency", 27)),
        ({"ErrorMessage": "part 'MaxStreamingConcurrency', '3'"}, "", False, ("MaxStreamingConcurrency", None)),
        ({}, "… policy part 'MaxConcurrency', policy value '27' …", True, ("MaxConcurrency", None)),
        ({}, "zu viele", True, ("MaxStreamingConcurrency", None)),
        ({"MaxConcurrencyLimit": "many"}, "", False, ("MaxConcurrency", None)),
        ({"MaxConcurrencyLimit": "0"}, "", False, ("MaxConcurrency", None)),
        ({"MaxConcurrencyLimit": "9" * 5000}, "", False, ("MaxConcurrency", None)),
    ],
)  # fmt: skip
def test_which_limit_was_reached_is_told_by_values_then_by_its_name_then_by_what_was_asked(
    values: dict[str, str], text: str, stream: bool, told: tuple[str, int | None]
) -> None:
    error = ConnectionLimitReached("ErrorExceededConnectionCount", text, values=values)
    assert exceeded(error, stream=stream) == told


class Busy:
    """A server that refuses whoever comes while `allowed` are served, and a client that always has more to ask."""

    def __init__(self, allowed: int, most: int, *, states: bool) -> None:
        self.allowed = allowed
        self.states = states
        self.limit = InFlight(most)
        self.served = self.sent = self.refused = 0

    async def ask(self, until: float) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            async with self.limit:
                self.sent += 1
                if self.served >= self.allowed:
                    self.refused += 1
                    await asyncio.sleep(0.02)
                    self.limit.shrink(stated=self.allowed if self.states else None, concurrency=True)
                else:
                    self.served += 1
                    await asyncio.sleep(0.5)
                    self.served -= 1
                    self.limit.succeeded()

    async def minute(self) -> float:
        """Give the share of requests that were refused."""
        self.sent = self.refused = 0
        until = asyncio.get_running_loop().time() + 60
        await asyncio.gather(*(self.ask(until) for _ in range(60)))
        return self.refused / self.sent


@pytest.mark.parametrize(("allowed", "states"), [(5, True), (12, False), (27, True), (40, False)])
async def test_few_are_refused_once_the_limit_is_found_and_a_raised_one_is_found_too(
    allowed: int, states: bool
) -> None:
    server = Busy(allowed, 40, states=states)
    await server.minute()
    assert await server.minute() <= 0.02
    server.allowed = 40
    for _ in range(15):
        assert await server.minute() <= 0.02
    assert server.limit.limit >= min(allowed * 2, 40)


async def test_whoever_asks_again_soon_after_is_left_alone_for_longer() -> None:
    back_offs, busy = BackOffs(), ServerBusy("ErrorServerBusy")
    waits = []
    for _ in range(9):
        back_offs.note("a", busy, 5)
        waits.append(round(back_offs.left("a")))
        back_offs.note("a", busy, 5)  # one that was under way
        assert round(back_offs.left("a")) == waits[-1]
        await asyncio.sleep(back_offs.left("a") + 1)
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    await asyncio.sleep(301)
    back_offs.note("a", busy, 5)
    assert round(back_offs.left("a")) == 5
