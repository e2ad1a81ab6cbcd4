"""The whole product over a marked company while every dial of the lab is turned: no mark but where it is allowed."""

import asyncio
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from lxml import html

from rainbow_exchange.lab.exchange.dials import Dials as ExchangeDials
from rainbow_exchange.lab.exchange.mailbox import Right
from rainbow_exchange.lab.rainbow.dials import Dials as RainbowDials
from rainbow_exchange.web import runtime
from tests.browsing import ACCEPT
from tests.house import House, now, until, virtually
from tests.leaks.allowed import ALLOWED
from tests.leaks.kept import KEPT, Kind
from tests.leaks.plugin import EARS
from tests.ports import free_port
from tests.privacy.company import GUEST, SUBJECT, TEXT, fill, read, stir
from tests.privacy.dials import (
    ALWAYS_EXCHANGE,
    ALWAYS_RAINBOW,
    LEFT_EXCHANGE,
    LEFT_RAINBOW,
    STRANGER,
    WORD,
    Turn,
    turns,
)
from tests.privacy.pages import whole_page

#: outside of CI one turn of so many is made
ONE_OF = 1 if os.environ.get("CI") == "true" else 12
CLIENT_SECRET = "Clt#4711"
CUTS = ("policy-violation", "see-other-host", "see-other-uri", "mid-stanza", "close")


@pytest.mark.parametrize(
    ("dials", "side", "always", "left"),
    [
        (ExchangeDials, "exchange", ALWAYS_EXCHANGE, LEFT_EXCHANGE),
        (RainbowDials, "rainbow", ALWAYS_RAINBOW, LEFT_RAINBOW),
    ],
)
def test_no_dial_is_left_out_without_a_reason(
    dials: Any, side: str, always: dict[str, Any], left: dict[str, str]
) -> None:
    turned = {name for turn in turns("ada@acme.test") if turn.side == side for name in turn.dials}
    assert not turned & left.keys()
    assert turned | left.keys() | always.keys() == {each.name for each in fields(dials)}


class Marked(House):
    """A company that is full of marks, and a way to have it look at itself."""

    def base(self) -> None:
        """Put all dials to where they stand when none is turned."""
        self.exchange.dials.turn(ExchangeDials().shown() | ALWAYS_EXCHANGE | {"auth_schemes": ["Basic", "Bearer"]})
        self.rainbow.dials.set(RainbowDials().as_json() | ALWAYS_RAINBOW)

    async def lives_through(self, turn: Turn, number: int) -> None:
        """Turn dials, and have everything done that they could be met in."""
        self.base()
        if turn.side == "exchange":
            self.exchange.dials.turn(turn.dials)
            for stream in tuple(self.exchange.streams.open):
                stream.ordered(("drop", "html", "truncate", "break")[number % 4])
        else:
            self.rainbow.dials.set(turn.dials)
            self.rainbow.sign_in.expire_tokens()
            cut, dials = {"cut_link": CUTS[number % len(CUTS)]}, f"{self.rainbow.url}/lab/dials"
            async with aiohttp.ClientSession() as wire, wire.post(dials, json=cut) as answer:
                assert answer.status == 200
        if turn.anew:
            await self.begun_anew()
        assert self.daemon is not None
        self.daemon.retry(None)
        stir(self)
        for user in self.people:
            for kind in ("events", "autoreply"):
                await self.rainbow.questions.ask(kind, user.login_email)
        await asyncio.sleep(15)
        await self.look()

    async def begun_anew(self) -> None:
        await self.stop()
        self.sign_in = ""
        self.start()
        await until(lambda: self.sign_in, within=60)

    async def look(self) -> None:
        """Ask the daemon for everything that it says of itself, as commands do."""
        found = runtime.read(self.folder)
        assert found is not None
        EARS.folder(self.folder)
        headers = {"Authorization": f"Bearer {runtime.read_token(self.folder)}"}
        async with aiohttp.ClientSession(f"http://{found.host}:{found.port}", headers=headers) as page:
            for path in ("/api/status", "/metrics", "/healthz", "/readyz"):
                async with page.get(path) as answer:
                    await answer.read()
            for user in self.people:
                one = {"address": user.login_email}
                for path, body in (
                    ("explain", one), ("explain", one | {"at": now().isoformat()}), ("preview", one),
                    ("mailboxes", {}), ("resync", {}), ("secrets", {"do": "list"}), ("setup", {"do": "list"}),
                    ("sign-in", {}),
                ):  # fmt: skip
                    async with page.post(f"/api/{path}", json=body) as answer:
                        await answer.read()
                async with page.post("/api/explain", json={"address": "nobody@elsewhere.test"}) as answer:
                    await answer.read()

    async def looked_at(self) -> int:
        """Read the whole page in both languages, as somebody does who has signed in; give how many views there were."""
        views = 0
        await self.begun_anew()
        async with self.browser() as browser:
            for language in ("en", "fr"):
                seen = await whole_page(browser, {**ACCEPT, "Accept-Language": language})
                assert html.fromstring(seen["/"]).get("lang") == language
                views += len(seen)
        return views


