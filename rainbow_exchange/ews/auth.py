"""Authentication towards EWS as steps without I/O: `flow()` says what to send next, the transport sends it.

A scheme that authenticates the TCP connection (NTLM, Negotiate) says `connection_bound`: the transport then gives each
flow a connection of its own, keeps it to itself and sends later requests on it without an Authorization header. Such
flows begin with a bare leg, so that a body is never sent in vain and so that the first real step already knows the
server's schemes and its certificate (channel binding). A Bearer flow reads the token that something else keeps fresh;
on a 401 it yields once more if the token has changed since.
"""

import re
from base64 import b64encode
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Protocol

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_SCHEME = re.compile(r"(?:^|,)\s*([A-Za-z][A-Za-z0-9._-]*)(?=\s+[^\s=,]|\s*,|\s*$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One request to make. A bare leg (`with_body` False) goes out with Content-Length 0."""

    authorization: str | None = field(repr=False)
    with_body: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What the server said to a leg. `certificate` is its own, DER, where the connection is TLS."""

    status: int
    www_authenticate: tuple[str, ...] = field(repr=False)
    certificate: bytes | None = None


Flow = Generator[Leg, Challenge, None]


class Authenticator(Protocol):
    """A set of credentials and the scheme to use them by.

    `flow()` begins anew for each request, or for each connection where the scheme is bound to it. It is sent a
    Challenge after a 401 and after each bare leg, whatever its status; it ends (returns) when it has nothing left to
    try, which means that the credentials are refused.
    """

    @property
    def connection_bound(self) -> bool:
        """Whether the server authenticates the TCP connection and not the request."""
        ...

    def flow(self) -> Flow:
        """Begin: a generator of legs."""
        ...


class BasicAuth:
    """Basic (RFC 7617) in UTF-8: one leg, never a second."""

    connection_bound = False

    def __init__(self, username: str, password: str) -> None:
        if ":" in username:
            raise ValueError("a user name with a colon cannot be sent by Basic authentication")
        self._authorization = "Basic " + b64encode(f"{username}:{password}".encode()).decode()

    def flow(self) -> Flow:
        """One leg with the credentials."""
        yield Leg(authorization=self._authorization)


def schemes(www_authenticate: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the schemes that these WWW-Authenticate headers offer, in order, each once (RFC 9110 §11)."""
    found = (name for value in www_authenticate for name in _SCHEME.findall(_QUOTED.sub('""', value)))
    return tuple(dict.fromkeys(found))
