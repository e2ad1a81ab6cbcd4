"""Management messages: read from whatever shape they come in, and one written."""

import pytest
from lxml import etree

from rainbow_exchange.rainbow import management
from rainbow_exchange.rainbow.management import Command, ConfigurationChanged, Notice, Order, read_orders


def message(inside: str, attributes: str = 'type="management"') -> etree._Element:
    tree: etree._Element = etree.fromstring(f'<message xmlns="jabber:client" {attributes}>{inside}</message>')
    return tree


COMMAND = Command(name="manual_synchro", id="5f-1", config_id="cfg1")


@pytest.mark.parametrize(
    ("inside", "orders"),
    [
        (
            (
                '<connectorcommand xmlns="jabber:iq:configuration" command="manual_synchro" commandId="5f-1"'
                ' ldapConfigId="cfg1"/>'
            ),
            (COMMAND,),
        ),
        (
            (
                '<c:connectorcommand xmlns:c="jabber:iq:configuration" c:command="manual_synchro" c:commandId=" 5f-1 "'
                ' ldapConfigId="cfg1"/>'
            ),
            (COMMAND,),
        ),
        (
            (
                '<w xmlns="urn:x"><i><connectorcommand xmlns="jabber:iq:configuration" command="manual_synchro"'
                ' commandId="5f-1" ldapConfigId="cfg1"/></i></w>'
            ),
            (COMMAND,),
        ),
        ('<connectorcommand xmlns="jabber:iq:configuration"/>', (Command(name=""),)),
        ('<connectorcommand command="manual_synchro"/>', (Command(name="manual_synchro"),)),
        (
            '<connectorconfig xmlns="jabber:iq:configuration" action="update" configId="cfg1"/>',
            (ConfigurationChanged(action="update", config_id="cfg1"),),
        ),
        ('<connectorconfig xmlns="jabber:iq:configuration"/>', (ConfigurationChanged(),)),
        ('<command_ended xmlns="jabber:iq:configuration" commandId="1"/>', (Notice(name="command_ended"),)),
        ('<import_status xmlns="jabber:iq:configuration" total="3"/>', (Notice(name="import_status"),)),
        ('<room xmlns="jabber:iq:configuration" roomid="1"/>', ()),
        ('<connectorcommand xmlns="urn:elsewhere" command="manual_synchro"/>', ()),
        ("words", ()),
        ("", ()),
    ],
)
def test_orders_are_read(inside: str, orders: tuple[Order, ...]) -> None:
    assert read_orders(message(inside)) == orders


@pytest.mark.parametrize("attributes", ["", 'type="chat"', 'type="error"'])
def test_only_a_management_message_orders_anything(attributes: str) -> None:
    assert read_orders(message('<connectorconfig xmlns="jabber:iq:configuration"/>', attributes)) == ()
    assert read_orders(etree.fromstring('<iq xmlns="jabber:client" type="management"><connectorconfig/></iq>')) == ()


def test_a_forwarded_message_orders_nothing() -> None:
    inside = (
        '<received xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0">'
        '<message xmlns="jabber:client" type="management">'
        '<connectorcommand xmlns="jabber:iq:configuration" command="manual_synchro"/></message></forwarded></received>'
    )
    assert read_orders(message(inside)) == ()


@pytest.mark.parametrize("id_", ["x" * 129, "two words", "line&#10;feed"])
def test_an_id_that_cannot_be_used_is_none(id_: str) -> None:
    inside = f'<connectorcommand xmlns="jabber:iq:configuration" command="manual_synchro" commandId="{id_}"/>'
    assert read_orders(message(inside)) == (Command(name="manual_synchro"),)


def test_a_message_orders_ten_things_at_most() -> None:
    assert len(read_orders(message('<connectorconfig xmlns="jabber:iq:configuration"/>' * 25))) == 10


def test_the_end_of_a_command_is_written_as_rainbow_writes_it() -> None:
    assert management.command_ended("e1", "pcloud_enduser_1@rainbow.test/7", 'a"&<b') == (
        '<message xmlns="jabber:client" type="management" id="e1" to="pcloud_enduser_1@rainbow.test/7">'
        '<command_ended xmlns="jabber:iq:configuration" commandId="a&quot;&amp;&lt;b"/></message>'
    )
