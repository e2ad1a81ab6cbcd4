"""What is wrong with what Rainbow's administration says, or with reading it, as problems."""

from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.rainbow.administration import Administration

_NOT_UNDERSTOOD = "rainbow-settings-not-understood"
_NOT_READ = "rainbow-settings-not-read"


def review_administration(administration: Administration, problems: Problems, *, signed_in: bool) -> None:
    """Open and close the two problems that there can be; `signed_in`: otherwise something else is wrong."""
    if faults := administration.entered.faults:
        problems.report(
            _NOT_UNDERSTOOD,
            severity="warning",
            text=f"Rainbow's administration holds what is not understood: {'; '.join(faults)}. What was known before"
            " still counts.",
            action="Correct it there (Company, Settings, Application). If another field is meant, name it in"
            " rainbow_fields.",
        )
    else:
        problems.clear(_NOT_UNDERSTOOD)
    if signed_in and administration.unread:
        unread = "; ".join(f"{what} ({error})" for what, error in administration.unread.items())
        problems.report(
            _NOT_READ,
            severity="notice",
            text=f"Rainbow's administration cannot be read: {unread}. What was known before still counts, and the"
            " settings of this machine.",
            action="It is tried again by itself. If it is refused (403): may the connector's account read its company?"
            " Otherwise set Exchange on this machine.",
        )
    else:
        problems.clear(_NOT_READ)
