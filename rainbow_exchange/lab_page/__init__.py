"""The lab's page: what people do in Exchange on one side, what colleagues see in Rainbow on the other, live.

It stands on loopback, asks for no sign-in, and speaks to the lab by the wires that everybody speaks to it by.
"""

from rainbow_exchange.lab_page.server import PORT, serve

__all__ = ["PORT", "serve"]
