"""How a service is, in the same words for both service managers, and the commands that start and stop it."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from rainbow_exchange.errors import RainbowExchangeError
from rainbow_exchange.service import nssm as nssm_exe
from rainbow_exchange.service.carry_out import answer
from rainbow_exchange.service.windows import BOOT_LOG

_ASK_SECONDS = 20.0
_LOG_ON = (
    "A logon failure (1069) means that the account's password is another one (service install --ask-password), or that"
    " it may not log on as a service: docs/how-to/run-as-a-service.md."
)
_WAITS = "waiting to be started again"
_NSSM = {
    "SERVICE_RUNNING": "running",
    "SERVICE_START_PENDING": "starting",
    "SERVICE_STOP_PENDING": "stopping",
    "SERVICE_PAUSED": _WAITS,
    "SERVICE_STOPPED": "stopped",
}
_SYSTEMD = {"active": "running", "activating": "starting", "deactivating": "stopping", "inactive": "stopped"}
_PROPERTIES = ("LoadState", "ActiveState", "SubState", "ExecMainCode", "ExecMainStatus", "NRestarts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A service as its manager sees it. `state` None: there is none of this name; `detail` may say why.

    `refused`: what a start that the manager itself refuses may mean.
    """

    manager: str
    state: str | None
    start: tuple[str, ...]
    stop: tuple[str, ...]
    logs: str
    detail: str = ""
    refused: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nobody starts it again."""
        return self.state in {None, "stopped", "failed"}

    def where_logs(self, folder: Path) -> str:
        """Say where what it wrote is found; `folder` is the data folder."""
        return self.logs.format(folder=folder)


class NoManagerError(RainbowExchangeError):
    """The service manager cannot be asked; the text says why."""


def find_service(name: str, named_nssm: Path | None) -> Found:
    """Ask the service manager of this system. Raises NoManagerError, and UserError where there is no NSSM."""
    try:
        return _by_nssm(name, named_nssm) if sys.platform == "win32" else _by_systemd(name)
    except OSError as error:
        raise NoManagerError(f"the service manager cannot be asked ({error})") from None


def _by_nssm(name: str, named: Path | None) -> Found:
    nssm = str(nssm_exe.find(named))
    state = nssm_exe.state(nssm, name)
    return Found(
        manager="NSSM",
        state=None if state is None else _NSSM.get(state, state),
        start=(nssm, "start", name),
        stop=(nssm, "stop", name),
        logs=f"{{folder}}\\{BOOT_LOG}, and at the event log (application log, source nssm)",
        refused=_LOG_ON,
    )


def _by_systemd(name: str) -> Found:
    unit = f"{name}.service"
    code, said = answer(("systemctl", "show", unit, f"--property={','.join(_PROPERTIES)}"), seconds=_ASK_SECONDS)
    shown = dict(re.findall(r"(\w+)=(\S*)", said))
    if code != 0 or "LoadState" not in shown:
        raise OSError(f"systemctl show: exit code {code}{f': {said}' if said else ''}")
    state: str | None = None
    detail = ""
    if shown["LoadState"] != "not-found":
        active = shown.get("ActiveState", "")
        state = _WAITS if shown.get("SubState") == "auto-restart" else _SYSTEMD.get(active, active)
        if state in {"failed", _WAITS} and shown.get("ExecMainCode") == "1":  # it exited by itself
            detail = f"exit code {shown.get('ExecMainStatus')}"
            detail += ": faulty settings" if shown.get("ExecMainStatus") == "2" else ""
    return Found(
        manager="systemd",
        state=state,
        start=("systemctl", "start", unit),
        stop=("systemctl", "stop", unit),
        logs=f"journalctl --unit {unit}",
        detail=detail,
    )
