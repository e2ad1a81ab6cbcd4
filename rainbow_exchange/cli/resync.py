"""`rainbow-exchange resync`: who there is, and what their calendars and absences say, read anew and told to Rainbow."""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from rainbow_exchange import config
from rainbow_exchange.cli import local_api
from rainbow_exchange.cli.terminal import config_option, is_terminal, json_option
from rainbow_exchange.network.shown import printable

SCHEMA_VERSION = 1
FAILED = 1
_LOOK_EVERY = 0.5
_OUTCOMES = {
    "told": "read anew, and Rainbow told",
    "not-told": "read anew; Rainbow could not be told",
    "not-read": "the calendar could not be read",
    "no-mailbox": "no mailbox",
    "unknown": "no user of the company has this address",
    "several": "several users have this address, and none as login; write the login of the one who is meant",
}


@click.command()
@click.argument("addresses", metavar="[ADDRESS]...", nargs=-1)
@click.option("--all", "everybody", is_flag=True, help="Read everybody's calendar and out-of-office state anew.")
@click.option("--no-wait", "leaves", is_flag=True, help="Begin it, and do not wait for its end.")
@json_option
@config_option
def resync(
    *, addresses: tuple[str, ...], everybody: bool, leaves: bool, as_json: bool, config_file: Path | None
) -> None:
    """Read the list of Rainbow's users anew, and the calendar and out-of-office state of whoever has ADDRESS.

    Rainbow is told of them though nothing may have changed. With --all everybody is read in the background, as fast as
    Exchange allows, and Rainbow is told of what differs; without either, only newcomers are taken up.
    No setting is changed, and nobody's rhythm but theirs begins anew.

    \b
    Exit code: 0 done (or begun, with --no-wait), 1 not all of it,
    3 not running, 4 cannot tell.
    \b
    Examples:
        rainbow-exchange resync
        rainbow-exchange resync ada@acme.test
    """  # noqa: D301  (\b is click's: keep these lines)
    if addresses and everybody:
        raise click.UsageError("Name the users' addresses, or --all.")
    folder = config.data_folder(config.load(config_file))
    wanted = {"addresses": list(addresses)} if addresses else {"all" if everybody else "users": True}
    answer = _ask(folder, wanted)
    progress = _Progress()
    while answer["state"] == "running" and not leaves:
        progress.show(answer)
        time.sleep(_LOOK_EVERY)
        answer = _ask(folder, {"job": answer["job"]})
    progress.end()
    if as_json:
        click.echo(json.dumps(answer))
    else:
        _tell(answer)
    good = answer["state"] != "failed" and all(each["outcome"] == "told" for each in answer["people"])
    sys.exit(0 if good else FAILED)


def _ask(folder: Path, wanted: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = local_api.ask(folder, "/api/resync", content=wanted, schema=SCHEMA_VERSION)
    return answer


def _tell(answer: Mapping[str, Any]) -> None:
    if answer["state"] == "running":
        click.echo("It goes on in the daemon: see rainbow-exchange status and its log.")
    for each in answer["people"]:
        because = f" ({each['reason']})" if each["reason"] else ""
        absence = f"; the out-of-office state could not be read ({each['absence']})" if each["absence"] else ""
        words = f"{each['address']}: {_OUTCOMES[each['outcome']]}{because}{absence}"
        click.echo(printable(words), err=each["outcome"] != "told")
    if answer["says"]:
        failed = answer["state"] == "failed"
        click.echo(
            printable(f"{answer['says']} See rainbow-exchange status." if failed else answer["says"]), err=failed
        )


class _Progress:
    """Shows on standard error how far it is: in its place in a terminal, elsewhere a line for each thing done."""

    def __init__(self) -> None:
        self._rewrites = is_terminal(sys.stderr)
        self._phase = ""
        self._open = False

    def show(self, answer: Mapping[str, Any]) -> None:
        """Show it, where it is not what was shown."""
        phase = f"{answer['phase'].capitalize()} ..."
        if self._rewrites:
            far = "" if answer["total"] is None else f" {answer['done']}/{answer['total']}"
            click.echo(f"\r{printable(phase + far):<40}", nl=False, err=True)
            self._open = True
        elif phase != self._phase:
            click.echo(printable(phase), err=True)
        self._phase = phase

    def end(self) -> None:
        """Leave the line that was rewritten."""
        if self._open:
            click.echo("", err=True)
