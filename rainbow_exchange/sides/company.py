"""Builds from the settings what keeps up with Rainbow's administration, and keeps its switch in the state."""

from collections.abc import Callable

from pydantic import ValidationError

from rainbow_exchange.config import ExchangeSettings, RainbowFields
from rainbow_exchange.rainbow.administration import Administration
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.entered import Entered
from rainbow_exchange.state import company_switch
from rainbow_exchange.state.errors import StateError
from rainbow_exchange.state.store import Store


def administration(
    client: RainbowClient,
    fields: RainbowFields,
    *,
    store: Store,
    took: Callable[[Entered], None],
    random: Callable[[], float],
) -> Administration:
    """Build it; `took` is given what it reads."""

    def take(entered: Entered) -> None:
        try:
            company_switch.keep(store, off=entered.switch is False)
        except StateError as error:
            store.unwritten.failed(reason=str(error))
        took(entered)

    return Administration(
        client=client,
        paths={name: getattr(fields, name) for name in RainbowFields.model_fields},
        check=wrong,
        before=Entered(switch=False if company_switch.was_off(store) else None),
        took=take,
        random=random,
    )


def wrong(name: str, value: str) -> str:
    """Say what is wrong with a value for the setting `exchange.<name>`; "" where nothing is."""
    try:
        ExchangeSettings.model_validate({name: value})
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        return str(detail.get("ctx", {}).get("error", detail["msg"]))
    return ""
