"""Faults to switch on, in an administrator's words: each turns dials of the lab's, and puts them back to rest.

Whether one is on is read from the dials themselves, so that it is right whoever turned them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rainbow_exchange.lab.exchange.dials import Dials as ExchangeDials
from rainbow_exchange.lab.lab_calls import LabCalls
from rainbow_exchange.lab.rainbow.dials import Dials as RainbowDials
from rainbow_exchange.words import Said, _

Side = Literal["exchange", "rainbow"]

#: what the connector asks of Exchange, and an owner's client does not
_CONNECTOR_S = ["Subscribe", "GetStreamingEvents", "GetUserAvailability", "GetMailTips", "FindItem"]
#: stands for the name of the service account
_ACCOUNT = "<account>"
#: of the dials, those that count down by themselves
_COUNTS = "refuse_next"
_MANY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong. `look_for` tells what a good connector makes of it.

    It lasts until it is switched off, unless it is done `once`. With `of_mailbox` it concerns one mailbox.
    """

    id: str
    side: Side
    title: Said
    look_for: Said
    #: dial → position; in a list or an object the entry that is added, by mailbox or service account
    dials: Mapping[str, Any] = field(default_factory=dict)
    #: what is out of reach, and how
    away: Mapping[str, str] = field(default_factory=dict)
    #: a call of the lab's own wire
    once: tuple[str, Mapping[str, Any]] | None = None
    of_mailbox: str = ""
    """The dial that names mailboxes, with the code in `code` where it is an object."""
    code: str = ""


FAULTS: tuple[Fault, ...] = (
    Fault(
        id="exchange-away",
        side="exchange",
        title=_("Exchange is out of reach"),
        look_for=_(
            "Colleagues keep seeing what was known. Switch it off: what changed meanwhile is seen within seconds."
        ),
        away={"ews": "reset"},
    ),
    Fault(
        id="exchange-busy",
        side="exchange",
        title=_("Exchange is overloaded"),
        look_for=_(
            "The connector asks less often and waits. Switch it off: what changed meanwhile is seen within minutes, "
            "the sooner the shorter it lasted."
        ),
        dials={"server_busy": "message", "server_busy_operations": _CONNECTOR_S},
    ),
    Fault(
        id="exchange-slow",
        side="exchange",
        title=_("Exchange takes three seconds for each calendar it reads"),
        look_for=_("A change is seen about three seconds later than usual."),
        dials={"delay_seconds": 3.0, "delay_operations": ["GetUserAvailability", "FindItem"]},
    ),
    Fault(
        id="streams-broken",
        side="exchange",
        title=_("All streams break now"),
        look_for=_("The connector opens them again within seconds, and reads every calendar that may have changed."),
        once=("streams", {"order": "drop"}),
    ),
    Fault(
        id="streams-silent",
        side="exchange",
        title=_("Streams say nothing any more, and stay open"),
        look_for=_(
            "After two missed heartbeats, within 90 seconds, the connector opens another stream. Changes are seen then."
        ),
        dials={"silence": True},
    ),
    Fault(
        id="fail-over",
        side="exchange",
        title=_("Another Exchange server takes over now"),
        look_for=_("All subscriptions are gone. The connector makes new ones and reads every calendar."),
        once=("fail-over", {"server": "exch02.acme.test"}),
    ),
    Fault(
        id="password-changed",
        side="exchange",
        title=_("The service account's password has changed"),
        look_for=_(
            "The connector stops trying before the account is locked, and its status names the password. "
            "Switch it off, then have it tried again: rainbow-exchange retry --all."
        ),
        dials={"passwords": {_ACCOUNT: "Another#2"}},
    ),
    Fault(
        id="no-impersonation",
        side="exchange",
        title=_("The right to impersonate is taken away"),
        look_for=_(
            "Calendars are read as far as free/busy goes: new appointments have no subject. Switch it off: "
            "rainbow-exchange retry --all brings the subjects back at once, else a day does."
        ),
        dials={"impersonation": False},
    ),
    Fault(
        id="mailbox-moving",
        side="exchange",
        title=_("A mailbox is being moved"),
        look_for=_("This mailbox waits; all others go on. Switch it off: it is back within a minute or so."),
        of_mailbox="mailbox_errors",
        code="ErrorMailboxMoveInProgress",
    ),
    Fault(
        id="mailbox-unsubscribed",
        side="exchange",
        title=_("The subscription of one mailbox never lasts"),
        look_for=_("The stream that it shares with others goes on without it."),
        of_mailbox="bad_mailboxes",
    ),
    Fault(
        id="rainbow-away",
        side="rainbow",
        title=_("Rainbow is out of reach"),
        look_for=_("Nothing is told. Switch it off: all that changed meanwhile is told in one go."),
        away={"rest": "reset", "link": "reset"},
    ),
    Fault(
        id="link-away",
        side="rainbow",
        title=_("Rainbow's questions do not get through"),
        look_for=_(
            "Changes are told, and Rainbow cannot ask what they are. Switch it off: it is told again, and asks."
        ),
        away={"link": "reset"},
    ),
    Fault(
        id="rainbow-limits",
        side="rainbow",
        title=_("Rainbow refuses what it is told for now (HTTP 429)"),
        look_for=_("The connector waits as long as Rainbow says, or longer, and tells it then. Nothing is lost."),
        dials={"refuse_path": "calendarprovider", "refuse_status": 429, _COUNTS: _MANY},
    ),
)
_BY_ID = {each.id: each for each in FAULTS}


