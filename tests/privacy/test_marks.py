"""The whole product over marked calendars and replies, through all kinds of trouble: no mark shows where none may."""

import asyncio
import logging
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog
from lxml import etree

from rainbow_exchange.ews.answers import instant
from rainbow_exchange.ews.errors import MalformedResponse, ResponseError
from rainbow_exchange.lab.exchange.mailbox import Right
from tests.house import House, until, virtually
from tests.ports import free_port
from tests.privacy.company import BODY, DROPPED, GUEST, MARKS, PLACE, SUBJECT, TEXT, Made, Watch, fill, stir

WORDS = f"cannot be done: {SUBJECT}, {TEXT}, {PLACE} <{BODY}>"
FAULTS = {"FindItem": "ErrorInternalServerError", "GetUserAvailability": "ErrorInvalidRequest"}
#: what goes wrong at Exchange, one after the other: dials
TROUBLE: tuple[dict[str, Any], ...] = (
    {"unasked_fields": True},
    {"faults": FAULTS},
    {"faults": {"GetUserOofSettings": "ErrorAccessDenied", "GetMailTips": "ErrorInternalServerError"}},
    {"server_busy": "fault", "server_busy_milliseconds": 100},
    {"server_busy": "inner", "server_busy_milliseconds": 100},
    {"web_server_status": 500},
    {"web_server_status": 404},
    {"cut_answers": "short"},
    {"cut_answers": "broken"},
    {"charrefs_in_subjects": True},
)
REST: dict[str, Any] = {
    "faults": {}, "server_busy": "", "web_server_status": 0, "cut_answers": "", "charrefs_in_subjects": False,
    "unasked_fields": False,
}  # fmt: skip


async def trouble(house: House, watch: Watch) -> None:
    """Live through all that can go wrong, with servers that repeat whatever they know."""
    house.exchange.dials.turn({"error_words": WORDS})
    for dials in TROUBLE:
        house.exchange.dials.turn(REST | dials)
        stir(house)
        for user in house.people:
            for kind in ("events", "autoreply"):
                await house.rainbow.questions.ask(kind, user.login_email)
        await asyncio.sleep(12)
        await watch.look(house)
    house.exchange.dials.turn(REST | {"error_words": ""})
    for stream in tuple(house.exchange.streams.open):
        stream.ordered("html")
    await asyncio.sleep(5)


async def turn(house: House, **dials: Any) -> None:
    async with aiohttp.ClientSession() as wire, wire.post(f"{house.rainbow.url}/lab/dials", json=dials) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("reads", ["own", "batched"])
@pytest.mark.parametrize("link", ["xmpp", "s2s"])
def test_no_mark_shows_anywhere_whatever_goes_wrong(tmp_path: Path, link: str, reads: str) -> None:
    async def test() -> None:
        house = House(tmp_path, 2, right=Right.REVIEWER)
        house.bridge = {"privacy": "full"}
        house.settings = {"impersonation": reads == "own"}
        if link == "s2s":
            port = free_port()
            house.link = {"link": "s2s", "callback_url": f"http://127.0.0.1:{port}/", "callback_port": port}
        watch = Watch()
        async with house.open():
            fill(house)
            with watch.watching():
                house.start(observe=watch.observe)
                await until(lambda: house.status()["state"] == "healthy", within=60)
                house.rainbow.dials.set({"echo_answers": True, "refusal_words": WORDS})
                await asyncio.sleep(30)
                await trouble(house, watch)
                await turn(house, cut_link="policy-violation")
                await asyncio.sleep(5)
                await watch.look(house)
                await house.stop()
        answered = [each["answer"] for each in house.rainbow.record.questions if each["outcome"] == "result"]
        assert SUBJECT in str(answered), "the marks were passed on"
        assert TEXT in str(answered)
        lost = "xmpp_lost" if link == "xmpp" else "answer_undelivered"
        assert {"read_failed", "read_postponed", "out_of_office_not_read", "stream_opened", lost} <= watch.events
        assert {"history.db", "state.db"} <= watch.files
        assert watch.explained == {"explained", "past"}
        assert watch.found() == []

    virtually(test)


@pytest.mark.parametrize(
    "where",
    [
        "rainbow_exchange.rainbow.iq_questions.events_result",
        "rainbow_exchange.bridge.answer.auto_reply",
        "rainbow_exchange.ews.calendar.draft_of_item",
        "rainbow_exchange.ews.out_of_office.plain",
    ],
)
def test_a_bug_shows_none_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """Neither its traceback, nor what the loop says of the tasks that it ends."""

    async def test() -> None:
        house = House(tmp_path, 2)
        house.bridge = {"privacy": "full"}
        watch = Watch()
        async with house.open():
            fill(house)
            with watch.watching(loop_too=True):
                house.start(observe=watch.observe)
                await until(lambda: house.status()["state"] == "healthy", within=60)

                def buggy(*_: Any, **__: Any) -> str:
                    raise LookupError("a bug")

                house.exchange.dials.turn({"cut_answers": "short"})
                stir(house)
                await asyncio.sleep(2)
                house.exchange.dials.turn({"cut_answers": "", "error_words": WORDS, "faults": FAULTS})
                await asyncio.sleep(2)
                house.exchange.dials.turn({"faults": {}})
                monkeypatch.setattr(where, buggy)
                for mailbox in house.exchange.directory.by_address.values():
                    mailbox.oof = replace(mailbox.oof, internal=f"<p>{TEXT}, still</p>")
                stir(house)
                for kind in ("events", "autoreply"):
                    await house.rainbow.questions.ask(kind, house.people[0].login_email)
                running, house.running = house.running, None
                assert running is not None
                with pytest.raises(BaseExceptionGroup) as ended:
                    await running
                watch.seen.append("".join(traceback.format_exception(ended.value)))
        assert "asyncio" in watch.loggers
        assert where.rpartition(".")[2] in watch.seen[-1]
        assert "a bug" in watch.seen[-1]
        assert watch.found() == []

    virtually(test)


