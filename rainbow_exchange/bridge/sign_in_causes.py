"""What a refused sign-in to Exchange means to the administrator: what to suspect, and the next step. Pure."""

from rainbow_exchange.bridge.way_causes import certificate_step, proxy_step
from rainbow_exchange.ews.errors import EwsAuthenticationError, Tried
from rainbow_exchange.network.proxy import ProxyTrouble
from rainbow_exchange.network.verdict import Verdict, Why

_CHECK = (
    "Check exchange.username (COMPANY\\name or name@company.com) and exchange.password, and whether the account is"
    " locked or disabled or its password has expired."
)
_ONCE = (
    " It was tried once and is not tried again, not even after a restart, until one of them changes: else the account"
    " would be locked. If only the account was mended: rainbow-exchange retry --all."
)
_AGAIN = " It is tried again by itself, after {0}, then hourly; at once by rainbow-exchange retry --all."
_EXTENDED_PROTECTION = (
    " If they are right, suspect Extended Protection: Exchange refuses a sign-in that is bound to another certificate"
    " than its own, as where a load balancer or proxy in front of it ends TLS. Give both the same certificate, or let"
    " TLS through."
)
_WITHOUT_TLS = (
    " An Exchange that requires Extended Protection refuses for that reason: over http:// there is no certificate to"
    " bind the sign-in to. Name Exchange itself in exchange.url, with https://."
)
_NTLM = (
    " NTLM may also be forbidden in the domain or to this account (Protected Users), or a load balancer may spread the"
    " requests of one connection over several servers."
)

#: what Kerberos says → what is wrong, what to do; `{0}` is the host
_KERBEROS = {
    "wrong-password": ("the password is wrong", _CHECK),
    "locked": ("the account is locked or disabled", "Have it unlocked in Active Directory, then check its password."),
    "password-expired": ("the password has expired", "Set a new one, and in exchange.password as well."),
    "unknown-account": ("the account is not known to the domain", "Check exchange.username: name@REALM."),
    "unknown-service": (
        "the domain knows no service HTTP/{0}",
        (
            "Use the host name in exchange.url that Exchange has a service principal name for (setspn -Q HTTP/{0}), or"
            " set one on the account of Exchange's servers."
        ),
    ),
    "clock-skew": (
        "the clocks of this machine and of the domain differ by more than five minutes",
        "Set this machine's clock, by the domain's time service.",
    ),
    "wrong-key": (
        "the service HTTP/{0} belongs to another account than the one that Exchange runs as",
        "Find duplicates (setspn -X), and give the name to the alternate service account of Exchange.",
    ),
    "ticket-expired": ("the ticket has expired", "Renew it (kinit), or use a keytab, which does so by itself."),
    "no-ticket": (
        "there is no ticket and no keytab",
        "Get a ticket (kinit) as the account that runs this, or name a keytab in KRB5_CLIENT_KTNAME.",
    ),
    "no-domain-controller": (
        "no domain controller can be found or reached",
        "Check realm and KDC in krb5.conf, this machine's DNS, and port 88 in the firewalls.",
    ),
    "not-installed": (
        "this installation has no Kerberos",
        "Install rainbow-exchange[kerberos], or set exchange.username and exchange.password.",
    ),
}

#: what the token endpoint says (RFC 6749 §5.2) → what is wrong, what to do
_TOKEN = {
    "invalid_client": (
        "it does not know this client, or the secret is wrong or has expired",
        "Check exchange.client_id and exchange.client_secret.",
    ),
    "unauthorized_client": (
        "this client may not ask for tokens by its secret",
        "Allow it the client credentials grant where it is registered.",
    ),
    "invalid_scope": ("it does not know the scope", "Set exchange.token_scope to what Exchange is registered as."),
    "invalid_resource": (
        "it does not know Exchange by this name",
        "Set exchange.token_resource to the identifier under which Exchange is registered there.",
    ),
    "invalid_target": (
        "it does not know Exchange by this name",
        "Set exchange.token_resource to the identifier under which Exchange is registered there.",
    ),
}


def passed_over(error: EwsAuthenticationError, host: str) -> tuple[str, str]:
    """Say the same of an account in whose place another one is used: what lies between works, then."""
    text, action = refusal(error, host, retried=False)
    for hint in (_EXTENDED_PROTECTION, _WITHOUT_TLS, _NTLM, _ONCE):
        action = action.replace(hint, "")
    return text, f"{action} It is not gone back to by itself: once it is mended, rainbow-exchange retry --all."


