"""Addresses nobody here has, asked for a few at a time."""

import asyncio

import pytest

from rainbow_exchange.bridge.look_up import LookUps
from rainbow_exchange.rainbow.errors import RainbowConnectionError, RateLimited
from rainbow_exchange.rainbow.types import RainbowUser

ANN = RainbowUser(id="ann", login_email="ann@acme.test")


class Desk:
    """Answers like Rainbow's search, after a second."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.at_once = 0
        self.most_at_once = 0

    async def ask(self, address: str) -> RainbowUser | None:
        self.asked.append(address)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(1.0)
        finally:
            self.at_once -= 1
        if address.startswith("broken"):
            raise RainbowConnectionError("refused")
        return ANN if address == ANN.login_email else None


async def test_whoever_asks_for_the_same_address_shares_one_request() -> None:
    desk = Desk()
    look_ups = LookUps(desk.ask)
    found = await asyncio.gather(*(look_ups.find(each, listing=1) for each in ("ann@acme.test", " ANN@acme.test ")))
    assert found == [ANN, ANN]
    assert desk.asked == ["ann@acme.test"]


async def test_four_are_asked_for_at_a_time() -> None:
    desk = Desk()
    look_ups = LookUps(desk.ask)
    await asyncio.gather(*(look_ups.find(f"x{number}@acme.test", listing=1) for number in range(20)))
    assert (len(desk.asked), desk.most_at_once) == (20, 4)


async def test_an_error_reaches_whoever_asked_and_nobody_else() -> None:
    look_ups = LookUps(Desk().ask)
    broken, found = await asyncio.gather(
        look_ups.find("broken@acme.test", listing=1), look_ups.find("ann@acme.test", listing=1), return_exceptions=True
    )
    assert isinstance(broken, RainbowConnectionError)
    assert found == ANN


async def test_a_bug_reaches_whoever_asked() -> None:
    async def ask(_address: str) -> RainbowUser | None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await LookUps(ask).find("ann@acme.test", listing=1)


async def test_whoever_comes_as_the_last_one_ends_is_asked_for() -> None:
    desk = Desk()
    look_ups = LookUps(desk.ask)

    async def one_after_the_other(name: str) -> None:
        for number in range(3):
            await look_ups.find(f"{name}{number}@acme.test", listing=1)

    async with asyncio.timeout(10):
        await asyncio.gather(*(one_after_the_other(name) for name in "abcd"))
    assert len(desk.asked) == 12


async def test_what_nobody_waits_for_any_more_is_not_asked_for() -> None:
    desk = Desk()
    look_ups = LookUps(desk.ask)

    async def impatient(number: int) -> None:
        async with asyncio.timeout(0.5):
            await look_ups.find(f"x{number}@acme.test", listing=1)

    await asyncio.gather(*(impatient(number) for number in range(20)), return_exceptions=True)
    await asyncio.sleep(5)
    assert len(desk.asked) == 4
    assert await look_ups.find("ann@acme.test", listing=1) == ANN


async def test_a_listing_that_began_later_answers_whoever_still_waits() -> None:
    desk = Desk()
    look_ups = LookUps(desk.ask)
    early = [asyncio.create_task(look_ups.find(f"x{number}@acme.test", listing=1)) for number in range(6)]
    late = asyncio.create_task(look_ups.find("ann@acme.test", listing=2))
    await asyncio.sleep(0.5)
    look_ups.settle(2)
    await asyncio.sleep(0.1)
    assert [task.done() for task in early] == [False] * 4 + [True] * 2
    assert await late == ANN
    assert len(desk.asked) == 5


async def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rainbow_exchange.bridge.look_up.MOST_WAITING", 5)
    look_ups = LookUps(Desk().ask)
    asked = [look_ups.find(f"x{number}@acme.test", listing=1) for number in range(8)]
    refused = [each for each in await asyncio.gather(*asked, return_exceptions=True) if isinstance(each, RateLimited)]
    assert len(refused) == 3


async def test_nobody_is_remembered_for_a_minute_and_the_oldest_forgotten_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rainbow_exchange.bridge.look_up.NOT_FOUND_KEPT", 2)
    look_ups = LookUps(Desk().ask)
    for name in ("a", "b", "a", "c"):
        look_ups.remember_nobody(f"{name}@acme.test")
    assert [look_ups.is_nobody(f"{name}@ACME.test") for name in ("a", "b", "c")] == [True, False, True]
    await asyncio.sleep(61)
    assert not look_ups.is_nobody("a@acme.test")


async def test_the_end_leaves_nobody_waiting() -> None:
    look_ups = LookUps(Desk().ask)
    asked = [asyncio.create_task(look_ups.find(f"x{number}@acme.test", listing=1)) for number in range(6)]
    await asyncio.sleep(0.5)
    await look_ups.close()
    assert all(
        isinstance(each, asyncio.CancelledError) for each in await asyncio.gather(*asked, return_exceptions=True)
    )
