"""`rainbow-exchange secret`: put secrets where the service can read them, and see where each comes from."""

import difflib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from rainbow_exchange import config, logs, own_keyring
from rainbow_exchange.cli import local_api, secret_keeper, secret_screen
from rainbow_exchange.cli.secret_file import into_file
from rainbow_exchange.cli.secret_value import FILE_OPTION, typed
from rainbow_exchange.cli.terminal import config_option, is_terminal, json_option, print_lines
from rainbow_exchange.config import Settings
from rainbow_exchange.errors import UserError
from rainbow_exchange.network.shown import printable
from rainbow_exchange.secret_desk import KEYS, demand_changeable
from rainbow_exchange.secret_places import place_of

SCHEMA_VERSION = 1
STILL_SET = NOT_SET = 1


def _known(ctx: click.Context, param: click.Parameter, name: str) -> str:
    """Take the name of a secret, as the settings call it."""
    if name not in KEYS:
        near = difflib.get_close_matches(name.replace("_file", ""), KEYS, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(KEYS)}."
        raise click.BadParameter(f"{printable(name)} is not the name of a secret; {hint}", ctx, param)
    return name


def _begun(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(key) for key in KEYS if key.startswith(incomplete)]


_yes_option = click.option("--yes", is_flag=True, help="Answer every question with yes.")
_name_argument = click.argument("name", callback=_known, shell_complete=_begun)


@click.group()
def secret() -> None:
    """Put secrets where the service can read them, and see where each comes from. No value is ever shown.

    A keyring belongs to one account: an administrator's is not the service's. So the running service keeps secrets
    itself, in its own keyring. rainbow-exchange secret list gives their names.

    \b
    Examples:
        rainbow-exchange secret list
        rainbow-exchange secret set exchange.password
    """  # noqa: D301  (\b is click's: keep these lines)
    logs.configure("error")


@secret.command("set")
@_name_argument
@FILE_OPTION
@click.option(
    "--to-file",
    "to_file",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Write it to a private file and print the setting that names it. The settings file is not changed.",
)
@click.option("--for", "reader", metavar="ACCOUNT", help="With --to-file: the account of the service, which reads it.")
@_yes_option
@config_option
@json_option
def put(  # noqa: PLR0917  (click hands them in by name)
    name: str,
    file: Path | None,
    to_file: Path | None,
    reader: str | None,
    yes: bool,
    config_file: Path | None,
    as_json: bool,
) -> None:
    """Keep a secret: typed twice at a prompt, or from a file or a pipe. No option takes it itself.

    The running service keeps it in its own keyring, or in the file that the settings name, reads it back and uses it at
    once. It is not tried at Exchange or Rainbow. Without a running service it would go into this account's keyring,
    which is said and asked about first.

    \b
    Exit code: 0 kept, 2 not kept (the value or the settings are faulty, another place stands above, or there is
    nowhere to keep it), 4 cannot tell what the running service does, 130 interrupted.
    \b
    Examples:
        rainbow-exchange secret set exchange.password
        rainbow-exchange secret set exchange.password --file pw.txt
        rainbow-exchange secret set exchange.password --to-file /etc/rainbow-exchange/exchange-password
    """  # noqa: D301  (\b is click's: keep these lines)
    settings = config.load(config_file)
    if reader and to_file is None:
        raise click.UsageError("--for goes with --to-file.")
    if to_file is not None:
        shown, lines = into_file(name, typed(name, file), to_file, settings, reader=reader)
        _tell(shown, lines, as_json=as_json)
        return
    ask, daemon = secret_keeper.find(settings)
    if daemon:
        _demand_effect(name, secret_keeper.places_of(ask, name))
    else:
        _agree(name, settings, yes=yes)
    done = ask(do="set", name=name, value=typed(name, file))
    place = f"the keyring of {done['account']}" if done["kept"] == "keyring" else str(done["where"])
    used, remark = daemon and not done["remark"], done["remark"] or None
    lines = [f"Kept {name} in {place}, and read it back."]
    lines.append("The running service uses it from now on." if used else "It counts when the service starts.")
    if remark:
        lines.append(f"The settings on disk cannot be used, so nothing was taken from them: {remark}")
    shown = {"name": name, "kept": done["kept"], "where": place, "account": done["account"], "in_use": used}
    _tell(shown | {"remark": remark}, lines, as_json=as_json)


