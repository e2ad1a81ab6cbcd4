r"""The connector as a service of Windows, by NSSM: every setting it gets, and the steps that give it. Pure.

The parameters are those of NSSM's README (https://nssm.cc/usage), only such as its release 2.24 knows, too. NSSM stops
a service by Ctrl-C to its console, so the program it starts is the interpreter itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PureWindowsPath

from rainbow_exchange.service.accounts import Account
from rainbow_exchange.service.plan import MakeFolder, Run, Step
from rainbow_exchange.service.quoting import powershell_text, windows_line

DISPLAY_NAME = "Rainbow Exchange connector"
DESCRIPTION = "Shows in Rainbow who is in an appointment or out of office, from this company's Exchange."
BOOT_LOG = "service.log"
LOG = "rainbow-exchange.log"

#: what NSSM waits for after Ctrl-C; the connector's ordered stop takes ten seconds at most
STOP_MILLISECONDS = 20_000
#: who ends sooner counts as not started, and is started again after longer and longer waits, up to four minutes
_THROTTLE_MILLISECONDS = 10_000
_RESTART_MILLISECONDS = 5_000
_ROTATE_BYTES = 10 * 1024 * 1024
#: of the four ways in which NSSM stops a process: no WM_CLOSE (2), no WM_QUIT (4)
_SKIPPED_STOPS = 2 + 4
# Read from standard input, so that it stands on no command line, which Windows may write into its event log.
_HAND_OVER = (
    "$in = New-Object IO.StreamReader([Console]::OpenStandardInput(), [Text.Encoding]::UTF8);"
    " $service = Get-CimInstance Win32_Service -Filter ('Name=''{service}''');"
    " $done = Invoke-CimMethod -InputObject $service -MethodName Change"
    " -Arguments @{{ StartName = {account}; StartPassword = $in.ReadLine() }};"
    " exit $done.ReturnValue"
)
_PLACEHOLDER = "placeholder"


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowsService:
    """What is to be installed. `venv_python` is the virtual environment's interpreter, "" outside of one.

    `logs_elsewhere`: the settings name a log file, so none is given here. `logs_on`: it runs as this account already,
    whose password Windows has.
    """

    name: str
    nssm: str
    python: str
    folder: str
    account: Account
    config_file: str = ""
    venv_python: str = ""
    password: str | None = field(default=None, repr=False)
    logs_elsewhere: bool = False
    logs_on: bool = False
    system_root: str = r"C:\Windows"


def settings(service: WindowsService) -> Iterator[tuple[str, ...]]:
    """Give each parameter of NSSM with its value, in the order in which they are set; the account stands apart."""
    boot_log = str(PureWindowsPath(service.folder) / BOOT_LOG)
    run = ["-m", "rainbow_exchange", "run", "--stderr", "warning"]
    yield "ImagePath", windows_line([service.nssm]) if " " not in service.nssm else f'"{service.nssm}"'
    yield "Application", service.python
    yield "AppParameters", windows_line([*run, *(["--config", service.config_file] if service.config_file else [])])
    yield "AppDirectory", service.folder
    yield ("AppEnvironmentExtra", *_environment(service))
    yield "DisplayName", DISPLAY_NAME if service.name == "rainbow-exchange" else f"{DISPLAY_NAME} ({service.name})"
    yield "Description", DESCRIPTION
    yield "Start", "SERVICE_DELAYED_AUTO_START"
    yield "DependOnService", "Tcpip"
    yield "AppExit", "Default", "Restart"
    yield "AppExit", "0", "Exit"
    yield "AppExit", "2", "Exit"
    yield "AppThrottle", str(_THROTTLE_MILLISECONDS)
    yield "AppRestartDelay", str(_RESTART_MILLISECONDS)
    yield "AppStopMethodSkip", str(_SKIPPED_STOPS)
    yield "AppStopMethodConsole", str(STOP_MILLISECONDS)
    yield "AppStdout", boot_log
    yield "AppStderr", boot_log
    yield "AppRotateFiles", "1"
    yield "AppRotateOnline", "1"
    yield "AppRotateBytes", str(_ROTATE_BYTES)


def _environment(service: WindowsService) -> Iterator[str]:
    """Give the variables; a registry is no place for secrets, and none is among them."""
    yield "PYTHONUNBUFFERED=1"
    yield "PYTHONUTF8=1"
    if service.venv_python:
        # Has the base interpreter be that of the virtual environment, as the launcher in it (and multiprocessing) does.
        yield f"__PYVENV_LAUNCHER__={service.venv_python}"
    if not service.logs_elsewhere:
        yield f"RAINBOW_EXCHANGE_LOG__FILE={PureWindowsPath(service.folder) / LOG}"


def install(service: WindowsService, *, exists: bool) -> Iterator[Step]:
    """Give the steps that make the service, or bring the one that `exists` to what is wanted."""
    nssm, name = service.nssm, service.name
    yield MakeFolder(what="The folder of settings, state and log", path=service.folder)
    if not exists:
        yield Run(
            what="Make the service",
            command=(nssm, "install", name, service.python),
            back=(nssm, "remove", name, "confirm"),
        )
    for parameter, *values in settings(service):
        shown = " ".join((parameter, *values))
        yield Run(what=f"Set {shown}", command=(nssm, "set", name, parameter, *values), plain=True)
    if not service.logs_on:
        yield from _log_on(service)
    yield Run(
        what="Let the service's account, SYSTEM and administrators alone into the folder",
        command=(
            str(PureWindowsPath(service.system_root) / "System32" / "icacls.exe"),
            service.folder,
            "/inheritance:r",
            "/grant:r",
            "*S-1-5-18:(OI)(CI)F",
            "*S-1-5-32-544:(OI)(CI)F",
            f"{service.account.trustee}:(OI)(CI)F",
            "/T",
            "/Q",
        ),
    )


def _log_on(service: WindowsService) -> Iterator[Step]:
    account, name = service.account, service.name
    set_account = (service.nssm, "set", name, "ObjectName", account.name)
    if not account.needs_right:
        yield Run(what="Set the account", command=set_account)
        return
    granted = "Set the account; NSSM gives it the right to log on as a service"
    if not account.has_password:
        yield Run(what=granted, command=(*set_account, ""))
        return
    yield Run(what=f"{granted}. Its password comes next", command=(*set_account, _PLACEHOLDER))
    script = _HAND_OVER.format(service=name, account=powershell_text(account.name))
    powershell = PureWindowsPath(service.system_root) / "System32" / "WindowsPowerShell" / "v1.0" / "powershell.exe"
    yield Run(
        what="Hand the account's password over, on standard input",
        command=(str(powershell), "-NoProfile", "-NonInteractive", "-Command", script),
        asks_password=True,
        typed=service.password,
    )


def uninstall(name: str, nssm: str) -> Iterator[Step]:
    """Give the steps that stop the service and take it away. Settings, state and log stay."""
    yield Run(what="Stop it", command=(nssm, "stop", name))
    yield Run(what="Take it away", command=(nssm, "remove", name, "confirm"))
