"""Time zones that nobody here knows: their appointments are told without one, and counted. Pure, but for the log."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger()

#: names that are kept apart, and logged
_MOST = 100
#: what a zone may be called: names come with invitations from anywhere, and others are not repeated
_NAME = re.compile(r"[\w ./:+()-]{1,60}")


@dataclass(slots=True)
class UnknownZones:
    """Appointments in unknown zones, counted at each reading; each new name of a zone is logged once."""

    appointments: int = 0
    names: set[str] = field(default_factory=set)

    def note(self, zones: Iterable[str]) -> None:
        """Count appointments by what Exchange called their zones."""
        for zone in zones:
            self.appointments += 1
            name = zone.strip() if _NAME.fullmatch(zone.strip()) else "(no name of a zone)"
            if name not in self.names and len(self.names) < _MOST:
                self.names.add(name)
                log.info("time_zone_unknown", zone=name)