@secret.command()
@_name_argument
@_yes_option
@config_option
@json_option
def unset(name: str, yes: bool, config_file: Path | None, as_json: bool) -> None:
    """Take a secret away: out of the service's keyring, and, once agreed to, the file that the settings name.

    What a variable or systemd gives stays, and is said. Settings are not changed.

    \b
    Exit code: 0 it is set no more, 1 it is still given from elsewhere, 2 not possible, 4 cannot tell what the running
    service does, 130 interrupted.
    \b
    Example:
        rainbow-exchange secret unset rainbow.proxy_password
    """  # noqa: D301  (\b is click's: keep these lines)
    settings = config.load(config_file)
    ask, daemon = secret_keeper.find(settings)
    before = secret_keeper.places_of(ask, name)
    one = secret_screen.counting(before)
    if one.get("kind") == "file" and os.path.lexists(one["where"]) and not yes:
        _confirm(
            f"Remove {one['where']}, which the settings name? The service does not start while they do; "
            f"take {name}_file out of them."
        )
    done = ask(do="unset", name=name)
    had = [place for place in before if place["has"] and place["kind"] in {"file", "keyring"}]
    left = [place for place in done["places"] if place["has"]]
    gone = [place["where"] for place in had if place["where"] not in {each["where"] for each in left}]
    _tell(
        {"name": name, "removed": gone, "left": [place["where"] for place in left], "account": done["account"]}
        | {"in_use": daemon, "remark": done["remark"] or None},
        [
            f"Taken out of {' and '.join(map(_the, gone))}."
            if gone
            else f"There was nothing to take out of the keyring of {done['account']}.",
            *(f"It is still given by {_the(place['where'])}; take it away there." for place in left),
            *([done["remark"]] if done["remark"] else []),
        ],
        as_json=as_json,
    )
    sys.exit(STILL_SET if left else 0)


@secret.command("list")
@config_option
@json_option
def show(config_file: Path | None, as_json: bool) -> None:
    """Show of each secret whether it is set, where it comes from, and for which account that holds.

    The running service says what it can read; beside it stands what this account can.

    \b
    Exit code: 0 shown, 2 faulty settings, 4 what the service sees cannot be told (this account's view is shown).
    \b
    Example:
        rainbow-exchange secret list
    """  # noqa: D301  (\b is click's: keep these lines)
    service, own, state = secret_keeper.views(config.load(config_file))
    if as_json:
        views = {"service": service, "this_account": own}
        shown = {
            name: view and {"account": view["account"], "secrets": secret_screen.summary(view)}
            for name, view in views.items()
        }
        click.echo(json.dumps({"schema_version": SCHEMA_VERSION, "state": state} | shown))
    else:
        lines = secret_screen.table if is_terminal(sys.stdout) else secret_screen.plain
        print_lines(lines(service, own))
    sys.exit(local_api.EXIT_CODES[state] if state == local_api.CANNOT_TELL else 0)


@secret.command()
@_name_argument
@config_option
@json_option
def where(name: str, config_file: Path | None, as_json: bool) -> None:
    """Show every place of one secret in the order of precedence, which of them has it, and which counts.

    \b
    Exit code: 0 it is set, 1 it is not, 2 faulty settings, 4 what the service sees cannot be told (this account's view
    is shown).
    \b
    Example:
        rainbow-exchange secret where exchange.password
    """  # noqa: D301  (\b is click's: keep these lines)
    service, own, state = secret_keeper.views(config.load(config_file))
    views = {"service": service, "this_account": own}
    found = {
        key: view and next(each for each in secret_screen.summary(view) if each["name"] == name)
        for key, view in views.items()
    }
    if as_json:
        accounts = {key: view and view["account"] for key, view in views.items()}
        shown = {key: one and {"account": accounts[key]} | one for key, one in found.items()}
        click.echo(json.dumps({"schema_version": SCHEMA_VERSION, "state": state} | shown))
    else:
        print_lines(secret_screen.everywhere(service, own, name))
    if state == local_api.CANNOT_TELL:
        sys.exit(local_api.EXIT_CODES[state])
    one = found["service"] or found["this_account"]
    sys.exit(0 if one and one["set"] else NOT_SET)


def _the(where: str) -> str:
    return f"the {where}" if where.startswith(("keyring", "variable")) else where


def _demand_effect(name: str, places: secret_screen.Places) -> None:
    """Refuse before anything is typed what would have no effect."""
    one = secret_screen.counting(places)
    if one.get("kind") in {"variable", "systemd"}:
        text = f"{name} is given to the service by {one['where']}, which stands above what is kept from here"
        raise UserError([f"{text}: change it there, or take it away."])


def _agree(name: str, settings: Settings, *, yes: bool) -> None:
    """Say whose place it would be without a daemon, and have that agreed to."""
    place = place_of(settings, name)
    demand_changeable(place)
    account = own_keyring.whose()
    if place.file is not None:
        question = (
            f"The service is not running. Write {place.file} as {account}, for the service to read when it starts?"
        )
    else:
        question = (
            f"The service is not running, so this goes into the keyring of {account}. A service that runs as another"
            f" account cannot read it: start it first, or use --to-file PATH. Keep it in the keyring of {account}?"
        )
    if not yes:
        _confirm(question)


def _confirm(question: str) -> None:
    if not is_terminal(sys.stdin):
        raise UserError([f"{question} There is no terminal to ask at: --yes agrees to it."])
    if not click.confirm(printable(question), err=True):
        raise click.Abort


def _tell(shown: Mapping[str, Any], lines: list[str], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"schema_version": SCHEMA_VERSION} | dict(shown)))
        return
    print_lines(lines)
