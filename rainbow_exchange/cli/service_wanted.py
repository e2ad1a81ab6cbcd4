"""What `rainbow-exchange service` is asked for, made into steps, with all that stands against them."""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath

import click

import rainbow_exchange
from rainbow_exchange import config
from rainbow_exchange.cli.secret_value import read_option
from rainbow_exchange.cli.terminal import is_terminal
from rainbow_exchange.config import Settings
from rainbow_exchange.errors import UserError
from rainbow_exchange.service import accounts, host, nssm, systemd, windows
from rainbow_exchange.service.carry_out import answer
from rainbow_exchange.service.kept import Kept, find_kept
from rainbow_exchange.service.plan import Step

_LINUX_ACCOUNT = "rainbow-exchange"
_WINDOWS_FOLDER = r"C:\ProgramData\rainbow-exchange"
#: what is printed for a system that is not this one, unless it is named
_ELSEWHERE = {
    "windows": r"C:\Program Files\rainbow-exchange\Scripts\python.exe",
    "linux": "/opt/rainbow-exchange/bin/python",
}
_NSSM_ELSEWHERE = r"C:\Program Files\rainbow-exchange\Scripts\nssm.exe"
_LOWEST_FREE_PORT = 1024


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options of `install` and `print`."""

    name: str
    account: str | None
    config_file: Path | None
    nssm: Path | None
    python: Path | None
    password_file: Path | None = None
    ask_password: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Steps, what stands against them, what the administrator should know; whether there is such a service already."""

    steps: list[Step]
    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    exists: bool = False


def install_here(wanted: Wanted, *, for_show: bool = False) -> Planned:
    """Plan an installation on this machine. Raises UserError with all that stands against it.

    `for_show`: that is among the remarks; nobody is asked for a password, and no other account is tried.
    """
    kept = find_kept(wanted.name, wanted.nssm)
    with host.as_a_service_sees_it() as variables:
        settings, file, folder = _settings(wanted.config_file, kept)
    if sys.platform == "win32":
        planned = _windows_here(wanted, settings, folder, file, kept, for_show=for_show)
    else:
        planned = _linux_here(wanted, settings, folder, file, kept, for_show=for_show)
    if planned.faults and not for_show:
        raise UserError(planned.faults)
    refused = [f"install would refuse this: {fault}" for fault in planned.faults]
    known = [*host.variable_remarks(variables, file), *host.port_remarks(settings, folder)]
    return replace(planned, remarks=[*refused, *known, *planned.remarks])


def plan_shown(wanted: Wanted, system: str, *, undo: bool, here: bool) -> Planned:
    """Plan what is only shown: for this machine, or for another as the options say. Raises UserError."""
    if undo:
        if system == "linux":
            return Planned(steps=list(systemd.uninstall(wanted.name)))
        return Planned(steps=list(windows.uninstall(wanted.name, _nssm_shown(wanted, here=here))))
    if here:
        return install_here(wanted, for_show=True)
    return Planned(steps=_windows_elsewhere(wanted) if system == "windows" else _linux_elsewhere(wanted))


def forget(name: str, named_nssm: Path | None) -> list[Step]:
    """Plan what takes a service away on this machine."""
    if sys.platform == "win32":
        return list(windows.uninstall(name, str(nssm.find(named_nssm))))
    else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
        return list(systemd.uninstall(name))


def _nssm_shown(wanted: Wanted, *, here: bool) -> str:
    """Give the path of NSSM for a plan that is only shown: where it is, else where it may be."""
    if here:
        with suppress(UserError):
            return str(nssm.find(wanted.nssm))
    return str(wanted.nssm or _NSSM_ELSEWHERE)


def _windows_here(
    wanted: Wanted, settings: Settings, folder: Path, file: str, kept: Kept | None, *, for_show: bool
) -> Planned:
    found = _nssm_shown(wanted, here=True) if for_show else str(nssm.find(wanted.nssm))
    there = None if kept is None else kept.account
    account = _account(wanted.account or there or accounts.virtual_account(wanted.name), wanted.name)
    logs_on = there is not None and there.casefold() == account.name.casefold()
    asks = account.has_password and (not logs_on or wanted.ask_password or wanted.password_file is not None)
    python, venv = host.interpreter() if wanted.python is None else (str(wanted.python.absolute()), "")
    paths = {"Python": python, "NSSM": found, "The data folder": str(folder), "The settings file": file}
    paths |= {"The virtual environment": venv} if venv else {}
    if wanted.python is None:
        paths["This package"] = str(Path(rainbow_exchange.__file__).parent)
    host.demand_writable(paths)
    faults = list(host.windows_faults(paths, account.name))
    service = windows.WindowsService(
        name=wanted.name,
        nssm=found,
        python=python,
        folder=str(folder),
        account=account,
        config_file=file if os.path.lexists(file) else "",
        venv_python=venv,
        password=_password(wanted, account) if asks and not (for_show or faults) else None,
        logs_on=logs_on and not asks,
        logs_elsewhere=settings.log.file is not None,
        system_root=os.environ.get("SYSTEMROOT", r"C:\Windows"),
    )
    steps = list(windows.install(service, exists=there is not None))
    return Planned(steps=steps, faults=faults, remarks=list(_windows_remarks(account)), exists=there is not None)


def _windows_elsewhere(wanted: Wanted) -> list[Step]:
    file = str(wanted.config_file or "")
    folder = str(PureWindowsPath(file).parent) if file else _WINDOWS_FOLDER
    python, named = str(wanted.python or _ELSEWHERE["windows"]), str(wanted.nssm or _NSSM_ELSEWHERE)
    account = _account(wanted.account or accounts.virtual_account(wanted.name), wanted.name)
    paths = {"Python": python, "NSSM": named} | ({"The settings file": file} if file else {})
    if faults := list(host.windows_faults(paths, account.name)):
        raise UserError(faults)
    service = windows.WindowsService(
        name=wanted.name, nssm=named, python=python, folder=folder, account=account, config_file=file
    )
    return list(windows.install(service, exists=False))


