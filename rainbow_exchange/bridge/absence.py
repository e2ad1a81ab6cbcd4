"""Which of its two sources is believed about an absence, and when it has to be looked at again. Pure.

The settings are the truth: the whole state, with times and both texts. The tip shows whether a reply is being sent now,
and perhaps only the beginning of its text. A tip that differs from the settings is a reason to read them anew; what is
told meanwhile, and for as long as they cannot be read, is decided here.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from rainbow_exchange.ews.out_of_office import DISABLED, Tip
from rainbow_exchange.model import OofState, OutOfOffice

#: how long before a known start or end the settings are read once more: it may have been moved since
CONFIRMED_BEFORE = timedelta(minutes=2)
#: everybody's settings are read in turn: no more often than this, and at least daily, or hourly of those who are out
TURN_SOONEST, TURN_LATEST, TURN_LATEST_OUT = timedelta(minutes=15), timedelta(days=1), timedelta(hours=1)
#: seconds of the server's time that reading one's settings counts at least
LEAST_COST = 0.05
_SHORTENED = " .\u2026"


def in_effect(absence: OutOfOffice | None, at: datetime) -> bool:
    """Whether replies are sent at that instant, as far as the settings tell."""
    if absence is None or absence.state is OofState.DISABLED:
        return False
    started = absence.start is None or absence.start <= at
    return started and (absence.end is None or at < absence.end)


def over(absence: OutOfOffice | None, tip: Tip, before: Tip | None) -> bool:
    """Whether this tip alone ends what is known: it shows nothing, and nothing planned explains that.

    Somebody who is away without a text has no tip either; of him it says nothing new until one was seen, nor of anybody
    of whom nothing is known yet: who was told to be away before a restart must not seem to be back.
    """
    if tip.out or absence is None or absence is DISABLED:
        return False
    return absence.start is None and (bool(absence.internal_text) or (before is not None and before.out))


def by_tip(
    absence: OutOfOffice | None, tip: Tip | None, tip_at: datetime | None, out_at: datetime | None
) -> OutOfOffice | None:
    """Return what holds while the settings cannot be read: what was known, unless the tip knows better.

    `tip_at` is when the tip was seen, `out_at` when one showed a reply last: one that has never shown a planned absence
    may be late, one that has shown it and does so no more says that it was ended early.
    """
    if tip is None or tip_at is None:
        return absence
    if absence is None and not tip.out:
        return DISABLED
    known = in_effect(absence, tip_at)
    if tip.out:
        if absence is None or not known:
            return OutOfOffice(state=OofState.ENABLED, internal_text=tip.text)
        same = absence.internal_text.startswith(tip.text.rstrip(_SHORTENED))
        return absence if same else replace(absence, internal_text=tip.text)
    if known and absence is not None and absence.start is not None and out_at is not None and absence.start <= out_at:
        return DISABLED
    return absence


def confirm_at(absence: OutOfOffice, now: datetime) -> datetime | None:
    """Return when settings are to be read again for the sake of the next start or end; None where there is none."""
    instants = (absence.start, absence.end) if absence.state is OofState.SCHEDULED else ()
    ahead = (each for each in instants if each is not None and each > now + CONFIRMED_BEFORE)
    return min((each - CONFIRMED_BEFORE for each in ahead), default=None)


def turn(mailboxes: int, cost: float, *, share: float, out: bool) -> timedelta:
    """Return after how long settings are read again so that all of them take no more than `share` of the server's time.

    `cost` is how many seconds of it one takes.
    """
    round_of_all = timedelta(seconds=mailboxes * max(cost, LEAST_COST) / share)
    return max(TURN_SOONEST, min(round_of_all, TURN_LATEST_OUT if out else TURN_LATEST))
