"""Where settings are entered on the page, for each section of `/set-up`."""

from dataclasses import dataclass

from rainbow_exchange.diagnosis.set_up import SetUp
from rainbow_exchange.diagnosis.trials import Trials
from rainbow_exchange.local_calls import Known, set_up_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What is entered is tried by `trials`, which may keep it; what is only taken back, `set_up` does."""

    known: Known
    set_up: SetUp
    trials: Trials


def desk_of(known: Known) -> Desk:
    """Make it for a daemon; `trials.run` must be running."""
    set_up = set_up_of(known)
    return Desk(known=known, set_up=set_up, trials=Trials(set_up, now=known.now, stopping=known.stopping))
