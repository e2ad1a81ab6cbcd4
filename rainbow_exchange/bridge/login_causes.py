"""What it means that Rainbow refuses a step of `login`, and what an administrator can do about it. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rainbow_exchange.bridge.causes import rainbow_cause, span
from rainbow_exchange.bridge.way_causes import AGAIN
from rainbow_exchange.rainbow.errors import (
    RainbowApiError,
    RainbowAuthenticationError,
    RainbowConnectionError,
    RainbowError,
    RateLimited,
    UnexpectedAnswer,
)
from rainbow_exchange.rainbow.refusals import WITHOUT_CODE
from rainbow_exchange.words import _, parts, sentences

_FORBIDDEN = 403
_CONFLICT = 409

#: where the two values come from that no administrator of a company has by itself
WHERE_APPLICATION = _(
    "An application id and its secret come from Rainbow's portal for developers, https://developers.openrainbow.com:"
    " sign in there with a Rainbow account that has developer rights (Rainbow's support or your Rainbow partner gives"
    " them), create an application, and copy its id and its secret key. An application of the sandbox is not known at"
    " openrainbow.com; one that is not deployed yet may be limited there."
)
#: the two ways of a company with single sign-on
SSO_WAYS = _(
    "Either paste a token: sign in to Rainbow in a browser as a company administrator, open the developer"
    " tools (F12), Network, choose any request to /api/rainbow and copy what stands behind 'Bearer' in its header"
    " Authorization; it lives for about an hour. Or use an administrator's account that has a password of Rainbow's"
    " own, not of single sign-on."
)
INSTEAD = _("Where it cannot be done, the connector can run as an administrator's account itself, without activation.")

#: what whoever asked may do next besides trying again; a command and the page each say how
Offer = Literal[
    "as-account",
    "take-over",
    "confirm",
    "try-password",
    "token",
    "application",
    "company",
    "log-out",
    "administrator",
    "here-only",
]
Offers = tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a step failed, and the next step, which `offers` make possible."""

    text: str
    action: str
    offers: Offers = ()


def refused(step: str, error: RainbowError, url: str, *, company_id: str | None = None) -> Refused:
    """Say why a step failed, and the next step; `step` is "sign in", "token", "list", "activate", "delete"."""
    if isinstance(error, RainbowAuthenticationError):
        return _sign_in(error, url)
    if isinstance(error, RainbowApiError):
        return _call(step, error, company_id)
    if isinstance(error, RateLimited):
        return Refused(
            _(
                "Rainbow asks to wait {span} before the next try to {do}.",
                span=span(error.retry_after),
                do=_STEPS.get(step, step),
            ),
            _("The delay grows with each try that comes too early: wait it out, then try this again."),
        )
    if isinstance(error, UnexpectedAnswer) and step == "token":
        return Refused(
            _("What was pasted is no token of Rainbow."), sentences(_("Copy it again, whole."), SSO_WAYS), ("token",)
        )
    cause = rainbow_cause(error, url, company_id=company_id)
    action = sentences(*(part for part in parts(cause.action) if part != AGAIN)) or _("Try this again.")
    lost = isinstance(error, RainbowConnectionError | UnexpectedAnswer) and step == "activate"
    return Refused(cause.text, sentences(action, _LOST) if lost else action)


_LOST = _("Whether a connector was made is not known: try this again, which looks first and tells.")


def _sign_in(error: RainbowAuthenticationError, url: str) -> Refused:
    if error.code in _SIGN_IN:
        return Refused(*_SIGN_IN[error.code])
    if error.code in {401, 403}:  # no code of Rainbow's own
        action = _("Check rainbow.url, rainbow.proxy_url and what answers in Rainbow's place.")
        return Refused(rainbow_cause(error, url).text, action)
    if error.code == WITHOUT_CODE:
        said = f": {error.detail}" if error.detail else ""
        text = _(
            "Rainbow refuses the sign-in (401{said}): login, password, application id or its secret is wrong.",
            said=said,
        )
        application = _("Where they are right, check the application id and its secret.")
        return Refused(text, sentences(_CHECK_BOTH, application, WHERE_APPLICATION), ("application",))
    text = _(
        "Rainbow refuses the sign-in ({error}). Where login and password are right, the application is not.",
        error=error,
    )
    application = _("Check the application id and its secret.")
    return Refused(text, sentences(application, WHERE_APPLICATION), ("application",))


