"""How well Rainbow can be told: who waits and since when, of whom it does not want to hear, for whom it did not ask."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.network.shown import users
from rainbow_exchange.rainbow.errors import RainbowError, RateLimited
from rainbow_exchange.words import _, sentences

#: seconds for which a change may wait after a failure before that is a problem of its own
WAITING_FOR = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Users by what became of their changes; `oldest_seconds` is the age of the oldest that waits, None without one.

    `failing` is why Rainbow could not be told when it was tried last, "" where it could; `next_try` is when it is tried
    again.
    """

    waiting: int
    oldest_seconds: float | None
    refused: int
    did_not_ask: int
    failing: str
    next_try: datetime | None


#: what there is without a bridge
NOTHING_TO_TELL = Telling(waiting=0, oldest_seconds=None, refused=0, did_not_ask=0, failing="", next_try=None)


def telling(pipeline: Pipeline) -> Telling:
    """Look at the parts."""
    parts = pipeline.parts
    notifier, now = parts.notifier, parts.loop_time()
    oldest, next_call = notifier.oldest(), notifier.next_call
    return Telling(
        waiting=notifier.waiting(),
        oldest_seconds=None if oldest is None else round(now - oldest, 1),
        refused=sum(1 for _ in notifier.held_back),
        did_not_ask=parts.ledger.not_asked(now),
        failing="" if notifier.last_error is None else str(notifier.last_error),
        next_try=None if next_call is None else parts.now() + timedelta(seconds=max(0.0, next_call - now)),
    )


def failure(pipeline: Pipeline) -> RainbowError | None:
    """Say why Rainbow cannot be told; being asked to wait is a failure only once somebody has waited for a minute."""
    notifier = pipeline.parts.notifier
    if isinstance(notifier.last_error, RateLimited):
        oldest = notifier.oldest()
        brief = oldest is None or pipeline.parts.loop_time() - oldest < WAITING_FOR
        return None if brief else notifier.last_error
    return notifier.last_error


def review(pipeline: Pipeline | None, problems: Problems, *, away: bool = False) -> None:
    """Open and close the problems of telling, beside that which says why Rainbow cannot be used where it is `away`."""
    view = NOTHING_TO_TELL if pipeline is None else telling(pipeline)
    if view.failing and view.oldest_seconds is not None and view.oldest_seconds >= WAITING_FOR:
        again = _("It is tried again at {next_try:%H:%M:%S} UTC.", next_try=view.next_try) if view.next_try else ""
        problems.report(
            "rainbow-changes-waiting",
            severity="error",
            text=sentences(
                _(
                    "Changes of {users} could not be told to Rainbow, the oldest for {oldest_seconds}: {failing}.",
                    users=users(view.waiting),
                    oldest_seconds=_spoken(view.oldest_seconds),
                    failing=view.failing,
                ),
                again,
            ),
            action=_(
                "Nothing is lost: they are told as soon as Rainbow takes them. See the other problem for the"
                " cause; rainbow-exchange retry --all does not wait."
            ),
            logged=True,
        )
    else:
        problems.clear("rainbow-changes-waiting")
    if view.did_not_ask and not away:  # else it could not
        problems.report(
            "rainbow-did-not-ask",
            severity="warning",
            text=_(
                "Rainbow was notified of {users} and has not asked for their calendars.",
                users=users(view.did_not_ask),
            ),
            action=_("They are notified again. Is Exchange Calendar Synchronization on in Rainbow's administration?"),
        )
    else:
        problems.clear("rainbow-did-not-ask")


def _spoken(seconds: float) -> str:
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"  # noqa: PLR2004 - two hours
