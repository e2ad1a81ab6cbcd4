"""`rainbow-exchange check`: everything from bottom to top, without the daemon and without changing anything."""

import asyncio
import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from rainbow_exchange import __version__, config, logs, secret_desk
from rainbow_exchange.cli import check_screen, local_api
from rainbow_exchange.cli.terminal import config_option, is_terminal
from rainbow_exchange.config import Settings
from rainbow_exchange.diagnosis import check as diagnosis
from rainbow_exchange.diagnosis.check import TITLES, Began, Candidate, Result, Verdict
from rainbow_exchange.diagnosis.check.local import resolve
from rainbow_exchange.errors import UserError
from rainbow_exchange.network.shown import printable
from rainbow_exchange.own_keyring import whose
from rainbow_exchange.sign_up.keeping import effective
from rainbow_exchange.state.errors import StateError
from rainbow_exchange.state.snapshot import snapshot
from rainbow_exchange.state.store import FILE_NAME, Store
from rainbow_exchange.web import runtime

SCHEMA_VERSION = 1
#: its keyring may be slow
_KEYRING_SECONDS = 20.0
EXIT_CODES = {Verdict.PASS: 0, Verdict.WARN: 1, Verdict.FAIL: 2}


@click.command()
@click.argument("address", required=False, default="")
@config_option
@click.option(
    "--must-refuse",
    metavar="ADDRESS",
    multiple=True,
    help="A mailbox that the account must not be able to read; may be given several times.",
)
@click.option("--strict", is_flag=True, help="Let a warning count as a failure.")
@click.option("--try-again", is_flag=True, help="Send credentials once more that were refused before.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=diagnosis.TOTAL,
    show_default=True,
    metavar="N",
    help="For all steps together.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON at the end (docs/reference/check.md).")
def check(  # noqa: PLR0917  (click hands them in by name)
    address: str,
    config_file: Path | None,
    must_refuse: tuple[str, ...],
    strict: bool,
    try_again: bool,
    seconds: float,
    as_json: bool,
) -> None:
    """Check everything from bottom to top: settings, secrets, the way to Exchange and to Rainbow, rights, calendars.

    With ADDRESS for this one user of the company. Nothing is changed and nobody is told anything; what it subscribes to
    is given back. It works with the service running and without.

    A password that was refused before is not sent again, so that the account is not locked: --try-again.

    \b
    Exit code: 0 all is well, 1 there are warnings, 2 something failed (with --strict a warning, too), 130 interrupted.
    \b
    Examples:
        rainbow-exchange check
        rainbow-exchange check ada@acme.test
        rainbow-exchange check --must-refuse ceo@acme.test --strict --json
    """  # noqa: D301  (\b is click's: keep these lines)
    logs.configure("critical")
    began = datetime.now(UTC)
    shown = _Shown(as_json=as_json)
    try:
        results = look(
            config_file,
            began=shown.began,
            found=shown.result,
            address=address.strip(),
            must_refuse=must_refuse,
            again=try_again,
            seconds=seconds,
        )
    finally:
        shown.end()
    verdict = diagnosis.overall((each.verdict for each in results), strict=strict)
    if as_json:
        click.echo(json.dumps(written(results, verdict, began, address.strip())))
    else:
        click.echo(check_screen.last(results))
    sys.exit(EXIT_CODES[verdict])


def look(
    config_file: Path | None,
    *,
    began: Callable[[Began], object],
    found: Callable[[Result], object],
    address: str = "",
    must_refuse: Sequence[str] = (),
    again: bool = False,
    seconds: float = diagnosis.TOTAL,
) -> list[Result]:
    """Check everything; `began` and `found` are told of each step. Give what was found."""
    results: list[Result] = []

    def take(result: Result) -> None:
        results.append(result)
        found(result)

    try:
        settings = config.load(config_file)
    except UserError as error:
        take(_faulty(error))
        return results
    folder = config.data_folder(settings)
    with _state(folder) as (store, state_fault):
        candidate, daemon = _candidate(effective(settings, store), folder, state_fault)
        going = diagnosis.run(
            candidate,
            store=store,
            now=lambda: datetime.now(UTC),
            random=random.random,
            address=address,
            must_refuse=must_refuse,
            daemon=daemon,
            again=again,
            total=seconds,
        )

        async def follow() -> None:
            async with aclosing(going) as each_one:
                async for each in each_one:
                    if isinstance(each, Began):
                        began(each)
                    else:
                        take(each)

        asyncio.run(follow())
    return results


