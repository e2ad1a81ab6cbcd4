"""What every answer of the local page obeys: known Host, bearer token, no caching, bounded work."""

import hmac
import re
import time
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from rainbow_exchange.network.address import is_loopback
from rainbow_exchange.web.rates import Allowance
from rainbow_exchange.web.render import PAGE, policy

#: names and addresses, in lower case, by which a served page may be called besides loopback
HOSTS = web.AppKey("hosts", frozenset)
#: what is served (`render`); the connector's own page where none is named
SITE = web.AppKey("site", str)

#: wrong tokens that are answered as such: at once, and then by the second
_WRONG_TOKENS = (30, 0.5)
#: an address of IPv6, or a name or other address; and a port
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:@/?#,\s]+))(?::[0-9]*)?")
_NONE_OF_THE_DEVICE = ", ".join(
    f"{name}=()"
    for name in ("camera", "display-capture", "geolocation", "hid", "microphone", "payment", "serial", "usb")
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": _NONE_OF_THE_DEVICE,
    # "no-referrer" would have browsers send "Origin: null" with the page's own forms (Fetch, section 3.2).
    "Referrer-Policy": "same-origin",
    "Server": "rainbow-exchange",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put the security headers on every answer, errors included."""
    response.headers.update(_HEADERS)
    if response.content_type == "text/html":
        response.headers["Content-Security-Policy"] = policy(request.app.get(SITE, PAGE))


@web.middleware
async def known_hosts_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse requests whose Host is neither this machine's loopback nor one of `HOSTS`.

    A page of some web site can have its own name resolved to 127.0.0.1 (DNS rebinding) and would then read our answers;
    its name in Host gives it away. The port is not compared: it may be a forwarded one.
    """
    host = _name(request.headers.get("Host", ""))
    if host not in request.app[HOSTS] and not is_loopback(host):
        raise web.HTTPMisdirectedRequest(text="unknown Host; open http://localhost with the port\n")
    return await handler(request)


@web.middleware
async def commands_apart(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Where the page is served by TLS: what commands ask is asked on their own listener, and nothing is shown there."""
    if request.path.startswith("/api/") == request.secure:
        raise web.HTTPNotFound(text="not here\n")
    return await handler(request)


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


def with_token(token: str) -> Callable[[Handler], Handler]:
    """Give what lets only requests with `Authorization: Bearer <token>` reach a handler.

    Whoever tries tokens out is sent away; whoever has the right one is let in all the same.
    """
    expected = token.encode()
    wrong = Allowance(*_WRONG_TOKENS, time.monotonic)

    def guarded(handler: Handler) -> Handler:
        async def check(request: web.Request) -> web.StreamResponse:
            scheme, _, given = request.headers.get("Authorization", "").partition(" ")
            matches = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), expected)
            if scheme.lower() == "bearer" and matches:
                return await handler(request)
            if not wrong.take():
                raise web.HTTPTooManyRequests(text="too many wrong tokens\n", headers={"Retry-After": "60"})
            raise web.HTTPUnauthorized(text="a token is needed\n", headers={"WWW-Authenticate": "Bearer"})

        return check

    return guarded


def _name(host: str) -> str:
    """Host without port and brackets, in lower case; "" where it is more or less than that."""
    found = _HOST.fullmatch(host)
    return (found[1] or found[2].removesuffix(".")).lower() if found else ""
