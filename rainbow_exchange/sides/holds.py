"""Why a side is not built, in words for the status: its settings are missing, not confirmed, not read, or say so."""

from collections.abc import Sequence
from dataclasses import dataclass

from rainbow_exchange.bridge.login_causes import how_to_set
from rainbow_exchange.config import Settings
from rainbow_exchange.sides.combined import Combined

ADMINISTRATION = "Rainbow's administration (Company, Settings, Application, Exchange Calendar Synchronization)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """State and reason of a side, and the problem that goes with it, where there is one."""

    state: str
    reason: str
    problem: str = ""
    severity: str = "error"
    text: str = ""
    action: str = ""


#: state and reason of a side that was not built yet
STARTING = {"state": "starting", "reason": "It was not asked yet."}

NOT_READ = Hold(state="starting", reason="Rainbow's administration is asked first whether and where.")

SWITCHED_OFF = Hold(
    state="switched off",
    reason="Exchange Calendar Synchronization is off in Rainbow's administration.",
    problem="rainbow-switched-off",
    severity="notice",
    text="Exchange Calendar Synchronization is switched off in Rainbow's administration: Exchange is not asked, and"
    " Rainbow is told nothing.",
    action=f"Nothing, if that is meant. Otherwise switch it on in {ADMINISTRATION}; it takes effect within minutes.",
)


def rainbow_missing(missing: Sequence[str], of_exchange: Sequence[str], settings: Settings) -> Hold:
    """Give the hold for settings without which nothing can begin; `of_exchange` is what will be missing then."""
    also = ["exchange.url", *of_exchange] if settings.exchange.url is None else list(of_exchange)
    then = f" For Exchange {', '.join(also)}, unless Rainbow's administration gives them." if also else ""
    if settings.exchange.url is None:
        then += " Without exchange.url, Exchange is looked for by autodiscover."
    return _missing(
        f"The connector waits for its settings: {', '.join(missing)}.{then}",
        " ".join(how_to_set([*missing, *of_exchange])),
    )


def exchange_missing(missing: Sequence[str], combined: Combined, *, was_read: bool) -> Hold:
    """Give the hold for settings that neither this machine nor Rainbow's administration gives."""
    text = f"Exchange cannot be reached without {', '.join(missing)}: "
    if was_read:
        text += "neither this machine's settings nor Rainbow's administration give that."
    else:
        text += "this machine's settings do not give that, and Rainbow's administration could not be read whole so far."
    if combined.settings.exchange.url is None:
        text += " Without exchange.url, Exchange is looked for by autodiscover."
    return _missing(
        " ".join((text, *combined.left_out)),
        f"Enter it in {ADMINISTRATION}: it takes effect within minutes. Or on this machine:"
        f" {' '.join(how_to_set(missing))}",
    )


def unconfirmed(host: str, allowed: Sequence[str]) -> Hold:
    """Give the hold for an endpoint that only Rainbow names, with credentials that are this machine's."""
    hosts = ", ".join(f'"{each}"' for each in (*allowed, host))
    return Hold(
        state="unconfigured",
        reason=f"Nothing on this machine confirms {host}, which Rainbow's administration names.",
        problem="exchange-endpoint-not-confirmed",
        text=f"Rainbow's administration says that Exchange is at {host}. The account that is to sign in there is this"
        " machine's, and nothing on this machine says that this host may be told its password.",
        action=f"If that is your Exchange, confirm it: exchange.allowed_hosts = [{hosts}], then restart. Or take the"
        f" account out here and enter it in {ADMINISTRATION} instead, or set exchange.url here.",
    )


def _missing(text: str, action: str) -> Hold:
    return Hold(
        state="unconfigured",
        reason="Settings are missing.",
        problem="settings-missing",
        text=text,
        action=action,
    )
