"""A secret in a private file of its own, and the setting that names it."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from rainbow_exchange import config
from rainbow_exchange.cli import local_api, secret_keeper
from rainbow_exchange.config import Settings
from rainbow_exchange.config.sources import variable
from rainbow_exchange.errors import UserError
from rainbow_exchange.network.shown import printable
from rainbow_exchange.secret_desk import demand_sound
from rainbow_exchange.secret_places import place_of, write_file


def into_file(
    name: str, value: str, path: Path, settings: Settings, *, reader: str | None
) -> tuple[dict[str, Any], list[str]]:
    """Write it and have a running daemon use it where the settings name it; say what was done, and what to do.

    Raises UserError.
    """
    file = path.expanduser().absolute()
    demand_sound(name, value)
    try:
        write_file(file, value, owner=_owner(file, reader, settings), reader=reader or "")
    except OSError as error:
        raise UserError([f"{file} cannot be written ({error.strerror or error}); correct the path."]) from None
    group, _, key = name.partition(".")
    named = place_of(settings, name).file == file
    used = named and _used(settings)
    lines = [f"Written: {file}."]
    if named:
        lines.append("The settings name it already" + ("; the running service uses it from now on." if used else "."))
    else:
        setting = f"{key}_file = {json.dumps(str(file), ensure_ascii=False)}"
        lines += ["Name it in the settings file, then start the service anew:", f"    [{group}]", f"    {setting}"]
        lines.append(f"or as a variable: {variable(name)}_FILE={file}")
    if sys.platform == "win32" and not reader:
        lines.append(
            "SYSTEM, administrators and its owner may read it. Is the service another account? Name it by --for."
        )
    return {"name": name, "kept": "file", "where": str(file), "in_use": used, "named": named}, lines


def _used(settings: Settings) -> bool:
    """Have a running daemon read it."""
    try:
        ask, daemon = secret_keeper.find(settings)
        return daemon and not ask(do="use").get("remark")
    except local_api.NoAnswerError:  # the file is written all the same
        return False


def _owner(file: Path, reader: str | None, settings: Settings) -> tuple[int, int] | None:
    """Say whose the file is to be: of whoever is named, else, as root, of whoever owns the service's folder."""
    if sys.platform == "win32":
        return None
    else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
        import pwd  # noqa: PLC0415  (Windows has none)

        if reader:
            try:
                found = pwd.getpwnam(reader)
            except KeyError:
                raise UserError([f"--for: there is no account {printable(reader)} on this machine."]) from None
            return found.pw_uid, found.pw_gid
        folder = config.data_folder(settings)
        if os.geteuid() != 0 or file.exists() or not folder.exists():
            return None
        return folder.stat().st_uid, folder.stat().st_gid
