"""How the lab's Rainbow ends a connector's link, and the rival: a second connector that signs in with its account."""

import asyncio
import base64
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp

from rainbow_exchange.lab.dial_values import BadDial, check_choice
from rainbow_exchange.lab.rainbow import xmpp_words as words
from rainbow_exchange.lab.rainbow.people import People
from rainbow_exchange.lab.rainbow.streams import Streams
from rainbow_exchange.lab.user import LabUser

ACTIONS = ("cut_link", "rival")
RIVALS = ("same", "other", "gone")
CUTS = ("mid-stanza", "close", "see-other-uri", "see-other-host", *sorted(words.CONDITIONS))
_OTHER_RESOURCE = "node_rival"
_SECONDS = 10.0


class LinkFaults:
    """Ends links as asked; `url` tells where the lab itself listens, for the rival."""

    def __init__(self, *, streams: Streams, people: People, url: Callable[[], str]) -> None:
        self._streams = streams
        self._people = people
        self._url = url
        self._rival: asyncio.Task[None] | None = None

    @staticmethod
    def check(actions: dict[str, Any]) -> None:
        """Raise BadDial for an action that does not exist."""
        cut = actions.get("cut_link", False)
        if not isinstance(cut, bool):
            check_choice("cut_link", cut, CUTS)
        if "rival" in actions:
            check_choice("rival", actions["rival"], RIVALS)

    async def act(self, actions: dict[str, Any]) -> None:
        """Cut the connectors' links, send a rival or take it away. Raise BadDial."""
        how = actions.get("cut_link", False)
        for account in [*self._people.connectors(), self._people.account] if how else []:
            await self._cut(account.jid, how)
        if "rival" in actions:
            await self.withdraw()
            if actions["rival"] != "gone":
                await self._send_rival(other=actions["rival"] == "other")

    async def withdraw(self) -> None:
        """Take the rival away."""
        if self._rival is not None:
            self._rival.cancel()
            await asyncio.wait([self._rival])
            self._rival = None

    async def _cut(self, jid: str, how: bool | str) -> None:
        elsewhere = self._streams.dials.elsewhere
        for stream in self._streams.of(jid):
            match how:
                case True:
                    stream.cut()
                case "mid-stanza":
                    stream.break_off()
                case "close":
                    await stream.close()
                case "see-other-uri":
                    await stream.close(see_other_uri=elsewhere)
                case "see-other-host":
                    await stream.fail("see-other-host", content=elsewhere)
                case str():
                    await stream.fail(how, self._streams.dials.refusal_words or "as the dial says")

    async def _send_rival(self, *, other: bool) -> None:
        jids = map(self._streams.available, [user.jid for user in [*self._people.connectors(), self._people.account]])
        jid = next((jid for jid in jids if jid is not None), None)
        if jid is None:
            raise BadDial("there is no connector to rival")
        bare, _, resource = jid.partition("/")
        user = self._people.by_jid(bare)
        if user is None:  # it has just left
            raise BadDial("there is no connector to rival")
        ready = asyncio.Event()
        client = _Rival(self._url(), user, _OTHER_RESOURCE if other else resource, self._streams.domain, ready)
        self._rival = asyncio.create_task(client.run(), name="lab-rival")
        with suppress(TimeoutError):
            async with asyncio.timeout(_SECONDS):
                await ready.wait()


class _Rival:
    """A client that signs in, says that it is there, and answers nothing."""

    def __init__(self, url: str, user: LabUser, resource: str, domain: str, ready: asyncio.Event) -> None:
        proof = base64.b64encode(f"\0{user.jid.partition('@')[0]}\0{user.jid_password}".encode()).decode()
        opening = words.text(words.element(words.FRAMING, "open", {"to": domain, "version": "1.0"}))
        bind = words.element(words.BIND, "bind")
        bind.append(words.element(words.BIND, "resource", content=resource))
        self._url = url
        self._ready = ready
        #: what is said, and the word of the answer that lets it go on
        self._steps = (
            (opening, "features"),
            (words.text(words.element(words.SASL, "auth", {"mechanism": "PLAIN"}, proof)), "success"),
            (opening, "features"),
            (words.iq("set", "bind", sender=None, to=None, payload=bind), "result"),
            (words.text(words.element(words.CLIENT, "presence")), "presence"),
        )

    async def run(self) -> None:
        """Stay until cancelled, or thrown out."""
        with suppress(aiohttp.ClientError, aiohttp.WSMessageTypeError, OSError):
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(f"{self._url}/websocket", protocols=("xmpp",), ssl=False) as socket,
            ):
                for said, awaited in self._steps:
                    await socket.send_str(said)
                    async with asyncio.timeout(_SECONDS):
                        while awaited not in (await socket.receive_str()):
                            pass
                self._ready.set()
                async for _ in socket:
                    pass