@pytest.mark.tells
async def test_a_mark_in_a_log_is_seen() -> None:
    """Whoever logs it, in whatever value, and at whatever level; what redaction would hide counts as well."""
    for log in (
        lambda: structlog.get_logger("rainbow_exchange.test").debug("read", subject=SUBJECT),
        lambda: logging.getLogger("rainbow_exchange.test").debug("read %s", TEXT),
        lambda: logging.getLogger("aiohttp.client").debug("read", exc_info=ValueError(PLACE)),
    ):
        watch = Watch()
        with watch.watching():
            log()
        assert len(watch.found()) == 1


def test_a_time_that_is_none_is_not_repeated() -> None:
    with pytest.raises(MalformedResponse) as malformed:
        instant(f"{SUBJECT} at nine")
    assert SUBJECT not in "".join(traceback.format_exception(malformed.value))


@pytest.mark.parametrize("code", [f"{SUBJECT} at nine", "", "x" * 101, "\x1b[2J", f"<{TEXT}>"])
def test_a_code_that_is_no_word_is_not_repeated(code: str) -> None:
    assert str(ResponseError(code)) == "no ResponseCode"
    assert str(ResponseError("ErrorAccessDenied")) == "ErrorAccessDenied"


#: all that is ever asked for of an appointment
ASKED = {
    "item:Subject", "item:Sensitivity", "calendar:Start", "calendar:End", "calendar:LegacyFreeBusyStatus",
    "calendar:IsCancelled", "calendar:CalendarItemType", "calendar:MyResponseType", "calendar:UID",
    "calendar:RecurrenceId", "calendar:StartTimeZone",
}  # fmt: skip


@pytest.mark.parametrize(("privacy", "reads"), [("full", "own"), ("full", "batched"), ("busy-only", "own")])
def test_what_is_not_passed_on_is_not_asked_for_and_dropped_where_it_comes(
    tmp_path: Path, privacy: str, reads: str
) -> None:
    """Every request that is sent is read, and every object of ours that is made."""

    async def test() -> None:
        house = House(tmp_path, 2, right=Right.REVIEWER, dials={"keep_bodies": True, "unasked_fields": True})
        house.bridge = {"privacy": privacy}
        house.settings = {"impersonation": reads == "own"}
        made = Made(DROPPED if privacy != "busy-only" else (*DROPPED, SUBJECT))
        async with house.open():
            fill(house)
            with made.watching():
                house.start()
                await until(lambda: house.status()["state"] == "healthy", within=60)
                await asyncio.sleep(90)
                stir(house)
                house.exchange.dials.turn({"faults": {"GetStreamingEvents": "ErrorExceededConnectionCount"}})
                for stream in tuple(house.exchange.streams.open):
                    stream.ordered("drop")
                await asyncio.sleep(180)
                assert house.status()["mailboxes"]["polled"] == 2
        assert {"Appointment", "OutOfOffice", "CalendarEvent", "AutoReply", "Agenda", "Tip"} <= made.classes
        assert made.holding == set()
        requests = house.exchange.record.read()
        operations = {each["operation"] for each in requests if each["body"]}
        assert "GetItem" not in operations
        assert {"GetUserAvailability", "GetMailTips", "Subscribe", "GetStreamingEvents"} <= operations
        assert ("FindItem" in operations) is (reads == "own" and privacy != "busy-only")
        views, fields, shapes = asked(each["body"] for each in requests if each["body"])
        assert views <= ({"FreeBusy"} if privacy == "busy-only" else {"FreeBusy", "Detailed"})
        assert fields <= ASKED
        assert shapes <= {"IdOnly"}
        assert not [each for each in requests if any(mark in str(each) for mark in MARKS)]

    virtually(test)


def asked(bodies: Any) -> tuple[set[str], set[str], set[str]]:
    """Give the views, the fields and the shapes that requests ask for."""
    views, fields, shapes = set(), set(), set()
    for body in bodies:
        for element in etree.fromstring(body.encode()).iter("{*}*"):
            match etree.QName(element).localname:
                case "RequestedView":
                    views.add(element.text or "")
                case "BaseShape":
                    shapes.add(element.text or "")
                case "FieldURI" | "IndexedFieldURI" | "ExtendedFieldURI":
                    fields.add(element.get("FieldURI") or "other")
    return views, fields, shapes


def test_objects_that_hold_a_mark_are_found(tmp_path: Path) -> None:
    """The test above would see one: what is shown is held on its way."""

    async def test() -> None:
        house = House(tmp_path, 1)
        house.bridge = {"privacy": "full"}
        made = Made((SUBJECT, TEXT, GUEST))
        async with house.open():
            fill(house)
            with made.watching():
                house.start()
                await until(lambda: house.rainbow.record.questions, within=60)
                await asyncio.sleep(30)
        assert {"CalendarItem", "Appointment", "CalendarEvent", "OutOfOffice", "AutoReply"} <= made.holding

    virtually(test)
