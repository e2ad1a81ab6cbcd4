"""How a login signs in: `authentication/v1.0/urls`, which anybody may ask (`docs/reference/rainbow-wire.md`)."""

from dataclasses import dataclass

from rainbow_exchange.rainbow.errors import RainbowApiError
from rainbow_exchange.rainbow.transport import Request, Transport
from rainbow_exchange.rainbow.users import text

_URLS = "/api/rainbow/authentication/v1.0/urls"
_SSO = frozenset({"OIDC", "SAML"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInWays:
    """`sso`: the kinds of single sign-on that Rainbow names for a login; `password`: whether it names another way."""

    sso: tuple[str, ...] = ()
    password: bool = True

    @property
    def only_sso(self) -> bool:
        """Whether a password is not to be expected to work."""
        return bool(self.sso) and not self.password


async def sign_in_ways(transport: Transport, login: str) -> SignInWays:
    """Ask. A Rainbow that refuses to tell, or tells nothing that is understood, leaves the password."""
    query = {"useBackchannelPolling": "false", "uid": login}
    try:
        reply = await transport.send(Request("login_urls", "GET", _URLS, query=query))
    except RainbowApiError:
        return SignInWays()
    return read_ways(reply.json())


def read_ways(answer: object) -> SignInWays:
    """Read the answer: entries in `data`, one of them alone, or one at the top, as the SDK reads it, too."""
    if not isinstance(answer, dict):
        return SignInWays()
    data = answer.get("data", answer)
    entries = [entry for entry in (data if isinstance(data, list) else [data]) if isinstance(entry, dict)]
    kinds = [kind.upper() for entry in entries if (kind := text(entry.get("type"))) is not None]
    sso = tuple(dict.fromkeys(kind for kind in kinds if kind in _SSO))
    return SignInWays(sso=sso, password=not sso or any(kind not in _SSO for kind in kinds))
