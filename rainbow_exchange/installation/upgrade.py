"""Installing, upgrading and going back: stop → install → check → start, with the version before kept until the next.

The new version's folder is made, and looked at, while the old one still runs. From the stop on, whatever fails has the
old one registered and started again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from rainbow_exchange.installation.layout import Installed, Layout, after_going_back
from rainbow_exchange.installation.product import Product
from rainbow_exchange.installation.refused import FailedError, RefusedError

#: it may have to wait for a machine that has just started
START_WITHIN = 120.0
_DEGRADED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """To whom it is told what is done, and for how many seconds a service that was started is waited for."""

    say: Callable[[str], None]
    start_within: float = START_WITHIN


def install(layout: Layout, wanted: Installed, make: Callable[[], None], teller: Teller) -> None:
    """Have a version in use, made by `make` unless it is there already. Raises RefusedError, FailedError."""
    before = layout.installed()
    version = str(wanted.current)
    after = replace(wanted, previous=before.previous if before.current == version else before.current)
    if before.current == version:
        teller.say(f"Version {version} is in use already; its service is registered anew.")
    if not layout.is_whole(version):
        teller.say(f"Installing version {version} into {layout.folder(version)} ...")
        make()
    teller.say(f"Checking version {version} ...")
    _product(layout, after).check()
    _switch(layout, before, after, teller)
    for removed in layout.remove_others(layout.installed()):
        teller.say(f"Removed version {removed}.")


def go_back(layout: Layout, teller: Teller) -> None:
    """Have the version before in use. Raises RefusedError, FailedError."""
    before = layout.installed()
    if before.previous is None or not layout.is_whole(before.previous):
        raise RefusedError(f"there is no version to go back to in {layout.root}")
    teller.say(f"Going back from version {before.current} to version {before.previous} ...")
    _switch(layout, before, after_going_back(before), teller)


def uninstall(layout: Layout, teller: Teller) -> None:
    """Take service and program out; settings, state and log stay. Raises RefusedError, FailedError."""
    installed = layout.installed()
    if installed.current is None:
        raise RefusedError(f"nothing is installed in {layout.root}")
    if installed.service is not None:
        _product(layout, installed).unregister(installed.service)
    layout.use(Installed())
    layout.remove_others(Installed())
    teller.say(f"Removed the program from {layout.root}. Settings, state and log are where they were.")


def _switch(layout: Layout, before: Installed, after: Installed, teller: Teller) -> None:
    """Stop the one, start the other; where that fails, the first is as it was."""
    if before.current is not None and before.service is not None:
        teller.say(f"Stopping version {before.current} ...")
        _product(layout, before).stop(before.service)
    try:
        _begin(layout, after, teller)
    except BaseException as failure:
        if before.current is None or before.current == after.current:
            layout.use(after)  # nothing to go back to: it can be looked into, and tried again
            raise
        teller.say(f"That failed: {failure}\nGoing back to version {before.current} ...")
        if after.service is not None:
            _product(layout, after).stop(after.service, may_fail=True)
        _begin(layout, before, teller)
        raise FailedError(
            f"version {after.current} does not start; version {before.current} is in use again"
        ) from failure


def _begin(layout: Layout, installed: Installed, teller: Teller) -> None:
    """Have this version fit its state, be the service, and answer; then it is the one in use."""
    product = _product(layout, installed)
    if said := product.fit_state():
        teller.say(said)
    if installed.service is not None:
        product.register(installed.service)
        teller.say(f"Starting version {installed.current} ...")
        if product.start(installed.service, within=teller.start_within) == _DEGRADED:
            teller.say("It runs and answers, and is not well (yet): `rainbow-exchange status` says why.")
    layout.use(installed)
    teller.say(f"Version {installed.current} is in use.")


def _product(layout: Layout, installed: Installed) -> Product:
    if installed.current is None:
        raise RefusedError(f"nothing is installed in {layout.root}")
    return Product(layout, installed.current, config=installed.config)
