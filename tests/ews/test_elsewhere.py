"""A mailbox on another server is looked for before it is subscribed anew, at most every five minutes."""

import asyncio

from rainbow_exchange.ews.elsewhere import Elsewhere
from rainbow_exchange.ews.errors import EwsConnectionError, ResponseError
from rainbow_exchange.model import Mailbox

ADA = Mailbox(address="ada@acme.test")


async def test_who_is_suspected_is_looked_for_at_most_every_five_minutes_until_found() -> None:
    asked: list[float] = []

    async def find(mailbox: Mailbox) -> None:
        assert mailbox == ADA
        asked.append(asyncio.get_running_loop().time())

    elsewhere = Elsewhere(find)
    elsewhere.suspect(ADA.address, ResponseError("ErrorAccessDenied"))
    elsewhere.suspect(ADA.address, EwsConnectionError("timeout"))
    assert ADA.address not in elsewhere
    elsewhere.suspect(ADA.address, ResponseError("ErrorMailboxMoveInProgress"))
    for _ in range(60):
        assert ADA.address in elsewhere
        await elsewhere.find(ADA)
        elsewhere.suspect(ADA.address, ResponseError("ErrorMailboxMoveInProgress"))
        await asyncio.sleep(10)
    assert len(asked) == 2
    assert asked[1] - asked[0] >= 300
    elsewhere.clear(ADA.address)
    assert ADA.address not in elsewhere
