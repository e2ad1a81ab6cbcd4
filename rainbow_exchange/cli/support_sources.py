"""Parts of a support bundle that the command itself gives: the settings as it sees them, and what check says."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rainbow_exchange.cli import check, settings_view
from rainbow_exchange.diagnosis.bundle.collect import NotCollected, Source
from rainbow_exchange.diagnosis.check import overall
from rainbow_exchange.errors import UserError

_CHECK_SECONDS = 60.0


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


def of_check(config_file: Path | None) -> Iterator[Source]:
    """Give what the check says, run now."""

    def checked() -> dict[str, Any]:
        began = datetime.now(UTC)
        results = check.look(config_file, began=_nothing, found=_nothing, seconds=_CHECK_SECONDS)
        return check.written(results, overall(each.verdict for each in results), began, "")

    yield Source("check.json", "what rainbow-exchange check --json says", checked)


def _nothing(_step: object) -> None:
    """Say nothing of a step: the whole of it is shown as one."""