def _call(step: str, error: RainbowApiError, company_id: str | None) -> Refused:
    company = _("company {id}", id=company_id) if company_id else _("the company")
    if step == "token":
        text = _("The token that was pasted is not accepted ({error}).", error=error)
        if error.token_expired:
            text = _("The token that was pasted has expired ({error}).", error=error)
        return Refused(text, sentences(_("Paste a fresh one."), SSO_WAYS), ("token",))
    if error.status == _FORBIDDEN and step == "activate":
        text = _("Rainbow refuses to activate a connector in {company}: {error}.", company=company, error=error)
        return Refused(text, sentences(_NOT_ACTIVATED, INSTEAD), ("as-account",))
    if error.status == _CONFLICT and step == "activate":
        text = _("Rainbow does not give {company} another connector: {error}.", company=company, error=error)
        return Refused(text, sentences(_("Nothing was changed."), INSTEAD, _NOT_ANOTHER), ("as-account",))
    doing = _DOING[step]
    if error.status == _FORBIDDEN:
        text = _("This account may not {do} of {company}: {error}.", do=doing, company=company, error=error)
        action = _("Sign in as an administrator of that company. Who manages several names the one that is meant.")
        return Refused(text, action, ("company",))
    text = _("Rainbow refuses to {do} of {company}: {error}.", do=doing, company=company, error=error)
    return Refused(text, _("Try this again later; if it stays, ask Rainbow's support about the code."))


_CHECK_BOTH = _(
    "Check login and password by signing in to Rainbow in a browser. Five wrong ones in a row lock the account for an"
    " hour."
)
_SIGN_IN = {
    401500: (
        _("Rainbow refuses the login or the password (401500)."),
        _CHECK_BOTH,
    ),
    401501: (
        _("The account is locked after too many wrong passwords (401501)."),
        _(
            "Wait an hour without trying, since each wrong try starts it anew; or have another administrator unlock it,"
            " or use another administrator's account."
        ),
    ),
    401521: (
        _("The company is not active at Rainbow (401521)."),
        _("Ask whoever manages the company at Rainbow: your Rainbow partner."),
    ),
    401523: (
        _("The account has expired (401523)."),
        _("Have another administrator extend its time, or use another administrator's account."),
    ),
}
_NOT_ACTIVATED = _(
    "Possible causes: the administrator has no Early Adopter licence; the company has no Business or Enterprise"
    " licence, or none left; this Rainbow is older than v161; single sign-on (SSO) is not the company's default"
    " authentication, which Rainbow's documents demand. Ask your Rainbow partner which."
)
_NOT_ANOTHER = _("Or, if nobody uses the other connector any more, have it removed in Rainbow's administration first.")
_DOING = {
    "sign in": _("read the account"),
    "list": _("list the connectors"),
    "activate": _("activate a connector"),
    "delete": _("delete the connector"),
    "users": _("list the users"),
    "companies": _("list the companies"),
}
#: the same where a try is spoken of, by the names that steps have
_STEPS = _DOING | {"sign in": _("sign in"), "token": _("use the token")}


def how_to_set(missing: Sequence[str]) -> Iterator[str]:
    """Say how these settings are come by."""
    of_rainbow = [key for key in missing if key.startswith("rainbow.")]
    if of_rainbow:
        yield _("rainbow-exchange login sees to {settings}, without restart.", settings=", ".join(of_rainbow))
    if {"rainbow.app_id", "rainbow.app_secret"} & set(of_rainbow):
        yield WHERE_APPLICATION
    if of_exchange := [key for key in missing if key.startswith("exchange.")]:
        yield _(
            "rainbow-exchange setup exchange tries {settings} and keeps what works, without restart.",
            settings=", ".join(of_exchange),
        )
    yield _(
        "Or set them in config.toml or as RAINBOW_EXCHANGE_… variables, then restart; secrets with rainbow-exchange"
        " secret set NAME, without restart."
    )


def until(at: datetime) -> str:
    """Write an instant as the person at the keyboard reads clocks."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"
