"""The connector's events at Rainbow: failures and recoveries, as `POST connectors/events` takes them.

Documented by Rainbow's SDK (AdminService, region "Connectors"): an event that Rainbow has already, by its `eventId`, is
not stored again, so that a call may be repeated; each is kept for thirty days.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from rainbow_exchange.rainbow.client import RainbowClient

PATH = "/api/rainbow/admin/v1.0/connectors/events"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorEvent:
    """One event. `level`: ERROR, WARN, INFO; `id` is the same however often the same thing is told."""

    id: str
    level: str
    category: str
    operation: str
    description: str
    at: datetime

    def as_json(self) -> dict[str, str]:
        """Return it with Rainbow's names."""
        return {
            "eventId": self.id,
            "level": self.level,
            "category": self.category,
            "operation": self.operation,
            "description": self.description,
            "date": self.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `as_json` gave. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            id=str(value["eventId"]),
            level=str(value["level"]),
            category=str(value["category"]),
            operation=str(value["operation"]),
            description=str(value["description"]),
            at=datetime.fromisoformat(value["date"]),
        )


async def send_events(client: RainbowClient, events: Sequence[ConnectorEvent]) -> None:
    """Have Rainbow keep these events; tried once, the caller repeats. Raises RainbowError."""
    body = {"events": [event.as_json() for event in events]}
    await client.call("events", "POST", PATH, body=body, repeatable=True, reads=False)
