"""`rainbow-exchange mailboxes`: everybody in the company, with the mailbox that is theirs, or why none is."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from rainbow_exchange import config
from rainbow_exchange.cli import local_api, mailboxes_screen
from rainbow_exchange.cli.clock_words import Clock
from rainbow_exchange.cli.terminal import config_option, here, is_terminal, json_option, print_lines
from rainbow_exchange.diagnosis.mailboxes_query import MOST, PROBLEMS, SORTS, STATES
from rainbow_exchange.errors import UserError
from rainbow_exchange.private_files import write_private

SCHEMA_VERSION = 1
NOT_READY = 1
#: people that are asked for at once
_PAGE = MOST
#: people that a terminal shows, unless asked for more
_ON_A_SCREEN = 100
_SECONDS = 30.0


@click.command()
@click.argument("text", metavar="[TEXT]", default="")
@click.option("--state", type=click.Choice(STATES), help="How their changes are noticed, or not.")
@click.option("--problem", type=click.Choice(PROBLEMS), help="Who has this problem of the status.")
@click.option("--reason", metavar="TEXT", help="Whose reason has this in it, e.g. ErrorAccessDenied.")
@click.option("--stream", metavar="NUMBER", help="Who is in this stream, by its number.")
@click.option(
    "--sort",
    type=click.Choice(SORTS),
    default="user",
    show_default=True,
    help="By what; of changed, told and asked the latest comes first.",
)
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(0),
    help="So many people at most, 0 for all. Without it a terminal shows 100, and everything else gets all.",
)
@json_option
@click.option(
    "--csv",
    "csv_file",
    metavar="FILE",
    type=click.Path(allow_dash=True),
    help="Write a report for Excel; - for standard output.",
)
@click.option(
    "--delimiter", type=click.Choice([",", ";", "tab"]), default=",", show_default=True, help="Between values of --csv."
)
@config_option
def mailboxes(
    *,
    limit: int | None,
    as_json: bool,
    csv_file: str | None,
    delimiter: str,
    config_file: Path | None,
    **query: str | None,
) -> None:
    """List the users of the company, each with the mailbox that is theirs, or why none is and what to do.

    TEXT is a part of an address, or a pattern with * and ?. Nothing is asked of Exchange or Rainbow: it is what the
    running daemon knows.

    \b
    Exit code: 0 listed (be it nobody), 1 there is no list yet, or it cannot be written,
    3 not running, 4 cannot tell.
    \b
    Examples:
        rainbow-exchange mailboxes --state uncovered
        rainbow-exchange mailboxes --sort reason --csv report.csv
    """  # noqa: D301  (\b is click's: keep these lines)
    if as_json and csv_file is not None:
        raise click.UsageError("Choose one of --json and --csv.")
    on_a_screen = not as_json and csv_file is None and is_terminal(sys.stdout)
    most = limit if limit is not None else _ON_A_SCREEN if on_a_screen else 0
    folder = config.data_folder(config.load(config_file))
    answer = _all(folder, {name: value or "" for name, value in query.items()}, most)
    if as_json:
        click.echo(json.dumps(answer))
    elif answer["state"] != "shown":
        click.echo(f"There is no list yet: {answer['reason']}", err=True)
    elif csv_file is not None:
        _write(csv_file, mailboxes_screen.report(answer["people"], "\t" if delimiter == "tab" else delimiter))
    else:
        print_lines(mailboxes_screen.lines(answer, Clock(here, datetime.now(UTC).isoformat())))
    sys.exit(0 if answer["state"] == "shown" else NOT_READY)


def _all(folder: Path, query: dict[str, str], most: int) -> dict[str, Any]:
    """Ask for everybody whom the query means, `most` at most (0: all), a page after the other."""
    first: dict[str, Any] | None = None
    people: dict[str, Any] = {}
    for page in _pages(folder, query, most):
        first = first or page
        if page["state"] != "shown":
            return page
        people |= {each["user_id"]: each for each in page["people"]}  # each once, if the order was made anew meanwhile
    shown = list(people.values())
    head = {name: value for name, value in (first or {}).items() if name not in {"offset", "next_offset"}}
    return {**head, "people": shown[:most] if most else shown}


def _pages(folder: Path, query: dict[str, str], most: int) -> Iterator[dict[str, Any]]:
    offset: int | None = 0
    while offset is not None and (not most or offset < most):
        limit = min(_PAGE, most - offset) if most else _PAGE
        content = {**query, "offset": offset, "limit": limit}
        page = local_api.ask(folder, "/api/mailboxes", content=content, schema=SCHEMA_VERSION, seconds=_SECONDS)
        yield page
        offset = page.get("next_offset")


def _write(file: str, report: bytes) -> None:
    """Write the report whole, or not at all."""
    if file == "-":
        sys.stdout.buffer.write(report)
        sys.stdout.buffer.flush()
        return
    try:
        write_private(Path(file), report)
    except OSError as error:
        raise UserError([f"--csv {file} cannot be written ({error.strerror or error}); name another file."]) from error
    click.echo(f"Written to {file}.", err=True)
