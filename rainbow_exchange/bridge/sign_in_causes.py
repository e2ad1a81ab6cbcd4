"""What a refused sign-in to Exchange means to the administrator: what to suspect, and the next step. Pure."""

from rainbow_exchange.bridge.way_causes import AGAIN, certificate_step, proxy_step
from rainbow_exchange.ews.errors import EwsAuthenticationError, Tried
from rainbow_exchange.network.proxy import ProxyTrouble
from rainbow_exchange.network.verdict import Verdict, Why
from rainbow_exchange.words import Said, _, clause, parts, sentences, unfilled

_CHECK = _(
    "Check exchange.username (COMPANY\\name or name@company.com) and exchange.password, and whether the"
    " account is locked or disabled or its password has expired."
)
_ONCE = _(
    "It was tried once and is not tried again, not even after a restart, until one of them changes: else"
    " the account would be locked. If only the account was mended: rainbow-exchange retry --all."
)
_AGAIN_SOON = _("It is tried again by itself, after a minute, then hourly; at once by rainbow-exchange retry --all.")
_AGAIN_LATER = _(
    "It is tried again by itself, after 1, 5 and 15 minutes, then hourly; at once by rainbow-exchange retry --all."
)
_EXTENDED_PROTECTION = _(
    "If they are right, suspect Extended Protection: Exchange refuses a sign-in that is bound to another"
    " certificate than its own, as where a load balancer or proxy in front of it ends TLS. Give both the"
    " same certificate, or let TLS through."
)
_SUSPECT_PROTECTION = _(
    "Suspect Extended Protection: Exchange refuses a sign-in that is bound to another"
    " certificate than its own, as where a load balancer or proxy in front of it ends TLS. Give both the"
    " same certificate, or let TLS through."
)
_WITHOUT_TLS = _(
    "An Exchange that requires Extended Protection refuses for that reason: over http:// there is no"
    " certificate to bind the sign-in to. Name Exchange itself in exchange.url, with https://."
)
_NTLM = _(
    "NTLM may also be forbidden in the domain or to this account (Protected Users), or a load balancer"
    " may spread the requests of one connection over several servers."
)

#: what Kerberos says → what is wrong, what to do, both without `host`
_KERBEROS = {
    "wrong-password": (_("the password is wrong"), _CHECK),
    "locked": (
        _("the account is locked or disabled"),
        _("Have it unlocked in Active Directory, then check its password."),
    ),
    "password-expired": (_("the password has expired"), _("Set a new one, and in exchange.password as well.")),
    "unknown-account": (_("the account is not known to the domain"), _("Check exchange.username: name@REALM.")),
    "unknown-service": (
        unfilled("the domain knows no service HTTP/{host}"),
        unfilled(
            "Use the host name in exchange.url that Exchange has a service principal name for (setspn -Q"
            " HTTP/{host}), or set one on the account of Exchange's servers."
        ),
    ),
    "clock-skew": (
        _("the clocks of this machine and of the domain differ by more than five minutes"),
        _("Set this machine's clock, by the domain's time service."),
    ),
    "wrong-key": (
        unfilled("the service HTTP/{host} belongs to another account than the one that Exchange runs as"),
        _("Find duplicates (setspn -X), and give the name to the alternate service account of Exchange."),
    ),
    "ticket-expired": (_("the ticket has expired"), _("Renew it (kinit), or use a keytab, which does so by itself.")),
    "no-ticket": (
        _("there is no ticket and no keytab"),
        _("Get a ticket (kinit) as the account that runs this, or name a keytab in KRB5_CLIENT_KTNAME."),
    ),
    "no-domain-controller": (
        _("no domain controller can be found or reached"),
        _("Check realm and KDC in krb5.conf, this machine's DNS, and port 88 in the firewalls."),
    ),
    "not-installed": (
        _("this installation has no Kerberos"),
        _("Install rainbow-exchange[kerberos], or set exchange.username and exchange.password."),
    ),
}

#: what the token endpoint says (RFC 6749 §5.2) → what is wrong, what to do
_TOKEN = {
    "invalid_client": (
        _("it does not know this client, or the secret is wrong or has expired"),
        _("Check exchange.client_id and exchange.client_secret."),
    ),
    "unauthorized_client": (
        _("this client may not ask for tokens by its secret"),
        _("Allow it the client credentials grant where it is registered."),
    ),
    "invalid_scope": (
        _("it does not know the scope"),
        _("Set exchange.token_scope to what Exchange is registered as."),
    ),
    "invalid_resource": (
        _("it does not know Exchange by this name"),
        _("Set exchange.token_resource to the identifier under which Exchange is registered there."),
    ),
    "invalid_target": (
        _("it does not know Exchange by this name"),
        _("Set exchange.token_resource to the identifier under which Exchange is registered there."),
    ),
}


def passed_over(error: EwsAuthenticationError, host: str) -> tuple[str, str]:
    """Say the same of an account in whose place another one is used: what lies between works, then."""
    text, action = refusal(error, host, retried=False)
    hints = {_EXTENDED_PROTECTION, _SUSPECT_PROTECTION, _WITHOUT_TLS, _NTLM, _ONCE}
    left = (each for each in parts(action) if each not in hints)
    return text, sentences(
        *left, _("It is not gone back to by itself: once it is mended, rainbow-exchange retry --all.")
    )


