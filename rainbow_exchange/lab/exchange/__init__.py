"""A simulated Microsoft Exchange that speaks the real EWS wire on loopback.

Start reading at `server.py`; `controls.py` is the lab's own test wire; `docs/reference/lab.md` tells both.
"""

from rainbow_exchange.lab.exchange.mailbox import LabMailbox, Right
from rainbow_exchange.lab.exchange.server import LabExchange

__all__ = ["LabExchange", "LabMailbox", "Right"]
