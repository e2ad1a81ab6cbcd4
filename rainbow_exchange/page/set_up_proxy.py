"""Of `/set-up`, the HTTP proxy on the way to Rainbow: its address, who signs in there, and whether it leads there."""

from collections.abc import Mapping
from typing import Any

from rainbow_exchange.diagnosis.set_up import PAGE, Entered
from rainbow_exchange.ending import whole
from rainbow_exchange.errors import UserError
from rainbow_exchange.page.desk import Desk
from rainbow_exchange.page.set_up_form import Form
from rainbow_exchange.page.trial_shown import trial_shown
from rainbow_exchange.web.view import Change, Sorry
from rainbow_exchange.words import sentences

_PART = "rainbow-proxy"
#: where the browser goes: to the form, or to what comes of a test
_BACK = "/set-up#set_up_proxy"
_TRIAL = f"{_BACK}_trial"


class ProxySection:
    """The section, and its form."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._form = Form(desk, _PART)
        self.change = Change(path="/set-up/proxy", work=self._work)

    async def context(self, _values: Mapping[str, str]) -> Mapping[str, Any]:
        """Give what the section shows."""
        boxes = self._form.boxes()
        fields = self._form.fields()
        return {
            "boxes": boxes,
            "trial": trial_shown(self._form.trial),
            "is_set": any(each.is_set for each in fields.values()),
            "can_be_taken_back": any(each.here for each in fields.values()),
        }

    async def _work(self, typed: Mapping[str, str]) -> str:
        match typed.get("do"):
            case "stop":
                self._desk.trials.stop(_PART)
                return _TRIAL
            case "take-back":
                await take_back(self._desk, self._form, _BACK)
            case do:
                if await self._form.begin(typed, keep=do == "save"):
                    return _TRIAL
        return _BACK


async def take_back(desk: Desk, form: Form, back: str) -> None:
    """Take back what was entered of a part here; what stands elsewhere counts then. Raises Sorry."""
    fields = form.fields()
    values = {key: None for key, each in fields.items() if each.here and not each.secret}
    secrets = {key: None for key, each in fields.items() if each.here and each.secret}
    form.forget()
    try:
        await whole(desk.set_up.keep(Entered(part=form.part, values=values, secrets=secrets), by=PAGE))
    except UserError as error:
        raise Sorry(sentences(*error.problems), back) from error
