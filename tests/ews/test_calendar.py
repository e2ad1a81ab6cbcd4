from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from lxml import etree

from rainbow_exchange.ews.calendar import read_availability, read_calendar_view
from rainbow_exchange.ews.errors import EwsError, MalformedResponse, ResponseError
from rainbow_exchange.ews.soap import build, open_envelope
from rainbow_exchange.ews.types import ConnectingSid, Operation
from rainbow_exchange.model import Agenda, Kind, Mailbox, Sensitivity, ShowAs, Window

FOLDER = Path(__file__).parents[2] / "fixtures" / "ews"
ADA = Mailbox(address="ada@acme.test")
READ_AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
FIVE = ["ada@acme.test", "bob@acme.test", "cyd@acme.test", "dan@acme.test", "eve@acme.test"]
R = TypeVar("R")


def utc(year: int, month: int, day: int, *time: int) -> datetime:
    hour, minute, second, microsecond = (*time, 0, 0, 0, 0)[:4]
    return datetime(year, month, day, hour, minute, second, microsecond, UTC)


WINDOW = Window(start=utc(2026, 3, 2), end=utc(2026, 3, 4))


def recorded(name: str) -> bytes:
    return (FOLDER / f"{name}.xml").read_bytes()


class Played:
    """Gives answers by a function of the request, and keeps what was asked and how."""

    def __init__(self, answer: bytes | Callable[[etree._Element], bytes]) -> None:
        self.answer = answer
        self.asked: list[etree._Element] = []
        self.impersonated: list[ConnectingSid | None] = []
        self.anchors: list[str | None] = []

    async def call(
        self,
        operation: Operation[R],
        *,
        impersonate: ConnectingSid | None = None,
        anchor: str | None = None,
        affinity: Any = None,
    ) -> R:
        assert affinity is None
        request = etree.fromstring(build(operation, impersonate=impersonate))
        self.asked.append(request)
        self.impersonated.append(impersonate)
        self.anchors.append(anchor)
        data = self.answer(request) if callable(self.answer) else self.answer
        return operation.parse(open_envelope(data).body_element)


async def test_digits_behind_the_window_are_left_alone() -> None:
    text = recorded("Exchange2019/get_user_availability/five_mailboxes").replace(b"0022001340", b"12" * 100_000)
    read = await read_availability(Played(text), FIVE, WINDOW, read_at=READ_AT)
    digits = max((agenda for agenda in read.values() if isinstance(agenda, Agenda)), key=lambda a: len(a.appointments))
    assert len(digits.appointments) == 96
    assert digits.appointments[-1].end == WINDOW.end


def items(*entries: tuple[str, datetime, datetime], last: bool = True, more: str = "") -> bytes:
    """Write an answer to FindItem."""
    inside = "".join(
        f"<CalendarItem><ItemId Id='{name}'/><Start>{start.isoformat()}</Start><End>{end.isoformat()}</End>"
        "</CalendarItem>"
        for name, start, end in entries
    )
    return (
        f"<Envelope><Body><FindItemResponse><FindItemResponseMessage ResponseClass='Success'><RootFolder "
        f"IncludesLastItemInRange='{str(last).lower()}'><Items>{inside}{more}</Items></RootFolder>"
        "</FindItemResponseMessage></FindItemResponse></Body></Envelope>"
    ).encode()


def asked_window(request: etree._Element) -> tuple[datetime, datetime]:
    view = next(request.iter("{*}CalendarView"))
    start, end = view.get("StartDate"), view.get("EndDate")
    assert start
    assert end
    return datetime.fromisoformat(start), datetime.fromisoformat(end)


def starts(agenda: Agenda | EwsError) -> list[datetime]:
    assert isinstance(agenda, Agenda)
    return [appointment.start for appointment in agenda.appointments]


# ── many calendars at once ───────────────────────────────────────────────────────────────────────────────────────────


