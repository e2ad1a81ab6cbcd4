"""What is wrong with what Rainbow's administration says, or with reading it, as problems."""

from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.bridge.way_causes import AGAIN
from rainbow_exchange.rainbow.administration import Administration
from rainbow_exchange.rainbow.errors import RainbowApiError
from rainbow_exchange.words import _, joined, sentences

_NOT_UNDERSTOOD = "rainbow-settings-not-understood"
_NOT_READ = "rainbow-settings-not-read"


def review_administration(administration: Administration, problems: Problems, *, signed_in: bool) -> None:
    """Open and close the two problems that there can be; `signed_in`: otherwise something else is wrong."""
    if faults := administration.entered.faults:
        problems.report(
            _NOT_UNDERSTOOD,
            severity="warning",
            text=_(
                "Rainbow's administration holds what is not understood: {faults}. What was known before still counts.",
                faults=joined("; ", faults),
            ),
            action=_(
                "Correct it there (Company, Settings, Application). If another field is meant, name it in"
                " rainbow_fields."
            ),
        )
    else:
        problems.clear(_NOT_UNDERSTOOD)
    if signed_in and administration.unread:
        unread = joined("; ", (_("{what} ({error})", what=w, error=e) for w, e in administration.unread.items()))
        problems.report(
            _NOT_READ,
            severity="notice",
            text=_(
                "Rainbow's administration cannot be read: {unread}. What was known before still counts, and"
                " the settings of this machine.",
                unread=unread,
            ),
            action=sentences(
                AGAIN,
                _(
                    "If it is refused (403): may the connector's account read its company? Otherwise set Exchange on"
                    " this machine."
                ),
            ),
            logged=not any(isinstance(error, RainbowApiError) for error in administration.unread.values()),
        )
    else:
        problems.clear(_NOT_READ)
