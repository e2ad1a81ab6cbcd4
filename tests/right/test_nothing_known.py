"""Answers of Exchange that say nothing about a calendar, and how little it takes to be one that does."""

from pathlib import Path
from typing import Any

from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.exchange.mailbox import Right
from tests.house import House, until, virtually
from tests.right.recorded_calendars import RecordedCalendars

ASKED = ("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z")
TIMES = "<t:Start>2026-03-02T09:00:00Z</t:Start><t:End>2026-03-02T10:00:00Z</t:End>"
BUSY = [("busy", "2026-03-02T09:00:00+00:00", "2026-03-02T10:00:00+00:00")]
#: what is in RootFolder, its attributes, and what Rainbow is answered: None for `remote-server-timeout`
BY_ITSELF: list[tuple[str, str, list[tuple[str, str, str]] | None]] = [
    ("<t:Items><t:CalendarItem><t:ItemId Id='a'/></t:CalendarItem></t:Items>", "IncludesLastItemInRange='true'", None),
    (
        "<t:Items><t:CalendarItem><t:End>2026-03-02T10:00:00Z</t:End></t:CalendarItem></t:Items>",
        "IncludesLastItemInRange='true'",
        None,
    ),
    (
        "<t:Items><t:CalendarItem><t:Start>2026-03-02T09:00:00Z</t:Start></t:CalendarItem></t:Items>",
        "IncludesLastItemInRange='true'",
        None,
    ),
    ("", "TotalItemsInView='3' IncludesLastItemInRange='true'", None),
    ("", "TotalItemsInView='0' IncludesLastItemInRange='true'", []),
    ("", "", []),
    (f"<t:Items><t:CalendarItem>{TIMES}</t:CalendarItem></t:Items>", "", BUSY),
    (f"<t:Items><t:CalendarItem/><t:CalendarItem>{TIMES}</t:CalendarItem></t:Items>", "", BUSY),
]
#: the digits of ten days from yesterday midnight on; the hour from nine to ten of today
DIGITS = "0" * 66 + "22" + "0" * 412
MERGED = "<t:FreeBusyViewType>{}</t:FreeBusyViewType><t:MergedFreeBusy>{}</t:MergedFreeBusy>"
TOGETHER: list[tuple[str, list[tuple[str, str, str]] | None]] = [
    ("", None),
    ("<t:WorkingHours/>", None),
    ("<t:FreeBusyViewType>None</t:FreeBusyViewType>", None),
    ("<t:FreeBusyViewType>MergedOnly</t:FreeBusyViewType>", None),
    (MERGED.format("FreeBusyMerged", "4" * 480), None),
    (MERGED.format("MergedOnly", DIGITS[:-1]), None),  # of a part of the window, or hours instead of half hours
    (MERGED.format("FreeBusyMerged", DIGITS), BUSY),
    (MERGED.format("DetailedMerged", DIGITS) + "<t:CalendarEventArray/>", BUSY),
    ("<t:FreeBusyViewType>Detailed</t:FreeBusyViewType>", []),
]


def view_of(inside: str, attributes: str) -> bytes:
    return envelope(
        "<m:FindItemResponse><m:ResponseMessages><m:FindItemResponseMessage ResponseClass='Success'><m:ResponseCode>"
        f"NoError</m:ResponseCode><m:RootFolder {attributes}>{inside}</m:RootFolder></m:FindItemResponseMessage>"
        "</m:ResponseMessages></m:FindItemResponse>"
    )


def free_busy_of(inside: str) -> bytes:
    return envelope(
        "<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray><m:FreeBusyResponse><m:ResponseMessage "
        "ResponseClass='Success'><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage><m:FreeBusyView>"
        f"{inside}</m:FreeBusyView></m:FreeBusyResponse></m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>"
    )


def envelope(body: str) -> bytes:
    return (
        "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/' "
        "xmlns:m='http://schemas.microsoft.com/exchange/services/2006/messages' "
        f"xmlns:t='http://schemas.microsoft.com/exchange/services/2006/types'><e:Body>{body}</e:Body></e:Envelope>"
    ).encode()


def answered(folder: Path, bodies: list[bytes], *, impersonation: bool) -> list[list[tuple[str, str, str]] | str]:
    """Ask about a company in which each body is somebody's calendar; return the events or the condition."""
    answers: list[list[tuple[str, str, str]] | str] = []

    async def ask() -> None:
        people = make_company(len(bodies), 1)
        house = House(folder, people, right=Right.REVIEWER, impersonation=impersonation)
        addresses = [person.mailbox.address for person in people if person.mailbox]
        async with house.open():
            front = RecordedCalendars(house.exchange.url, dict(zip(addresses, bodies, strict=True)))
            await front.start()
            house.settings["url"] = front.url
            house.start()
            await until(lambda: house.status()["mailboxes"]["streamed"] == len(people), within=120)
            for person in people:
                entry: dict[str, Any] = await house.rainbow.questions.ask("events", person.login_email, window=ASKED)
                answers.append(
                    [(event["showAs"], event["startDate"], event["endDate"]) for event in entry["answer"]]
                    if entry["outcome"] == "result"
                    else entry["condition"]
                )
            await house.stop()
            await front.stop()

    virtually(ask)
    return answers


def test_an_answer_that_tells_nothing_is_no_empty_calendar_read_by_itself(tmp_path: Path) -> None:
    bodies = [view_of(inside, attributes) for inside, attributes, _ in BY_ITSELF]
    wanted = ["remote-server-timeout" if shown is None else shown for _, _, shown in BY_ITSELF]
    assert answered(tmp_path, bodies, impersonation=True) == wanted


def test_an_answer_that_tells_nothing_is_no_empty_calendar_read_together(tmp_path: Path) -> None:
    bodies = [free_busy_of(inside) for inside, _ in TOGETHER]
    wanted = ["remote-server-timeout" if shown is None else shown for _, shown in TOGETHER]
    assert answered(tmp_path, bodies, impersonation=False) == wanted