async def test_each_calendar_of_a_batch_is_told_at_its_own_level() -> None:
    client = Played(recorded("Exchange2019/get_user_availability/five_mailboxes"))
    read = await read_availability(client, FIVE, WINDOW, read_at=READ_AT)
    assert list(read) == FIVE
    assert len(client.asked) == 1
    ada, bob, cyd, dan, eve = read.values()
    assert isinstance(ada, Agenda)
    assert (ada.mailbox, ada.window, ada.read_at, ada.detailed) == ("ada@acme.test", WINDOW, READ_AT, True)
    assert [
        (found.start, found.end, found.show_as, found.subject, found.kind, found.sensitivity)
        for found in ada.appointments
    ] == [
        (
            utc(2026, 3, 2, 9),
            utc(2026, 3, 2, 10),
            ShowAs.BUSY,
            "Budget 2026 & outlook",
            Kind.SINGLE,
            Sensitivity.NORMAL,
        ),
        (
            utc(2026, 3, 2, 12),
            utc(2026, 3, 2, 12, 30),
            ShowAs.TENTATIVE,
            "Stand-up",
            Kind.OCCURRENCE,
            Sensitivity.NORMAL,
        ),
        (utc(2026, 3, 2, 15), utc(2026, 3, 2, 16), ShowAs.OOF, None, Kind.SINGLE, Sensitivity.PRIVATE),
        (
            utc(2026, 3, 3, 12, 15),
            utc(2026, 3, 3, 12, 45),
            ShowAs.WORKING_ELSEWHERE,
            "Stand-up",
            Kind.EXCEPTION,
            Sensitivity.NORMAL,
        ),
    ]
    assert isinstance(bob, Agenda)
    assert bob.detailed is False
    assert [(found.start, found.subject) for found in bob.appointments] == [
        (utc(2026, 3, 2, 8), None),
        (utc(2026, 3, 2, 9), None),
        (utc(2026, 3, 2, 9), None),
    ]
    assert len({found.id for found in bob.appointments}) == 3
    assert cyd == Agenda(mailbox="cyd@acme.test", window=WINDOW, appointments=(), read_at=READ_AT)
    assert isinstance(dan, ResponseError)
    assert dan.code == "ErrorMailRecipientNotFound"
    assert isinstance(eve, Agenda)
    assert eve.detailed is None
    assert [(found.start, found.end, found.show_as) for found in eve.appointments] == [
        (utc(2026, 3, 2, 1, 0), utc(2026, 3, 2, 2, 0), ShowAs.BUSY),
        (utc(2026, 3, 2, 3, 0), utc(2026, 3, 2, 3, 30), ShowAs.TENTATIVE),
        (utc(2026, 3, 2, 3, 30), utc(2026, 3, 2, 4, 0), ShowAs.OOF),
        (utc(2026, 3, 2, 4, 0), utc(2026, 3, 2, 4, 30), ShowAs.NO_DATA),
    ]


async def test_ids_are_stable_over_re_reads_and_of_one_mailbox() -> None:
    client = Played(recorded("Exchange2019/get_user_availability/five_mailboxes"))
    first = await read_availability(client, FIVE, WINDOW, read_at=READ_AT)
    again = await read_availability(client, FIVE, WINDOW, read_at=READ_AT + timedelta(hours=1))
    other = await read_availability(client, [f"x{address}" for address in FIVE], WINDOW, read_at=READ_AT)

    def ids(read: dict[str, Agenda | EwsError]) -> list[str]:
        return [found.id for agenda in read.values() if isinstance(agenda, Agenda) for found in agenda.appointments]

    assert ids(first) == ids(again)
    assert len(set(ids(first))) == len(ids(first))
    assert not set(ids(first)) & set(ids(other))


async def test_offsets_become_utc_and_poorer_views_are_taken() -> None:
    client = Played(recorded("Exchange2007/get_user_availability/offsets"))
    read = await read_availability(client, ["ada@acme.test"], WINDOW, read_at=READ_AT)
    assert starts(read["ada@acme.test"]) == [utc(2026, 3, 2, 9)]


async def test_what_lies_outside_the_window_is_dropped() -> None:
    client = Played(recorded("Exchange2007/get_user_availability/offsets"))
    for window, expected in (
        (Window(start=utc(2026, 3, 2, 10, 30, 1), end=utc(2026, 3, 3)), 0),
        (Window(start=utc(2026, 3, 2, 10, 29), end=utc(2026, 3, 3)), 1),
        (Window(start=utc(2026, 3, 2), end=utc(2026, 3, 2, 9)), 0),
        (Window(start=utc(2026, 3, 2), end=utc(2026, 3, 2, 9, 0, 1)), 1),
    ):
        read = await read_availability(client, ["ada@acme.test"], window, read_at=READ_AT)
        assert len(starts(read["ada@acme.test"])) == expected


