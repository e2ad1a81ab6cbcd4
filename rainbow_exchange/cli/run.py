"""`rainbow-exchange run`: the connector itself, in a terminal or under a service manager."""

import functools
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click
import structlog

from rainbow_exchange import config, credentials, daemon, event_loop, logs, loop_lag, set_apart
from rainbow_exchange.cli.terminal import Progress, config_option, is_terminal
from rainbow_exchange.cli.unhurried import unhurried_streams
from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.errors import RainbowExchangeError, UserError

log = structlog.get_logger()

Read = Callable[[], tuple[Settings, Secrets]]
#: events of the log that a terminal with progress shows in words of its own
_SHOWN_ANYWAY = frozenset({"problem", "exchange_unavailable", "rainbow_unavailable"})


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
@click.option(
    "--page-port",
    metavar="P",
    type=click.IntRange(0, 65535),
    default=3002,
    show_default=True,
    help="With --lab: port of the lab's page, where both sides are seen; a free one where it is taken.",
)
@click.option(
    "--stderr",
    "stream_level",
    metavar="LEVEL",
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="Write to standard error only what is at least of this level, where log.file has everything.",
)
def run(config_file: Path | None, lab_users: int | None, page_port: int, stream_level: str | None) -> None:
    """Run the connector until Ctrl-C (or its service manager's stop).

    In a terminal it shows its start and then one line per change; otherwise it logs JSON lines to standard error.

    \b
    Exit code: 0 stopped, 2 bad settings (do not restart it then), 1 anything else.
    \b
    Examples:
        rainbow-exchange run --lab 20
        rainbow-exchange run --config /etc/rainbow-exchange/config.toml
    """  # noqa: D301  (\b is click's: keep these lines)
    with unhurried_streams():
        code = _until_stopped(config_file, lab_users, page_port, stream_level)
    sys.exit(code)


def _until_stopped(config_file: Path | None, lab_users: int | None, page_port: int, stream_level: str | None) -> int:
    settings = config.load(config_file, look_in_default_folder=lab_users is None)
    progress = Progress(_write, _now) if is_terminal(sys.stdout) else None
    _configure_logs(settings, stream_level, shows_progress=progress is not None)
    if lab_users is not None:
        from rainbow_exchange.cli import run_with_lab  # noqa: PLC0415  (a service is not to wait for it)
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # from here on there may be something to close
        set_apart.set_program_apart()
        if lab_users is not None:
            code = event_loop.run(run_with_lab.run(config_file, lab_users, page_port, progress), loop_lag.new_loop)
        else:
            secrets = credentials.resolve(settings)
            if secrets.keyring_problem and config.missing(settings, secrets):
                log.warning("keyring_unusable", reason=secrets.keyring_problem)
            work = _run(settings, secrets, progress, functools.partial(_read, config_file))
            code = event_loop.run(work, loop_lag.new_loop)
    except KeyboardInterrupt:  # before the daemon took over the signals
        code = 0
    except (RainbowExchangeError, click.ClickException, OSError):
        raise
    except Exception:  # in the log, masked, and not on a standard error that nobody keeps
        log.exception("ended_by_a_bug")
        code = 1
    return code


async def _run(settings: Settings, secrets: Secrets, progress: Progress | None, read: Read) -> int:
    if progress is None:
        return await daemon.run(settings, secrets=secrets, read=read)
    return await daemon.run(settings, secrets=secrets, observe=progress, read=read)


def _read(config_file: Path | None) -> tuple[Settings, Secrets]:
    """Read them as at the start, while the daemon runs."""
    settings = config.load(config_file)
    return settings, credentials.resolve(settings)


def _configure_logs(settings: Settings, stream_level: str | None, *, shows_progress: bool) -> None:
    """Log as the settings say; where progress is shown, only what it does not say goes to the terminal as well."""
    quiet = shows_progress and settings.origin("log.level") == "default"
    try:
        logs.configure(
            settings.log.level,
            settings.log.format,
            settings.log.file,
            file_bytes=settings.log.file_megabytes * 1024 * 1024,
            file_count=settings.log.file_count,
            stream_level=stream_level or ("warning" if quiet else "debug"),
            not_on_stream=_SHOWN_ANYWAY if shows_progress else frozenset(),
            for_good=True,
        )
    except OSError as error:
        raise UserError(
            [f"log.file {settings.log.file} cannot be written ({error.strerror}); correct the path."]
        ) from error


def _write(text: str) -> None:
    click.echo(text, nl=False)


def _now() -> datetime:
    return datetime.now(UTC)
