"""The connector between a simulated Exchange and a simulated Rainbow: `rainbow-exchange run --lab N`."""

import asyncio
import contextlib
import json
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from rainbow_exchange import config, daemon, lab_page
from rainbow_exchange.cli.terminal import Progress
from rainbow_exchange.config import Settings
from rainbow_exchange.config.sources import variable
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.ending import ended_alone
from rainbow_exchange.errors import UserError
from rainbow_exchange.lab.serve import LabAddresses, LabOptions, serve
from rainbow_exchange.lab.watch import Seen


async def run(config_file: Path | None, users: int, page_port: int, progress: Progress | None) -> int:
    """Run both until the connector ends; return the exit code."""
    # The state may still be open for a moment on Windows when an exception passes.
    with tempfile.TemporaryDirectory(prefix="rainbow-exchange-", ignore_cleanup_errors=True) as folder:
        async with serve(LabOptions(users=users, life=True)) as lab, lab_page.serve(lab, page_port) as page:
            settings, secrets = _for_lab(config_file, lab, Path(folder))
            if progress:
                progress.say(f"A simulated company of {users}, on this machine only. Ctrl-C ends it.")
                progress.say(f"Its two sides, to look at and to change: {page}")
                where = f"set {variable('state.path')} to {config.data_folder(settings)}"
                progress.say(f"To ask it from another window: {where}, then rainbow-exchange status.")
            elif not _print(json.dumps({"event": "lab_page", "page": page}) + "\n"):
                return 0
            async with _shown(lab, progress.say_now if progress else None):
                if progress is None:
                    return await daemon.run(settings, secrets=secrets)
                return await daemon.run(settings, secrets=secrets, observe=progress)


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
    settings.name_origins(
        dict.fromkeys(("exchange.password", "rainbow.password", "rainbow.app_secret"), "command line")
    )
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
        await ended_alone(showing)


def _print(line: str) -> bool:
    """Print `line`; False when whoever read standard output has gone."""
    try:
        sys.stdout.write(line)
    except OSError:
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
