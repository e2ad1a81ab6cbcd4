"""One entry of an answer → an appointment in neutral words that has no id yet, and what Exchange knows it by. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from rainbow_exchange.ews.answers import optional_instant
from rainbow_exchange.ews.errors import MalformedResponse
from rainbow_exchange.ews.operations.find_item import CalendarItem
from rainbow_exchange.ews.operations.get_user_availability import MERGED_INTERVAL, CalendarEvent
from rainbow_exchange.ews.store_ids import entry_id
from rainbow_exchange.ews.windows_zones import iana_zone
from rainbow_exchange.model import Kind, Sensitivity, ShowAs, Window

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An appointment before it has its id; `identity` is what it is known by at Exchange, () where there is nothing."""

    identity: tuple[str, ...]
    start: datetime
    end: datetime
    show_as: ShowAs
    subject: str | None = field(default=None, repr=False)
    kind: Kind = Kind.SINGLE
    sensitivity: Sensitivity = Sensitivity.NORMAL
    timezone: str | None = None
    unknown_zone: str | None = None
    doubtful: bool = False

    def touches(self, start: datetime, end: datetime) -> bool:
        """Tell whether an instant of it lies in the span, `end` excluded; one without length is that instant."""
        if self.start == self.end:
            return start <= self.start < end
        return self.start < end and self.end > start


def draft_of_item(item: CalendarItem) -> Draft:
    """Read an item of a calendar view."""
    zone = iana_zone(item.timezone_id)
    kind = _KIND.get(item.calendar_item_type.lower(), Kind.SINGLE)
    return Draft(
        identity=_identity(item, kind),
        start=item.start,
        end=max(item.start, item.end),
        show_as=_SHOW_AS.get(item.busy_status.lower(), ShowAs.BUSY),
        subject=item.subject,
        kind=kind,
        # a word that is not known may stand for something stricter
        sensitivity=_SENSITIVITY.get(item.sensitivity.lower() or "normal", Sensitivity.PRIVATE),
        timezone=zone,
        unknown_zone=item.timezone_id if zone is None else None,
    )


def is_kept(item: CalendarItem) -> bool:
    """Tell whether an item is shown: a meeting that was cancelled or declined is not."""
    return not item.is_cancelled and item.my_response_type.lower() != "decline"


def _identity(item: CalendarItem, kind: Kind) -> tuple[str, ...]:
    """Say what an item is known by over re-reads, however it is read: by the store's id; in a series also by its start.

    Servers whose ItemIds hold no store's id have the UID, else the ItemId as it is.
    """
    known_by = entry_id(item.item_id) or item.uid or item.item_id
    if kind in {Kind.SINGLE, Kind.MASTER}:
        return (known_by,) if known_by else ()
    original = _original_start(item)
    if original is None and kind is Kind.EXCEPTION and item.item_id:
        return (item.item_id,)  # its own start moves, and the UID is the series'
    return (known_by, (original or item.start).isoformat()) if known_by else ()


def _original_start(item: CalendarItem) -> datetime | None:
    try:
        return optional_instant(item.recurrence_id)
    except MalformedResponse:
        return None


def draft_of_event(event: CalendarEvent) -> Draft:
    """Read an event of a free/busy view.

    It does not tell whether a meeting was cancelled or declined; one that counts as free may have been.
    """
    end = max(event.start, event.end)
    show_as = _SHOW_AS.get(event.busy_type.lower(), ShowAs.BUSY)
    details = event.details
    if details is None:
        return Draft(identity=(), start=event.start, end=end, show_as=show_as)
    series = details.is_recurring or details.is_exception
    kind = Kind.EXCEPTION if details.is_exception else Kind.OCCURRENCE if series else Kind.SINGLE
    store_id = details.store_id.upper()
    known_by = (store_id, event.start.isoformat()) if series else (store_id,)
    return Draft(
        identity=known_by if store_id else (),
        start=event.start,
        end=end,
        show_as=show_as,
        # a private one without subject was kept from us, any other has none
        subject=details.subject if details.subject is not None or details.is_private else "",
        kind=kind,
        sensitivity=Sensitivity.PRIVATE if details.is_private else Sensitivity.NORMAL,
        doubtful=details.is_meeting and show_as is ShowAs.FREE,
    )


def drafts_of_digits(digits: str, window: Window) -> Iterable[Draft]:
    """Read MergedFreeBusy: equal digits side by side are one span. What is behind the window is left alone."""
    start, length = window.start, timedelta(minutes=MERGED_INTERVAL)
    most = (window.end - start) // length + 1
    for digit, run in groupby(enumerate(digits[:most]), key=lambda numbered: numbered[1]):
        places = [place for place, _ in run]
        if digit in _MERGED:
            yield Draft(
                identity=(),
                start=start + places[0] * length,
                end=start + (places[-1] + 1) * length,
                show_as=_MERGED[digit],
            )
