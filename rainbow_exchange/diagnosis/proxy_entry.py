"""What somebody enters of a proxy, as the settings and secrets that it becomes. Pure."""

from typing import Any
from urllib.parse import quote, urlsplit


def proxy(
    side: str, url: str | None, username: str | None, password: str | None
) -> tuple[dict[str, Any], dict[str, str | None]]:
    """Put together the settings of a proxy; an address that holds who signs in is a secret."""
    secret = None
    if url is not None and side == "exchange" and username:
        secret = _with_account(url, username, password or "")
    elif url is not None and "@" in url:
        secret = url
    values: dict[str, Any] = {f"{side}.proxy_url": None if secret else url}
    secrets: dict[str, str | None] = {f"{side}.proxy_url": secret}
    if side == "rainbow":
        values["rainbow.proxy_username"] = username
        secrets["rainbow.proxy_password"] = password
    return values, secrets


def _with_account(url: str, username: str, password: str) -> str | None:
    """Put who signs in into an address; None where it is none, which whoever reads it says."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if not parts.scheme or not parts.netloc or "@" in parts.netloc:
        return None
    return f"{parts.scheme}://{quote(username, safe='')}:{quote(password, safe='')}@{parts.netloc}"
