"""What a program runs on: versions, system, time zone, account. Nothing of it is of a person but the account's name."""

import locale
import os
import platform
import ssl
import sys
from datetime import datetime
from importlib import metadata
from typing import Any

import tzlocal

from rainbow_exchange import __version__
from rainbow_exchange.state import facts as state_facts


def versions(now: datetime) -> dict[str, Any]:
    """Give the versions of all that is involved, and of the machine what may matter."""
    return {
        "program": __version__,
        "python": {"version": sys.version, "executable": sys.executable, "build": platform.architecture()[0]},
        "system": {
            "name": platform.system(),
            "release": platform.release(),
            "version": platform.version(),
            "machine": platform.machine(),
            "processors": os.cpu_count(),
            "container": os.path.exists("/.dockerenv"),  # noqa: PTH110  (not a file of ours)
        },
        "libraries": {"openssl": ssl.OPENSSL_VERSION, "sqlite": state_facts.library_version()},
        "time": {"zone": _zone(), "offset": now.astimezone().strftime("%z"), "clock": now.isoformat()},
        "text": {"encoding": locale.getpreferredencoding(do_setlocale=False), "files": sys.getfilesystemencoding()},
        "packages": packages(),
    }


def packages() -> dict[str, str]:
    """Give the installed packages with their versions."""
    found = {each.name: each.version for each in metadata.distributions() if each.name}
    return dict(sorted(found.items(), key=lambda each: each[0].lower()))


def _zone() -> str:
    try:
        return tzlocal.get_localzone_name() or ""
    except (LookupError, OSError, ValueError) as error:  # a machine whose zone is set to nothing that is known
        return f"not known ({type(error).__name__})"
