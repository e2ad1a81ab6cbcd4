"""A settings file with every setting as a remark: what it means, its default, its variable. Pure."""

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from rainbow_exchange.config import Settings
from rainbow_exchange.config.meanings import MEANINGS
from rainbow_exchange.config.sources import SECRETS, VARIABLE_PREFIX, variable

_WIDTH = 100
_DEFAULTS = Settings()
_HEAD = f"""\
# Settings of rainbow-exchange (TOML, UTF-8).
# rainbow-exchange config check says what is wrong with them, rainbow-exchange config show --origin what counts.
# A line like "#name = value" has no effect: it shows the default, or an example where there is none. Take its # away,
# and change the value. A relative path begins at the folder of this file.
# A variable stands above this file: {VARIABLE_PREFIX}<GROUP>__<NAME>. Passwords and other secrets are refused here.
"""


def template() -> str:
    """Give the file's text; as it stands it sets nothing."""
    groups = [_group(name, field.annotation) for name, field in Settings.model_fields.items()]
    return "\n".join([_HEAD, *groups])


def default_of(key: str) -> str:
    """Say what stands for a setting unless it is set, as the reference page does; "" where nothing does."""
    if MEANINGS[key].default:
        return MEANINGS[key].default
    value = _DEFAULTS.value(key)
    if value is None:
        return ""
    if isinstance(value, tuple) and value:
        return ", ".join(f"`{each}`" for each in value)
    return f"`{value if isinstance(value, str) else written(value)}`"


def written(value: object) -> str:
    """Write a setting's value as TOML has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        pairs = ", ".join(f"{_quoted(str(name))} = {written(each)}" for name, each in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    return _quoted(str(value))


def _quoted(text: str) -> str:
    is_literal = "\\" in text and "'" not in text and text.isprintable()
    return f"'{text}'" if is_literal else json.dumps(text, ensure_ascii=False)


def _group(name: str, model: Any) -> str:
    lines = [*_remark(model.__doc__.partition("\n")[0]), f"[{name}]", ""]
    for key in (f"{name}.{each}" for each in model.model_fields):
        lines += [*_setting(key), ""]
    return "\n".join(lines)


def _setting(key: str) -> Iterator[str]:
    meaning, name = MEANINGS[key], key.partition(".")[2]
    text = meaning.text.replace("`", "")
    default = default_of(key).replace("`", "") or "none"
    if key in SECRETS:
        yield from _remark(
            f"{name}: {text}. A secret, so not here: rainbow-exchange secret set {key}, the variable {variable(key)},"
            f" or a file named by {name}_file."
        )
        return
    yield from _remark(f"{name}: {text}.")
    yield from _remark(f"Default: {default}. Variable: {variable(key)}")
    line = f"{name} = {meaning.example or written(_DEFAULTS.value(key))}"
    yield f"# Example, {meaning.needs}: {line}" if meaning.needs else f"#{line}"


def _remark(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent="# ",
        subsequent_indent="#   ",
        break_long_words=False,
        break_on_hyphens=False,
    )