def refusal(error: EwsAuthenticationError, host: str, *, retried: bool) -> tuple[str, str]:
    """Say what is wrong and what to do; `retried`: it is tried again by itself."""
    offered = ", ".join(error.offered) or "no scheme"
    tried = error.tried or Tried(scheme="", stage="proof")
    text, action = _said(tried, error, host, offered)
    if not retried:
        return text, action + (_ONCE if error.counted else "")
    return text, action + _AGAIN.format("a minute" if error.counted else "1, 5 and 15 minutes")


def _said(  # noqa: PLR0911  (one way out for each stage)
    tried: Tried, error: EwsAuthenticationError, host: str, offered: str
) -> tuple[str, str]:
    match tried.stage:
        case "offer":
            return _nothing_to_try(tried, host, offered)
        case "handshake":
            return (
                f"Exchange at {host} does not go on with the sign-in by {tried.scheme or offered} (HTTP 401).",
                (
                    "Suspect a load balancer or proxy in front of Exchange: the steps of a sign-in must go over one"
                    " connection to one server. Have it keep connections together (layer 4, or affinity), not spread"
                    " single requests."
                ),
            )
        case "kerberos":
            wrong, step = _kerberos(tried.reason, host)
            return f"The domain controller refuses the account for Exchange at {host}: {wrong}.", step
        case "token":
            wrong, step = _TOKEN.get(tried.reason, ("it gives no reason that is known", "Check the client there."))
            return f"The token endpoint refuses the client ({tried.reason}): {wrong}.", step
    if tried.scheme == "Bearer":
        return (
            f"Exchange at {host} refuses the token that the token endpoint has given (HTTP 401; it offers {offered}).",
            (
                "Check that Exchange trusts that endpoint (Get-AuthServer), that OAuth is on for /EWS"
                " (Get-WebServicesVirtualDirectory), and exchange.token_resource or exchange.token_scope."
            ),
        )
    if tried.scheme == "Basic" and error.offered and "basic" not in (name.lower() for name in error.offered):
        return (
            f"Basic authentication is off on Exchange at {host}; it offers {offered}.",
            "Set exchange.auth to auto. Basic need not be switched on.",
        )
    return _refused(tried, host, offered)


def _refused(tried: Tried, host: str, offered: str) -> tuple[str, str]:
    how = f" by {tried.scheme}" if tried.scheme else ""
    if not tried.password:
        wrong, step = _kerberos(tried.reason, host) if tried.reason in _KERBEROS else ("no reason given", "")
        protection = _protection(tried).replace("If they are right, suspect", "Suspect")
        action = step or f"Check that this account has a mailbox or rights on Exchange.{protection}"
        return f"Exchange at {host} refuses the sign-in{how} without a password (HTTP 401): {wrong}.", action
    hints = _protection(tried) + _NTLM if tried.scheme in {"NTLM", "Negotiate"} else ""
    return f"Exchange at {host} refuses the user name or password{how} (HTTP 401; it offers {offered}).", _CHECK + hints


def _protection(tried: Tried) -> str:
    return _EXTENDED_PROTECTION if tried.binding else _WITHOUT_TLS


def _nothing_to_try(tried: Tried, host: str, offered: str) -> tuple[str, str]:
    if tried.scheme == "auto":
        return (
            f"Exchange at {host} offers {offered} for signing in, and nothing of that can be used with these settings.",
            "Have Windows authentication (Negotiate, NTLM) switched on for /EWS; for OAuth, set exchange.token_url.",
        )
    return (
        f"Exchange at {host} does not offer {tried.scheme.replace('/', ' or ')}; it offers {offered}.",
        "Set exchange.auth to auto, or have the scheme switched on for /EWS.",
    )


def kerberos(reason: str, host: str) -> tuple[str, str]:
    """Say why Kerberos cannot be used at present."""
    wrong, step = _kerberos(reason, host)
    return f"Signing in to Exchange at {host} by Kerberos fails: {wrong}.", f"{step} It is tried again by itself."


def token(detail: str, why: Why | None) -> tuple[str, str]:
    """Say why no token can be had at present."""
    match why:
        case Verdict():
            step = certificate_step(why, "exchange", url="exchange.token_url")
        case ProxyTrouble():
            step = proxy_step(why, "exchange")
        case None:
            step = "Check exchange.token_url and what is behind it."
    return f"No token for Exchange can be had: {detail.rstrip('.')}.", f"{step} It is tried again by itself."


def _kerberos(reason: str, host: str) -> tuple[str, str]:
    wrong, step = _KERBEROS.get(
        reason, ("it gives no reason that is known", "Try kinit and kvno HTTP/{0} as the account that runs this.")
    )
    return wrong.format(host), step.format(host) if "{0}" in step else step
