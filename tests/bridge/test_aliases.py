"""Whose mailbox an exception from privacy means is asked until Exchange says it, and daily."""

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from rainbow_exchange.bridge.aliases import PATIENCE, Aliases
from rainbow_exchange.bridge.privacy import Privacy, PrivacyOfPeople, PrivacyRules
from rainbow_exchange.bridge.roster import Roster
from rainbow_exchange.ews.errors import EwsConnectionError, EwsError, ResponseError
from rainbow_exchange.ews.operations.resolve_names import Resolution

if TYPE_CHECKING:
    from tests.bridge.conftest import Kit

BOSS, AIDE, ADA = "boss@acme.test", "aide@acme.test", "ada@acme.test"
DAY = 86_400.0


class Directory:
    """A server that knows aliases; `asked` are those that it was asked for."""

    def __init__(self, kit: "Kit") -> None:
        self.knows: dict[str, Any] = {}
        self.asked: list[str] = []
        self.learnt = 0
        self.privacy = PrivacyOfPeople(
            PrivacyRules(Privacy.FULL, {BOSS: Privacy.BUSY_ONLY, AIDE: Privacy.BUSY_ONLY, "*@x.test": Privacy.FULL}),
            Roster(),
        )
        self.aliases = Aliases(
            kit.scripted(self.answer),
            self.privacy,
            learnt=lambda: setattr(self, "learnt", self.learnt + 1),
            random=half,
        )

    async def answer(self, operation: Any, _: Any) -> Any:
        self.asked.append(operation.entry)
        found = self.knows.get(operation.entry, ())
        if isinstance(found, EwsError):
            raise found
        if found == "silent":
            await asyncio.Event().wait()
        return found


def half() -> float:
    return 0.5


@pytest.mark.parametrize(
    "error",
    [ResponseError("ErrorAccessDenied"), EwsConnectionError("http-500", "a page"), EwsConnectionError("refused")],
)
async def test_what_was_not_said_is_asked_again_soon_and_all_of_it_daily(kit: "Kit", error: EwsError) -> None:
    directory = Directory(kit)
    directory.knows[BOSS] = error
    async with kit.running(directory.aliases.run()):
        await directory.aliases.ready()
        assert directory.asked == [BOSS, AIDE]
        assert directory.privacy.at(ADA) is Privacy.FULL
        directory.knows[BOSS] = (Resolution(primary_address=ADA, all_addresses=frozenset({ADA, BOSS})),)
        await asyncio.sleep(60)
        assert directory.asked == [BOSS, AIDE, BOSS]
        assert (directory.privacy.at(ADA), directory.learnt) == (Privacy.BUSY_ONLY, 1)
        await asyncio.sleep(DAY)
        assert directory.asked == [BOSS, AIDE, BOSS, BOSS, AIDE]
        assert directory.learnt == 1


async def test_it_holds_by_whichever_address_the_mailbox_is_known(kit: "Kit") -> None:
    """A server may take an alias where a primary address belongs, and then we never learn the primary one."""
    directory = Directory(kit)
    directory.knows[BOSS] = (Resolution(primary_address=BOSS, all_addresses=frozenset({BOSS, ADA})),)
    async with kit.running(directory.aliases.run()):
        await directory.aliases.ready()
        assert (directory.privacy.at(ADA), directory.learnt) == (Privacy.BUSY_ONLY, 1)
        assert directory.privacy.at("eve@acme.test") is Privacy.FULL


async def test_who_refuses_for_good_is_asked_every_ten_minutes_at_most(kit: "Kit") -> None:
    directory = Directory(kit)
    directory.knows[BOSS] = ResponseError("ErrorAccessDenied")
    async with kit.running(directory.aliases.run()):
        await asyncio.sleep(DAY)
        assert 144 <= len(directory.asked) <= 300


async def test_nobody_waits_longer_than_ten_seconds_and_only_once(kit: "Kit") -> None:
    directory = Directory(kit)
    directory.knows[BOSS] = "silent"
    loop = asyncio.get_running_loop()
    async with kit.running(directory.aliases.run()):
        began = loop.time()
        await directory.aliases.ready()
        assert loop.time() - began == pytest.approx(PATIENCE, abs=0.1)
        await directory.aliases.ready()
        assert loop.time() - began == pytest.approx(PATIENCE, abs=0.1)
