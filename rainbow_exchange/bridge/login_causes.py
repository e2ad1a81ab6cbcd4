"""What it means that Rainbow refuses a step of `login`, and what an administrator can do about it. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rainbow_exchange.bridge.causes import rainbow_cause, span
from rainbow_exchange.rainbow.errors import (
    RainbowApiError,
    RainbowAuthenticationError,
    RainbowConnectionError,
    RainbowError,
    RateLimited,
    UnexpectedAnswer,
)
from rainbow_exchange.rainbow.refusals import WITHOUT_CODE

_FORBIDDEN = 403
_CONFLICT = 409

#: where the two values come from that no administrator of a company has by itself
WHERE_APPLICATION = (
    "An application id and its secret come from Rainbow's portal for developers, https://developers.openrainbow.com:"
    " sign in there with a Rainbow account that has developer rights (Rainbow's support or your Rainbow partner gives"
    " them), create an application, and copy its id and its secret key. An application of the sandbox is not known at"
    " openrainbow.com; one that is not deployed yet may be limited there."
)
#: the two ways of a company with single sign-on
SSO_WAYS = (
    "Either paste a token (--token): sign in to Rainbow in a browser as a company administrator, open the developer"
    " tools (F12), Network, choose any request to /api/rainbow and copy what stands behind 'Bearer' in its header"
    " Authorization; it lives for about an hour. Or use an administrator's account that has a password of Rainbow's"
    " own, not of single sign-on."
)
INSTEAD = (
    "Where it cannot be done, the connector can run as an administrator's account itself, without activation:"
    " --as-account."
)


def refused(step: str, error: RainbowError, url: str, *, company_id: str | None = None) -> tuple[str, str]:
    """Say why a step failed, and the next step; `step` is "sign in", "token", "list", "activate", "delete"."""
    if isinstance(error, RainbowAuthenticationError):
        return _sign_in(error, url)
    if isinstance(error, RainbowApiError):
        return _call(step, error, company_id)
    if isinstance(error, RateLimited):
        return (
            f"Rainbow asks to wait {span(error.retry_after)} before the next try to {step}.",
            "The delay grows with each try that comes too early: wait it out, then call this again.",
        )
    if isinstance(error, UnexpectedAnswer) and step == "token":
        return "What was pasted is no token of Rainbow.", f"Copy it again, whole. {SSO_WAYS}"
    cause = rainbow_cause(error, url, company_id=company_id)
    again = "It is tried again by itself."
    action = cause.action.replace(again, "").strip() or "Call this again."
    lost = isinstance(error, RainbowConnectionError | UnexpectedAnswer) and step == "activate"
    return cause.text, f"{action} {_LOST}" if lost else action


_LOST = "Whether a connector was made is not known: call this again, which looks first and tells."


def _sign_in(error: RainbowAuthenticationError, url: str) -> tuple[str, str]:
    if error.code in _SIGN_IN:
        return _SIGN_IN[error.code]
    if error.code in {401, 403}:  # no code of Rainbow's own
        action = "Check rainbow.url (--url), rainbow.proxy_url and what answers in Rainbow's place."
        return rainbow_cause(error, url).text, action
    if error.code == WITHOUT_CODE:
        said = f": {error.detail}" if error.detail else ""
        text = f"Rainbow refuses the sign-in (401{said}): login, password, application id or its secret is wrong."
        return text, f"{_CHECK_BOTH} Where they are right: --app-id and its secret. {WHERE_APPLICATION}"
    text = f"Rainbow refuses the sign-in ({error}). Where login and password are right, the application is not."
    return text, f"Check --app-id and its secret. {WHERE_APPLICATION}"


def _call(step: str, error: RainbowApiError, company_id: str | None) -> tuple[str, str]:
    company = f"company {company_id}" if company_id else "the company"
    if step == "token":
        wrong = "has expired" if error.token_expired else "is not accepted"
        return f"The token that was pasted {wrong} ({error}).", f"Paste a fresh one. {SSO_WAYS}"
    if error.status == _FORBIDDEN and step == "activate":
        return f"Rainbow refuses to activate a connector in {company}: {error}.", _NOT_ACTIVATED
    if error.status == _CONFLICT and step == "activate":
        return f"Rainbow does not give {company} another connector: {error}.", _NOT_ANOTHER
    if error.status == _FORBIDDEN:
        text = f"This account may not {_DOING[step]} of {company}: {error}."
        return text, "Sign in as an administrator of that company. Who manages several names the one by --company-id."
    text = f"Rainbow refuses to {_DOING[step]} of {company}: {error}."
    return text, "Call this again later; if it stays, ask Rainbow's support about the code."


_CHECK_BOTH = (
    "Check login and password by signing in to Rainbow in a browser. Five wrong ones in a row lock the account for an"
    " hour."
)
_SIGN_IN = {
    401500: (
        "Rainbow refuses the login or the password (401500).",
        _CHECK_BOTH,
    ),
    401501: (
        "The account is locked after too many wrong passwords (401501).",
        (
            "Wait an hour without trying, since each wrong try starts it anew; or have another administrator unlock it,"
            " or use another administrator's account."
        ),
    ),
    401521: (
        "The company is not active at Rainbow (401521).",
        "Ask whoever manages the company at Rainbow: your Rainbow partner.",
    ),
    401523: (
        "The account has expired (401523).",
        "Have another administrator extend its time, or use another administrator's account.",
    ),
}
_NOT_ACTIVATED = (
    "Possible causes: the administrator has no Early Adopter licence; the company has no Business or Enterprise"
    " licence, or none left; this Rainbow is older than v161; single sign-on (SSO) is not the company's default"
    f" authentication, which Rainbow's documents demand. Ask your Rainbow partner which. {INSTEAD}"
)
_NOT_ANOTHER = (
    f"Nothing was changed. {INSTEAD} Or, if nobody uses the other connector any more, have it removed in Rainbow's"
    " administration first."
)
_DOING = {
    "sign in": "read the account",
    "list": "list the connectors",
    "activate": "activate a connector",
    "delete": "delete the connector",
    "users": "list the users",
    "companies": "list the companies",
}


def how_to_set(missing: Sequence[str]) -> Iterator[str]:
    """Say how these settings are come by."""
    of_rainbow = [key for key in missing if key.startswith("rainbow.")]
    if of_rainbow:
        yield f"rainbow-exchange login sees to {', '.join(of_rainbow)}, without restart."
    if {"rainbow.app_id", "rainbow.app_secret"} & set(of_rainbow):
        yield WHERE_APPLICATION
    if of_exchange := [key for key in missing if key.startswith("exchange.")]:
        yield f"rainbow-exchange setup exchange tries {', '.join(of_exchange)} and keeps what works, without restart."
    yield (
        "Or set them in config.toml or as RAINBOW_EXCHANGE_… variables, then restart; secrets with rainbow-exchange"
        " secret set NAME, without restart."
    )


def until(at: datetime) -> str:
    """Write an instant as the person at the keyboard reads clocks."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"
