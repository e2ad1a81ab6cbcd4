"""Login headers and the life of a token (`docs/reference/rainbow-wire.md`, section "Login"); no I/O."""

import re
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from rainbow_exchange.json_text import read_json
from rainbow_exchange.rainbow.errors import UnexpectedAnswer
from rainbow_exchange.words import _

#: What a bearer token may consist of (RFC 6750): anything else must not get into a header.
_BEARER = re.compile(r"[A-Za-z0-9\-._~+/]+=*\Z")
#: What an id may consist of to stand in a path.
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: The SDK renews at half-life plus up to this part of that half.
_RENEWAL_JITTER = 0.125
_SHORTEST_LIFE = 1.0  # second


def basic(name: str, secret: str) -> str:
    """Value of a Basic `Authorization` header, UTF-8."""
    return "Basic " + b64encode(f"{name}:{secret}".encode()).decode("ascii")


def app_auth(app_id: str, app_secret: str, password: str) -> str:
    """Value of `x-rainbow-app-auth`: Basic base64(appId:hex(sha256(appSecret ‖ password))), hex in lower case."""
    return basic(app_id, sha256((app_secret + password).encode()).hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token and what its payload says of its life; None where it says nothing. `text` is a secret.

    The signature is Rainbow's business and not checked.
    """

    text: str = field(repr=False)
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    renewed: int = 0
    max_renew: int | None = None
    user_id: str | None = None
    oauth: bool = False

    @property
    def may_renew(self) -> bool:
        """Whether Rainbow will renew it once more, as far as it says. One of OAuth is not renewed (as in the SDK)."""
        return not self.oauth and (self.max_renew is None or self.renewed < self.max_renew)

    def lifetime(self, received_at: datetime) -> float | None:
        """Seconds it lives from its receipt, at least one; None where unknown.

        Reckoned from Rainbow's own two instants where it gives both, so that a wrong clock here does not matter;
        otherwise from `received_at`. A life of nothing is a clock that is wrong, and as good as unknown.
        """
        if self.expires_at is None:
            return None
        life = (self.expires_at - (self.issued_at or received_at)).total_seconds()
        return life if life >= _SHORTEST_LIFE else None


def read_token(text: object) -> Token:
    """Read a JSON Web Token; one whose payload cannot be read is taken as it is, with nothing known of its life.

    Raises UnexpectedAnswer for what cannot be sent as a bearer token.
    """
    if not isinstance(text, str) or not _BEARER.match(text):
        raise UnexpectedAnswer(_("the login answer holds no token"))
    claims = _claims(text)
    renewed, max_renew = _count(claims.get("countRenewed")), _count(claims.get("maxTokenRenew"))
    return Token(
        text=text,
        issued_at=_instant(claims.get("iat")),
        expires_at=_instant(claims.get("exp")),
        renewed=renewed or 0,
        max_renew=max_renew,
        user_id=_user(claims.get("user")),
        oauth="oauth" in claims,
    )


def renewal_delay(lifetime: float, random: Callable[[], float]) -> float:
    """Seconds after its receipt at which a token is renewed: half its life, plus 0 to 12.5 % of that half."""
    return lifetime / 2 * (1 + _RENEWAL_JITTER * random())


def _claims(text: str) -> dict[str, object]:
    parts = text.split(".")
    if len(parts) != 3:  # noqa: PLR2004  (header, payload, signature: RFC 7519)
        return {}
    try:
        claims = read_json(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def _user(value: object) -> str | None:
    id_ = value.get("id") if isinstance(value, dict) else None
    return id_ if isinstance(id_, str) and _ID.match(id_) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _instant(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return _EPOCH + timedelta(seconds=value)
    except (OverflowError, ValueError):
        return None