class _Shown:
    """Prints each step; in a terminal a line stands while it goes on."""

    def __init__(self, *, as_json: bool) -> None:
        self._err = as_json
        self._rewrites = is_terminal(sys.stderr if as_json else sys.stdout)
        self._width = max(map(len, TITLES))
        self._open = 0

    def began(self, step: Began) -> None:
        """Say what is being looked at."""
        if self._rewrites:
            text = f"....  {step.step:{self._width}}  {TITLES[step.step]}"
            self._open = len(text)
            click.echo(text, nl=False, err=self._err)

    def result(self, result: Result) -> None:
        """Say what was found."""
        for number, line in enumerate(check_screen.lines(result, width=self._width)):
            before = "\r" if self._open and not number else ""
            click.echo(before + printable(line).ljust(0 if number else self._open), err=self._err)
        self._open = 0

    def end(self) -> None:
        """End a line that stands."""
        if self._open:
            click.echo("", err=self._err)
            self._open = 0


@contextmanager
def _state(folder: Path) -> Iterator[tuple[Store, str]]:
    """Open what is known of the state, and say why that is nothing."""
    try:
        with snapshot(folder) as store:
            yield store, ""
    except StateError as error:
        with TemporaryDirectory(prefix="rainbow-exchange-") as empty:
            store = Store.open(Path(empty) / FILE_NAME)
            try:
                yield store, str(error)
            finally:
                store.close()


def _candidate(settings: Settings, folder: Path, state_fault: str) -> tuple[Candidate, Mapping[str, Any] | None]:
    """Put together what is checked, and the status of the service if it runs with this folder."""
    secrets, faults = resolve(settings)
    candidate = Candidate(
        settings=settings, secrets=secrets, secret_faults=faults, account=whose(), state_fault=state_fault
    )
    try:
        status = local_api.ask(folder, "/api/status")
        seen = local_api.ask(folder, secret_desk.PATH, content={"do": "look"}, seconds=_KEYRING_SECONDS)["answer"]
        has = {each["name"] for each in seen["secrets"] if any(at["counts"] and at["has"] for at in each["places"])}
        return replace(candidate, service=str(seen["account"]), service_has=frozenset(has)), dict(status)
    except local_api.NoAnswerError as error:
        if error.state == local_api.NOT_RUNNING:
            return candidate, None
        return replace(candidate, service=_owner(folder), service_fault=str(error)), None
    except (KeyError, TypeError, ValueError):
        fault = "the service is of another version than this command"
        return replace(candidate, service=_owner(folder), service_fault=fault), None


def _owner(folder: Path) -> str:
    """Name whom the service runs as, by the file that it keeps; "" where that is not told."""
    if sys.platform == "win32":
        return ""
    else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
        try:
            return (folder / runtime.RUNTIME_NAME).owner()
        except (OSError, KeyError):
            return ""


def _faulty(error: UserError) -> Result:
    return Result(
        step="settings",
        verdict=Verdict.FAIL,
        text=" ".join(error.problems),
        fix="Correct it; nothing else is looked at before.",
        cause="settings-faulty",
    )


def written(results: list[Result], verdict: Verdict, began: datetime, address: str) -> dict[str, Any]:
    """Give what was found as JSON has it."""
    return {
        "schema_version": SCHEMA_VERSION,
        "verdict": verdict.value,
        "began": began.isoformat(timespec="seconds"),
        "version": __version__,
        "address": address or None,
        "steps": [asdict(each) | {"title": TITLES[each.step], "seconds": round(each.seconds, 3)} for each in results],
    }
