"""`rainbow-exchange support-bundle`: what somebody needs who is not here, in one file, without saying who is who."""

import errno
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from rainbow_exchange import config, logs
from rainbow_exchange.cli import local_api, support_sources
from rainbow_exchange.cli.service_options import name_option
from rainbow_exchange.cli.terminal import config_option, is_terminal, json_option, print_lines
from rainbow_exchange.diagnosis.bundle import archive, packing, sources
from rainbow_exchange.diagnosis.bundle.collect import NotCollected, Read, Source, read
from rainbow_exchange.diagnosis.bundle.making import Bundle, make, whose_hashes
from rainbow_exchange.diagnosis.bundle.worst import Ask
from rainbow_exchange.errors import UserError
from rainbow_exchange.private_files import write_private

SCHEMA_VERSION = 1
#: seconds: a daemon that is busy may take a while
_PATIENCE = 20.0


@click.command("support-bundle")
@config_option
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where to write it, a file that is not there yet or a folder; without it the current folder.",
)
@click.option(
    "--explain",
    "people",
    metavar="ADDRESS",
    multiple=True,
    help="Have this user explained in any case, besides those with problems; may be given several times.",
)
@name_option
@click.option("--no-check", is_flag=True, help="Leave out what rainbow-exchange check says, which may take a minute.")
@click.option("--include-addresses", is_flag=True, help="Leave people's addresses and ids as they are.")
@json_option
def support_bundle(  # noqa: PLR0917  (click hands them in by name)
    config_file: Path | None,
    output: Path | None,
    people: tuple[str, ...],
    name: str,
    no_check: bool,
    include_addresses: bool,
    as_json: bool,
) -> None:
    """Pack what helps a support engineer into one zip file, with hashes in place of people's addresses.

    It holds settings, status, the worst explained, what check says, the last lines of the log, metrics and versions;
    what could not be had is named in its manifest, so that it is of use without a running daemon, too. It never holds
    a subject, the text of an absence, a password or a token. Nothing is sent anywhere, and nothing is changed. A second
    file beside it tells which hash is whose: that one stays with you.

    \b
    Exit code: 0 written, 1 it cannot be written, 2 there is such a file already.
    \b
    Example:
        rainbow-exchange support-bundle --output for-support.zip --explain ada@acme.test
    """  # noqa: D301  (\b is click's: keep these lines)
    logs.configure("critical")
    now = datetime.now(UTC)
    file = _file(output, now)
    settings, faults = config.read(config_file)
    folder = config.data_folder(settings)
    ask = _asking(folder)
    with _shown("the names of people, to hide them", hidden=as_json):
        known = sources.people(ask, folder)
    own = [
        *support_sources.of_settings(config_file, faults),
        *(() if no_check else support_sources.of_check(config_file)),
    ]
    wanted = packing.wanted(own, folder=folder, settings=settings, service=name, ask=ask, people=people, now=now)
    given = [_read(each, hidden=as_json) for each in wanted]
    bundle = make(given, settings=settings, folder=folder, known=known, include_addresses=include_addresses, now=now)
    answer = _answer(file, _write(file, bundle), bundle)
    if as_json:
        click.echo(json.dumps(answer))
        return
    print_lines(_lines(answer))


def _file(output: Path | None, now: datetime) -> Path:
    """Give where to write to. Raises UserError where something is, and ClickException where it cannot be."""
    file = output if output is not None else Path.cwd()
    if file.is_dir():
        file /= archive.name(now)
    for path in (file, _names_file(file)):
        if path.exists():
            raise UserError([f"{path} is there already, and is not overwritten; name another file with --output."])
    file = file.absolute()
    if not file.parent.is_dir():
        raise _unwritable(file, os.strerror(errno.ENOENT))
    if not os.access(file.parent, os.W_OK):
        raise _unwritable(file, os.strerror(errno.EACCES))
    return file


def _unwritable(file: Path, why: str) -> click.ClickException:
    return click.ClickException(f"{file} cannot be written ({why}); name another place with --output.")


def _names_file(file: Path) -> Path:
    return file.with_name(f"{file.name}.names.txt")


def _asking(folder: Path) -> Ask:
    """Give what asks the daemon; once it is not there, or has kept us waiting, it is not asked again."""
    gone: list[str] = []

    def ask(path: str, content: object) -> Any:
        if gone:
            raise NotCollected(gone[0])
        began = time.monotonic()
        try:
            return local_api.ask(folder, path, content=content, seconds=_PATIENCE)
        except local_api.NoAnswerError as error:
            why = f"{error.state}: {error}; {error.action}"
            if error.state == local_api.NOT_RUNNING or time.monotonic() - began > _PATIENCE / 2:
                gone.append(why)
            raise NotCollected(why) from error

    return ask


def _read(source: Source, *, hidden: bool) -> Read:
    with _shown(source.what, hidden=hidden):
        return read(source)


@contextmanager
def _shown(what: str, *, hidden: bool) -> Iterator[None]:
    """Show what is being collected while it is, to whoever looks."""
    shows = not hidden and is_terminal(sys.stderr)
    if shows:
        click.echo(f"\rCollecting: {what[:60]:<60}", nl=False, err=True)
    try:
        yield
    finally:
        if shows:
            click.echo(f"\r{'':<72}\r", nl=False, err=True)


def _write(file: Path, bundle: Bundle) -> Path | None:
    """Write the bundle, and beside it whose the hashes are; both or neither."""
    names = _names_file(file) if bundle.who else None
    ours: list[Path] = []
    try:
        if names is not None:
            ours.append(names)
            write_private(names, whose_hashes(file.name, bundle.who), replace=False)
        ours.append(file)
        write_private(file, bundle.content, replace=False)
    except BaseException as error:
        if isinstance(error, FileExistsError):
            ours.pop()  # somebody else's, made meanwhile
        for path in ours:
            path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _unwritable(file, error.strerror or type(error).__name__) from error
        raise
    return names


def _answer(file: Path, names: Path | None, bundle: Bundle) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "file": str(file),
        "names_file": names and str(names),
        "bytes": len(bundle.content),
        "people": bundle.manifest["people"],
        "people_known_by": bundle.manifest["people_known_by"],
        "files": [each["name"] for each in bundle.manifest["files"]],
        "missing": bundle.manifest["missing"],
    }


def _lines(answer: Mapping[str, Any]) -> Iterator[str]:
    yield f"Written: {answer['file']} ({len(answer['files'])} files, {answer['bytes']} bytes)"
    if answer["people"] != "hashed":
        yield f"People's addresses and ids stand in it {answer['people']}."
    elif answer["names_file"]:
        yield "Hashes stand in it in place of people's addresses and ids. Whose they are stands in"
        yield f"  {answer['names_file']}"
        yield "Keep that file, and do not send it."
    if answer["people"] == "hashed" and answer["people_known_by"] != sources.BY_DAEMON:
        also = ", and whom the state file remembers" if answer["people_known_by"] == sources.BY_STATE else ""
        yield f"The running service could not say who there is: hidden is what looks like an address or id{also}."
    reasons: dict[str, list[str]] = {}
    for each in answer["missing"]:
        reasons.setdefault(each["why"], []).append(each["name"])
    for why, names in reasons.items():
        yield f"Not collected: {', '.join(names)}: {why}"
    yield "Look into it before you send it: manifest.json says what each file is."
