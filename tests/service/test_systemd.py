from typing import Any

import pytest

from rainbow_exchange.service import systemd
from rainbow_exchange.service.plan import RemoveFile, Run, WriteFile


def service(**changed: Any) -> systemd.LinuxService:
    values = {
        "name": "rainbow-exchange",
        "python": "/opt/rainbow-exchange/bin/python",
        "folder": "/var/lib/rainbow-exchange",
        "account": "rainbow-exchange",
        "config_file": "/var/lib/rainbow-exchange/config.toml",
    }
    return systemd.LinuxService(**(values | changed))


def lines(**changed: Any) -> list[str]:
    return systemd.unit(service(**changed)).splitlines()


def test_what_is_started_and_as_whom() -> None:
    unit = lines()
    assert (
        "ExecStart=/opt/rainbow-exchange/bin/python -m rainbow_exchange run"
        " --config /var/lib/rainbow-exchange/config.toml"
    ) in unit
    assert {"User=rainbow-exchange", "StateDirectory=rainbow-exchange", "StateDirectoryMode=0700"} <= set(unit)


def test_paths_with_spaces_and_percent_signs_mean_themselves() -> None:
    unit = lines(python="/opt/my rainbow/50%/python", folder="/var/lib/a b", log_folder="/var/log/c d")
    assert 'ExecStart="/opt/my rainbow/50%%/python" -m rainbow_exchange run' in "\n".join(unit)
    assert {'StateDirectory="a b"', "WorkingDirectory=/var/lib/a b", 'ReadWritePaths="-/var/log/c d"'} <= set(unit)


def test_it_is_started_again_without_end_but_not_with_wrong_settings() -> None:
    unit = lines()
    assert {"Restart=on-failure", "RestartPreventExitStatus=2", "RestartSec=5", "StartLimitIntervalSec=0"} <= set(unit)
    assert "LimitNOFILE=16384" in unit  # 250 streams carry 50,000 mailboxes; owner-bound, each has one of its own
    assert {"TimeoutStopSec=20", "KillMode=mixed", "KillSignal=SIGTERM", "Type=exec"} <= set(unit)


@pytest.mark.parametrize(("version", "steps"), [(0, 0), (252, 0), (253, 0), (254, 1), (257, 1)])
def test_waits_grow_where_systemd_knows_how(version: int, steps: int) -> None:
    unit = lines(systemd=version)
    assert unit.count("RestartSteps=6") == unit.count("RestartMaxDelaySec=240") == steps


def test_a_low_port_is_the_only_reason_for_a_capability() -> None:
    assert {"CapabilityBoundingSet=", "AmbientCapabilities=", "PrivateUsers=yes"} <= set(lines())
    low = lines(binds_low=True)
    assert {"CapabilityBoundingSet=CAP_NET_BIND_SERVICE", "AmbientCapabilities=CAP_NET_BIND_SERVICE"} <= set(low)
    assert "PrivateUsers=yes" not in low


def test_a_folder_elsewhere_is_written_to_as_it_is() -> None:
    unit = lines(folder="/srv/rainbow", log_folder="/var/log/rainbow")
    assert [line for line in unit if line.startswith("ReadWritePaths")] == [
        "ReadWritePaths=-/srv/rainbow",
        "ReadWritePaths=-/var/log/rainbow",
    ]
    assert not [line for line in unit if line.startswith("StateDirectory")]


def test_the_steps_make_what_is_missing_and_nothing_that_is_there() -> None:
    fresh = list(systemd.install(service(), account_exists=False, file_exists=False))
    again = list(systemd.install(service(), account_exists=True, file_exists=True))
    assert [step.what for step in fresh if step not in again] == [
        "Make the account that the service runs as",
        "Begin a settings file",
    ]
    files = [step for step in fresh if isinstance(step, WriteFile)]
    assert [(step.path, step.mode) for step in files] == [
        ("/var/lib/rainbow-exchange/config.toml", 0o600),
        ("/etc/systemd/system/rainbow-exchange.service", 0o644),
    ]
    commands = [step.command[0] for step in fresh if isinstance(step, Run)]
    assert commands == ["useradd", "install", "chown", "systemctl", "systemctl"]


def test_uninstalling_leaves_account_and_folder() -> None:
    steps = list(systemd.uninstall("x"))
    assert [step.command for step in steps if isinstance(step, Run)] == [
        ("systemctl", "disable", "--now", "x.service"),
        ("systemctl", "daemon-reload"),
    ]
    assert [step.path for step in steps if isinstance(step, RemoveFile)] == ["/etc/systemd/system/x.service"]