@pytest.mark.parametrize(
    ("meeting", "counts", "doubtful"),
    [("true", "Free", True), ("true", "Busy", False), ("false", "Free", False), ("true", "Tentative", False)],
)
async def test_a_meeting_that_counts_as_free_may_have_been_cancelled(
    meeting: str, counts: str, *, doubtful: bool
) -> None:
    event = (
        "<CalendarEvent><StartTime>2026-03-03T09:00:00</StartTime><EndTime>2026-03-03T10:00:00</EndTime>"
        f"<BusyType>{counts}</BusyType><CalendarEventDetails><ID>A</ID><Subject>x</Subject>"
        f"<IsMeeting>{meeting}</IsMeeting></CalendarEventDetails></CalendarEvent>"
    )
    answer = (
        "<Envelope><Body><GetUserAvailabilityResponse><FreeBusyResponseArray><FreeBusyResponse><FreeBusyView>"
        f"<FreeBusyViewType>Detailed</FreeBusyViewType><CalendarEventArray>{event}</CalendarEventArray></FreeBusyView>"
        "</FreeBusyResponse></FreeBusyResponseArray></GetUserAvailabilityResponse></Body></Envelope>"
    ).encode()
    read = await read_availability(Played(answer), ["ada@acme.test"], WINDOW, read_at=READ_AT)
    found = read["ada@acme.test"]
    assert isinstance(found, Agenda)
    assert found.doubtful is doubtful


async def test_no_view_and_a_missing_answer_are_no_empty_calendars() -> None:
    client = Played(recorded("Exchange2019/get_user_availability/no_view"))
    read = await read_availability(client, FIVE[:2], WINDOW, read_at=READ_AT)
    assert [str(result) for result in read.values()] == ["ErrorNoFreeBusyAccess"] * 2
    with pytest.raises(MalformedResponse, match="2 calendars where 3 were asked for"):
        await read_availability(client, FIVE[:3], WINDOW, read_at=READ_AT)


async def test_an_address_asked_twice_is_asked_once() -> None:
    client = Played(recorded("Exchange2007/get_user_availability/offsets"))
    assert list(await read_availability(client, ["a@acme.test", "a@acme.test"], WINDOW, read_at=READ_AT)) == [
        "a@acme.test"
    ]
    assert len(list(client.asked[0].iter("{*}MailboxData"))) == 1


async def test_a_window_that_is_too_long_for_the_server_is_halved() -> None:
    def answer(request: etree._Element) -> bytes:
        start, end = (
            datetime.fromisoformat(next(request.iter(f"{{*}}{name}")).text or "").replace(tzinfo=UTC)
            for name in ("StartTime", "EndTime")
        )
        if end - start > timedelta(days=21):
            return recorded("Exchange2013/get_user_availability/too_long")
        # one at the start of each half, and one that spans their border
        events = "".join(
            f"<CalendarEvent><StartTime>{begin:%Y-%m-%dT%H:%M:%S}</StartTime><EndTime>{finish:%Y-%m-%dT%H:%M:%S}</EndTime>"
            "<BusyType>Busy</BusyType></CalendarEvent>"
            for begin, finish in (
                (start, start + timedelta(hours=1)),
                (utc(2026, 3, 22, 23), utc(2026, 3, 23, 1)),
            )
        )
        return (
            "<Envelope><Body><GetUserAvailabilityResponse><FreeBusyResponseArray><FreeBusyResponse><FreeBusyView>"
            f"<FreeBusyViewType>FreeBusy</FreeBusyViewType><CalendarEventArray>{events}</CalendarEventArray>"
            "</FreeBusyView></FreeBusyResponse></FreeBusyResponseArray></GetUserAvailabilityResponse></Body></Envelope>"
        ).encode()

    client = Played(answer)
    window = Window(start=utc(2026, 3, 2), end=utc(2026, 4, 13))
    read = await read_availability(client, ["ada@acme.test"], window, read_at=READ_AT)
    agenda = read["ada@acme.test"]
    assert starts(agenda) == [utc(2026, 3, 2), utc(2026, 3, 22, 23), utc(2026, 3, 23)]
    assert isinstance(agenda, Agenda)
    assert (agenda.window, agenda.detailed) == (window, False)
    assert len(client.asked) == 3


