"""ResolveNames, and GetServerTimeZones."""

from datetime import UTC, datetime, timedelta

from rainbow_exchange.lab.exchange.call import Call
from rainbow_exchange.lab.exchange.errors import Fault, Refused
from rainbow_exchange.lab.exchange.mailbox import Mailbox
from rainbow_exchange.lab.exchange.wire import Element, Xml, answer, boolean, m, named, response_message, t, text
from rainbow_exchange.lab.exchange.zones import DAYS, WINDOWS, zone

_MOST = 100


def resolve(call: Call, request: Element) -> Xml:
    """Answer ResolveNames from the directory."""
    entry = text(request, "UnresolvedEntry").strip()
    if not entry:
        raise Fault("ErrorSchemaValidation", values={"Violation": "UnresolvedEntry"})
    found = call.company.directory.matching(entry)
    if not found:
        raise Refused("ErrorNameResolutionNoResults")
    full = request.get("ReturnFullContactData", "false").strip() in ("true", "1")
    shown = found[:_MOST]
    resolutions = m(
        "ResolutionSet",
        *(_resolution(each, full=full) for each in shown),
        TotalItemsInView=str(len(shown)),
        IncludesLastItemInRange=boolean(len(found) <= _MOST),
    )
    warning = "ErrorNameResolutionMultipleResults" if len(found) > 1 else ""
    return answer("ResolveNames", response_message("ResolveNamesResponseMessage", resolutions, warning=warning))


def _resolution(mailbox: Mailbox, *, full: bool) -> Xml:
    addresses = [f"SMTP:{mailbox.address}", *(f"smtp:{each}" for each in mailbox.made.aliases)]
    contact = t(
        "Contact",
        t("DisplayName", mailbox.name),
        t("EmailAddresses", *(t("Entry", each, Key=f"EmailAddress{n}") for n, each in enumerate(addresses[:3], 1))),
        t("ContactSource", "ActiveDirectory"),
    )
    return t(
        "Resolution",
        t(
            "Mailbox",
            t("Name", mailbox.name),
            t("EmailAddress", mailbox.address),
            t("RoutingType", "SMTP"),
            t("MailboxType", "Mailbox"),
        ),
        contact if full else None,
    )


def server_time_zones(call: Call, request: Element) -> Xml:
    """Answer GetServerTimeZones: the zones asked for that the lab knows, or all of them."""
    ids = [each.text or "" for each in named(request, "Id")]
    full = request.get("ReturnFullTimeZoneData", "true").strip().lower() in ("true", "1")
    year = call.company.now().year
    known = [each for each in (ids or WINDOWS) if each in WINDOWS]
    definitions = m("TimeZoneDefinitions", *(_definition(each, year, full=full) for each in known))
    return answer("GetServerTimeZones", response_message("GetServerTimeZonesResponseMessage", definitions))


def _duration(offset: timedelta) -> str:
    minutes = int(offset.total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    return ("-" if minutes < 0 else "") + f"PT{hours}H" + (f"{rest}M" if rest else "")


def _definition(name: str, year: int, *, full: bool) -> Xml:
    """Build a t:TimeZoneDefinition with this year's rules."""
    if not full:
        return t("TimeZoneDefinition", Id=name, Name=name)
    turns = _turns(name, year)
    local = zone(name)
    offsets = {
        kind: offset
        for moment in (datetime(year, 1, 1, tzinfo=UTC), *(turn for turn, _ in turns))
        for kind, offset in [_kind_and_offset(moment.astimezone(local))]
    }
    if "Standard" not in offsets:
        offsets = {"Standard": next(iter(offsets.values()))}
        turns = []
    periods = [
        t("Period", Bias=_duration(-offset), Name=kind, Id=f"trule:Microsoft/Registry/{name}/{year}-{kind}")
        for kind, offset in offsets.items()
    ]

    def target(kind: str) -> Xml:
        return t("To", f"trule:Microsoft/Registry/{name}/{year}-{kind}", Kind="Period")

    if len(turns) == 2:  # noqa: PLR2004 — there and back
        transitions = [
            _transition(turn, before, target(_kind_and_offset(turn.astimezone(local))[0])) for turn, before in turns
        ]
    else:
        transitions = [t("Transition", target("Standard"))]
    return t(
        "TimeZoneDefinition",
        t("Periods", *periods),
        t("TransitionsGroups", t("TransitionsGroup", *transitions, Id="0")),
        t("Transitions", t("Transition", t("To", "0", Kind="Group"))),
        Id=name,
        Name=name,
    )


def _kind_and_offset(moment: datetime) -> tuple[str, timedelta]:
    offset = moment.utcoffset() or timedelta()
    return ("Daylight" if moment.dst() else "Standard"), offset


def _turns(name: str, year: int) -> list[tuple[datetime, datetime]]:
    """Give the instants of that year at which the offset changes, with the wall time that then ends."""
    local, found = zone(name), []
    moment, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    day = timedelta(days=1)
    while moment < end:
        if moment.astimezone(local).utcoffset() != (moment + day).astimezone(local).utcoffset():
            low, high = moment, moment + day
            while high - low > timedelta(minutes=1):
                middle = low + (high - low) / 2
                same = middle.astimezone(local).utcoffset() == low.astimezone(local).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            turn = high.replace(second=0, microsecond=0)
            offset = moment.astimezone(local).utcoffset() or timedelta()
            found.append((turn, (turn + offset).replace(tzinfo=None)))
        moment += day
    return found


def _transition(turn: datetime, wall: datetime, target: Xml) -> Xml:
    del turn
    last = (wall + timedelta(days=7)).month != wall.month
    occurrence = -1 if last else (wall.day - 1) // 7 + 1
    return t(
        "RecurringDayTransition",
        target,
        t("TimeOffset", f"PT{wall.hour}H" + (f"{wall.minute}M" if wall.minute else "")),
        t("Month", str(wall.month)),
        t("DayOfWeek", DAYS[wall.weekday()]),
        t("Occurrence", str(occurrence)),
    )
