"""What the client of Exchange has done: plain numbers for status and metrics."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from rainbow_exchange.ews.endings import label
from rainbow_exchange.ews.errors import EwsError


@dataclass(slots=True)
class ClientCounters:
    """Since the start of the client."""

    requests: Counter[str] = field(default_factory=Counter)  # by operation, sent
    errors: Counter[str] = field(default_factory=Counter)  # by ResponseCode, kind of connection error, or class
    bytes_sent: int = 0
    bytes_received: int = 0
    back_offs: Counter[str] = field(default_factory=Counter)  # times it asked to be left alone, by `endings.label`
    last_back_off: str = ""  # its reason
    last_back_off_at: datetime | None = None

    def backed_off(self, error: EwsError, now: datetime, *, part: str = "") -> None:
        """Count that the server asks to be left alone; `part` is what it says there is too much of."""
        self.back_offs[label(error)] += 1
        self.last_back_off, self.last_back_off_at = f"{error} ({part})" if part else str(error), now
