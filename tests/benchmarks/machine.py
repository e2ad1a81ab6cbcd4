"""The machine that a run was on, and what was installed there: Linux, as the rig needs it, too."""

import os
import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

#: what takes part in what is measured, the peer included
_PACKAGES = ("aiohttp", "lxml", "pydantic", "structlog", "uvloop", "exchangelib")

_COMPILED = """
import importlib, os, sys
print(os.path.exists(importlib.import_module(sys.argv[1]).__spec__.cached))
"""


def compiled(module: str = "rainbow_exchange.cli.run") -> bool:
    """Have Python compile this module and all that it imports for later, as pip does; False where it may not.

    Else each start would compile them anew where PYTHONDONTWRITEBYTECODE is set, which nobody's installation does.
    """
    command = [sys.executable, "-c", _COMPILED, module]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603  (ours)
    return done.stdout.split() == ["True"]


def described() -> dict[str, str]:
    """Describe this machine: processor, cores, memory, system, Python, versions."""
    installed = {name: found for name in _PACKAGES if (found := _version(name))}
    return {
        "processor": _named("/proc/cpuinfo", "model name"),
        "cores": str(os.cpu_count()),
        "memory": f"{int(_named('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.1f} GiB",
        "system": f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {platform.platform(terse=True)}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "rainbow-exchange": version("rainbow-exchange"),
        "libraries": ", ".join(f"{name} {found}" for name, found in installed.items()),
    }


def load() -> float:
    """Return how many processes wanted to run at a time over the last minute."""
    return float(Path("/proc/loadavg").read_text(encoding="ascii").split()[0])


def used(given: Mapping[str, Counter[str]]) -> dict[str, str]:
    """Name the settings among products' variables; what is an address, a secret or a path of this run is not shown."""
    everywhere = max((sum(values.values()) for values in given.values()), default=0)
    return {
        name.removeprefix("RAINBOW_EXCHANGE_").lower().replace("__", "."): _shown(values, everywhere)
        for name, values in sorted(given.items())
        if name.startswith("RAINBOW_EXCHANGE_")
    }


def _shown(values: Counter[str], everywhere: int) -> str:
    plain = sorted(value for value in values if value.isdecimal() or value in {"true", "false"})
    shown = ", ".join(plain) or "of the lab"
    return shown if sum(values.values()) == everywhere else f"{shown} (not in all)"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _named(file: str, name: str) -> str:
    """Return the first value of this name, or the machine's kind where it is not named."""
    for line in Path(file).read_text(encoding="utf-8", errors="replace").splitlines():
        found, _, value = line.partition(":")
        if found.strip() == name:
            return value.strip()
    return platform.machine()
