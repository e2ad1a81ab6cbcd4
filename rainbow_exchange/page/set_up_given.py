"""Of `/set-up`, what Rainbow's administration gives for Exchange: shown, tested by itself, confirmed where it must be.

A host that Rainbow alone names is not told a password of this machine before somebody at this machine says so
(`sides/combined.py`): whoever may write in Rainbow's administration could have it sent anywhere.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from rainbow_exchange import config
from rainbow_exchange.config.layers import stands_above
from rainbow_exchange.diagnosis.set_up import PAGE, Entered
from rainbow_exchange.diagnosis.settings_shown import short
from rainbow_exchange.diagnosis.trials import Trials
from rainbow_exchange.errors import UserError
from rainbow_exchange.local_calls import Known
from rainbow_exchange.page.desk import Desk
from rainbow_exchange.page.origins import said_origin
from rainbow_exchange.page.somebody import Somebody
from rainbow_exchange.page.trial_shown import WAITING, trial_shown
from rainbow_exchange.state import kept, made
from rainbow_exchange.web.view import Change, Sorry
from rainbow_exchange.words import _, sentences

BACK = "/set-up#set_up_given"
_ALLOWED = "exchange.allowed_hosts"
_PART = "exchange"
_SAYS = {
    "running": _("What Rainbow's administration gives is being tested."),
    "passed": _("What Rainbow's administration gives has passed the test, and is in use."),
    "failed": _("What Rainbow's administration gives has failed the test. It stays in use, and is tried on."),
    "faulty": _("The test could not be run."),
    "stopped": _("The test was stopped."),
}
_SECRET = frozenset({"password", "client_secret"})
_LABELS = {
    "url": _("Endpoint"),
    "username": _("Account"),
    "password": _("Password"),
    "client_id": _("Client id"),
    "client_secret": _("Client secret"),
}


class GivenSection:
    """The section; `trials.run` must be running, and take turns with those of the desk."""

    def __init__(self, known: Known, desk: Desk, somebody: Somebody) -> None:
        self._known = known
        self._somebody = somebody
        self.trials = Trials(desk.set_up, now=known.now, stopping=known.stopping, turns=desk.trials.turns)
        #: what was tested by itself last
        self._tested: object = None
        self.changes = (
            Change(path="/set-up/given/confirm", work=self._confirm),
            Change(path="/set-up/given/test", work=self._test),
        )

    async def context(self, _values: Mapping[str, str]) -> Mapping[str, Any]:
        """Give what is shown. What is given for the first time, or anew, is tested from here on."""
        wanted, above = self._known.wanted, self._known.given()
        if config.missing_for_rainbow(wanted.settings, wanted.secrets):
            return {"shown": False}
        entered, combined = wanted.entered, wanted.combined()
        await self._test_once()
        values = entered.values if entered is not None else {}
        return {
            "shown": True,
            "read": entered is not None and not entered.pending,
            "complete": entered is not None and entered.was_read,
            "off": wanted.switched_off,
            "switch_path": entered.switch_path if entered is not None else "",
            "values": [
                {
                    "name": name,
                    "value": "" if name in _SECRET else value.text,
                    "path": value.path,
                    "used": f"exchange.{name}" in combined.origins and not combined.unconfirmed,
                }
                for name, value in values.items()
            ],
            "faults": entered.faults if entered is not None else (),
            "left_out": combined.left_out,
            "missing": config.missing_for_exchange(combined.settings, combined.secrets),
            "unconfirmed": combined.unconfirmed,
            "allowed_above": said_origin(above.origin(_ALLOWED), fixed=True) if stands_above(above, _ALLOWED) else "",
            "labels": _LABELS,
            "trial": self._trial(),
            "can_test": self._is_complete(),
        }

    def _trial(self) -> Mapping[str, Any] | None:
        trial = self.trials.last(_PART)
        shown = trial_shown(trial)
        if trial is None or shown is None:
            return None
        says = WAITING if trial.waiting else _SAYS[trial.state]
        return {**shown, "says": says, "part": "given", "address": trial.address}

    def _is_complete(self) -> bool:
        """Whether what Rainbow gives can be used as it is, with what this machine has."""
        wanted = self._known.wanted
        combined = wanted.combined()
        return (
            wanted.entered is not None
            and not wanted.switched_off
            and bool(combined.origins)
            and not combined.unconfirmed
            and not config.missing_for_exchange(combined.settings, combined.secrets)
        )

    async def _test_once(self) -> None:
        """Test what is given, once for each set of values."""
        given = self._known.wanted.entered
        if given is None or not self._is_complete() or self._tested == given.values:
            return
        await self._begin()

    async def _begin(self) -> None:
        given = self._known.wanted.entered
        self._tested = given.values if given is not None else None
        self.trials.begin(Entered(part=_PART, address=await self._somebody.address()), keep=False)

    async def _test(self, form: Mapping[str, str]) -> str:
        if form.get("do") == "stop":
            self.trials.stop(_PART)
        elif not self._is_complete():
            raise Sorry(_("There is nothing from Rainbow's administration that could be tested now."), BACK)
        else:
            await self._begin()
        return BACK

    async def _confirm(self, form: Mapping[str, str]) -> str:
        """Let the host that Rainbow names be told what is to sign in there: kept on this machine, and used at once."""
        known = self._known
        host = known.wanted.combined().unconfirmed
        if not host or form.get("host") != host:
            raise Sorry(_("Rainbow's administration names another host by now; look at it again."), BACK)
        above = known.given()
        if stands_above(above, _ALLOWED):
            text = _(
                "{key} is given by {origin}: add {host} there.",
                key=_ALLOWED,
                origin=short(above.origin(_ALLOWED)),
                host=host,
            )
            raise Sorry(text, BACK)
        hosts = [*known.wanted.settings.exchange.allowed_hosts, host]
        made.keep(known.store, {_ALLOWED: hosts}, by=PAGE, at=known.now())
        await asyncio.to_thread(kept.copying(known.store))
        try:
            await known.daemon.reload()
        except UserError as error:
            raise Sorry(sentences(*error.problems), BACK) from None
        return BACK
