"""What every answer of the local page obeys: known Host, bearer token, no caching, bounded work."""

import hmac
import ipaddress
from collections.abc import Iterable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "rainbow-exchange",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Put the security headers on every answer, errors included."""
    response.headers.update(_HEADERS)


def known_hosts_only(names: Iterable[str] = ()) -> Middleware:
    """Refuse requests whose Host is neither this machine's loopback nor one of `names`.

    A page of some web site can have its own name resolved to 127.0.0.1 (DNS rebinding) and would then read our answers;
    its name in Host gives it away. The port is not compared: it may be a forwarded one.
    """
    allowed = {name.lower() for name in names} | {"localhost"}

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = _name(request.headers.get("Host", ""))
        if host not in allowed and not _is_loopback(host):
            raise web.HTTPMisdirectedRequest(text="unknown Host; open http://localhost with the port\n")
        return await handler(request)

    return check


def at_most(requests: int) -> Middleware:
    """Refuse requests beyond `requests` at a time, so that the page never slows the bridge."""
    running = 0

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal running
        if running >= requests:
            raise web.HTTPServiceUnavailable(text="too many requests at once\n", headers={"Retry-After": "1"})
        running += 1
        try:
            return await handler(request)
        finally:
            running -= 1

    return check


def with_token(token: str, handler: Handler) -> Handler:
    """Let only requests with `Authorization: Bearer <token>` reach `handler`."""
    expected = token.encode()

    async def check(request: web.Request) -> web.StreamResponse:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        matches = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), expected)
        if scheme.lower() != "bearer" or not matches:
            raise web.HTTPUnauthorized(text="a token is needed\n", headers={"WWW-Authenticate": "Bearer"})
        return await handler(request)

    return check


def _name(host: str) -> str:
    """Host without port and brackets, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].rstrip(".").lower()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
