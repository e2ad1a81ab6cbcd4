"""A simulated Rainbow: REST, XMPP over WebSocket, and what clients see. Shares no parser with the product."""

from rainbow_exchange.lab.rainbow.server import LabRainbow

__all__ = ["LabRainbow"]
