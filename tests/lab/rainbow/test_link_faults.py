"""How the lab ends a link, turned over its own wire and seen by a client frame by frame."""

import asyncio
from typing import Any

import aiohttp
import pytest

CONDITION = "{urn:ietf:params:xml:ns:xmpp-streams}"
CLOSE = "{urn:ietf:params:xml:ns:xmpp-framing}close"


async def turn(rest: Any, **dials: Any) -> tuple[int, Any]:
    status, body = await rest.call("POST", "/lab/dials", json=dials, headers={})
    return status, body


@pytest.mark.parametrize("condition", ["system-shutdown", "conflict", "policy-violation", "not-authorized", "reset"])
async def test_link_is_ended_with_a_stream_error(*, link: Any, rest: Any, condition: str) -> None:
    assert (await turn(rest, cut_link=condition))[0] == 200
    assert (await link.hear())[0].tag == CONDITION + condition
    assert (await link.hear()).tag == CLOSE
    assert await link.ended() == 1000


async def test_link_is_sent_elsewhere(*, link: Any, connect: Any, admin: Any) -> None:
    await turn(admin, elsewhere="wss://two.rainbow.test/websocket", cut_link="see-other-uri")
    said = await link.hear()
    assert (said.tag, said.get("see-other-uri")) == (CLOSE, "wss://two.rainbow.test/websocket")
    second = await connect()
    await second.sign_in(admin.me, "node_x")
    await turn(admin, elsewhere="two.rainbow.test:5281", cut_link="see-other-host")
    error = await second.hear()
    assert (error[0].tag, error[0].text) == (f"{CONDITION}see-other-host", "two.rainbow.test:5281")


@pytest.mark.parametrize("how", [True, "mid-stanza"])
async def test_connection_breaks_without_a_word(*, link: Any, rest: Any, how: bool | str) -> None:
    await turn(rest, cut_link=how)
    message = await link.ws.receive(timeout=60)
    assert message.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
    assert link.ws.close_code == 1006


@pytest.mark.parametrize(
    "dials", [{"cut_link": "gently"}, {"rival": "odd"}, {"rival": "same"}, {"sasl_mechanisms": ["X-ODD"]}]
)
async def test_what_there_is_not_is_refused(*, rest: Any, dials: dict[str, Any]) -> None:
    status, body = await turn(rest, **dials)
    assert status == 400
    assert body["error"]


async def test_rival_takes_the_place_of_the_connector(*, link: Any, rest: Any, lab: Any) -> None:
    assert (await turn(rest, rival="same"))[0] == 200
    assert (await link.hear())[0].tag == f"{CONDITION}conflict"
    assert [(entry["jid"], entry["replaced"]) for entry in lab.record.xmpp_logins] == [
        (link.jid, False),
        (link.jid, True),
    ]


async def test_rival_beside_the_connector_is_seen_and_goes(*, link: Any, rest: Any) -> None:
    await turn(rest, rival="other")
    rival = link.jid.partition("/")[0] + "/node_rival"
    assert (await link.hear()).get("from") == rival
    await turn(rest, rival="gone")
    gone = await link.hear()
    assert (gone.get("from"), gone.get("type")) == (rival, "unavailable")


async def test_frames_are_read_as_slowly_as_wished(*, link: Any, rest: Any) -> None:
    await turn(rest, read_frame_seconds=0.2)
    began = asyncio.get_running_loop().time()
    for number in range(3):
        await link.say(f'<iq xmlns="jabber:client" type="get" id="{number}"><ping xmlns="urn:xmpp:ping"/></iq>')
    for _ in range(3):
        await link.hear()
    assert asyncio.get_running_loop().time() - began >= 0.6
