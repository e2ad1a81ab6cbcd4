"""From Exchange's two ways of telling what stands in a calendar to one Agenda in neutral words.

GetUserAvailability tells many calendars at once, at the level their owners allow; FindItem with a CalendarView tells
one, wholly, to its owner or whoever impersonates him. What lies outside the window, was cancelled or declined is
dropped.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import groupby

from rainbow_exchange.ews.answers import optional_instant
from rainbow_exchange.ews.errors import EwsError, MalformedResponse, ResponseError
from rainbow_exchange.ews.operations.find_item import CalendarItem, FindItem
from rainbow_exchange.ews.operations.get_user_availability import (
    MERGED_INTERVAL,
    CalendarEvent,
    FreeBusyResponse,
    GetUserAvailability,
)
from rainbow_exchange.ews.types import Caller, ResponseCode, connecting_sid
from rainbow_exchange.ews.windows_zones import iana_zone
from rainbow_exchange.model import Agenda, Appointment, Kind, Mailbox, Sensitivity, ShowAs, Window

_SHOW_AS = {
    "free": ShowAs.FREE,
    "tentative": ShowAs.TENTATIVE,
    "busy": ShowAs.BUSY,
    "oof": ShowAs.OOF,
    "workingelsewhere": ShowAs.WORKING_ELSEWHERE,
    "nodata": ShowAs.NO_DATA,
}
#: the digits of MergedFreeBusy; 0 is free
_MERGED = {"1": ShowAs.TENTATIVE, "2": ShowAs.BUSY, "3": ShowAs.OOF, "4": ShowAs.NO_DATA}
_KIND = {
    "single": Kind.SINGLE,
    "occurrence": Kind.OCCURRENCE,
    "exception": Kind.EXCEPTION,
    "recurringmaster": Kind.MASTER,
}
_SENSITIVITY = {value.value: value for value in Sensitivity}

#: a window is not split below these: the server then has another reason
_SMALLEST_AVAILABILITY = timedelta(days=1)
_SMALLEST_VIEW = timedelta(minutes=1)
#: requests for one calendar; more is a server that never says "these are all"
_MOST_VIEWS = 64


async def read_availability(
    client: Caller, addresses: Sequence[str], window: Window, *, read_at: datetime, subjects: bool = True
) -> dict[str, Agenda | EwsError]:
    """Read at most 100 calendars by one request; each address gets its agenda or its error.

    Without `subjects` none is asked for, and the agendas tell nothing about rights.

    Raises EwsError where the whole request failed. Only where the server finds the window too long is it asked again,
    for the halves.
    """
    asked = tuple(dict.fromkeys(addresses))
    results = await _availability(client, asked, window, subjects=subjects)
    agendas: dict[str, Agenda | EwsError] = {}
    for address, result in zip(asked, results, strict=True):
        agendas[address] = (
            _agenda_of_view(address, window, result, read_at, subjects=subjects)
            if isinstance(result, FreeBusyResponse)
            else result
        )
    too_long = [address for address, result in agendas.items() if _finds_too_long(result)]
    if too_long and window.end - window.start > _SMALLEST_AVAILABILITY:
        early, late = _halves(window)
        first = await read_availability(client, too_long, early, read_at=read_at, subjects=subjects)
        second = await read_availability(client, too_long, late, read_at=read_at, subjects=subjects)
        agendas.update({address: _joined(first[address], second[address], window) for address in too_long})
    return agendas


async def read_calendar_view(
    client: Caller, mailbox: Mailbox, window: Window, *, impersonate: bool, read_at: datetime, subjects: bool = True
) -> Agenda:
    """Read one calendar wholly, as its owner or as a reader with rights to it. Raises EwsError.

    The window is split where the server cuts the answer. MalformedResponse where that does not help: half a calendar
    is none. An agenda that is not `expanded` lacks the meetings of series: a view has none of their masters otherwise.
    """
    drafts: dict[_Draft, None] = {}  # in order; what spans a border comes twice
    detailed = None
    unreadable = 0
    expanded = True
    parts = [window]
    for _ in range(_MOST_VIEWS):
        part = parts.pop()
        answer = await client.call(
            FindItem(window=part, mailbox_address=None if impersonate else mailbox.address, subjects=subjects),
            impersonate=connecting_sid(mailbox) if impersonate else None,
            anchor=mailbox.smtp,
        )
        if not answer.includes_last and part.end - part.start > _SMALLEST_VIEW:
            parts += reversed(_halves(part))
            continue
        if not answer.includes_last:
            break
        detailed = True if answer.items and subjects else detailed
        unreadable += answer.unreadable
        expanded = expanded and not any(item.calendar_item_type.lower() == "recurringmaster" for item in answer.items)
        drafts |= dict.fromkeys(_draft_of_item(item) for item in answer.items if _is_kept(item))
        if not parts:
            agenda = _agenda(mailbox.address, window, drafts, read_at, detailed=detailed, unreadable=unreadable)
            return replace(agenda, expanded=expanded)
    raise MalformedResponse("a calendar whose items do not end however short the window")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """An appointment before it has its id; `identity` is what it is known by at Exchange, () where there is nothing."""

    identity: tuple[str, ...]
    start: datetime
    end: datetime
    show_as: ShowAs
    subject: str | None = field(default=None, repr=False)
    kind: Kind = Kind.SINGLE
    sensitivity: Sensitivity = Sensitivity.NORMAL
    timezone: str | None = None


async def _availability(
    client: Caller, addresses: tuple[str, ...], window: Window, *, subjects: bool
) -> tuple[FreeBusyResponse | EwsError, ...]:
    try:
        results = await client.call(GetUserAvailability(addresses=addresses, window=window, subjects=subjects))
    except ResponseError as error:
        if not _finds_too_long(error) or window.end - window.start <= _SMALLEST_AVAILABILITY:
            raise
        return tuple(error for _ in addresses)
    if len(results) == 1 < len(addresses) and isinstance(results[0], EwsError):
        raise results[0]  # it refuses the whole request in the shape of a calendar
    if len(results) != len(addresses):
        raise MalformedResponse(f"{len(results)} calendars where {len(addresses)} were asked for")
    return results


def _finds_too_long(result: object) -> bool:
    return isinstance(result, ResponseError) and result.code == ResponseCode.TIME_INTERVAL_TOO_BIG


def _agenda_of_view(
    address: str, window: Window, view: FreeBusyResponse, read_at: datetime, *, subjects: bool
) -> Agenda:
    if view.view_type.startswith("Merged") and not view.events:
        return _agenda(address, window, _drafts_of_digits(view.merged, window.start), read_at, detailed=None)
    detailed = any(event.details for event in view.events) if view.events and subjects else None
    drafts = map(_draft_of_event, view.events)
    return _agenda(address, window, drafts, read_at, detailed=detailed, unreadable=view.unreadable)


def _agenda(
    mailbox: str,
    window: Window,
    drafts: Iterable[_Draft],
    read_at: datetime,
    *,
    detailed: bool | None,
    unreadable: int = 0,
) -> Agenda:
    met: Counter[tuple[str, ...]] = Counter()
    appointments = []
    for draft in sorted(drafts, key=lambda draft: (draft.start, draft.end, draft.show_as, draft.subject or "")):
        if not _touches(draft, window):
            continue
        identity = draft.identity or (draft.start.isoformat(), draft.end.isoformat(), draft.show_as)
        ordinal = met[identity]
        met[identity] += 1
        appointments.append(
            Appointment(
                id=_digest(mailbox, *identity, str(ordinal)),
                start=draft.start,
                end=draft.end,
                show_as=draft.show_as,
                subject=draft.subject,
                kind=draft.kind,
                sensitivity=draft.sensitivity,
                timezone=draft.timezone,
            )
        )
    return Agenda(
        mailbox=mailbox,
        window=window,
        appointments=tuple(appointments),
        read_at=read_at,
        detailed=detailed,
        unreadable=unreadable,
    )


def _touches(draft: _Draft, window: Window) -> bool:
    """Tell whether an instant of the appointment lies in the window; one without length is that instant."""
    if draft.start == draft.end:
        return window.start <= draft.start < window.end
    return draft.start < window.end and draft.end > window.start


def _digest(*parts: str) -> str:
    return sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:24]


def _draft_of_item(item: CalendarItem) -> _Draft:
    kind = _KIND.get(item.calendar_item_type.lower(), Kind.SINGLE)
    return _Draft(
        identity=_identity(item, kind),
        start=item.start,
        end=max(item.start, item.end),
        show_as=_SHOW_AS.get(item.busy_status.lower(), ShowAs.BUSY),
        subject=item.subject,
        kind=kind,
        sensitivity=_SENSITIVITY.get(item.sensitivity.lower(), Sensitivity.NORMAL),
        timezone=iana_zone(item.timezone_id),
    )


def _is_kept(item: CalendarItem) -> bool:
    return not item.is_cancelled and item.my_response_type.lower() != "decline"


def _identity(item: CalendarItem, kind: Kind) -> tuple[str, ...]:
    """Say what an item is known by over re-reads: UID or store id, and in a series the original start."""
    if kind in {Kind.SINGLE, Kind.MASTER}:
        return (item.uid or item.item_id,) if item.uid or item.item_id else ()
    original = _original_start(item)
    if original is None and kind is Kind.EXCEPTION and item.item_id:
        return (item.item_id,)  # its own start moves, and the UID is the series'
    known_by = item.uid or item.item_id
    return (known_by, (original or item.start).isoformat()) if known_by else ()


def _original_start(item: CalendarItem) -> datetime | None:
    try:
        return optional_instant(item.recurrence_id)
    except MalformedResponse:
        return None


def _draft_of_event(event: CalendarEvent) -> _Draft:
    end = max(event.start, event.end)
    show_as = _SHOW_AS.get(event.busy_type.lower(), ShowAs.BUSY)
    details = event.details
    if details is None:
        return _Draft(identity=(), start=event.start, end=end, show_as=show_as)
    series = details.is_recurring or details.is_exception
    kind = Kind.EXCEPTION if details.is_exception else Kind.OCCURRENCE if series else Kind.SINGLE
    known_by = (details.store_id, event.start.isoformat()) if series else (details.store_id,)
    return _Draft(
        identity=known_by if details.store_id else (),
        start=event.start,
        end=end,
        show_as=show_as,
        # a private one without subject was kept from us, any other has none
        subject=details.subject if details.subject is not None or details.is_private else "",
        kind=kind,
        sensitivity=Sensitivity.PRIVATE if details.is_private else Sensitivity.NORMAL,
    )


def _drafts_of_digits(digits: str, start: datetime) -> Iterable[_Draft]:
    """Read MergedFreeBusy: equal digits side by side are one span."""
    length = timedelta(minutes=MERGED_INTERVAL)
    for digit, run in groupby(enumerate(digits), key=lambda numbered: numbered[1]):
        places = [place for place, _ in run]
        if digit in _MERGED:
            yield _Draft(
                identity=(),
                start=start + places[0] * length,
                end=start + (places[-1] + 1) * length,
                show_as=_MERGED[digit],
            )


def _halves(window: Window) -> tuple[Window, Window]:
    # whole seconds: the wire has no finer ones, and no instant may fall between the halves
    middle = (window.start + (window.end - window.start) / 2).replace(microsecond=0)
    return Window(start=window.start, end=middle), Window(start=middle, end=window.end)


def _joined(early: Agenda | EwsError, late: Agenda | EwsError, window: Window) -> Agenda | EwsError:
    if isinstance(early, EwsError):
        return early
    return late if isinstance(late, EwsError) else _join(early, late, window)


def _join(early: Agenda, late: Agenda, window: Window) -> Agenda:
    """Put two neighbours together; what spans their border stands in both, under one id."""
    by_id = {appointment.id: appointment for appointment in (*early.appointments, *late.appointments)}
    evidence = {early.detailed, late.detailed} - {None}
    return Agenda(
        mailbox=early.mailbox,
        window=window,
        appointments=tuple(sorted(by_id.values(), key=lambda appointment: (appointment.start, appointment.end))),
        read_at=early.read_at,
        detailed=True in evidence if evidence else None,
        unreadable=early.unreadable + late.unreadable,
    )
