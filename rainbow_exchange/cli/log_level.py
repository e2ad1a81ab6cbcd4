"""`rainbow-exchange log-level`: which lines the running daemon logs, changed for a time and without restart."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from rainbow_exchange import config
from rainbow_exchange.cli import local_api
from rainbow_exchange.cli.clock_words import Clock
from rainbow_exchange.cli.terminal import config_option, json_option

SCHEMA_VERSION = 1
_LEVELS = ("debug", "info", "warning", "error", "reset")
_LONGEST = 7 * 24 * 3600
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _seconds(_context: click.Context, _option: click.Parameter, value: str | None) -> int | None:
    """Read `90s`, `30m`, `2h` or `1d`; a number alone is minutes."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d{1,6})([smhd]?)", value.strip(), re.ASCII)
    seconds = int(found[1]) * _UNITS[found[2] or "m"] if found else 0
    if not 1 <= seconds <= _LONGEST:
        raise click.BadParameter(f"{value!r} is no time such as 90s, 30m, 2h or 1d; 7d at most.")
    return seconds


@click.command()
@click.argument("level", required=False, type=click.Choice(_LEVELS))
@click.option("--for", "seconds", metavar="TIME", callback=_seconds, help="Until when: 90s, 30m, 2h or 1d; 7d at most.")
@json_option
@config_option
def log_level(*, level: str | None, seconds: int | None, as_json: bool, config_file: Path | None) -> None:
    """Show which lines the running service logs, or change that without a restart.

    `debug` is over by itself after 30 minutes, or after the time that --for gives, so that nobody forgets it; what is
    less than the settings say lasts until the service stops, where no time is given. `reset` goes back to log.level of
    the settings. rainbow-exchange status says so while a level is changed.

    \b
    Exit code: 0 shown or changed, 3 not running, 4 cannot tell.
    \b
    Examples:
        rainbow-exchange log-level
        rainbow-exchange log-level debug --for 10m
        rainbow-exchange log-level reset
    """  # noqa: D301  (\b is click's: keep these lines)
    if seconds is not None and level in {None, "reset"}:
        raise click.UsageError("--for says how long a level counts: name the level.")
    folder = config.data_folder(config.load(config_file))
    wanted = {} if level is None else {"level": level, "seconds": seconds}
    answer = local_api.ask(folder, "/api/log-level", content=wanted, schema=SCHEMA_VERSION)
    click.echo(json.dumps(answer) if as_json else sentence(answer, now=datetime.now(UTC).astimezone()))


def sentence(answer: Mapping[str, Any], *, now: datetime) -> str:
    """Say which level counts and for how long, in the zone of `now`."""
    level, settings = answer["level"], answer["settings_level"]
    if not answer["changed"]:
        return f"{level}, as the settings say"
    if answer["until"] is None:
        return f"{level} until the service stops; the settings say {settings} (rainbow-exchange log-level reset)"
    clock = Clock(lambda instant: instant.astimezone(now.tzinfo), now.isoformat())
    return f"{level} until {clock.at(answer['until'])}, then {settings} as the settings say"
