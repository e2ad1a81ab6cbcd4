"""Where Rainbow may be spoken to: addresses that protect what is sent there (pure)."""

from urllib.parse import urlsplit, urlunsplit

from rainbow_exchange.errors import UserError
from rainbow_exchange.network.address import is_loopback, names_host
from rainbow_exchange.words import _

_WEBSOCKET_SCHEME = {"https": "wss", "http": "ws"}
_PROTECTED = frozenset({"https", "wss"})


def checked(url: str, *, schemes: tuple[str, str], name: str) -> str:
    """Return `url` without a trailing slash; raise UserError unless its host may be sent credentials.

    `schemes` are the protected and the plain one; the plain one is for loopback only. `name` is said in the error.
    """
    protected, plain = schemes
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UserError(
            [
                _(
                    "{name}: {url!r} is no address ({error}); write {protected}://<host>",
                    name=name,
                    url=url,
                    error=error,
                    protected=protected,
                )
            ]
        ) from None
    if not names_host(url) or parts.scheme not in schemes:
        raise UserError(
            [_("{name}: {url!r} is no address; write {protected}://<host>", name=name, url=url, protected=protected)]
        )
    if parts.username is not None or parts.password is not None:
        raise UserError(
            [
                _(
                    "{name}: leave the user name and password out of the address; they have settings of their own",
                    name=name,
                )
            ]
        )
    if parts.scheme == plain and not is_loopback(host):
        raise UserError(
            [
                _(
                    "{name}: {plain}:// would send the password in clear to {host}; write {protected}://{host}",
                    name=name,
                    plain=plain,
                    host=host,
                    protected=protected,
                )
            ]
        )
    return url.rstrip("/")


def websocket_url(rest_url: str) -> str:
    """Derive the WebSocket address that belongs to a REST address: ws(s) and `/websocket`."""
    parts = urlsplit(rest_url)
    return urlunsplit((_WEBSOCKET_SCHEME[parts.scheme], parts.netloc, "/websocket", "", ""))


def may_follow(current: str, offered: str) -> bool:
    """Whether `offered` (a see-other-uri) is on the host of `current` or below it, and as well protected.

    Over wss always; over ws only from loopback to the same host.
    """
    try:
        here, there = urlsplit(current), urlsplit(offered)
        host, target, _ = here.hostname or "", there.hostname or "", there.port
    except ValueError:
        return False
    if there.username is not None or not host or not names_host(offered):
        return False
    if there.scheme == "wss":
        return target == host or target.endswith("." + host)
    return there.scheme == "ws" and here.scheme == "ws" and target == host and is_loopback(host)


def carries_secrets(url: str) -> bool:
    """Whether a secret may be sent in clear inside this connection: TLS, or loopback."""
    parts = urlsplit(url)
    return parts.scheme in _PROTECTED or is_loopback(parts.hostname or "")
