"""The settings: what each means, its kind, default, variable and an example."""

import re
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from rainbow_exchange.config import Settings
from rainbow_exchange.config.meanings import MEANINGS
from rainbow_exchange.config.sources import SECRETS, variable
from rainbow_exchange.config.template import default_of

PAGE = "reference/settings.md"

#: setting → words of its meaning, and the page that says more of them
_LINKS = {
    "exchange.url": ("looked for", "../how-to/find-exchange.md"),
    "exchange.allowed_hosts": ("autodiscover", "../how-to/find-exchange.md"),
    "exchange.auth": ("strongest", "../how-to/exchange-authentication.md"),
    "exchange.ca_file": ("your own authority", "../how-to/certificates.md"),
    "exchange.proxy_url": ("past it", "../how-to/proxies.md"),
    "rainbow.link": ("Rainbow calls this machine", "../how-to/s2s-link.md"),
    "rainbow.proxy_url": ("past it", "../how-to/proxies.md"),
    "bridge.privacy": ("subjects", "../explanation/privacy.md"),
    "bridge.privacy_exceptions": ("other levels for some people", "../how-to/privacy.md"),
    "web.host": ("needs a certificate", "../how-to/local-page-from-elsewhere.md#serve-it-to-other-machines"),
}
_KINDS: dict[Any, str] = {bool: "`true` or `false`", str: "text", tuple: "list of texts", dict: "table of texts"}


def parts() -> dict[str, str]:
    """Give a part for each group."""
    return {name: _group(name, field.annotation) for name, field in Settings.model_fields.items()}


def _group(name: str, model: Any) -> str:
    return "\n\n".join(_setting(f"{name}.{each}", field) for each, field in model.model_fields.items())


def _setting(key: str, field: Any) -> str:
    meaning, name = MEANINGS[key], key.partition(".")[2]
    text = meaning.text
    if key in _LINKS:
        words, page = _LINKS[key]
        before, found, after = text.partition(words)
        if not found:
            raise ValueError(f"{key}: its meaning has no words {words!r} any more, which docs/made/settings.py links")
        text = f"{before}[{words}]({page}){after}"
    text = re.sub(r"^\[?[a-z]", lambda found: found[0].upper(), text)
    default = default_of(key)
    about = [
        "a secret, so never in the file" if key in SECRETS else _kind(key, field),
        f"default: {default}" if default else "no default",
        f"variable `{variable(key)}`",
    ]
    if meaning.example:
        needs = f", {meaning.needs}" if meaning.needs else ""
        about.append(f"example{needs}: `{name} = {meaning.example}`")
    return f"### {key}\n\n{text}.\n\n*{about[0]}* · {' · '.join(about[1:])}"


def _kind(key: str, field: Any) -> str:
    """Say in words what values a setting takes."""
    kind, bounds = _plain(field.annotation, field.metadata)
    if typing.get_origin(kind) is Literal:
        return "one of " + ", ".join(f"`{each}`" for each in typing.get_args(kind))
    if kind is int:
        least, most = (next(getattr(each, end) for each in bounds if hasattr(each, end)) for end in ("ge", "le"))
        return f"whole number, {least} to {most}"
    if kind is Path:
        return "folder" if key == "state.path" else "file"
    if kind is str and key.endswith("url"):
        return "web address"
    return _KINDS[typing.get_origin(kind) or kind]


def _plain(annotation: Any, metadata: Iterable[Any]) -> tuple[Any, list[Any]]:
    """Take away what pydantic has around a type: None as another choice, checks, bounds; give the bounds as well."""
    bounds = [inner for each in metadata for inner in getattr(each, "metadata", [each])]
    if typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        [annotation] = [each for each in typing.get_args(annotation) if each is not type(None)]
        return _plain(annotation, bounds)
    if typing.get_origin(annotation) is typing.Annotated:
        annotation, *more = typing.get_args(annotation)
        return _plain(annotation, [*bounds, *more])
    return annotation, bounds
