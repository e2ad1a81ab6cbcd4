"""What the status says of both sides, in plain words and numbers (`docs/reference/status.md`)."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rainbow_exchange.bridge import coverage, throttling
from rainbow_exchange.bridge.coverage import NotRead, NotStreamed
from rainbow_exchange.bridge.discovery import Discovery
from rainbow_exchange.bridge.parts import BridgeCounters
from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.sides import Sides


def of_sides(sides: Sides) -> dict[str, Any]:
    """Return what the parts say while they exist."""
    pipeline, health = sides.pipeline, sides.health
    ends = health.certificate_ends()
    return {
        "exchange": health.exchange() | {"certificate_ends": ends and iso(ends)},
        "rainbow": health.rainbow(),
        "mailboxes": health.mailboxes(),
        "throttling": _dated(throttling.meter(pipeline, sides.exchange)),
        "changes": _changes(pipeline.parts.counters),
        "not_streamed": [_dated(each) for each in coverage.not_streamed(pipeline)],
        "not_read": [_dated(each) for each in coverage.not_read(pipeline)],
    }


def without_sides(discovery: Discovery | None, problems: Problems) -> dict[str, Any]:
    """Return the same while they do not exist: settings are missing, or Exchange is being looked for."""
    exchange, rainbow = _waiting(discovery, problems)
    return {
        "exchange": exchange | {"account": "", "certificate_ends": None},
        "rainbow": rainbow,
        "mailboxes": {"total": 0, "streamed": 0, "polled": 0, "uncovered": 0},
        "throttling": None,
        "changes": _changes(BridgeCounters()),
        "not_streamed": [],
        "not_read": [],
    }


def iso(instant: datetime) -> str:
    """Write an instant as the status does: UTC, to the second."""
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _waiting(discovery: Discovery | None, problems: Problems) -> tuple[dict[str, str], dict[str, str]]:
    if discovery is not None:
        state = "disconnected" if discovery.tried else "starting"
        rainbow = {"state": "starting", "reason": "It is connected once Exchange is found."}
        return {"state": state, "reason": discovery.reason}, rainbow
    if "settings-missing" in problems:
        either = {"state": "unconfigured", "reason": "Settings are missing."}
    else:
        either = {"state": "starting", "reason": "It was not asked yet."}
    return either, either


def _changes(counters: BridgeCounters) -> dict[str, int]:
    return {
        "told": counters.changes,
        "found_after_gap": counters.changes_found_after_gap,
        "recovered": counters.recovered_changes,
    }


def _dated(view: NotStreamed | NotRead | throttling.Meter) -> dict[str, Any]:
    return {name: iso(value) if isinstance(value, datetime) else value for name, value in asdict(view).items()}
