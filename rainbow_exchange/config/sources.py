"""Where settings come from: the command line, the environment, a TOML file. Each says what is wrong with itself."""

import difflib
import tomllib
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

VARIABLE_PREFIX = "RAINBOW_EXCHANGE_"
_FILE_VARIABLE = "RAINBOW_EXCHANGE_CONFIG"
#: settings that are always secret; each has a `<name>_file` beside it
SECRETS = (
    "exchange.password",
    "exchange.client_secret",
    "exchange.fallback_password",
    "rainbow.password",
    "rainbow.app_secret",
    "rainbow.proxy_password",
)
#: settings that are secret where they hold a user name or password; each has a `<name>_file` beside it, too
SECRET_URLS = ("exchange.proxy_url", "rainbow.proxy_url")

_PATHS = (
    *(f"{key}_file" for key in SECRETS + SECRET_URLS),
    "exchange.ca_file",
    "web.tls_certificate_file",
    "web.tls_key_file",
    "state.path",
    "log.file",
)
_MAX_FILE_BYTES = 1 << 20


def variable(key: str) -> str:
    """Name of the environment variable of a setting: `exchange.url` → `RAINBOW_EXCHANGE_EXCHANGE__URL`."""
    return VARIABLE_PREFIX + key.replace(".", "__").upper()


def without_effect(environ: Mapping[str, str], known: Collection[str]) -> list[str]:
    """Say of each variable that looks like one of ours and sets nothing what it may be meant to be."""
    variables = {variable(key): key for key in known}
    singles = {name.replace("__", "_") for name in variables}
    said = []
    for name, value in environ.items():
        upper = name.upper()
        if not upper.startswith(VARIABLE_PREFIX) or not value.strip() or upper in singles | {_FILE_VARIABLE}:
            continue
        if "__" not in upper.removeprefix(VARIABLE_PREFIX):
            near = difflib.get_close_matches(upper, [_FILE_VARIABLE, *variables], n=1, cutoff=0.8)
            said.append(f"{name} has no effect; " + (f"did you mean {near[0]}?" if near else "it is no setting."))
    return said


class Values(PydanticBaseSettingsSource):
    """One origin's values by group and name. `faults` are those found while reading."""

    def __init__(self, settings: type[BaseSettings], origin: str) -> None:
        super().__init__(settings)
        self.origin = origin
        self.values: dict[str, Any] = {}
        self.faults: list[str] = []

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002  (signature of pydantic-settings)
        """Give one group's values; pydantic-settings asks for it."""
        return self.values.get(field_name), field_name, True

    def __call__(self) -> dict[str, Any]:
        """Give all values, by group and name; pydantic-settings asks for it."""
        return {
            group: dict(content) if isinstance(content, dict) else content for group, content in self.values.items()
        }

    def keys(self) -> Iterator[str]:
        """Dotted keys that have a value here."""
        for group, content in self.values.items():
            yield from (f"{group}.{name}" for name in content) if isinstance(content, dict) else (group,)

    def named(self, key: str) -> str:  # noqa: ARG002  (some origins name each key)
        """Say where the value of `key` stands."""
        return self.origin

    def drop(self, group: str, name: str | None = None) -> None:
        """Take a value out, or a whole group; either name may hold dots, where a stranger wrote it."""
        content = self.values.get(group)
        if name is not None and isinstance(content, dict):
            content.pop(name, None)
        else:
            self.values.pop(group, None)


class Overrides(Values):
    """What the command line says; above all else."""

    def __init__(self, settings: type[BaseSettings], overrides: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(settings, "command line")
        self.values = {group: dict(content) for group, content in overrides.items()}


class Environment(Values):
    """The `RAINBOW_EXCHANGE_<GROUP>__<NAME>` variables; an empty one counts as absent."""

    def __init__(self, settings: type[BaseSettings], environ: Mapping[str, str], known: Collection[str]) -> None:
        super().__init__(settings, "environment")
        singles = {variable(key).replace("__", "_"): key for key in known}
        for name, value in environ.items():
            upper = name.upper()  # Windows gives all names in upper case
            if not upper.startswith(VARIABLE_PREFIX) or not value.strip():
                continue
            group, separator, key = upper.removeprefix(VARIABLE_PREFIX).lower().partition("__")
            if separator:
                self.values.setdefault(group, {})[key] = value
            elif upper in singles:
                self.faults.append(f"{name}: write two underscores between the levels: {variable(singles[upper])}.")

    def named(self, key: str) -> str:
        """Name the variable."""
        return f"variable {variable(key)}"


class SettingsFile(Values):
    """A TOML file. Secrets may not stand in it; relative paths in it begin at its folder."""

    def __init__(self, settings: type[BaseSettings], path: Path) -> None:
        super().__init__(settings, str(path))
        try:
            with path.open("rb") as stream:
                content = stream.read(_MAX_FILE_BYTES + 1)
        except OSError as error:
            self.faults.append(f"{path} cannot be read ({error.strerror}); correct the path or its permissions.")
            return
        try:
            if len(content) > _MAX_FILE_BYTES:
                raise ValueError("it is larger than 1 MiB")  # noqa: TRY301  (one sentence for all that is wrong with it)
            self.values = tomllib.loads(content.decode("utf-8-sig"))
        except UnicodeDecodeError:
            self.faults.append(f"{path} is not UTF-8; save it as UTF-8 in the editor.")
        except ValueError as error:
            self.faults.append(f"{path} is not valid TOML: {error}; correct that line.")
        except RecursionError:
            self.faults.append(f"{path} is not valid TOML: its lists are nested too deeply; take them out.")
        self._refuse_secrets()
        self._anchor_paths(path.parent)

    def _refuse_secrets(self) -> None:
        for key in list(self.keys()):
            group, _, name = key.partition(".")
            if key in SECRETS or (key in SECRET_URLS and "@" in str(self.values[group][name])):
                self.faults.append(
                    f"{key}: a secret may not stand in {self.origin}, because such files are copied, backed up and"
                    f" mailed; give it as the variable {variable(key)}, in a file of its own named by {key}_file, or"
                    f" in the keyring of the account that runs the service (rainbow-exchange secret set {key})."
                )
                self.drop(group, name)

    def _anchor_paths(self, folder: Path) -> None:
        for key in self.keys():
            group, _, name = key.partition(".")
            if key in _PATHS and isinstance(self.values[group][name], str) and self.values[group][name].strip():
                with suppress(RuntimeError):  # a home folder of nobody, which its check says
                    self.values[group][name] = folder / Path(self.values[group][name].strip()).expanduser()
