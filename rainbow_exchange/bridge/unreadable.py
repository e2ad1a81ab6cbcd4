"""How many mailboxes' out-of-office Exchange does not tell, and why. Pure."""

from collections import Counter
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass

from rainbow_exchange.bridge.mail_tips import Entry
from rainbow_exchange.bridge.turns import in_turns


@dataclass(frozen=True, slots=True)
class Unreadable:
    """How many mailboxes' out-of-office Exchange does not tell, mostly for `reason`.

    `none`: it gives no tips. `failing`: it does not refuse the settings of them all, they just cannot be read.
    """

    mailboxes: int
    reason: str
    none: bool
    failing: bool = False


def look(
    entries: Mapping[str, Entry],
    why: Callable[[Entry], tuple[str, bool]],
    none: Callable[[], bool],
    *,
    impersonation: bool,
) -> Generator[None, None, Unreadable | None]:
    """Look at everybody in turns: `why` says why a state is not known, and whether that is no refusal of it.

    `none`: whether the server gives no tips.
    """
    reasons: Counter[str] = Counter()
    failing = False
    for some, more in in_turns(entries.values()):
        for reason, not_refused in map(why, some):
            if reason:
                reasons[reason] += 1
                failing = failing or not_refused
        if more:
            yield
    if not reasons:
        return None
    [(reason, _)] = reasons.most_common(1)
    return Unreadable(reasons.total(), reason, none(), impersonation and failing)
