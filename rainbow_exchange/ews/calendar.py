"""From Exchange's two ways of telling what stands in a calendar to one Agenda in neutral words.

GetUserAvailability tells many calendars at once, at the level their owners allow; FindItem with a CalendarView tells
one, wholly, to its owner or whoever impersonates him. What lies outside the window, was cancelled or declined is
dropped.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from rainbow_exchange.ews import request_id
from rainbow_exchange.ews.drafts import Draft, draft_of_event, draft_of_item, drafts_of_digits, is_kept
from rainbow_exchange.ews.errors import EwsError, MalformedResponse, ResponseError
from rainbow_exchange.ews.operations.find_item import FindItem
from rainbow_exchange.ews.operations.get_user_availability import MERGED_INTERVAL, FreeBusyResponse, GetUserAvailability
from rainbow_exchange.ews.types import Caller, ResponseCode, connecting_sid
from rainbow_exchange.model import Agenda, Appointment, Mailbox, Window
from rainbow_exchange.pause import others_turn

#: a window is not split below these: the server then has another reason
_SMALLEST_AVAILABILITY = timedelta(days=1)
_SMALLEST_VIEW = timedelta(minutes=1)
_FIRST = datetime.min.replace(tzinfo=UTC)
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
    for number, (address, result) in enumerate(zip(asked, results, strict=True)):
        await others_turn(number)
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
    drafts: dict[Draft, None] = {}  # in order; what spans a border comes twice
    detailed = None
    unreadable = 0
    expanded = True
    parts = [window]
    for _ in range(_MOST_VIEWS):
        part = parts.pop()
        answer = await client.call(
            FindItem(
                window=_with_its_first_instant(part),
                mailbox_address=None if impersonate else mailbox.address,
                subjects=subjects,
            ),
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
        drafts |= dict.fromkeys(draft_of_item(item) for item in answer.items if is_kept(item))
        if not parts:
            agenda = _agenda(mailbox.address, window, drafts, read_at, detailed=detailed, unreadable=unreadable)
            return replace(agenda, expanded=expanded)
    raise MalformedResponse("a calendar whose items do not end however short the window")


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
) -> Agenda | EwsError:
    if view.merged and not view.events:
        if len(view.merged) < (window.end - window.start) // timedelta(minutes=MERGED_INTERVAL):
            return MalformedResponse("digits for a part of the window only")
        return _agenda(address, window, drafts_of_digits(view.merged, window), read_at, detailed=None)
    detailed = any(event.details for event in view.events) if view.events and subjects else None
    drafts = map(draft_of_event, view.events)
    return _agenda(address, window, drafts, read_at, detailed=detailed, unreadable=view.unreadable)


def _agenda(
    mailbox: str,
    window: Window,
    drafts: Iterable[Draft],
    read_at: datetime,
    *,
    detailed: bool | None,
    unreadable: int = 0,
) -> Agenda:
    met: Counter[tuple[str, ...]] = Counter()
    appointments = []
    unknown_zones = []
    doubtful = False
    for draft in sorted(drafts, key=lambda draft: (draft.start, draft.end, draft.show_as, draft.subject or "")):
        if not draft.touches(window.start, window.end):
            continue
        doubtful = doubtful or draft.doubtful
        if draft.unknown_zone:
            unknown_zones.append(draft.unknown_zone)
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
        unknown_zones=tuple(unknown_zones),
        doubtful=doubtful,
        request_id=request_id.last(),
    )


def _digest(*parts: str) -> str:
    return sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:24]


def _with_its_first_instant(window: Window) -> Window:
    """Begin a second earlier: a view is of what ends after its start, which leaves out what is without length there."""
    second = timedelta(seconds=1)
    return replace(window, start=window.start - second) if window.start > _FIRST + second else window


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
        doubtful=early.doubtful or late.doubtful,
    )