async def test_a_server_that_finds_every_window_too_long_is_asked_no_more_below_a_day() -> None:
    client = Played(recorded("Exchange2013/get_user_availability/too_long"))
    window = Window(start=utc(2026, 3, 2), end=utc(2026, 3, 6))
    read = await read_availability(client, ["ada@acme.test"], window, read_at=READ_AT)
    assert str(read["ada@acme.test"]) == "ErrorTimeIntervalTooBig"
    assert len(client.asked) == 7
    fault = b"<Envelope><Body><Fault><faultcode>a:ErrorTimeIntervalTooBig</faultcode></Fault></Body></Envelope>"
    with pytest.raises(ResponseError, match="ErrorTimeIntervalTooBig"):
        await read_availability(Played(fault), ["ada@acme.test"], window, read_at=READ_AT)


async def test_a_request_refused_as_a_whole_is_raised() -> None:
    client = Played(recorded("Exchange2019/find_item/fault_server_busy"))
    with pytest.raises(ResponseError, match="ErrorServerBusy"):
        await read_availability(client, FIVE, WINDOW, read_at=READ_AT)


# ── one calendar, wholly ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_calendar_is_told_without_what_was_cancelled_declined_or_lies_outside() -> None:
    client = Played(recorded("Exchange2019/find_item/two_days"))
    agenda = await read_calendar_view(client, ADA, WINDOW, impersonate=True, read_at=READ_AT)
    assert (agenda.mailbox, agenda.window, agenda.detailed) == ("ada@acme.test", WINDOW, True)
    assert [
        (found.start, found.end, found.show_as, found.subject, found.kind, found.sensitivity, found.timezone)
        for found in agenda.appointments
    ] == [
        (
            utc(2026, 3, 2, 9),
            utc(2026, 3, 2, 10),
            ShowAs.BUSY,
            "Café with Zoë 😀 \ufffd\ufffd",
            Kind.SINGLE,
            Sensitivity.NORMAL,
            "Europe/Paris",
        ),
        (
            utc(2026, 3, 2, 12),
            utc(2026, 3, 2, 12, 30),
            ShowAs.TENTATIVE,
            "Stand-up",
            Kind.OCCURRENCE,
            Sensitivity.NORMAL,
            None,
        ),
        (utc(2026, 3, 2, 15), utc(2026, 3, 2, 16), ShowAs.OOF, "Doctor", Kind.SINGLE, Sensitivity.PRIVATE, None),
        (utc(2026, 3, 2, 18), utc(2026, 3, 2, 18), ShowAs.FREE, "Reminder", Kind.SINGLE, Sensitivity.NORMAL, None),
        (
            utc(2026, 3, 3, 12, 15),
            utc(2026, 3, 3, 12, 45),
            ShowAs.WORKING_ELSEWHERE,
            "Stand-up",
            Kind.EXCEPTION,
            Sensitivity.NORMAL,
            None,
        ),
    ]
    assert "secret place" not in repr(agenda)


async def test_the_mailbox_is_impersonated_or_named() -> None:
    client = Played(recorded("Exchange2019/find_item/empty"))
    upn = Mailbox(address="ada@acme.test", principal="ada@corp.test")
    await read_calendar_view(client, upn, WINDOW, impersonate=True, read_at=READ_AT)
    await read_calendar_view(client, upn, WINDOW, impersonate=False, read_at=READ_AT)
    assert client.impersonated == [ConnectingSid(kind="PrincipalName", value="ada@corp.test"), None]
    assert client.anchors == ["ada@acme.test", "ada@acme.test"]
    assert [list(map(str, request.itertext("{*}EmailAddress"))) for request in client.asked] == [[], ["ada@acme.test"]]


async def test_an_empty_calendar_says_nothing_about_rights() -> None:
    client = Played(recorded("Exchange2019/find_item/empty"))
    agenda = await read_calendar_view(client, ADA, WINDOW, impersonate=True, read_at=READ_AT)
    assert (agenda.appointments, agenda.detailed) == ((), None)


