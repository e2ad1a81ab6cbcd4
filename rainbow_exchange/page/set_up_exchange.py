"""Of `/set-up`, Exchange: where it is, who signs in there, and whether all that works, with somebody's mailbox."""

import platform
from collections.abc import Mapping
from typing import Any

from rainbow_exchange import config, own_keyring
from rainbow_exchange.ews.discovery.places import domain_of
from rainbow_exchange.page.desk import Desk
from rainbow_exchange.page.set_up_form import MAILBOX, Form
from rainbow_exchange.page.set_up_proxy import take_back
from rainbow_exchange.page.somebody import Somebody
from rainbow_exchange.page.trial_shown import trial_shown, unproved
from rainbow_exchange.web.view import Change
from rainbow_exchange.words import _

_PART, _FIND = "exchange", "exchange-place"
#: where the browser goes: to the form, or below it to what comes of a test, which does not fit on the screen with it
_BACK = "/set-up#set_up_exchange"
_TRIAL, _FOUND = f"{_BACK}_trial", "/set-up#set_up_find_trial"
#: the three usual forms of Exchange's address
_USUAL = ("mail", "webmail", "exchange")
_SCHEMES = (
    ("auto", _("What Exchange offers, the safest first")),
    ("negotiate", _("Negotiate (Kerberos or NTLM)")),
    ("ntlm", _("NTLM")),
    ("basic", _("Basic")),
    ("bearer", _("OAuth")),
)
#: boxes of what is folded away
_OAUTH = ("exchange_client_id", "exchange_client_secret", "exchange_token_url", "exchange_token_scope")
_PROXY = ("exchange_proxy_url", "exchange_proxy_username", "exchange_proxy_password")


class ExchangeSection:
    """The section, and its form."""

    def __init__(self, desk: Desk, somebody: Somebody) -> None:
        self._desk = desk
        self._form = Form(desk, _PART, finds=_FIND)
        self._somebody = somebody
        self.change = Change(path="/set-up/exchange", work=self._work)

    async def context(self, _values: Mapping[str, str]) -> Mapping[str, Any]:
        """Give what the section shows; before Rainbow is signed in to, that it comes later."""
        wanted = self._desk.known.wanted
        if config.missing_for_rainbow(wanted.settings, wanted.secrets):
            return {"shown": False, "trial": None, "find": None, "unproved": False}
        boxes, fields, somebody = self._form.boxes(), self._form.fields(), await self._somebody.address()
        domain = self._domain(somebody)
        return {
            "shown": True,
            "boxes": boxes,
            "schemes": _SCHEMES,
            "usual": [f"https://{name}.{domain or 'company.com'}/EWS/Exchange.asmx" for name in _USUAL],
            "domain": domain,
            "machine": platform.node(),
            "account": own_keyring.whose(),
            "somebody": somebody,
            "of_rainbow": any(each.of_rainbow for each in fields.values()),
            "can_be_taken_back": any(each.here for each in fields.values()),
            "opens_oauth": any(boxes[name].value or boxes[name].kept or boxes[name].faults for name in _OAUTH),
            "opens_proxy": any(boxes[name].value or boxes[name].kept or boxes[name].faults for name in _PROXY),
            "trial": trial_shown(self._form.trial),
            "find": trial_shown(self._desk.trials.last(_FIND)),
            "unproved": unproved(self._form.trial),
        }

    async def _work(self, typed: Mapping[str, str]) -> str:
        match typed.get("do"):
            case "stop":
                self._desk.trials.stop(_PART)
                return _TRIAL
            case "stop-finding":
                self._desk.trials.stop(_FIND)
                return _FOUND
            case "take-back":
                await take_back(self._desk, self._form, _BACK)
            case "use-found":
                self._use_found()
            case "find":
                if await self._find(typed):
                    return _FOUND
            case do:
                if await self._form.begin(typed, keep=do == "save"):
                    return _TRIAL
        return _BACK

    async def _find(self, typed: Mapping[str, str]) -> bool:
        """Have autodiscover asked by an address; where Exchange is, is not what it is told then."""
        if not domain_of(typed.get(MAILBOX, "")):
            self._form.take(typed)
            self._form.fault(MAILBOX, _("Write the address of a mailbox, by which Exchange is looked for."))
            return False
        return await self._form.begin(typed, keep=False, part=_FIND)

    def _use_found(self) -> None:
        """Put what was found into the form, where it can be tried and saved."""
        trial = self._desk.trials.last(_FIND)
        place = trial.said("exchange-place") if trial is not None else None
        if place is not None and "url" in place.facts:
            self._form.put("exchange.url", str(place.facts["url"]))

    def _domain(self, somebody: str) -> str:
        """Give the company's own domain, as far as it is known."""
        settings = self._desk.known.wanted.settings
        named = (domain_of(settings.exchange.username or ""), domain_of(somebody))
        return next(filter(None, (*settings.bridge.domains, *named)), "")
