"""The connector as a unit of systemd: its text, and the steps that install it. Pure.

Each directive: https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from rainbow_exchange.service.plan import RemoveFile, Run, Step, WriteFile
from rainbow_exchange.service.quoting import unit_list_entry, unit_path, unit_words

UNITS = "/etc/systemd/system"
STATES = PurePosixPath("/var/lib")
#: restarts grow apart only in systemd 254 and newer; an older one would complain of what it does not know
BACK_OFF_SINCE = 254

_PROTECTED = """\
# What it may do. It needs the network, its own folder, and nothing else of this machine.
NoNewPrivileges=yes
CapabilityBoundingSet={capabilities}
AmbientCapabilities={capabilities}
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
{private_users}ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
KeyringMode=private
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
UMask=0077
"""

_CREDENTIALS = """\
# Secrets, as files that root alone can read; systemd hands them over. Take the sign away from what you need:
#LoadCredential=exchange.password:/etc/{name}/exchange.password
#LoadCredential=rainbow.password:/etc/{name}/rainbow.password
#LoadCredential=rainbow.app_secret:/etc/{name}/rainbow.app_secret
"""


#: what a settings file begins with where there is none: the service is told of one, and it must be there
EMPTY_SETTINGS = "# Settings of rainbow-exchange: docs/reference/settings.md\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinuxService:
    """What is to be installed. `log_folder` is "" unless a log is written outside of `folder`, the data folder.

    `binds_low`: the settings want a port below 1024. `systemd` is its version, 0 where it is not known.
    """

    name: str
    python: str
    folder: str
    account: str
    config_file: str
    log_folder: str = ""
    binds_low: bool = False
    systemd: int = 0
    units: str = UNITS


def unit_file(name: str, units: str = UNITS) -> str:
    """Give the path of a service's unit."""
    return str(PurePosixPath(units) / f"{name}.service")


def unit(service: LinuxService) -> str:
    """Write the unit."""
    command = [service.python, "-m", "rainbow_exchange", "run", "--config", service.config_file]
    writes = [service.log_folder] if service.log_folder else []
    state = []
    if PurePosixPath(service.folder).is_relative_to(STATES):
        relative = PurePosixPath(service.folder).relative_to(STATES)
        state = [f"StateDirectory={unit_list_entry(str(relative))}", "StateDirectoryMode=0700"]
    else:
        writes.insert(0, service.folder)
    lines = [
        "[Unit]",
        "Description=Rainbow Exchange connector",
        "Wants=network-online.target",
        "After=network-online.target",
        "# It is tried again for as long as it takes, unless its settings are wrong (exit code 2).",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "Type=exec",
        f"ExecStart={unit_words(command)}",
        f"User={service.account}",
        *state,
        f"WorkingDirectory={unit_path(service.folder)}",
        "Environment=PYTHONUNBUFFERED=1",
        *(f"ReadWritePaths={unit_list_entry(f'-{folder}')}" for folder in writes),
        "Restart=on-failure",
        "RestartPreventExitStatus=2",
        "RestartSec=5",
        *(["RestartSteps=6", "RestartMaxDelaySec=240"] if service.systemd >= BACK_OFF_SINCE else []),
        "# An ordered stop takes ten seconds at most.",
        "KillSignal=SIGTERM",
        "KillMode=mixed",
        "TimeoutStopSec=20",
        "LimitNOFILE=16384",
        "",
    ]
    # A user namespace of its own has no say about ports.
    protected = _PROTECTED.format(
        capabilities="CAP_NET_BIND_SERVICE" if service.binds_low else "",
        private_users="" if service.binds_low else "PrivateUsers=yes\n",
    )
    install = "\n[Install]\nWantedBy=multi-user.target\n"
    return "\n".join(lines) + "\n" + protected + "\n" + _CREDENTIALS.format(name=service.name) + install


def install(service: LinuxService, *, account_exists: bool, file_exists: bool) -> Iterator[Step]:
    """Give the steps that make the service, or bring it to what is wanted."""
    if not account_exists:
        yield Run(
            what="Make the account that the service runs as",
            command=(
                "useradd", "--system", "--user-group", "--no-create-home", "--home-dir", service.folder,
                "--shell", "/usr/sbin/nologin", service.account,
            ),
        )  # fmt: skip
    yield Run(
        what="Make the folder of settings and state",
        command=("install", "-d", "-m", "0700", "-o", service.account, service.folder),
    )
    if not file_exists:
        yield WriteFile(what="Begin a settings file", path=service.config_file, content=EMPTY_SETTINGS, mode=0o600)
    yield Run(
        what="Let the account read what is in it",
        command=("chown", "-R", f"{service.account}:", service.folder),
    )
    yield WriteFile(
        what="Write the unit",
        path=unit_file(service.name, service.units),
        content=unit(service),
        then=("systemctl", "daemon-reload"),
    )
    yield Run(what="Have systemd read it", command=("systemctl", "daemon-reload"))
    yield Run(
        what="Start it with the machine from now on",
        command=("systemctl", "enable", f"{service.name}.service"),
    )


def uninstall(name: str, units: str = UNITS) -> Iterator[Step]:
    """Give the steps that stop the service and take it away. Account, settings, state and log stay."""
    yield Run(what="Stop it, now and for good", command=("systemctl", "disable", "--now", f"{name}.service"))
    yield RemoveFile(what="Remove the unit", path=unit_file(name, units))
    yield Run(what="Have systemd forget it", command=("systemctl", "daemon-reload"))