async def test_an_id_stays_when_an_appointment_moves_and_when_one_of_a_series_does() -> None:
    before = recorded("Exchange2019/find_item/two_days")
    after = before.replace(b"2026-03-02T09:00:00Z", b"2026-03-02T09:30:00Z")
    after = after.replace(b"2026-03-03T14:15:00+02:00", b"2026-03-03T14:20:00+02:00")
    ids = [
        [
            found.id
            for found in (
                await read_calendar_view(Played(data), ADA, WINDOW, impersonate=True, read_at=READ_AT)
            ).appointments
        ]
        for data in (before, after)
    ]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 5


async def test_an_exception_without_its_original_start_is_known_by_its_item() -> None:
    before = recorded("Exchange2019/find_item/two_days").replace(b"2026-03-03T12:00:00Z</t:Rec", b"never</t:Rec")
    after = before.replace(b"2026-03-03T14:15:00+02:00", b"2026-03-03T14:20:00+02:00")
    last = [
        (await read_calendar_view(Played(data), ADA, WINDOW, impersonate=True, read_at=READ_AT)).appointments[-1]
        for data in (before, after)
    ]
    assert last[0].start != last[1].start
    assert last[0].id == last[1].id


async def test_servers_that_leave_things_out_are_understood() -> None:
    client = Played(recorded("other/find_item/unexpanded"))
    agenda = await read_calendar_view(client, ADA, WINDOW, impersonate=True, read_at=READ_AT)
    (found,) = agenda.appointments
    assert (found.start, found.end) == (utc(2026, 3, 2, 9), utc(2026, 3, 2, 10, 0, 0, 500000))
    assert (found.kind, found.show_as, found.subject, found.timezone) == (Kind.MASTER, ShowAs.BUSY, "", "Europe/Paris")


async def test_a_cut_calendar_is_read_in_parts_and_what_spans_a_border_stands_once() -> None:
    entries = [
        (f"i{hour}", WINDOW.start + timedelta(hours=hour), WINDOW.start + timedelta(hours=hour + 2))
        for hour in range(47)
    ]

    def answer(request: etree._Element) -> bytes:
        start, end = asked_window(request)
        here = [entry for entry in entries if entry[1] < end and entry[2] > start]
        return items(*here[:10], last=len(here) <= 10)

    client = Played(answer)
    agenda = await read_calendar_view(client, ADA, WINDOW, impersonate=True, read_at=READ_AT)
    assert starts(agenda) == [entry[1] for entry in entries]
    assert len({found.id for found in agenda.appointments}) == 47
    assert agenda.window == WINDOW
    assert len(client.asked) < 20


async def test_what_is_without_length_where_a_window_begins_or_is_split_is_read() -> None:
    """A view is of what ends after its start and begins before its end."""
    entries = [(f"i{hour}", WINDOW.start + timedelta(hours=hour)) for hour in range(0, 48, 6)]

    def answer(request: etree._Element) -> bytes:
        start, end = asked_window(request)
        here = [(name, moment, moment) for name, moment in entries if start < moment < end]
        return items(*here[:2], last=len(here) <= 2)

    client = Played(answer)
    agenda = await read_calendar_view(client, ADA, WINDOW, impersonate=True, read_at=READ_AT)
    assert starts(agenda) == [moment for _, moment in entries]
    first = Window(start=datetime.min.replace(tzinfo=UTC), end=utc(1, 1, 2))
    assert starts(await read_calendar_view(client, ADA, first, impersonate=True, read_at=READ_AT)) == []


@pytest.mark.parametrize(
    ("word", "sensitivity"),
    [
        ("", Sensitivity.NORMAL),
        ("normal", Sensitivity.NORMAL),
        ("Confidential", Sensitivity.CONFIDENTIAL),
        ("Secret", Sensitivity.PRIVATE),
    ],
)
async def test_a_sensitivity_that_nobody_knows_is_private(word: str, sensitivity: Sensitivity) -> None:
    times = "<Start>2026-03-02T09:00:00Z</Start><End>2026-03-02T10:00:00Z</End>"
    answer = items(more=f"<CalendarItem>{times}<Sensitivity>{word}</Sensitivity></CalendarItem>")
    agenda = await read_calendar_view(Played(answer), ADA, WINDOW, impersonate=True, read_at=READ_AT)
    assert [each.sensitivity for each in agenda.appointments] == [sensitivity]


