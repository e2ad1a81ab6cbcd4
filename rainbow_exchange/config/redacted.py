"""Settings as they may be shown: a secret only as `set`, an address without user name and password. Pure."""

from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr

from rainbow_exchange.config.sources import SECRETS

SET, NOT_SET = "set", "not set"


def redacted(key: str, value: object) -> object:
    """Give the value of a setting as JSON may show it; None stays."""
    if isinstance(value, SecretStr) or (key in SECRETS and value is not None):
        return SET
    if isinstance(value, tuple | list):
        return [redacted(key, each) for each in value]
    if isinstance(value, Path):
        return str(value)
    return without_userinfo(value) if isinstance(value, str) and key.endswith("url") else value


def without_userinfo(url: str) -> str:
    """Give a web address with `***` in place of whoever signs in there; `set` where it is none."""
    if "@" not in url:
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return SET
    _, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"***@{host}")) if at and parts.scheme else SET
