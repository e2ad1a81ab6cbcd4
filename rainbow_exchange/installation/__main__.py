"""`python -m rainbow_exchange.installation`: install or upgrade, go back, uninstall."""

import argparse
import ctypes
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path

from rainbow_exchange.installation import making, neighbours, pythons, upgrade
from rainbow_exchange.installation.layout import Installed, Layout, Service, default_root
from rainbow_exchange.installation.refused import FailedError, RefusedError

#: for Windows, where nothing else is there before the program
_SCRIPT = "Install-RainbowExchange.ps1"
_FAILED, _REFUSED, _INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; give the exit code: 0 done, 1 failed, 2 refused with nothing changed."""
    asked = _parser().parse_args(arguments)
    try:
        asked.do(asked)
    except RefusedError as error:
        _say(f"Error: {error}")
        return _REFUSED
    except FailedError as error:
        _say(f"Failed: {error}")
        return _FAILED
    except OSError as error:
        _say(f"Failed: {error}")
        return _FAILED
    except KeyboardInterrupt:
        _say("Interrupted.")
        return _INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rainbow_exchange.installation", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, do, what in (
        ("install", _install, "install this version, or upgrade to it; where it does not start, go back by itself"),
        ("rollback", _rollback, "go back to the version before"),
        ("uninstall", _uninstall, "take service and program out; settings, state and log stay"),
    ):
        command = commands.add_parser(name, help=what, description=what)
        command.set_defaults(do=do)
        command.add_argument("--root", type=Path, default=default_root(), help="the program's folder (%(default)s)")
        command.add_argument("--start-within", type=float, default=upgrade.START_WITHIN, help="seconds (%(default)g)")
        if name != "install":
            continue
        command.add_argument("--wheels", type=Path, help="the folder of wheels, that of rainbow-exchange too")
        command.add_argument("--wheel", type=Path, help="the wheel of rainbow-exchange, where the folder holds several")
        command.add_argument("--online", action="store_true", help="take what it needs from the internet")
        command.add_argument("--python", help="the Python to use; otherwise the newest that will do is looked for")
        command.add_argument("--config", help="the settings file; otherwise the one of the whole machine")
        command.add_argument("--no-service", action="store_true", help="register no service")
        command.add_argument("--name", help="what the service is called (rainbow-exchange)")
        command.add_argument("--account", help="as whom the service runs: see `rainbow-exchange service install`")
        command.add_argument("--nssm", type=Path, help="nssm.exe; otherwise the one beside the folder of wheels")
    fit = commands.add_parser("fit-state", help="have the state file be one that this version can read")
    fit.set_defaults(do=_fit_state)
    fit.add_argument("--config", type=Path, help="the settings file")
    return parser


def _install(asked: argparse.Namespace) -> None:
    _need_administrator()
    wheel = (asked.wheel or making.only_wheel(asked.wheels or Path("wheels"))).absolute()
    version = making.version_of(wheel)
    fitting = None if asked.online else making.fitting(wheel.parent)
    found = [pythons.ask(asked.python)] if asked.python else pythons.of_this_machine()
    python = pythons.choose(found, fitting=fitting)
    _say(f"Using {python}.")
    layout = Layout(asked.root.absolute())
    before = layout.installed()
    for remark in neighbours.remarks() if before.current is None else ():
        _say(f"Note: {remark}")

    def make() -> None:
        making.make(layout, version, python=python, wheel=wheel, online=asked.online)

    wanted = Installed(
        current=version,
        service=None if asked.no_service else _service(asked, before.service or Service(), layout, wheel.parent.parent),
        config=str(Path(asked.config).absolute()) if asked.config else before.config,
    )
    upgrade.install(layout, wanted, make, _teller(asked))
    if sys.platform == "win32":
        script = resources.files("rainbow_exchange.installation") / _SCRIPT
        (layout.root / _SCRIPT).write_bytes(script.read_bytes())  # to go back, and to uninstall


def _service(asked: argparse.Namespace, before: Service, layout: Layout, beside: Path) -> Service:
    """Say how the service is to be: as it was, but for what is asked. NSSM goes where no upgrade removes it."""
    if asked.name and before.name != asked.name and layout.installed().service is not None:
        raise RefusedError(f"the service is called {before.name}; uninstall it first, to call it {asked.name}")
    nssm = asked.nssm or beside / "nssm.exe"
    if before.nssm is None and sys.platform == "win32" and nssm.is_file():
        layout.root.mkdir(parents=True, exist_ok=True)
        before = replace(before, nssm=str(shutil.copy2(nssm, layout.root / "nssm.exe")))
    return replace(before, name=asked.name or before.name, account=asked.account or before.account)


def _rollback(asked: argparse.Namespace) -> None:
    _need_administrator()
    upgrade.go_back(Layout(asked.root.absolute()), _teller(asked))


def _uninstall(asked: argparse.Namespace) -> None:
    _need_administrator()
    upgrade.uninstall(Layout(asked.root.absolute()), _teller(asked))


def _fit_state(asked: argparse.Namespace) -> None:
    """Needs all of this program, which is installed where this is asked for."""
    from rainbow_exchange import config  # noqa: PLC0415  (see above)
    from rainbow_exchange.errors import UserError  # noqa: PLC0415  (same)
    from rainbow_exchange.state import going_back  # noqa: PLC0415  (same)
    from rainbow_exchange.state.errors import StateError  # noqa: PLC0415  (same)
    from rainbow_exchange.state.store import FILE_NAME  # noqa: PLC0415  (same)

    try:
        said = going_back.fit(config.data_folder(config.load(asked.config)) / FILE_NAME)
    except UserError as error:
        raise RefusedError("; ".join(error.problems)) from error
    except StateError as error:
        raise FailedError(f"{error}") from error
    if said:
        _say(said)


def _need_administrator() -> None:
    """Raise RefusedError where this is Windows and whoever runs this may not write where it has to."""
    if sys.platform == "win32" and not ctypes.windll.shell32.IsUserAnAdmin():
        raise RefusedError("this needs an administrator: open PowerShell with 'Run as administrator', and try again")


def _teller(asked: argparse.Namespace) -> upgrade.Teller:
    return upgrade.Teller(say=_say, start_within=asked.start_within)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  (this is a command, of the standard library only)


if __name__ == "__main__":
    sys.exit(main())
