"""What the service that is there was made with, and keeps unless something else is named: account and settings file."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from rainbow_exchange.errors import UserError
from rainbow_exchange.service import nssm as nssm_exe
from rainbow_exchange.service import systemd
from rainbow_exchange.service.quoting import unit_word_meant


@dataclass(frozen=True, slots=True)
class Kept:
    """A service as it was made. "" where it names none."""

    account: str = ""
    settings_file: str = ""


def find_kept(name: str, named_nssm: Path | None) -> Kept | None:
    """Read what a service was made with; None where there is none, or where it cannot be asked."""
    try:
        if sys.platform == "win32":
            nssm = str(nssm_exe.find(named_nssm))
            if nssm_exe.state(nssm, name) is None:
                return None
            return Kept(nssm_exe.log_on(nssm, name), in_parameters(nssm_exe.parameters(nssm, name)))
        else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
            return in_unit(Path(systemd.unit_file(name)).read_text(encoding="utf-8", errors="replace"))
    except (OSError, UserError):
        return None


def in_unit(unit: str) -> Kept:
    """Read a unit of systemd, as `systemd.unit` writes it."""
    account = re.search(r"^User=(\S+)$", unit, re.MULTILINE)
    file = re.search(r'^ExecStart=.* --config[ =]("(?:[^"\\]|\\.)*"|[^\s"]+)$', unit, re.MULTILINE)
    return Kept("" if account is None else account[1], "" if file is None else unit_word_meant(file[1]))


def in_parameters(parameters: str) -> str:
    """Read the settings file in the parameters that NSSM has, as `windows.settings` writes them; no path has quotes."""
    file = re.search(r'(?:^| )--config[ =](?:"([^"]+)"|([^\s"]+))$', parameters)
    return "" if file is None else file[1] or file[2]
