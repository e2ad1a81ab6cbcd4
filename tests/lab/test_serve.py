"""Both sides of the lab together, as the command line starts them."""

import asyncio
import json
import ssl
from pathlib import Path

import aiohttp
import pytest

from rainbow_exchange.errors import UserError
from rainbow_exchange.lab.dialing import Positions
from rainbow_exchange.lab.serve import LabOptions, serve


async def pinged(url: str) -> bool:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/api/rainbow/ping") as answer:
        return answer.status == 200


async def test_both_sides_listen_and_say_where() -> None:
    async with serve(LabOptions(users=3)) as lab:
        said = json.loads(json.dumps(lab.as_json()))
        assert set(said) == {"exchange", "rainbow"}
        bearer = {"token_url", "client_id", "client_secret"}
        assert set(said["exchange"]) == {"url", "username", "password", "ca_file"} | bearer
        assert said["exchange"]["ca_file"] is None
        assert said["exchange"]["url"].startswith("http://127.0.0.1:")
        assert set(said["rainbow"]) == {"url", "login", "password", "app_id", "app_secret", "company_id"}
        assert await pinged(said["rainbow"]["url"])
        assert len(lab.users) == 3
        login, password = said["exchange"]["username"], said["exchange"]["password"]
    with pytest.raises(aiohttp.ClientConnectorError):
        await pinged(said["rainbow"]["url"])
    assert login
    assert password


@pytest.mark.parametrize("only", ["exchange", "rainbow"])
async def test_one_side_alone(only: str) -> None:
    async with serve(LabOptions(users=2, only="exchange" if only == "exchange" else "rainbow")) as lab:
        assert set(lab.as_json()) == {only}
        if only == "exchange":
            with pytest.raises(ValueError, match="not started"):
                lab.watch()


async def test_with_tls_the_ca_file_makes_exchange_trusted() -> None:
    async with serve(LabOptions(users=1, only="exchange", tls=True)) as lab:
        assert lab.exchange
        assert lab.exchange.ca_file
        assert lab.exchange.url.startswith("https://")
        context = ssl.create_default_context(cafile=str(lab.exchange.ca_file))
        async with aiohttp.ClientSession() as session:
            async with session.post(lab.exchange.url, data=b"", ssl=context) as answer:
                assert answer.status == 401
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await session.post(lab.exchange.url, data=b"")


async def test_a_users_file_names_the_company_and_its_mailboxes(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    users = [
        {"loginEmail": "a@x.test", "companyId": "5f0000000000000000000077", "mailbox": "m@x.test"},
        {"loginEmail": "b@x.test", "companyId": "5f0000000000000000000077", "mailbox": None},
        {"loginEmail": "c@x.test", "companyId": "5f0000000000000000000077", "mailbox": "M@x.test"},
    ]
    path.write_text(json.dumps(users), encoding="utf-8")
    async with serve(LabOptions(users_file=path)) as lab:
        assert lab.as_json()["rainbow"]["company_id"] == "5f0000000000000000000077"
        assert len(lab.users) == 3


async def test_a_port_that_is_taken_is_named(unused_tcp_port: int) -> None:
    async with serve(LabOptions(users=1, rainbow_port=unused_tcp_port)) as lab:
        assert lab.rainbow
        assert lab.rainbow.url.endswith(f":{unused_tcp_port}")
        for options in (
            LabOptions(users=1, rainbow_port=unused_tcp_port),
            LabOptions(users=1, exchange_port=unused_tcp_port),
        ):
            with pytest.raises(UserError, match=f"-port {unused_tcp_port}: cannot listen"):
                async with serve(options):
                    pass


async def test_with_life_somebody_makes_an_appointment_within_seconds() -> None:
    async with serve(LabOptions(users=5, life=True)) as lab, asyncio.timeout(60):
        while not lab.made.waiting():  # noqa: ASYNC110  (the lab's own pace)
            await asyncio.sleep(0.05)


async def test_dials_are_turned_at_start_on_the_side_that_has_them() -> None:
    async with serve(LabOptions(users=1, dials=Positions(exchange={"stream_limit": 3}, rainbow={"ask": False}))) as lab:
        assert lab.exchange
        assert lab.rainbow
        async with aiohttp.ClientSession() as session:
            for url, name, position in (
                (lab.exchange.url.partition("/EWS")[0], "stream_limit", 3),
                (lab.rainbow.url, "ask", False),
            ):
                async with session.get(f"{url}/lab/dials") as answer:
                    assert (await answer.json())[name] == position


async def test_the_right_of_the_account_is_that_of_the_option_unless_a_person_has_another(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    users = [
        {"loginEmail": "a@x.test", "mailbox": {"address": "a@x.test", "right": "none"}},
        {"loginEmail": "b@x.test", "mailbox": "b@x.test"},
    ]
    path.write_text(json.dumps(users), encoding="utf-8")
    async with serve(LabOptions(users_file=path, only="exchange", right="reviewer")) as lab:
        assert lab.exchange
        url = f"{lab.exchange.url.partition('/EWS')[0]}/lab/mailboxes"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            shown = {each["address"]: each["right"] for each in await answer.json()}
    assert shown == {"a@x.test": "none", "b@x.test": "reviewer"}
