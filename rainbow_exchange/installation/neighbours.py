"""Who may stand in the way on this machine: the official connector, and whatever listens on the local page's port."""

import socket
import sys
from collections.abc import Iterable

PORT = 3001
_OWN = "rainbow-exchange"
_SECONDS = 1.0


def remarks() -> list[str]:
    """Give a sentence for each neighbour that matters, with what to do about it."""
    said = [_about(name, shown) for name, shown in services_like_rainbows(_services())]
    if is_taken(PORT):
        said.append(
            f"Something listens on port {PORT} already, the port of the local page and of the official connector."
            " The page will be served on another one, which `rainbow-exchange status` names."
        )
    return said


def services_like_rainbows(services: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Pick from names and shown names of services those that may be the official connector."""
    return [
        (name, shown)
        for name, shown in services
        if name.lower() != _OWN and "rainbow" in f"{name} {shown}".lower() and "connector" in f"{name} {shown}".lower()
    ]


def _about(name: str, shown: str) -> str:
    return (
        f"The service {name!r} ({shown}) may be the official connector. Rainbow allows a company one connector:"
        f" stop that one first, and keep it from starting: Stop-Service {name!r};"
        f" Set-Service {name!r} -StartupType Disabled"
    )


def is_taken(port: int) -> bool:
    """Say whether something listens there on this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.settimeout(_SECONDS)
        return connection.connect_ex(("127.0.0.1", port)) == 0


if sys.platform == "win32":
    import contextlib
    import winreg

    def _services() -> list[tuple[str, str]]:
        """List the services of this machine: name and shown name."""
        found = []
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Services") as all_of_them:
            for number in range(winreg.QueryInfoKey(all_of_them)[0]):
                name = winreg.EnumKey(all_of_them, number)
                with contextlib.suppress(OSError), winreg.OpenKey(all_of_them, name) as service:  # a driver has no name
                    found.append((name, str(winreg.QueryValueEx(service, "DisplayName")[0])))
        return found

else:

    def _services() -> list[tuple[str, str]]:
        return []