@pytest.mark.parametrize(("link", "reads"), [("xmpp", "own"), ("s2s", "batched")])
def test_no_mark_shows_whatever_dial_is_turned(tmp_path: Path, link: str, reads: str) -> None:
    async def test() -> None:
        house = Marked(tmp_path, 2, right=Right.REVIEWER, dials={"client_secret": CLIENT_SECRET})
        house.bridge = {"privacy": "full"}
        house.settings = {"impersonation": reads == "own"}
        if link == "s2s":
            port = free_port()
            house.link = {"link": "s2s", "callback_url": f"http://127.0.0.1:{port}/", "callback_port": port}
        KEPT.keep(Kind.GUEST, f"{GUEST}@acme.test", f"{GUEST}2@acme.test")
        KEPT.keep(Kind.STRANGER, STRANGER)
        KEPT.keep(Kind.WORDS, WORD)
        EARS.seen.clear()
        EARS.heard.clear()
        async with house.open():
            if link == "s2s":  # where Exchange is found by autodiscover, and the account is a client of OAuth's
                discovery = f"{house.exchange.base}/autodiscover/autodiscover.svc"
                oauth = {"token_url": house.exchange.token_url, "client_id": "lab-connector", "auth": "bearer"}
                house.settings |= {"url": None, "username": None, "autodiscover_url": discovery} | oauth
                house.password, house.client_secret = None, CLIENT_SECRET
            fill(house)
            house.base()
            house.start()
            await until(lambda: house.status()["state"] == "healthy", within=120)
            ada = house.people[0].mailbox
            assert ada is not None
            views = 0
            for number, turn in enumerate(turns(ada.address)):
                if number % ONE_OF == 0:
                    await house.lives_through(turn, number)
                    if number % (3 * ONE_OF) == 0:
                        views += await house.looked_at()
                    assert not EARS.leaks, (str(turn), EARS.leaks[0])
            assert views >= 20
            told = str([each["answer"] for each in house.rainbow.record.questions if each["outcome"] == "result"])
            assert SUBJECT in told, "the marks were passed on"
            assert TEXT in told
            sent = [*house.rainbow.record.events, *house.rainbow.record.requests]
            EARS.say("what Rainbow is told besides", repr(sent))
            await house.stop()
        EARS.say("file", "".join(repr(read(path)) for path in house.folder.rglob("*.db*")))
        assert {place for place, _ in ALLOWED} <= EARS.heard.keys()
        assert EARS.heard.keys() >= {"log", "error", "page", "metrics", "status", "file", "preview"}
        assert EARS.seen.keys() == ALLOWED.keys(), "each that is allowed is there as well: it would be seen"

    virtually(test)
