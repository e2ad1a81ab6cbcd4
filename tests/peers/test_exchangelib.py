"""exchangelib, an independent EWS client, drives the lab's Exchange: by own login and by impersonation."""

import asyncio
import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import exchangelib  # type: ignore[import-untyped]  # it ships no types
import pytest
from exchangelib.recurrence import DailyPattern, Recurrence, WeeklyPattern  # type: ignore[import-untyped]  # same

from rainbow_exchange.ews.auth import BasicAuth
from rainbow_exchange.ews.calendar import read_calendar_view
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.model import Agenda, Kind, Mailbox, Window

pytestmark = pytest.mark.peer

PARIS = ZoneInfo("Europe/Paris")
MONDAY = datetime(2026, 10, 19, 9, tzinfo=PARIS)
PASSWORD = "lab-password"


@pytest.fixture
def lab() -> Iterator[LabExchange]:
    """Run the lab on a loop of its own, since exchangelib blocks."""
    made = LabExchange(
        mailboxes=[
            LabMailbox(address="alice@acme.test", display_name="Alice Martin", right="freebusy"),
            LabMailbox(address="bob@acme.test", display_name="Bob Martin", right="reviewer"),
        ],
        password=PASSWORD,
        now=lambda: datetime.now(UTC),
        random=random.Random(5).random,
        heartbeat_seconds=0.5,
    )
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="lab")
    thread.start()
    asyncio.run_coroutine_threadsafe(made.start(), loop).result(60)
    yield made
    asyncio.run_coroutine_threadsafe(made.stop(), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(60)
    loop.close()


def open_account(lab: LabExchange, login: str, access: str, address: str = "alice@acme.test") -> Any:
    configuration = exchangelib.Configuration(
        service_endpoint=lab.url,
        credentials=exchangelib.Credentials(login, PASSWORD),
        auth_type=exchangelib.BASIC,
        max_connections=3,
    )
    return exchangelib.Account(
        address,
        config=configuration,
        autodiscover=False,
        access_type=access,
        default_timezone=exchangelib.EWSTimeZone("Europe/Paris"),
    )


@pytest.fixture(params=["own login", "impersonation"])
def account(lab: LabExchange, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Give Alice's account, opened in both ways."""
    if request.param == "own login":
        opened = open_account(lab, "alice@acme.test", exchangelib.DELEGATE)
    else:
        opened = open_account(lab, "svc-rainbow", exchangelib.IMPERSONATION)
    yield opened
    opened.protocol.close()
    exchangelib.close_connections()


def ews(moment: datetime) -> Any:
    return exchangelib.EWSDateTime.from_datetime(moment)


def utc(moment: Any) -> datetime:
    """Give exchangelib's moment as a plain one."""
    return datetime.fromtimestamp(moment.timestamp(), UTC)


def shown(account: Any, first: datetime, days: int) -> list[tuple[str, str, str]]:
    """Read the calendar view: start in UTC, subject, kind."""
    view = account.calendar.view(start=ews(first), end=ews(first + timedelta(days=days)))
    return [(f"{utc(each.start):%m-%d %H:%M}", each.subject, each.type) for each in view]


def test_an_appointment_is_made_changed_and_deleted(account: Any) -> None:
    item = exchangelib.CalendarItem(
        account=account,
        folder=account.calendar,
        subject="Réunion 😀",
        body="text",
        location="Room",
        start=ews(MONDAY),
        end=ews(MONDAY + timedelta(hours=1)),
        legacy_free_busy_status="Tentative",
        sensitivity="Private",
    )
    item.save()
    assert shown(account, MONDAY.replace(hour=0), 1) == [("10-19 07:00", "Réunion 😀", "Single")]
    item.refresh()
    assert (item.body, item.location, item.legacy_free_busy_status, item.sensitivity) == (
        "text", "Room", "Tentative", "Private",
    )  # fmt: skip
    key = item.changekey
    item.subject, item.start, item.end = "Other", ews(MONDAY + timedelta(hours=2)), ews(MONDAY + timedelta(hours=3))
    item.save()
    assert item.changekey != key
    assert shown(account, MONDAY.replace(hour=0), 1) == [("10-19 09:00", "Other", "Single")]
    assert account.calendar.all().count() == 1
    item.delete()
    assert shown(account, MONDAY.replace(hour=0), 1) == []


def test_an_all_day_appointment_covers_its_day(account: Any) -> None:
    day = exchangelib.EWSDate(2026, 7, 1)
    exchangelib.CalendarItem(
        account=account, folder=account.calendar, subject="Off", start=day, end=day, is_all_day=True
    ).save()
    [item] = account.calendar.view(
        start=ews(datetime(2026, 6, 30, tzinfo=PARIS)), end=ews(datetime(2026, 7, 3, tzinfo=PARIS))
    )
    assert (item.is_all_day, item.start, item.end) == (True, day, day)


def test_a_series_has_an_exception_and_a_deleted_occurrence(account: Any) -> None:
    """Weekly at 09:00 in Paris over the change of clocks: 07:00 UTC before, 08:00 UTC after."""
    master = exchangelib.CalendarItem(
        account=account,
        folder=account.calendar,
        subject="Weekly",
        start=ews(MONDAY),
        end=ews(MONDAY + timedelta(minutes=30)),
        recurrence=Recurrence(
            pattern=WeeklyPattern(interval=1, weekdays=["Monday"], first_day_of_week="Monday"),
            start=exchangelib.EWSDate(2026, 10, 19),
            number=4,
        ),
    )
    master.save()
    assert shown(account, MONDAY.replace(hour=0), 60) == [
        ("10-19 07:00", "Weekly", "Occurrence"),
        ("10-26 08:00", "Weekly", "Occurrence"),
        ("11-02 08:00", "Weekly", "Occurrence"),
        ("11-09 08:00", "Weekly", "Occurrence"),
    ]
    second = master.occurrence(index=2)
    second.refresh()
    second.subject = "Moved"
    second.start, second.end = second.start + timedelta(days=1), second.end + timedelta(days=1)
    second.save(update_fields=["subject", "start", "end"])
    master.occurrence(index=3).delete()
    assert shown(account, MONDAY.replace(hour=0), 60) == [
        ("10-19 07:00", "Weekly", "Occurrence"),
        ("10-27 08:00", "Moved", "Exception"),
        ("11-09 08:00", "Weekly", "Occurrence"),
    ]
    master.refresh()
    assert [utc(each.original_start).day for each in master.modified_occurrences] == [26]
    assert [utc(each.start).day for each in master.deleted_occurrences] == [2]
    assert master.recurrence.boundary.number == 4
    assert utc(master.last_occurrence.start).day == 9
    master.delete()
    assert shown(account, MONDAY.replace(hour=0), 60) == []


def read_by_us(lab: LabExchange, window: Window) -> Agenda:
    async def read() -> Agenda:
        auth = BasicAuth("svc-rainbow", PASSWORD)
        async with EwsClient(url=lab.url, auth=auth, ssl=None, now=lambda: datetime.now(UTC)) as client:
            alice = Mailbox(address="alice@acme.test")
            return await read_calendar_view(client, alice, window, impersonate=True, read_at=window.start)

    return asyncio.run(read())


def test_we_read_a_calendar_as_another_client_does(account: Any, lab: LabExchange) -> None:
    """Over America's and Europe's change of the clock, and with one of a series moved."""
    new_york = ZoneInfo("America/New_York")

    def make(subject: str, start: Any, end: Any, **more: Any) -> Any:
        item = exchangelib.CalendarItem(
            account=account, folder=account.calendar, subject=subject, start=start, end=end, **more
        )
        item.save()
        return item

    call = datetime(2026, 10, 29, 14, 30, tzinfo=new_york)
    make("Call", ews(call), ews(call + timedelta(hours=1)), legacy_free_busy_status="Tentative")
    make("Off", exchangelib.EWSDate(2026, 10, 26), exchangelib.EWSDate(2026, 10, 26), is_all_day=True)
    weekly = WeeklyPattern(interval=1, weekdays=["Monday"], first_day_of_week="Monday")
    series = make(
        "Weekly",
        ews(MONDAY),
        ews(MONDAY + timedelta(minutes=30)),
        legacy_free_busy_status="Busy",
        recurrence=Recurrence(pattern=weekly, start=exchangelib.EWSDate(2026, 10, 19), number=4),
    )
    moved = series.occurrence(index=2)
    moved.refresh()
    moved.start, moved.end = moved.start + timedelta(days=1), moved.end + timedelta(days=1)
    moved.save(update_fields=["start", "end"])
    agenda = read_by_us(lab, Window(start=MONDAY.astimezone(UTC), end=MONDAY.astimezone(UTC) + timedelta(days=30)))
    assert [
        (f"{each.start:%m-%d %H:%M}", f"{each.end:%m-%d %H:%M}", each.subject, each.kind, each.timezone)
        for each in agenda.appointments
    ] == [
        ("10-19 07:00", "10-19 07:30", "Weekly", "occurrence", "Europe/Paris"),
        ("10-25 23:00", "10-26 23:00", "Off", "single", "Europe/Paris"),
        ("10-27 08:00", "10-27 08:30", "Weekly", "exception", "Europe/Paris"),
        ("10-29 18:30", "10-29 19:30", "Call", "single", "America/New_York"),
        ("11-02 08:00", "11-02 08:30", "Weekly", "occurrence", "Europe/Paris"),
        ("11-09 08:00", "11-09 08:30", "Weekly", "occurrence", "Europe/Paris"),
    ]
    theirs = [
        (
            f"{each.start:%m-%d}" if each.is_all_day else f"{utc(each.start):%m-%d %H:%M}",
            each.subject,
            each.type.lower(),
        )
        for each in account.calendar.view(start=ews(MONDAY), end=ews(MONDAY + timedelta(days=30)))
    ]
    ours = [(f"{each.start:%m-%d %H:%M}", each.subject, each.kind) for each in agenda.appointments]
    ours[1] = ("10-26", "Off", Kind.SINGLE)  # they give a day, we its instants
    assert theirs == ours


def test_an_occurrence_leads_to_its_series(account: Any) -> None:
    exchangelib.CalendarItem(
        account=account,
        folder=account.calendar,
        subject="Daily",
        start=ews(MONDAY),
        end=ews(MONDAY + timedelta(minutes=30)),
        recurrence=Recurrence(pattern=DailyPattern(interval=1), start=exchangelib.EWSDate(2026, 10, 19), number=3),
    ).save()
    first = next(iter(account.calendar.view(start=ews(MONDAY), end=ews(MONDAY + timedelta(hours=1)))))
    series = first.recurring_master()
    series.refresh()
    assert (series.type, series.subject, series.recurrence.boundary.number) == ("RecurringMaster", "Daily", 3)
    series = first.recurring_master()
    series.subject = "Stand-up"
    series.save(update_fields=["subject"])
    assert shown(account, MONDAY, 7) == [
        ("10-19 07:00", "Stand-up", "Occurrence"),
        ("10-20 07:00", "Stand-up", "Occurrence"),
        ("10-21 07:00", "Stand-up", "Occurrence"),
    ]
    first.recurring_master().delete()
    assert shown(account, MONDAY, 7) == []


def test_free_busy_is_read(account: Any) -> None:
    exchangelib.CalendarItem(
        account=account,
        folder=account.calendar,
        subject="Secret",
        start=ews(MONDAY),
        end=ews(MONDAY + timedelta(hours=1)),
        legacy_free_busy_status="OOF",
    ).save()
    [view] = account.protocol.get_free_busy_info(
        accounts=[(account, "Required", False)], start=ews(MONDAY.replace(hour=0)), end=ews(MONDAY.replace(hour=23))
    )
    [event] = view.calendar_events
    assert (event.busy_type, utc(event.start).hour, utc(event.end).hour) == ("OOF", 7, 8)


def test_the_out_of_office_is_set_and_read(account: Any) -> None:
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    account.oof_settings = exchangelib.OofSettings(
        state=exchangelib.OofSettings.SCHEDULED,
        external_audience="Known",
        internal_reply="I am away",
        external_reply="We are closed",
        start=ews(start.astimezone(PARIS)),
        end=ews((start + timedelta(days=2)).astimezone(PARIS)),
    )
    got = account.oof_settings
    assert (got.state, got.external_audience, got.internal_reply, got.external_reply) == (
        "Scheduled", "Known", "I am away", "We are closed",
    )  # fmt: skip
    assert got.start == start


def test_a_streaming_subscription_is_told_of_a_change(account: Any) -> None:
    subscription = account.calendar.subscribe_to_streaming()
    item = exchangelib.CalendarItem(
        account=account,
        folder=account.calendar,
        subject="Hello",
        start=ews(MONDAY),
        end=ews(MONDAY + timedelta(hours=1)),
    )
    item.save()
    notifications = account.calendar.get_streaming_events(subscription, connection_timeout=1)
    first = next(notifications)
    assert first.subscription_id == subscription
    assert [type(each).ELEMENT_NAME for each in first.events] == [
        "CreatedEvent", "FreeBusyChangedEvent", "ModifiedEvent",
    ]  # fmt: skip
    item.delete()
    second = next(notifications)
    assert type(second.events[0]).ELEMENT_NAME == "DeletedEvent"
    notifications.close()
    account.calendar.unsubscribe(subscription)


def test_changes_are_synchronised(account: Any) -> None:
    item = exchangelib.CalendarItem(
        account=account,
        folder=account.calendar,
        subject="Hello",
        start=ews(MONDAY),
        end=ews(MONDAY + timedelta(hours=1)),
    )
    item.save()
    assert [(kind, each.subject) for kind, each in account.calendar.sync_items()] == [("create", "Hello")]
    item.move_to_trash()
    assert [kind for kind, _ in account.calendar.sync_items()] == ["delete"]
    assert account.trash.all().count() == 1


def test_the_server_tells_its_version_and_zones(account: Any) -> None:
    assert str(account.version.build) == "15.1.1591.10"
    names = {zone.id for zone in account.protocol.get_timezones(return_full_timezone_data=True)}
    assert {"Romance Standard Time", "UTC", "India Standard Time"} <= names


def test_a_delegate_reads_what_a_reviewer_may(lab: LabExchange) -> None:
    bob = open_account(lab, "bob@acme.test", exchangelib.DELEGATE, "bob@acme.test")
    exchangelib.CalendarItem(
        account=bob,
        folder=bob.calendar,
        subject="Bob's",
        start=ews(MONDAY),
        end=ews(MONDAY + timedelta(hours=1)),
    ).save()
    service = open_account(lab, "svc-rainbow", exchangelib.DELEGATE, "bob@acme.test")
    assert shown(service, MONDAY.replace(hour=0), 1) == [("10-19 07:00", "Bob's", "Single")]
    [view] = service.protocol.get_free_busy_info(
        accounts=[(service, "Required", False)], start=ews(MONDAY.replace(hour=0)), end=ews(MONDAY.replace(hour=23))
    )
    assert view.calendar_events[0].details.subject == "Bob's"
    exchangelib.close_connections()
