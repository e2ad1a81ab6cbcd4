"""`rainbow-exchange status`: is it well, and if not, why and what to do."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from rainbow_exchange import config
from rainbow_exchange.cli import local_api
from rainbow_exchange.cli.terminal import config_option
from rainbow_exchange.network.shown import printable

SCHEMA_VERSION = 1
DEGRADED = 1
#: how many mailboxes that wait for their next try stand on the screen
SHOWN = 5
_EXIT_CODES = {"healthy": 0, local_api.NOT_RUNNING: 3, local_api.CANNOT_TELL: 4}


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON (docs/reference/status.md).")
def status(config_file: Path | None, as_json: bool) -> None:
    """Say whether the connector is well and, if not, why and what to do.

    \b
    Exit code: 0 healthy, 1 degraded, 3 not running, 4 cannot tell.
    \b
    Example, for a monitoring system:
        rainbow-exchange status --json
    """  # noqa: D301  (\b is click's: keep these lines)
    folder = config.data_folder(config.load(config_file))
    answer = _ask(folder)
    if as_json:
        click.echo(json.dumps(answer))
    else:
        for line in _screen(answer):
            click.echo(printable(line))
    sys.exit(_EXIT_CODES.get(answer["state"], DEGRADED))


def _ask(folder: Path) -> dict[str, Any]:
    try:
        answer = local_api.ask(folder, "/api/status")
    except local_api.NoAnswerError as error:
        return _without_daemon(error.state, str(error), error.action)
    if isinstance(answer, dict) and answer.get("schema_version") == SCHEMA_VERSION:
        return answer
    return _without_daemon(
        local_api.CANNOT_TELL,
        "the daemon is of another version than this command",
        "use the command of the daemon's version",
    )


def _without_daemon(state: str, reason: str, action: str) -> dict[str, Any]:
    """Give the same shape, with what can be said when there is no daemon to ask."""
    return {
        "schema_version": SCHEMA_VERSION,
        "state": state,
        "since": None,
        "exchange": {"state": "unknown", "reason": reason, "account": "", "certificate_ends": None},
        "rainbow": {"state": "unknown", "reason": reason},
        "mailboxes": {"total": None, "streamed": None, "polled": None, "uncovered": None},
        "throttling": None,
        "latency": {"told_p50": None, "told_p99": None},
        "changes": {"told": None, "found_after_gap": None, "recovered": None},
        "not_streamed": [],
        "not_read": [],
        "problems": [
            {"id": state.replace(" ", "-"), "severity": "error", "since": None, "text": reason, "action": action}
        ],
    }


def _screen(answer: Mapping[str, Any]) -> Iterator[str]:
    yield f"{str(answer['state']).capitalize()}{_since(answer['since'])}"
    boxes = answer["mailboxes"]
    if boxes["total"] is not None:
        account = answer["exchange"].get("account")
        ends = _certificate(answer["exchange"].get("certificate_ends"))
        yield f"  Exchange   {_side(answer['exchange'])}{f', as {account}' if account else ''}{ends}"
        yield f"  Rainbow    {_side(answer['rainbow'])}"
        yield (
            f"  Mailboxes  {boxes['total']}: {boxes['streamed']} streamed, {boxes['polled']} polled,"
            f" {boxes['uncovered']} not covered"
        )
        if throttling := answer.get("throttling"):
            yield f"  Throttling {_throttling(throttling)}"
        latency = answer["latency"]
        yield f"  Told after {_seconds(latency['told_p50'])} (median), {_seconds(latency['told_p99'])} (99 %)"
    yield from _waiting("Not streamed", answer.get("not_streamed", []))
    yield from _waiting("Not read", answer.get("not_read", []))
    for problem in answer["problems"]:
        yield ""
        yield f"{str(problem['severity']).capitalize()} {problem['id']}{_since(problem['since'])}"
        yield f"  {problem['text']}"
        yield f"  Next step: {problem['action']}"


def _waiting(title: str, entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Show the first few, as "ada@acme.test: polled, next try 10:42, because ErrorAccessDenied"."""
    if not entries:
        return
    yield f"  {title}"
    for entry in entries[:SHOWN]:
        shown = {"polled": "polled, ", "uncovered": "not covered, "}.get(entry.get("coverage", ""), "")
        when = f"next try {_clock(entry['next_try'])}, " if entry["next_try"] else ""
        yield f"    {entry['user']}: {shown}{when}because {entry['reason']}"
    if len(entries) > SHOWN:
        yield f"    and {len(entries) - SHOWN} more: rainbow-exchange status --json"


def _throttling(meter: Mapping[str, Any]) -> str:
    """Show the meter on one line."""
    streams = _count(meter["streams_open"], "stream")
    if meter["streams_limit"] is not None:
        streams += f" of {meter['streams_limit']} allowed"
    if meter["next_stream_try"]:
        streams += f" (one more is tried at {_clock(meter['next_stream_try'])})"
    shown = f"{streams}, {meter['requests_in_flight']} of {meter['requests_limit']} requests in flight"
    if meter["poll_period_seconds"] is not None:
        shown += f", polling every {meter['poll_period_seconds']:.0f} s"
    if meter["back_offs"]:
        shown += f", {_count(meter['back_offs'], 'back-off')}, the last for {meter['last_reason']}"
    return f"{shown}, held back until {_clock(meter['until'])}" if meter["until"] else shown


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _clock(instant: str) -> str:
    """Give the time of day, and the day as well where it is another than today."""
    try:
        when = datetime.fromisoformat(instant).astimezone()
    except ValueError:
        return instant
    return f"{when:%H:%M}" if when.date() == datetime.now().astimezone().date() else f"{when:%Y-%m-%d %H:%M}"


def _side(side: Mapping[str, Any]) -> str:
    return f"{side['state']} ({side['reason']})" if side["reason"] else str(side["state"])


def _certificate(ends: str | None) -> str:
    return f", certificate valid until {ends[:10]}" if ends else ""


def _since(instant: str | None) -> str:
    if instant is None:
        return ""
    try:
        return f" since {datetime.fromisoformat(instant).astimezone():%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return f" since {instant}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"
