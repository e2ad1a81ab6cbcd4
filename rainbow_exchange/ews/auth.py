"""Authentication towards EWS as steps without I/O: `flow()` says what to send next, the transport sends it.

A scheme that authenticates the TCP connection (NTLM, Negotiate) says `connection_bound`: the transport then gives each
flow a connection of its own, keeps it to itself and sends later requests on it without an Authorization header. Such
flows begin with a bare leg, so that a body is never sent in vain and so that the first real step already knows the
server's schemes and its certificate (channel binding). A flow that wants a bearer token says so in its leg; the
transport has it from whoever keeps tokens. A flow ends by returning how far it came.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Generator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal, Protocol

from rainbow_exchange.ews.errors import Tried
from rainbow_exchange.network.challenges import schemes


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One request to make. A bare leg (`with_body` False) goes out with Content-Length 0.

    `bearer` asks for a bearer token in place of `authorization`: the current one, or one newer than that of the leg
    before.
    """

    authorization: str | None = field(default=None, repr=False)
    with_body: bool = True
    bearer: Literal["current", "newer"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What the server said to a leg. `certificate` is its own, DER, where the connection is TLS.

    `connection` is the same for legs that went over one TCP connection.
    """

    status: int
    www_authenticate: tuple[str, ...] = field(repr=False)
    certificate: bytes | None = None
    connection: int | None = None

    @property
    def offered(self) -> tuple[str, ...]:
        """The names of the schemes that the server offers, in lower case."""
        return tuple(name.lower() for name in schemes(self.www_authenticate))


Flow = Generator[Leg, Challenge, Tried | None]


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

    @property
    def blocks(self) -> bool:
        """Whether a step may wait for another machine (a domain controller): not on the event loop, then."""
        ...

    def flow(self) -> Flow:
        """Begin: a generator of legs."""
        ...


class BasicAuth:
    """Basic (RFC 7617) in UTF-8: one leg, never a second."""

    connection_bound = False
    blocks = False

    def __init__(self, username: str, password: str) -> None:
        if ":" in username:
            raise ValueError("a user name with a colon cannot be sent by Basic authentication")
        self._authorization = "Basic " + b64encode(f"{username}:{password}".encode()).decode()

    def flow(self) -> Flow:
        """One leg with the credentials."""
        yield Leg(authorization=self._authorization)
        return Tried(scheme="Basic", stage="proof")


class BearerAuth:
    """Bearer (RFC 6750): a token; once more with a newer one, since a server may refuse one before it ends."""

    connection_bound = False
    blocks = False

    def flow(self) -> Flow:
        """At most two legs."""
        yield Leg(bearer="current")
        yield Leg(bearer="newer")
        return Tried(scheme="Bearer", stage="proof", password=False)


def opened(authorization: str | None = None) -> Generator[Leg, Challenge, Challenge]:
    """Ask without credentials what the server offers; return its 401.

    An answer that is no 401 is not about credentials: the request itself is let out to meet it.
    """
    challenge = yield Leg(authorization=authorization, with_body=False)
    if challenge.status != HTTPStatus.UNAUTHORIZED:
        challenge = yield Leg()
    return challenge


def scheme_of(authorization: str | None) -> str:
    """Name what a request was signed in by, from its header; "nothing" without one.

    Negotiate is a cover: what it holds is NTLM, which is recognized by its signature ([MS-NLMP] 2.2.1), or Kerberos.
    """
    scheme, _, token = (authorization or "nothing").partition(" ")
    if scheme != "Negotiate":
        return scheme
    try:
        inner = "NTLM" if b"NTLMSSP\0" in b64decode(token) else "Kerberos"
    except (binascii.Error, ValueError):
        return scheme
    return f"{scheme} ({inner})"
