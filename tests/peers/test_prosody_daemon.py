"""A whole daemon on prosody: the lab's Exchange and REST, and behind the same address a real XMPP server."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.house import House, now
from tests.peers.prosody import PROSODY, Prosody, asker, until

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(PROSODY is None, reason="prosody is not installed (apt-get install prosody)"),
]


@asynccontextmanager
async def in_front_of(rest: str, link: str) -> AsyncIterator[str]:
    """Serve REST and the WebSocket under one address, as Rainbow does."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:

        async def pass_on(request: web.Request) -> web.StreamResponse:
            if request.path == "/websocket":
                return await connect(request)
            headers = {name: value for name, value in request.headers.items() if name != "Host"}
            async with session.request(
                request.method, f"{rest}{request.path_qs}", headers=headers, data=await request.read()
            ) as answer:
                kept = {
                    name: answer.headers[name] for name in ("Content-Type", "Retry-After") if name in answer.headers
                }
                return web.Response(status=answer.status, headers=kept, body=await answer.read())

        async def connect(request: web.Request) -> web.StreamResponse:
            near = web.WebSocketResponse(protocols=("xmpp",))
            await near.prepare(request)
            async with session.ws_connect(link, protocols=("xmpp",)) as far:

                async def pump(here: Any, there: Any) -> None:
                    async for message in here:
                        await there.send_str(message.data)
                    await there.close()

                await asyncio.gather(pump(near, far), pump(far, near))
            return near

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", pass_on)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


@pytest.fixture
async def house(tmp_path: Path) -> House:
    return House(tmp_path, 1, rainbow={"dials": {"ask": False}})


@pytest.fixture
async def prosody(tmp_path: Path, house: House) -> AsyncIterator[Prosody]:
    account = house.rainbow.people.account
    made = Prosody(tmp_path / "prosody", {account.jid.partition("@")[0]: account.jid_password})
    yield made.start()
    made.kill()


def asked(id_: str, kind: str, to: str, email: str) -> str:
    payload = "<events xmlns='urn:xmpp:calendar:0' email='{}'/>"
    return f"<iq xmlns='jabber:client' type='{kind}' id='{id_}' to='{to}'>{payload.format(email)}</iq>"


async def test_rainbows_account_is_answered_and_a_users_refusal_is_shown_with_the_setting(
    house: House, prosody: Prosody
) -> None:
    await prosody.ready()
    person = house.people[0]
    assert person.mailbox is not None
    async with house.open(), in_front_of(house.rainbow.url, prosody.url) as url:
        house.appointment(person.mailbox.address, "R&D <x>", start=now() + timedelta(hours=1))
        house.link = {"url": url}
        house.start()
        await until(lambda: bool(house.status()["state"] == "healthy"))
        bound = re.search(rf"Resource bound: ({re.escape(house.rainbow.people.account.jid)}/node_\w+)", prosody.log())
        assert bound is not None
        async with asker(prosody, "pcloud_enduser_1") as ask, asker(prosody, "mallory") as mallory:
            for kind in ("get", "set"):
                said = await ask(asked(f"q{kind}", kind, bound[1], person.login_email))
                assert "<subject>R&amp;D &lt;x&gt;</subject>" in said
                refused = await mallory(asked(f"m{kind}", kind, bound[1], person.login_email))
                assert "<forbidden " in refused
            await until(lambda: "rainbow-stranger-asked" in house.problems())
            problem = house.problems()["rainbow-stranger-asked"]
            assert 'rainbow.trusted_askers = ["rainbow.test"]' in problem["action"]
            assert "mallory" not in problem["text"] + problem["action"]
            assert house.status()["state"] == "degraded"
            await house.stop()
            house.link |= {"trusted_askers": ["rainbow.test"], "escape_texts_twice": True}
            house.start()
            await until(lambda: bool(house.status()["state"] == "healthy"))
            said = await mallory(asked("m3", "get", bound[1], person.login_email))
            assert "<subject>R&amp;amp;D &amp;lt;x&amp;gt;</subject>" in said