def refusal(error: EwsAuthenticationError, host: str, *, retried: bool) -> tuple[str, str]:
    """Say what is wrong and what to do; `retried`: it is tried again by itself."""
    offered = ", ".join(error.offered) or _("no scheme")
    tried = error.tried or Tried(scheme="", stage="proof")
    text, action = _said(tried, error, host, offered)
    if not retried:
        return text, sentences(action, _ONCE if error.counted else "")
    return text, sentences(action, _AGAIN_SOON if error.counted else _AGAIN_LATER)


def _said(  # noqa: PLR0911  (one way out for each stage)
    tried: Tried, error: EwsAuthenticationError, host: str, offered: str
) -> tuple[str, str]:
    match tried.stage:
        case "offer":
            return _nothing_to_try(tried, host, offered)
        case "handshake":
            return (
                _(
                    "Exchange at {host} does not go on with the sign-in by {scheme} (HTTP 401).",
                    host=host,
                    scheme=tried.scheme or offered,
                ),
                (
                    _(
                        "Suspect a load balancer or proxy in front of Exchange: the steps of a sign-in must"
                        " go over one connection to one server. Have it keep connections together (layer 4,"
                        " or affinity), not spread single requests."
                    )
                ),
            )
        case "kerberos":
            wrong, step = _kerberos(tried.reason, host)
            return _(
                "The domain controller refuses the account for Exchange at {host}: {wrong}.", host=host, wrong=wrong
            ), step
        case "token":
            wrong, step = _TOKEN.get(
                tried.reason, (_("it gives no reason that is known"), _("Check the client there."))
            )
            return _(
                "The token endpoint refuses the client ({reason}): {wrong}.", reason=tried.reason, wrong=wrong
            ), step
    if tried.scheme == "Bearer":
        return (
            _(
                "Exchange at {host} refuses the token that the token endpoint has given (HTTP 401; it offers"
                " {offered}).",
                host=host,
                offered=offered,
            ),
            (
                _(
                    "Check that Exchange trusts that endpoint (Get-AuthServer), that OAuth is on for /EWS"
                    " (Get-WebServicesVirtualDirectory), and exchange.token_resource or exchange.token_scope."
                )
            ),
        )
    if tried.scheme == "Basic" and error.offered and "basic" not in (name.lower() for name in error.offered):
        return (
            _("Basic authentication is off on Exchange at {host}; it offers {offered}.", host=host, offered=offered),
            _("Set exchange.auth to auto. Basic need not be switched on."),
        )
    return _refused(tried, host, offered)


def _refused(tried: Tried, host: str, offered: str) -> tuple[str, str]:
    how = _(" by {scheme}", scheme=tried.scheme) if tried.scheme else ""
    if not tried.password:
        wrong, step = _kerberos(tried.reason, host) if tried.reason in _KERBEROS else (_("no reason given"), "")
        action = step or sentences(
            _("Check that this account has a mailbox or rights on Exchange."),
            _SUSPECT_PROTECTION if tried.binding else _WITHOUT_TLS,
        )
        return _(
            "Exchange at {host} refuses the sign-in{how} without a password (HTTP 401): {wrong}.",
            host=host,
            how=how,
            wrong=wrong,
        ), action
    hints = (_EXTENDED_PROTECTION if tried.binding else _WITHOUT_TLS, _NTLM)
    action = sentences(_CHECK, *hints) if tried.scheme in {"NTLM", "Negotiate"} else _CHECK
    return _(
        "Exchange at {host} refuses the user name or password{how} (HTTP 401; it offers {offered}).",
        host=host,
        how=how,
        offered=offered,
    ), action


def _nothing_to_try(tried: Tried, host: str, offered: str) -> tuple[str, str]:
    if tried.scheme == "auto":
        return (
            _(
                "Exchange at {host} offers {offered} for signing in, and nothing of that can be used with"
                " these settings.",
                host=host,
                offered=offered,
            ),
            _("Have Windows authentication (Negotiate, NTLM) switched on for /EWS; for OAuth, set exchange.token_url."),
        )
    return (
        _(
            "Exchange at {host} does not offer {scheme}; it offers {offered}.",
            host=host,
            scheme=_schemes(tried.scheme),
            offered=offered,
        ),
        _("Set exchange.auth to auto, or have the scheme switched on for /EWS."),
    )


def _schemes(scheme: str) -> str:
    one, _slash, other = scheme.partition("/")
    return _("{one} or {other}", one=one, other=other) if other else one


def kerberos(reason: str, host: str) -> tuple[str, str]:
    """Say why Kerberos cannot be used at present."""
    wrong, step = _kerberos(reason, host)
    return (
        _("Signing in to Exchange at {host} by Kerberos fails: {wrong}.", host=host, wrong=wrong),
        sentences(step, AGAIN),
    )


def token(detail: str, why: Why | None) -> tuple[str, str]:
    """Say why no token can be had at present."""
    match why:
        case Verdict():
            step = certificate_step(why, "exchange", url="exchange.token_url")
        case ProxyTrouble():
            step = proxy_step(why, "exchange")
        case None:
            step = _("Check exchange.token_url and what is behind it.")
    return _("No token for Exchange can be had: {detail}.", detail=clause(detail)), sentences(step, AGAIN)


def _kerberos(reason: str, host: str) -> tuple[str, str]:
    wrong, step = _KERBEROS.get(
        reason,
        (
            _("it gives no reason that is known"),
            unfilled("Try kinit and kvno HTTP/{host} as the account that runs this."),
        ),
    )
    return _filled(wrong, host), _filled(step, host)


def _filled(text: str, host: str) -> str:
    return text if isinstance(text, Said) else _(text, host=host)
