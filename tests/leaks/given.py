"""Notes what a test makes that must not come to light: wherever the lab or the product makes or is given any of it."""

import re
import secrets
import sys
from collections.abc import Callable
from typing import Any

import pytest

from rainbow_exchange import credentials
from rainbow_exchange.lab.exchange import server
from rainbow_exchange.lab.exchange.calendar import Details
from rainbow_exchange.lab.exchange.mailbox import OutOfOffice
from rainbow_exchange.lab.rainbow.server import LabRainbow
from rainbow_exchange.lab.rainbow.sign_in import SignIn
from rainbow_exchange.lab.user import LabUser
from rainbow_exchange.web import runtime
from tests.leaks.kept import Kept, Kind

_TAG = re.compile(r"<[^>]*>")
_USERINFO = re.compile(r"://[^/@]*:([^/@]*)@")
#: what makes tokens, and what they are
_DOORS = {"rainbow_exchange.web.sessions": Kind.CODE, "rainbow_exchange.lab.exchange.tokens": Kind.TOKEN}


def note(kept: Kept, patch: pytest.MonkeyPatch) -> None:
    """Take note of all that is made from now on."""

    def made(kind: type, what: Callable[[Any], None]) -> None:
        first: Callable[..., None] = kind.__init__  # type: ignore[misc]  # it is called as a class calls it

        def init(self: Any, *arguments: Any, **keywords: Any) -> None:
            first(self, *arguments, **keywords)
            what(self)

        patch.setattr(kind, "__init__", init)

    def after(where: object, name: str, what: Callable[[Any, tuple[Any, ...]], None]) -> None:
        does = getattr(where, name)

        def done(*arguments: Any, **keywords: Any) -> Any:
            result = does(*arguments, **keywords)
            what(result, arguments)
            return result

        patch.setattr(where, name, done)

    def written(one: Details) -> None:
        kept.keep(Kind.SUBJECT, one.subject)
        kept.keep(Kind.PLACE, one.location)
        kept.keep(Kind.BODY, one.body)
        kept.keep(Kind.CATEGORY, *one.categories)

    def company(one: LabRainbow) -> None:
        kept.keep(Kind.PASSWORD, one.password)
        kept.keep(Kind.SECRET, one.app_secret)

    made(Details, written)
    made(OutOfOffice, lambda one: kept.keep(Kind.TEXT, plain(one.internal), plain(one.external)))
    made(LabUser, lambda one: kept.keep(Kind.PASSWORD, one.jid_password))
    made(LabRainbow, company)
    made(credentials.Secrets, lambda one: known(kept, one))
    after(SignIn, "set_password", lambda _, given: kept.keep(Kind.PASSWORD, given[2]))
    after(SignIn, "token", lambda token, _: kept.keep(Kind.TOKEN, token.rpartition(".")[2]))
    after(runtime, "new_secret", lambda secret, _: kept.keep(Kind.KEY, secret))
    after(server, "set_cookies", lambda _, given: kept.keep(Kind.COOKIE, *cookies(given[1])))
    urlsafe = secrets.token_urlsafe

    def token_urlsafe(nbytes: int | None = None) -> str:
        made = urlsafe(nbytes)
        if kind := _DOORS.get(sys._getframe(1).f_globals["__name__"]):
            kept.keep(kind, made)
        return made

    patch.setattr(secrets, "token_urlsafe", token_urlsafe)


def plain(text: str) -> str:
    """Give the longest piece of a text between its tags."""
    return max(_TAG.split(text), key=len)


def known(kept: Kept, one: credentials.Secrets) -> None:
    """Keep the passwords, those in addresses of proxies too."""
    proxies = f"{one.exchange_proxy_url} {one.rainbow_proxy_url}"
    kept.keep(Kind.PASSWORD, one.exchange_password, one.exchange_fallback_password, one.rainbow_password)
    kept.keep(Kind.PASSWORD, one.rainbow_proxy_password, *_USERINFO.findall(proxies))
    kept.keep(Kind.SECRET, one.exchange_client_secret, one.rainbow_app_secret)


#: what fields of the lab's own wire and of its `--json` hold
_FIELDS = {
    "subject": Kind.SUBJECT, "location": Kind.PLACE, "body": Kind.BODY, "internal": Kind.TEXT, "external": Kind.TEXT,
    "password": Kind.PASSWORD, "jid_password": Kind.PASSWORD, "app_secret": Kind.SECRET, "client_secret": Kind.SECRET,
    "token": Kind.TOKEN,
}  # fmt: skip


def told(kept: Kept, value: Any) -> None:
    """Keep what a lab that is a process of its own is told to make, or tells that it has."""
    if isinstance(value, dict):
        for name, each in value.items():
            if isinstance(each, str) and (kind := _FIELDS.get(name)):
                kept.keep(kind, each.rpartition(".")[2] if kind is Kind.TOKEN else plain(each))
            else:
                told(kept, each)
    elif isinstance(value, list):
        for each in value:
            told(kept, each)


def cookies(response: Any) -> list[str]:
    """Give what is in the cookies of a response that nobody could guess."""
    said = response.headers.getall("Set-Cookie", [])
    return [each.partition("=")[2].partition(";")[0] for each in said if each.startswith("exchangecookie=")]
