"""Whether the company had switched the connector off when that was read last: what cannot be read changes nothing."""

from rainbow_exchange.state.store import Store

_VALUE = "company_switch"
_OFF = "off"


def was_off(store: Store) -> bool:
    """Whether it was off."""
    return store.value(_VALUE) == _OFF


def keep(store: Store, *, off: bool) -> None:
    """Keep what was read."""
    if off != was_off(store):
        store.set_value(_VALUE, _OFF if off else "")
