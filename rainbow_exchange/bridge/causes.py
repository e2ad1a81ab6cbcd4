"""What an error means to the administrator: the thing that is wrong, and the next step. Pure.

Nothing of a server's own text is repeated here: it is localised, and may hold what must not be shown.
"""

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from urllib.parse import urlsplit

from rainbow_exchange.bridge import sign_in_causes
from rainbow_exchange.bridge.way_causes import AGAIN, TRIED_ONCE, Side, certificate_step, proxy_step
from rainbow_exchange.ews.errors import (
    EwsAuthenticationError,
    EwsConnectionError,
    EwsError,
    MalformedResponse,
    ResponseError,
)
from rainbow_exchange.network.proxy import ProxyTrouble
from rainbow_exchange.network.verdict import Why
from rainbow_exchange.rainbow.errors import (
    RainbowApiError,
    RainbowAuthenticationError,
    RainbowConnectionError,
    RainbowError,
    RateLimited,
    UnexpectedAnswer,
)
from rainbow_exchange.rainbow.refusals import WITHOUT_CODE
from rainbow_exchange.words import _, sentences

ITS_OWN = _("(its own)")


@dataclass(frozen=True, slots=True)
class Cause:
    """A problem to report: its stable id, what is wrong, what to do."""

    id: str
    text: str
    action: str


def exchange_cause(error: EwsError, url: str, *, retried: bool = False) -> Cause:
    """Say why Exchange as a whole cannot be used; `retried`: refused credentials are tried again by themselves."""
    host = urlsplit(url).hostname or url
    if isinstance(error, EwsAuthenticationError):
        return _exchange_refusal(error, host, retried=retried)
    if isinstance(error, EwsConnectionError):
        if error.why is not None and error.kind != "token":
            return _way("exchange", error.why)
        return _exchange_connection(error, url, host)
    if isinstance(error, MalformedResponse):
        return Cause(
            "exchange-not-ews",
            _("{url} answers, but not as Exchange Web Services do.", url=url),
            _(
                "Check exchange.url: it usually ends in /EWS/Exchange.asmx. A proxy or a sign-in page may be"
                " in between."
            ),
        )
    code = error.code if isinstance(error, ResponseError) else type(error).__name__
    return Cause(
        "exchange-error",
        _("Exchange at {host} refuses requests with {code}.", host=host, code=code),
        sentences(AGAIN, _("If it stays, look up this code in Microsoft's list of response codes.")),
    )


def _exchange_refusal(error: EwsAuthenticationError, host: str, *, retried: bool) -> Cause:
    if error.status == 403:  # noqa: PLR2004 (HTTP's own number)
        return Cause(
            "exchange-forbidden",
            _("Exchange at {host} forbids EWS to this account (HTTP 403).", host=host),
            _("Check EwsEnabled and EwsApplicationAccessPolicy of the organisation and of the service account."),
        )
    return Cause("exchange-authentication", *sign_in_causes.refusal(error, host, retried=retried))


def _exchange_connection(  # noqa: PLR0911  (one way out for each kind)
    error: EwsConnectionError, url: str, host: str
) -> Cause:
    match error.kind:
        case "kerberos":
            return Cause("exchange-kerberos", *sign_in_causes.kerberos(error.detail, host))
        case "token":
            return Cause("exchange-token", *sign_in_causes.token(error.detail, error.why))
        case "name":
            return Cause(
                "exchange-name-unknown",
                _("The name {host} of the Exchange server is not known here.", host=host),
                _("Check the host in exchange.url, and that this machine's DNS knows it."),
            )
        case "refused":
            return Cause(
                "exchange-unreachable",
                _("Nothing accepts connections at {url}.", url=url),
                _("Check exchange.url (host and port), that Exchange runs, and the firewalls in between."),
            )
        case "tls":
            return Cause(
                "exchange-certificate",
                _(
                    "The certificate of {host} is not trusted: {detail}.",
                    host=host,
                    detail=error.detail or _("verification failed"),
                ),
                _(
                    "Name the CA's certificate in exchange.ca_file (PEM), or use the host name that the"
                    " certificate has."
                ),
            )
        case "timeout":
            return Cause(
                "exchange-unreachable",
                _("Exchange at {host} does not answer in time.", host=host),
                _("Check that it runs, and firewalls and proxies in between."),
            )
        case kind if kind in _NOT_EWS or kind.startswith("http-3"):
            return Cause(
                "exchange-not-ews",
                _("{url} is not an EWS address ({detail}).", url=url, detail=error.detail or error.kind),
                _("Check exchange.url: it usually is https://<server>/EWS/Exchange.asmx."),
            )
        case _:
            return Cause(
                "exchange-unreachable",
                _(
                    "Exchange at {host} cannot be used: {what}.",
                    host=host,
                    what=_("{kind} ({detail})", kind=error.kind, detail=error.detail) if error.detail else error.kind,
                ),
                sentences(
                    AGAIN,
                    _(
                        "If it stays, check exchange.url (scheme and port, too), the server, and what stands in front"
                        " of it."
                    ),
                ),
            )


#: what a server says of an address where no EWS is
_NOT_EWS = frozenset({"http-400", "http-404", "http-405", "http-410", "http-501", "not-ews"})


