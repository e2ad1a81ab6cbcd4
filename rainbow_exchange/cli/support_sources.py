"""Parts of a support bundle that this machine gives, besides the daemon: settings, check, service, its logs."""

import shutil
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rainbow_exchange.cli import check, settings_view
from rainbow_exchange.diagnosis.bundle import sources
from rainbow_exchange.diagnosis.bundle.collect import NotCollected, Source
from rainbow_exchange.diagnosis.bundle.tails import is_there
from rainbow_exchange.diagnosis.check import overall
from rainbow_exchange.errors import UserError
from rainbow_exchange.service.carry_out import answer
from rainbow_exchange.service.states import NoManagerError, find_service
from rainbow_exchange.service.windows import BOOT_LOG, LOG

_CHECK_SECONDS = 60.0
_JOURNAL_SECONDS = 20.0
_JOURNAL = ("journalctl", "--lines=5000", "--output=cat", "--no-pager", "--quiet", "--unit")


def of_settings(config_file: Path | None, faults: list[str]) -> Iterator[Source]:
    """Give the settings with their origins, and what is wrong with them."""

    def viewed() -> dict[str, Any]:
        try:
            return asdict(settings_view.view(config_file)) | {"file": str(config_file or "")}
        except UserError as error:
            raise NotCollected("they are faulty: settings-faults.txt says how") from error

    yield Source("settings.json", "each setting, redacted, and where it comes from", viewed)
    if faults:
        yield Source("settings-faults.txt", "what is wrong with the settings", lambda: "\n".join(faults) + "\n")


def of_service(name: str, folder: Path) -> Iterator[Source]:
    """Give what the service manager says, and the ends of the logs that it keeps."""

    def found() -> dict[str, Any]:
        try:
            service = find_service(name, None)
        except NoManagerError as error:
            raise NotCollected(str(error)) from error
        except UserError as error:
            raise NotCollected(" ".join(error.problems)) from error
        return {"name": name, "manager": service.manager, "state": service.state, "detail": service.detail}

    def journal() -> list[str]:
        code, said = answer((*_JOURNAL, f"{name}.service"), seconds=_JOURNAL_SECONDS)
        if code != 0:
            raise NotCollected(f"journalctl ended with exit code {code}: {said[:200]}")
        if not said.strip():
            raise NotCollected(f"it has nothing of {name}.service, or nothing that this account may read")
        return said.splitlines()

    yield Source("service.json", "what the service manager says of the service", found)
    for log in (LOG, BOOT_LOG):
        if is_there(folder / log, untold=True):  # whoever reads it then says why it cannot
            yield from sources.of_log(folder / log, f"service-{log.removesuffix('.log')}")
    if shutil.which("journalctl"):
        yield Source("journal.log", f"the end of the journal of {name}.service", journal)


def of_check(config_file: Path | None) -> Iterator[Source]:
    """Give what the check says, run now."""

    def checked() -> dict[str, Any]:
        began = datetime.now(UTC)
        results = check.look(config_file, began=_nothing, found=_nothing, seconds=_CHECK_SECONDS)
        return check.written(results, overall(each.verdict for each in results), began, "")

    yield Source("check.json", "what rainbow-exchange check --json says", checked)


def _nothing(_step: object) -> None:
    """Say nothing of a step: the whole of it is shown as one."""
