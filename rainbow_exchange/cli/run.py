"""`rainbow-exchange run`: the connector itself, in a terminal or under a service manager."""

import asyncio
import contextlib
import functools
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import structlog

from rainbow_exchange import config, credentials, daemon, logs
from rainbow_exchange.cli.terminal import Progress, config_option, is_terminal
from rainbow_exchange.config import Settings
from rainbow_exchange.config.sources import variable
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.errors import UserError
from rainbow_exchange.lab.serve import LabAddresses, LabOptions, serve
from rainbow_exchange.lab.watch import Seen

Read = Callable[[], tuple[Settings, Secrets]]


@click.command()
@config_option
@click.option(
    "--lab",
    "lab_users",
    metavar="N",
    type=click.IntRange(1, 100_000),
    help="Connect a simulated Exchange and a simulated Rainbow with N users, whose appointments change every few"
    " seconds, and show what their colleagues see. Nothing leaves this machine; the settings file of the service and"
    " its state are not touched.",
)
def run(config_file: Path | None, lab_users: int | None) -> None:
    """Run the connector until Ctrl-C (or its service manager's stop).

    In a terminal it shows its start and then one line per change; otherwise it logs JSON lines to standard error.

    \b
    Exit code: 0 stopped, 2 bad settings (do not restart it then), 1 anything else.
    \b
    Examples:
        rainbow-exchange run --lab 20
        rainbow-exchange run --config /etc/rainbow-exchange/config.toml
    """  # noqa: D301  (\b is click's: keep these lines)
    settings = config.load(config_file, look_in_default_folder=lab_users is None)
    shows_progress = is_terminal(sys.stdout)
    _configure_logs(settings, shows_progress=shows_progress)
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # from here on there may be something to close
        if lab_users is None:
            secrets = credentials.resolve(settings)
            if secrets.keyring_problem and config.missing(settings, secrets):
                structlog.get_logger().warning("keyring_unusable", reason=secrets.keyring_problem)
            progress = Progress(_write, _now)
            read = functools.partial(_read, config_file)
            code = asyncio.run(_run(settings, secrets, progress if shows_progress else None, read))
        else:
            code = asyncio.run(_run_with_lab(config_file, lab_users, shows_progress=shows_progress))
    except KeyboardInterrupt:  # before the daemon took over the signals
        code = 0
    sys.exit(code)


async def _run(settings: Settings, secrets: Secrets, progress: Progress | None, read: Read | None = None) -> int:
    if progress is None:
        return await daemon.run(settings, secrets=secrets, read=read)
    return await daemon.run(settings, secrets=secrets, observe=progress, read=read)


def _read(config_file: Path | None) -> tuple[Settings, Secrets]:
    """Read them as at the start, while the daemon runs."""
    settings = config.load(config_file)
    return settings, credentials.resolve(settings)


async def _run_with_lab(config_file: Path | None, users: int, *, shows_progress: bool) -> int:
    progress = Progress(_write, _now) if shows_progress else None
    # The state may still be open for a moment on Windows when an exception passes.
    with tempfile.TemporaryDirectory(prefix="rainbow-exchange-", ignore_cleanup_errors=True) as folder:
        async with serve(LabOptions(users=users, life=True)) as lab:
            settings, secrets = _for_lab(config_file, lab, Path(folder))
            if progress:
                progress.say(f"A simulated company of {users}, on this machine only. Ctrl-C ends it.")
                where = f"set {variable('state.path')} to {config.data_folder(settings)}"
                progress.say(f"To ask it from another window: {where}, then rainbow-exchange status.")
            async with _shown(lab, progress.say_now if progress else None):
                return await _run(settings, secrets, progress)


def _for_lab(config_file: Path | None, lab: LabAddresses, folder: Path) -> tuple[Settings, Secrets]:
    """Give settings that lead to the lab and nowhere else, everything besides as the user has it."""
    if lab.exchange is None or lab.rainbow is None:
        raise UserError(["The lab did not start both sides."])
    overrides: dict[str, dict[str, Any]] = {
        "exchange": {
            "url": lab.exchange.url,
            "username": lab.exchange.username,
            "ca_file": lab.exchange.ca_file,
            "auth": "auto",
            "impersonation": True,
            "client_id": None,
            "client_secret": None,
            "client_secret_file": None,
            "token_url": None,
            "fallback_username": None,
            "fallback_password": None,
            "fallback_password_file": None,
            "proxy_url": None,
            "proxy_url_file": None,
        },
        "rainbow": {
            "url": lab.rainbow.url,
            "login": lab.rainbow.login,
            "app_id": lab.rainbow.app_id,
            "company_id": lab.rainbow.company_id,
            "proxy_url": None,
            "proxy_url_file": None,
            "proxy_username": None,
            "proxy_password": None,
            "proxy_password_file": None,
        },
    }
    if config.load(config_file, look_in_default_folder=False).state.path is None:
        overrides["state"] = {"path": folder}
    settings = config.load(config_file, overrides, look_in_default_folder=False)
    secrets = Secrets(
        exchange_password=lab.exchange.password,
        rainbow_password=lab.rainbow.password,
        rainbow_app_secret=lab.rainbow.app_secret,
    )
    return settings, secrets


@contextlib.asynccontextmanager
async def _shown(lab: LabAddresses, say: Callable[[str], None] | None) -> AsyncIterator[None]:
    """Print what Rainbow's clients see while the context is open: sentences by `say`, JSON lines without it."""

    async def show() -> None:
        async for seen in lab.watch().changes():
            if say is not None:
                say(seen.sentence())
            elif not _print(_as_json(seen)):
                signal.raise_signal(signal.SIGINT)  # nobody looks any more: the ordered stop
                return

    showing = asyncio.create_task(show(), name="lab-watch")
    try:
        yield
    finally:
        showing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await showing


def _print(line: str) -> bool:
    """Print `line`; False when whoever read standard output has gone."""
    try:
        _write(line)
    except OSError:
        # So that the interpreter does not fail over what it could not write, when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def _as_json(seen: Seen) -> str:
    line = {
        "event": "seen",
        "user": seen.user.login_email,
        "status": seen.status,
        "subject": seen.subject,
        "until": seen.until.isoformat() if seen.until else None,
        "seconds": None if seen.seconds is None else round(seen.seconds, 3),
        "sentence": seen.sentence(),
    }
    return json.dumps(line) + "\n"


def _configure_logs(settings: Settings, *, shows_progress: bool) -> None:
    """Log as the settings say; where progress is shown, only what it does not say goes to the terminal as well."""
    quiet = shows_progress and settings.origin("log.level") == "default"
    try:
        logs.configure(
            settings.log.level,
            settings.log.format,
            settings.log.file,
            stream_level="warning" if quiet else "debug",
            not_on_stream=frozenset({"problem"}) if shows_progress else frozenset(),
        )
    except OSError as error:
        raise UserError(
            [f"log.file {settings.log.file} cannot be written ({error.strerror}); correct the path."]
        ) from error


def _write(text: str) -> None:
    click.echo(text, nl=False)


def _now() -> datetime:
    return datetime.now(UTC)