def rainbow_cause(  # noqa: PLR0911  (one way out for each class)
    error: RainbowError, url: str, *, company_id: str | None = None, retry_at: datetime | None = None
) -> Cause:
    """Say why Rainbow as a whole cannot be used; `retry_at` is when a refused login is tried again by itself."""
    host = urlsplit(url).hostname or url
    if isinstance(error, RainbowAuthenticationError):
        return _rainbow_refusal(error, host, retry_at)
    if isinstance(error, RainbowConnectionError):
        if error.why is not None:
            return _way("rainbow", error.why)
        return _rainbow_connection(error, host)
    if isinstance(error, RateLimited):
        return Cause(
            "rainbow-rate-limited",
            _("Rainbow asks to wait {retry_after}.", retry_after=span(error.retry_after)),
            _("It goes on by itself. rainbow-exchange retry --all does not wait, if Rainbow's support says so."),
        )
    if isinstance(error, RainbowApiError) and error.status in {403, 404}:
        return Cause(
            "rainbow-company-unknown",
            _(
                "Rainbow does not let this account list the users of company {company_id}: {error}.",
                company_id=company_id or ITS_OWN,
                error=error,
            ),
            _(
                "Check rainbow.company_id (leave it out to use the account's own company), and that the"
                " account is an administrator of that company."
            ),
        )
    if isinstance(error, UnexpectedAnswer):
        return Cause(
            "rainbow-unexpected-answer",
            _("{host} answers, but not as Rainbow does: {error}.", host=host, error=error),
            sentences(_("Check rainbow.url and rainbow.proxy_url."), AGAIN),
        )
    return Cause(
        "rainbow-error",
        _("Rainbow at {host} refuses a request: {error}.", host=host, error=str(error).rstrip(": ")),
        sentences(AGAIN, _("If it stays, check rainbow.url, then ask Rainbow's support about the code.")),
    )


def span(seconds: float) -> str:
    """Write how long something takes: "45 s", "12 min", "20 h 50 min"."""
    if seconds <= 120:  # noqa: PLR2004  (two minutes: a number that a person waits out)
        return f"{ceil(seconds)} s"
    hours, minutes = divmod(ceil(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def notify_cause(error: RainbowError, url: str, *, company_id: str | None = None) -> Cause:
    """Say why Rainbow cannot be told whose calendar changed."""
    if not isinstance(error, RainbowApiError):
        return rainbow_cause(error, url, company_id=company_id)
    return Cause(
        "rainbow-notify-refused",
        _(
            "Rainbow does not let itself be told of calendar changes in company {company_id}: {error}.",
            company_id=company_id or ITS_OWN,
            error=error,
        ),
        sentences(
            _("Check that this account is the company's connector or an administrator, and rainbow.company_id."), AGAIN
        ),
    )


def _rainbow_refusal(error: RainbowAuthenticationError, host: str, retry_at: datetime | None) -> Cause:
    when = _("It is tried again by itself at {retry_at:%Y-%m-%d %H:%M} UTC.", retry_at=retry_at) if retry_at else ""
    if error.code in {401, 403}:  # no code of Rainbow's own
        return Cause(
            "rainbow-unexpected-answer",
            sentences(
                _("{host} refuses the sign-in with HTTP {code}, but not as Rainbow does.", host=host, code=error.code),
                when,
            ),
            sentences(
                _(
                    "A gateway, proxy or firewall may answer in Rainbow's place: check rainbow.url and"
                    " rainbow.proxy_url."
                ),
                _("It is tried again after 1, 5 and 15 minutes, then hourly; at once: rainbow-exchange retry --all."),
            ),
        )
    match error.code:
        case 401501:
            text = _("the account is locked, for 60 minutes by default after five wrong passwords")
            action = sentences(
                _("Find out who else signs in as this account, with which password."),
                _(
                    "Nothing is tried before that time, since a wrong password would lock it anew; if it was unlocked:"
                    " rainbow-exchange retry --all."
                ),
            )
        case 401521:
            text, action = _("the company is not active"), _("Ask whoever manages the company at Rainbow.")
        case 401523:
            text, action = _("the account has expired"), _("Use another account, or have its time extended.")
        case _:
            text = _("login, password, application id or secret is wrong")
            action = sentences(
                _(
                    "Check rainbow.login, rainbow.password, rainbow.app_id and rainbow.app_secret, then"
                    " restart; or have an account made anew: rainbow-exchange login."
                ),
                TRIED_ONCE,
            )
    code = _("401, without a code of Rainbow's") if error.code == WITHOUT_CODE else str(error.code)
    return Cause(
        "rainbow-authentication",
        sentences(_("Rainbow at {host} refuses the sign-in: {text} ({code}).", host=host, text=text, code=code), when),
        action,
    )


def _rainbow_connection(error: RainbowConnectionError, host: str) -> Cause:
    match error.kind:
        case "name":
            text, action = (
                _("The name {host} is not known here.", host=host),
                _("Check rainbow.url and this machine's DNS."),
            )
        case "tls":
            text = _(
                "The certificate of {host} is not trusted: {detail}.",
                host=host,
                detail=error.detail or _("verification failed"),
            )
            action = _("An inspecting proxy may stand in between: have this machine trust its certificate.")
        case "proxy":
            text = _("The HTTP proxy does not let us through to {host}: {detail}.", host=host, detail=error.detail)
            action = _("Check rainbow.proxy_url, rainbow.proxy_username and rainbow.proxy_password.")
        case _:
            status = error.kind.removeprefix("http-")
            text = (
                _("Rainbow at {host} answers HTTP {status}.", host=host, status=status)
                if status != error.kind
                else _("Rainbow at {host} cannot be reached: {kind}.", host=host, kind=error.kind)
            )
            action = sentences(_("Check rainbow.url, rainbow.proxy_url and the firewall (outbound 443)."), AGAIN)
    return Cause("rainbow-unreachable", text, action)


def _way(side: Side, why: Why) -> Cause:
    """Say what is wrong with a certificate or a proxy."""
    if isinstance(why, ProxyTrouble):
        return Cause(f"{side}-unreachable", why.text, proxy_step(why, side))
    problem = "exchange-certificate" if side == "exchange" else "rainbow-unreachable"
    return Cause(problem, why.text, certificate_step(why, side))
