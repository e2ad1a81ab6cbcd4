"""Ports for servers that are not listening yet, or never are."""

import random
import socket
from contextlib import suppress

#: what no system of ours gives by chance to a client or a server that asked for any port
_BELOW_EPHEMERAL = 20000, 32000
_RANDOM = random.SystemRandom()  # with another one's seed two processes would find the same ports
_given: set[int] = set()


def free_port() -> int:
    """Find a port that nobody else is given, by chance or by us, while nobody listens there yet."""
    while True:
        port = _RANDOM.randrange(*_BELOW_EPHEMERAL)
        if port in _given:
            continue
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _given.add(port)
            return port