async def test_zones_that_nobody_knows_are_named() -> None:
    """Only of what is told."""
    times = "<Start>2026-03-{0}T09:00:00Z</Start><End>2026-03-{0}T10:00:00Z</End>"
    item = f"<CalendarItem>{times}<StartTimeZone Id='{{1}}'/></CalendarItem>"
    zones = [("02", "Nowhere Standard Time"), ("03", "Romance Standard Time"), ("03", "Elsewhere"), ("09", "Outside")]
    answer = items(more="".join(item.format(*each) for each in zones))
    agenda = await read_calendar_view(Played(answer), ADA, WINDOW, impersonate=True, read_at=READ_AT)
    assert agenda.unknown_zones == ("Nowhere Standard Time", "Elsewhere")
    assert [found.timezone for found in agenda.appointments] == [None, "Europe/Paris", None]


@pytest.mark.parametrize("answer", [recorded("Exchange2019/find_item/cut"), items(last=False)])
async def test_a_calendar_that_never_ends_is_an_error_after_a_bounded_number_of_requests(answer: bytes) -> None:
    client = Played(answer)
    with pytest.raises(MalformedResponse, match="do not end"):
        await read_calendar_view(client, ADA, WINDOW, impersonate=True, read_at=READ_AT)
    assert len(client.asked) <= 64


async def test_copies_under_one_uid_are_told_apart() -> None:
    hour = timedelta(hours=1)
    twice = items(("same", WINDOW.start, WINDOW.start + hour), ("same", WINDOW.start + hour, WINDOW.start + 2 * hour))
    agenda = await read_calendar_view(Played(twice), ADA, WINDOW, impersonate=True, read_at=READ_AT)
    assert len({found.id for found in agenda.appointments}) == 2


async def test_a_series_given_as_one_shows_that_meetings_are_missing() -> None:
    """Wherever the master begins: a view holds none where series are expanded."""
    agenda = await read_calendar_view(
        Played(recorded("other/find_item/unexpanded")),
        ADA,
        Window(start=utc(2026, 3, 9), end=utc(2026, 3, 11)),
        impersonate=True,
        read_at=READ_AT,
    )
    assert (agenda.expanded, agenda.appointments) == (False, ())
    expanded = Played(recorded("Exchange2019/find_item/two_days"))
    assert (await read_calendar_view(expanded, ADA, WINDOW, impersonate=True, read_at=READ_AT)).expanded


async def test_what_could_not_be_read_is_counted_over_all_parts_of_a_window() -> None:
    garbled = "<CalendarItem><Start>2026-03-02T09:00:00Z</Start><End>late</End></CalendarItem>"

    def answer(request: etree._Element) -> bytes:
        start, end = asked_window(request)
        first = start + timedelta(seconds=1)  # asked for one earlier
        return items(("a", first, first), last=end - first < timedelta(days=2), more=garbled)

    agenda = await read_calendar_view(Played(answer), ADA, WINDOW, impersonate=True, read_at=READ_AT)
    assert starts(agenda) == [utc(2026, 3, 2), utc(2026, 3, 3)]
    assert agenda.unreadable == 2


async def test_an_end_before_its_start_is_an_instant_and_the_windows_end_is_outside() -> None:
    hour = timedelta(hours=1)
    odd = items(
        ("backwards", WINDOW.start + hour, WINDOW.start),
        ("at the start", WINDOW.start, WINDOW.start),
        ("at the end", WINDOW.end, WINDOW.end),
        ("until the start", WINDOW.start - hour, WINDOW.start),
        ("from the end", WINDOW.end, WINDOW.end + hour),
    )
    agenda = await read_calendar_view(Played(odd), ADA, WINDOW, impersonate=True, read_at=READ_AT)
    assert [(found.start, found.end) for found in agenda.appointments] == [
        (WINDOW.start, WINDOW.start),
        (WINDOW.start + hour, WINDOW.start + hour),
    ]


async def test_a_calendar_without_its_folder_is_an_error() -> None:
    client = Played(recorded("Exchange2019/find_item/no_folder"))
    with pytest.raises(MalformedResponse):
        await read_calendar_view(client, ADA, WINDOW, impersonate=True, read_at=READ_AT)
