"""`rainbow-exchange status`: is it well, and if not, why and what to do."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from rainbow_exchange import config
from rainbow_exchange.cli import local_api, status_screen, watch
from rainbow_exchange.cli.terminal import config_option
from rainbow_exchange.network.shown import printable

SCHEMA_VERSION = 1
DEGRADED = 1
EXIT_CODES = {"healthy": 0, "switched off": 0} | local_api.EXIT_CODES


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON (docs/reference/status.md).")
@click.option("--watch", "watches", is_flag=True, help="Look again and again until Ctrl-C.")
@click.option(
    "--every",
    metavar="SECONDS",
    type=click.FloatRange(0.5, 3600),
    default=2.0,
    show_default=True,
    help="How often --watch looks.",
)
def status(*, config_file: Path | None, as_json: bool, watches: bool, every: float) -> None:
    """Say whether the connector is well and, if not, why and what to do.

    It changes nothing. With --watch a terminal shows the same screen, kept up to date; elsewhere a line is printed
    whenever state or problems change, or with --json one each time.

    \b
    Exit code: 0 healthy, 1 degraded, 3 not running, 4 cannot tell; of --watch, what was seen last.
    \b
    Examples, the second one for a monitoring system:
        rainbow-exchange status --watch
        rainbow-exchange status --json
    """  # noqa: D301  (\b is click's: keep these lines)
    folder = config.data_folder(config.load(config_file))
    if watches:
        answer = watch.watch(lambda: _ask(folder), every=every, as_json=as_json)
    else:
        answer = _ask(folder)
        for line in [json.dumps(answer)] if as_json else status_screen.lines(answer, now=datetime.now().astimezone()):
            click.echo(printable(line))
    sys.exit(EXIT_CODES.get(answer["state"], DEGRADED))


def _ask(folder: Path) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = local_api.ask(folder, "/api/status", schema=SCHEMA_VERSION)
    except local_api.NoAnswerError as error:
        return _without_daemon(error.state, str(error), error.action)
    return answer


def _without_daemon(state: str, reason: str, action: str) -> dict[str, Any]:
    """Give the same shape, with what can be said when there is no daemon to ask."""
    return {
        "schema_version": SCHEMA_VERSION,
        "state": state,
        "since": None,
        "started": None,
        "event_loop": None,
        "exchange": {"state": "unknown", "reason": reason, "account": "", "certificate_ends": None},
        "rainbow": {"state": "unknown", "reason": reason},
        "users": None,
        "mailboxes": {"total": None, "streamed": None, "polled": None, "uncovered": None},
        "throttling": None,
        "latency": dict.fromkeys(("told_p50", "told_p99", "asked_p50", "asked_p99")),
        "last_hour": dict.fromkeys(("calendars", "absences", "told_p50", "told_p99", "asked_p50", "asked_p99"))
        | {"minutes": []},
        "changes": {"told": None, "found_after_gap": None, "recovered": None},
        "notify": {
            "waiting": None,
            "oldest_seconds": None,
            "refused": None,
            "did_not_ask": None,
            "failing": "",
            "next_try": None,
        },
        "link": dict.fromkeys(
            (
                "kind",
                "connected_since",
                "connections",
                "other_connectors",
                "questions",
                "answered",
                "refused",
                "failed",
                "strangers",
            )
        ),
        "reports": {"sent": None, "waiting": None, "dropped": None, "refused": None},
        "not_streamed_total": None,
        "not_streamed": [],
        "not_read_total": None,
        "not_read": [],
        "settings": [],
        "problems": [
            {"id": state.replace(" ", "-"), "severity": "error", "since": None, "text": reason, "action": action}
        ],
    }
