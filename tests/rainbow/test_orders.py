"""Orders over the XMPP link: Rainbow's are handed on, a stranger's are refused."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from rainbow_exchange.rainbow.errors import RainbowConnectionError
from rainbow_exchange.rainbow.management import Command, ConfigurationChanged

COMMAND = '<connectorcommand xmlns="jabber:iq:configuration" command="manual_synchro" commandId="c1"/>'
PING = '<iq xmlns="jabber:client" type="get" id="p1" from="rainbow.test"><ping xmlns="urn:xmpp:ping"/></iq>'


def message(inside: str, sender: str = "rainbow.test") -> str:
    return f'<message xmlns="jabber:client" type="management" id="m1" from="{sender}">{inside}</message>'


async def test_orders_of_rainbow_are_handed_on(server: Any, run_link: Callable[..., Any]) -> None:
    taken: list[Any] = []
    life = run_link(on_order=lambda order, sender: taken.append((order, sender)))
    visit = await server.visit()
    await visit.say(message(COMMAND, "pcloud_enduser_1@rainbow.test/7"))
    await visit.say(message('<connectorconfig xmlns="jabber:iq:configuration" action="update"/>'))
    await visit.say(message("<body>hello</body>"))
    await visit.ask(PING)
    assert taken == [
        (Command(name="manual_synchro", id="c1"), "pcloud_enduser_1@rainbow.test/7"),
        (ConfigurationChanged(action="update"), "rainbow.test"),
    ]
    assert (life.link.counters.orders, life.link.counters.strangers) == (2, 0)


@pytest.mark.parametrize(
    ("sender", "domain"),
    [("mallory@rainbow.test/m", "rainbow.test"), ("pcloud_x@elsewhere.test/1", "elsewhere.test")],
)
async def test_a_stranger_orders_nothing(server: Any, run_link: Callable[..., Any], sender: str, domain: str) -> None:
    taken: list[Any] = []
    life = run_link(on_order=lambda order, sender: taken.append((order, sender)))
    visit = await server.visit()
    await visit.say(message(COMMAND, sender))
    refused = await visit.hear("<message")
    assert re.search(rf'<message [^>]*type="error"[^>]*to="{sender}"[^>]*id="m1"', refused)
    assert '<error type="auth"><forbidden xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>' in refused
    # what says nothing that a connector would do is nobody's affair
    await visit.say(message('<command_ended xmlns="jabber:iq:configuration" commandId="c1"/>', sender))
    await visit.ask(PING)
    assert taken == []
    assert (life.link.counters.strangers, life.link.stranger) == (1, domain)
    assert len([frame for frame in visit.frames if "<message" in frame]) == 1


async def test_the_end_of_a_command_is_told_while_the_link_is_up(server: Any, run_link: Callable[..., Any]) -> None:
    life = run_link()
    with pytest.raises(RainbowConnectionError):
        await life.link.tell_ended("rainbow.test", "c1")
    visit = await server.visit()
    await life.link.tell_ended("rainbow.test", "c1")
    said = 'to="{}"><command_ended xmlns="jabber:iq:configuration" commandId="{}"/>'
    assert said.format("rainbow.test", "c1") in await visit.hear('Id="c1"')
    await life.link.tell_ended("", "c2")
    assert said.format("rainbow.test", "c2") in await visit.hear('Id="c2"')