def _linux_here(
    wanted: Wanted, settings: Settings, folder: Path, file: str, kept: Kept | None, *, for_show: bool
) -> Planned:
    account = wanted.account or (kept and kept.account) or _LINUX_ACCOUNT
    python = str((wanted.python or Path(sys.executable)).absolute())
    paths = {"Python": python, "The settings file": file}
    if wanted.python is None:
        paths["This package"] = str(Path(rainbow_exchange.__file__).parent)
    host.demand_account(account)
    host.demand_writable(paths | {"The data folder": str(folder), "log.file": str(settings.log.file)})
    faults = list(host.linux_faults(paths, str(folder)))
    log = settings.log.file
    log_folder = None if log is None or log.is_relative_to(folder) else log.parent
    if log_folder is not None and not log_folder.is_dir():
        faults.append(
            f"log.file: there is no folder {log_folder}. Make it, and give it to the account: install -d -o {account}"
            f" {log_folder}"
        )
    if not (faults or for_show):
        faults += _tried_as(account, python, Path(file), folder)
    low = {port for port in (settings.web.port, settings.rainbow.callback_port or 0) if 0 < port < _LOWEST_FREE_PORT}
    service = systemd.LinuxService(
        name=wanted.name,
        python=python,
        folder=str(folder),
        account=account,
        config_file=file,
        log_folder=str(log_folder or ""),
        binds_low=bool(low),
        systemd=_systemd_version(),
    )
    steps = systemd.install(service, account_exists=host.uid_of(account) is not None, file_exists=os.path.lexists(file))
    return Planned(steps=list(steps), faults=faults, exists=kept is not None)


def _tried_as(account: str, python: str, file: Path, folder: Path) -> Iterator[str]:
    if why := host.cannot_start(python, account):
        yield (
            f"{python} -m rainbow_exchange cannot be started as {account} ({why}). The account must be able to read"
            " Python and this package: install both for everybody, below /opt or /usr."
        )
    # What lies in the data folder is given to the account.
    if os.path.lexists(file) and not file.is_relative_to(folder) and not host.can_read(str(file), account):
        yield (
            f"{account} cannot read the settings, {file}: let it (chgrp {account} and chmod 640 for the file, chmod 755"
            f" for its folder), or keep them in {folder}."
        )


def _linux_elsewhere(wanted: Wanted) -> list[Step]:
    file = PurePosixPath(wanted.config_file or systemd.STATES / "rainbow-exchange" / config.FILE_NAME)
    python = str(wanted.python or _ELSEWHERE["linux"])
    paths = {"Python": python, "The settings file": str(file)}
    # A file that lies elsewhere names the data folder itself, with state.path; the usual one is taken for granted.
    below = file.parent if file.parent.is_relative_to(systemd.STATES) else systemd.STATES / "rainbow-exchange"
    faults = [f"{what}: {path} is no absolute path." for what, path in paths.items() if not path.startswith("/")]
    account = wanted.account or _LINUX_ACCOUNT
    if faults:
        raise UserError(faults)
    host.demand_account(account)
    host.demand_writable(paths)
    service = systemd.LinuxService(
        name=wanted.name,
        python=python,
        folder=str(below),
        account=account,
        config_file=str(file),
    )
    return list(systemd.install(service, account_exists=False, file_exists=True))


def _account(name: str, service: str) -> accounts.Account:
    try:
        return accounts.account(name, service)
    except ValueError as error:
        raise UserError([f"--account: {error}."]) from None


def _windows_remarks(account: accounts.Account) -> Iterator[str]:
    if account.needs_right:
        yield (
            f"{account.name} gets the right to log on as a service on this machine. A group policy that defines this"
            " right takes it away again: then have the domain's administrator add the account there, too."
        )
    if account.name == "LocalSystem":
        yield "LocalSystem may do everything on this machine; the connector needs none of it."


def _password(wanted: Wanted, account: accounts.Account) -> str:
    if (given := read_option(wanted.password_file, "--password-file")) is not None:
        return given
    if not is_terminal(sys.stdin):
        raise UserError(
            [f"The password of {account.name} is needed: give --password-file FILE, or - for standard input."]
        )
    password: str = click.prompt(f"Password of {account.name}", hide_input=True)
    return password


def data_folder(config_file: Path | None, name: str, named_nssm: Path | None) -> Path:
    """Give the data folder of the service, whoever asks. Raises UserError."""
    kept = find_kept(name, named_nssm) if config_file is None else None
    with host.as_a_service_sees_it():
        return _settings(config_file, kept)[2]


def _settings(named: Path | None, kept: Kept | None) -> tuple[Settings, str, Path]:
    """Read a service's settings; give its file, which need not be there unless it was named, and its data folder."""
    usual = config.default_folder() if sys.platform == "win32" else Path(systemd.STATES / _LINUX_ACCOUNT)
    has = Path(kept.settings_file) if kept is not None and kept.settings_file else None
    file = (named or has or usual / config.FILE_NAME).absolute()
    if named is not None or os.path.lexists(file):
        settings = config.load(file)
    else:
        settings = config.load(look_in_default_folder=False)
    return settings, str(file), settings.state.path or file.parent


def _systemd_version() -> int:
    try:
        _, said = answer(("systemctl", "--version"), seconds=20)
    except OSError:
        return 0
    words = said.split()
    return int(words[1]) if words[:1] == ["systemd"] and words[1:2] and words[1].isdigit() else 0
