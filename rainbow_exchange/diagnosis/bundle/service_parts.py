"""Parts of a support bundle that this machine's service manager gives: what it says, and the logs that it keeps."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rainbow_exchange import programs
from rainbow_exchange.diagnosis.bundle import sources
from rainbow_exchange.diagnosis.bundle.collect import NotCollected, Source
from rainbow_exchange.diagnosis.bundle.tails import is_there
from rainbow_exchange.errors import UserError
from rainbow_exchange.service.states import NoManagerError, find_service
from rainbow_exchange.service.windows import BOOT_LOG, LOG
from rainbow_exchange.words import _

_JOURNAL_SECONDS = 20.0
#: the newest first: of what is too long, the end is cut off
_JOURNAL = ("journalctl", "--lines=5000", "--output=cat", "--no-pager", "--quiet", "--reverse", "--unit")


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
        code, said = programs.run((*_JOURNAL, f"{name}.service"), seconds=_JOURNAL_SECONDS)
        lines = said.decode("utf-8", "replace").splitlines()
        if code != 0:
            raise NotCollected(
                _("journalctl ended with exit code {code}: {lines}", code=code, lines=" ".join(lines)[:200])
            )
        if not said.strip():
            raise NotCollected(_("it has nothing of {name}.service, or nothing that this account may read", name=name))
        whole = lines if said.endswith(b"\n") else lines[:-1]
        return whole[::-1]

    yield Source("service.json", _("what the service manager says of the service"), found)
    for log in (LOG, BOOT_LOG):
        if is_there(folder / log, untold=True):  # whoever reads it then says why it cannot
            yield from sources.of_log(folder / log, f"service-{log.removesuffix('.log')}")
    if shutil.which("journalctl"):
        yield Source("journal.log", _("the end of the journal of {name}.service", name=name), journal)
