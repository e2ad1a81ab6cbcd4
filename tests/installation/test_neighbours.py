import socket

from rainbow_exchange.installation import neighbours


def test_the_official_connector_is_known_by_its_service() -> None:
    services = [
        ("rainbow-exchange", "rainbow-exchange connector"),
        ("RainbowConnector", "Rainbow AD/LDAP/Exchange"),
        ("svc1", "Rainbow Exchange Connector"),
        ("RainbowUpdater", "Rainbow desktop updater"),
        ("Spooler", "Print Spooler"),
    ]
    assert neighbours.services_like_rainbows(services) == [
        ("RainbowConnector", "Rainbow AD/LDAP/Exchange"),
        ("svc1", "Rainbow Exchange Connector"),
    ]


def test_a_port_is_taken_while_something_listens_there() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        assert not neighbours.is_taken(port)
        listening.listen()
        assert neighbours.is_taken(port)
