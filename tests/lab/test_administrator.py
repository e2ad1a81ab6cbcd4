"""An administrator of Rainbow and of Exchange, against the lab's servers, and what a connector makes of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import aiohttp
import pytest

from rainbow_exchange.lab.administrator import Administrator, ExchangeEntered
from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.lab_calls import LabCalls
from rainbow_exchange.lab.mailboxes import Mailboxes, MailboxListed
from rainbow_exchange.lab.owner_wire import Refused
from rainbow_exchange.lab.rainbow import LabRainbow
from rainbow_exchange.lab.rainbow_account import RainbowAccount
from tests.house import House, until, virtually

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
USERS = make_company(3)


@pytest.fixture
async def rainbow() -> AsyncIterator[LabRainbow]:
    lab = LabRainbow(users=USERS, now=lambda: NOW, random=Random(1))
    await lab.start()
    yield lab
    await lab.stop()


@asynccontextmanager
async def administrator_of(rainbow: LabRainbow) -> AsyncIterator[Administrator]:
    async with aiohttp.ClientSession() as session:
        account = RainbowAccount(
            session,
            url=rainbow.url,
            login=rainbow.login,
            password=rainbow.password,
            app_id=rainbow.app_id,
            app_secret=rainbow.app_secret,
        )
        yield Administrator(account, rainbow.company_id)


async def test_the_switch_is_on_until_it_is_set(rainbow: LabRainbow) -> None:
    async with administrator_of(rainbow) as administrator:
        assert await administrator.switch()
        await administrator.set_switch(on=False)
        assert not await administrator.switch()
        assert rainbow.administration.company["exchangeCalendarCustomisation"] == "disabled"
        await administrator.set_switch(on=True)
        assert await administrator.switch()


async def test_where_exchange_is_is_entered_kept_and_taken_away(rainbow: LabRainbow) -> None:
    """A password goes in and never comes out; the switch changes nothing of it."""
    async with administrator_of(rainbow) as administrator:
        assert await administrator.exchange() is None
        await administrator.forget_exchange()
        await administrator.set_switch(on=True)
        assert await administrator.exchange() is None
        await administrator.set_exchange("https://mail.acme.test/EWS/Exchange.asmx", "svc", None)
        entered = ExchangeEntered(url="https://mail.acme.test/EWS/Exchange.asmx", login="svc", has_password=False)
        assert await administrator.exchange() == entered
        await administrator.set_exchange("https://mail.acme.test/EWS/Exchange.asmx", "svc", "Secret#2")
        await administrator.set_exchange("https://other.acme.test/EWS/Exchange.asmx", "svc2", None)
        await administrator.set_switch(on=False)
        [configuration] = rainbow.administration.configurations.values()
        assert configuration["settings"] == {
            "company": {
                "url": "https://other.acme.test/EWS/Exchange.asmx",
                "login": "svc2",
                "password": "Secret#2",
            }
        }
        entered = ExchangeEntered(url="https://other.acme.test/EWS/Exchange.asmx", login="svc2", has_password=True)
        assert await administrator.exchange() == entered
        await administrator.forget_exchange()
        assert await administrator.exchange() is None
        assert not rainbow.administration.configurations


async def test_users_are_listed_page_by_page_added_and_removed(rainbow: LabRainbow) -> None:
    rainbow.dials.set({"page_limit": 2})
    async with administrator_of(rainbow) as administrator:
        assert {user["id"] for user in await administrator.users()} == {user.id for user in USERS}
        added = await administrator.add_user("Zoé", "Neuve", "zoe.neuve@acme.test")
        user = next(user for user in await administrator.users() if user["id"] == added)
        assert (user["displayName"], user["loginEmail"]) == ("Zoé Neuve", "zoe.neuve@acme.test")
        assert user["emails"] == [{"email": "zoe.neuve@acme.test", "type": "work"}]
        with pytest.raises(Refused, match="http-409: The login zoe"):
            await administrator.add_user("Zoé", "Neuve", "zoe.neuve@acme.test")
        await administrator.remove_user(added)
        assert len(await administrator.users()) == 3
        with pytest.raises(Refused, match="http-404"):
            await administrator.remove_user(added)
        assert not await administrator.synchronise(), "no connector is connected"


async def test_mailboxes_are_made_with_the_usual_right_and_removed() -> None:
    alias = LabMailbox(
        address="ada@acme.test", display_name="Ada", aliases=("a@acme.test",), right="reviewer", upn="a@x"
    )
    exchange = LabExchange(mailboxes=[alias], password="pw", now=lambda: NOW, random=Random(1).random)
    await exchange.start()
    async with aiohttp.ClientSession() as session:
        mailboxes = Mailboxes(LabCalls(session, exchange.base))
        await mailboxes.add("zoé+1@acme.test", "Zoé")
        assert exchange.directory.by_address["zoé+1@acme.test"].right == "reviewer"
        upn = exchange.directory.by_address["zoé+1@acme.test"].upn
        assert await mailboxes.listed() == [
            MailboxListed(address="ada@acme.test", name="Ada", aliases=("a@acme.test",), upn="a@x"),
            MailboxListed(address="zoé+1@acme.test", name="Zoé", aliases=(), upn=upn),
        ]
        with pytest.raises(Refused, match="http-400"):
            await mailboxes.add("ada@acme.test", "Ada again")
        await mailboxes.remove("zoé+1@acme.test")
        with pytest.raises(Refused, match="http-404"):
            await mailboxes.remove("zoé+1@acme.test")
        assert len(await mailboxes.listed()) == 1
    await exchange.stop()


def test_a_connector_follows_the_administration_within_seconds(tmp_path: Path) -> None:
    """Somebody new is subscribed and shown, somebody removed is let go, and the switch is obeyed."""

    async def test() -> None:
        house = House(tmp_path, 3)
        async with (
            house.at_work(within=60) as daemon,
            administrator_of(house.rainbow) as administrator,
            aiohttp.ClientSession() as session,
        ):
            await Mailboxes(LabCalls(session, house.exchange.base)).add("zoe@acme.test", "Zoé")
            added = await administrator.add_user("Zoé", "Neuve", "zoe@acme.test")
            assert await administrator.synchronise()
            await until(lambda: house.rainbow.questions.known.get(added), within=10)
            await administrator.remove_user(added)
            assert await administrator.synchronise()
            streamed = house.exchange.subscriptions.of
            await until(lambda: not streamed("zoe@acme.test"), within=25)  # ten seconds lie between two commands
            await administrator.set_switch(on=False)
            await until(lambda: daemon.status()["state"] == "switched off", within=10)
            await administrator.set_switch(on=True)
            await until(lambda: daemon.status()["state"] == "healthy", within=30)

    virtually(test)
