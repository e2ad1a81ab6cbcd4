"""Why a side is not built, in words for the status: its settings are missing, not confirmed, not read, or say so."""

from collections.abc import Sequence
from dataclasses import dataclass

from rainbow_exchange.bridge.login_causes import how_to_set
from rainbow_exchange.config import Settings
from rainbow_exchange.sides.combined import Combined
from rainbow_exchange.words import _, sentences

ADMINISTRATION = _("Rainbow's administration (Company, Settings, Application, Exchange Calendar Synchronization)")

_AUTODISCOVER = _("Without exchange.url, Exchange is looked for by autodiscover.")


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
STARTING = {"state": "starting", "reason": _("It was not asked yet.")}

NOT_READ = Hold(state="starting", reason=_("Rainbow's administration is asked first whether and where."))

SWITCHED_OFF = Hold(
    state="switched off",
    reason=_("Exchange Calendar Synchronization is off in Rainbow's administration."),
    problem="rainbow-switched-off",
    severity="notice",
    text=_(
        "Exchange Calendar Synchronization is switched off in Rainbow's administration: Exchange is not"
        " asked, and Rainbow is told nothing."
    ),
    action=_(
        "Nothing, if that is meant. Otherwise switch it on in {administration}; it takes effect within minutes.",
        administration=ADMINISTRATION,
    ),
)


def rainbow_missing(missing: Sequence[str], of_exchange: Sequence[str], settings: Settings) -> Hold:
    """Give the hold for settings without which nothing can begin; `of_exchange` is what will be missing then."""
    also = ["exchange.url", *of_exchange] if settings.exchange.url is None else list(of_exchange)
    return _missing(
        sentences(
            _("The connector waits for its settings: {missing}.", missing=", ".join(missing)),
            _("For Exchange {also}, unless Rainbow's administration gives them.", also=", ".join(also)) if also else "",
            _AUTODISCOVER if settings.exchange.url is None else "",
        ),
        sentences(*how_to_set([*missing, *of_exchange])),
    )


def exchange_missing(missing: Sequence[str], combined: Combined, *, was_read: bool) -> Hold:
    """Give the hold for settings that neither this machine nor Rainbow's administration gives."""
    if was_read:
        text = _(
            "Exchange cannot be reached without {missing}: neither this machine's settings nor Rainbow's"
            " administration give that.",
            missing=", ".join(missing),
        )
    else:
        text = _(
            "Exchange cannot be reached without {missing}: this machine's settings do not give that, and Rainbow's"
            " administration could not be read whole so far.",
            missing=", ".join(missing),
        )
    return _missing(
        sentences(text, _AUTODISCOVER if combined.settings.exchange.url is None else "", *combined.left_out),
        _(
            "Enter it in {administration}: it takes effect within minutes. Or on this machine: {how}",
            administration=ADMINISTRATION,
            how=sentences(*how_to_set(missing)),
        ),
    )


def unconfirmed(host: str, allowed: Sequence[str]) -> Hold:
    """Give the hold for an endpoint that only Rainbow names, with credentials that are this machine's."""
    hosts = ", ".join(f'"{each}"' for each in (*allowed, host))
    return Hold(
        state="unconfigured",
        reason=_("Nothing on this machine confirms {host}, which Rainbow's administration names.", host=host),
        problem="exchange-endpoint-not-confirmed",
        text=_(
            "Rainbow's administration says that Exchange is at {host}. The account that is to sign in there"
            " is this machine's, and nothing on this machine says that this host may be told its password.",
            host=host,
        ),
        action=_(
            "If that is your Exchange, confirm it on the local page, under Set-up, which counts at once; or by"
            " exchange.allowed_hosts = [{hosts}], then restart. Or take the account out here and enter it in"
            " {administration} instead, or set exchange.url here.",
            hosts=hosts,
            administration=ADMINISTRATION,
        ),
    )


def _missing(text: str, action: str) -> Hold:
    return Hold(
        state="unconfigured",
        reason=_("Settings are missing."),
        problem="settings-missing",
        text=text,
        action=action,
    )