class Faults:
    """The faults of a running lab; a side that was not started has none. `account`: the service account's name.

    All calls raise Refused, aiohttp.ClientError or TimeoutError.
    """

    def __init__(self, *, exchange: LabCalls | None, rainbow: LabCalls | None, account: str) -> None:
        sides = {"exchange": exchange, "rainbow": rainbow}
        self._sides = {name: lab for name, lab in sides.items() if lab is not None}
        self._account = account.lower()

    def known(self) -> list[Fault]:
        """List those that can be switched on here."""
        return [each for each in FAULTS if each.side in self._sides]

    async def on(self) -> set[tuple[str, str]]:
        """Give the ids of those that are on, each with its mailbox, "" where it concerns all."""
        found: set[tuple[str, str]] = set()
        for side, lab in self._sides.items():
            dials, away = await lab.call("GET", "dials"), await lab.call("GET", "outage")
            for fault in FAULTS:
                if fault.side != side:
                    continue
                if fault.of_mailbox:
                    named = dials[fault.of_mailbox]
                    held = [each for each in named if not fault.code or named[each] == fault.code]
                    found |= {(fault.id, mailbox) for mailbox in held}
                elif fault.once is None and self._is_on(fault, dials, away):
                    found.add((fault.id, ""))
        if ("rainbow-away", "") in found:
            found.discard(("link-away", ""))
        return found

    async def turn(self, fault_id: str, *, on: bool, mailbox: str = "") -> None:
        """Switch a fault on or off, or have it happen. Raise LookupError for one that is not known here."""
        fault = _BY_ID[fault_id]
        lab, mailbox = self._sides[fault.side], mailbox.lower()
        if fault.once is not None:
            path, body = fault.once
            await lab.call("POST", path, body=body)
        elif fault.away:
            await self._reach(lab, fault, on=on)
        elif fault.of_mailbox:
            named = (await lab.call("GET", "dials"))[fault.of_mailbox]
            if isinstance(named, dict):
                rest = {each: code for each, code in named.items() if each != mailbox}
                position: Any = rest | ({mailbox: fault.code} if on else {})
            else:
                position = [each for each in named if each != mailbox] + ([mailbox] if on else [])
            await lab.call("POST", "dials", body={fault.of_mailbox: position})
        else:
            await lab.call("POST", "dials", body=await self._positions(lab, fault, on=on))

    async def all_off(self) -> None:
        """Switch off all that are on."""
        for fault_id, mailbox in sorted(await self.on()):
            await self.turn(fault_id, on=False, mailbox=mailbox)

    def _is_on(self, fault: Fault, dials: Mapping[str, Any], away: Mapping[str, str]) -> bool:
        for name, wanted in fault.dials.items():
            if name == _COUNTS:
                held = dials[name] > 0
            elif isinstance(wanted, dict):
                held = self._account in dials[name]
            else:
                held = dials[name] == wanted
            if not held:
                return False
        return all(away[part] == how for part, how in fault.away.items())

    async def _positions(self, lab: LabCalls, fault: Fault, *, on: bool) -> dict[str, Any]:
        rest = ExchangeDials().shown() if fault.side == "exchange" else RainbowDials().as_json()
        positions: dict[str, Any] = {}
        for name, wanted in fault.dials.items():
            if isinstance(wanted, dict):
                held = (await lab.call("GET", "dials"))[name]
                others = {account: value for account, value in held.items() if account != self._account}
                positions[name] = others | ({self._account: wanted[_ACCOUNT]} if on else {})
            else:
                positions[name] = wanted if on else rest[name]
        return positions

    @staticmethod
    async def _reach(lab: LabCalls, fault: Fault, *, on: bool) -> None:
        away = dict(fault.away) if on else dict.fromkeys(fault.away, "")
        if fault.side == "exchange":
            await lab.call("POST", "outage", body=away)
        else:
            await lab.call("POST", "dials", body={"away": away})
