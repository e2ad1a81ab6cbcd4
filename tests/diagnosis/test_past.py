"""`explain --at` tells how one person was shown then: across outages, restarts, and whatever else happened."""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rainbow_exchange.bridge.history import Entry, What
from rainbow_exchange.cli import explain_screen
from rainbow_exchange.diagnosis.explained import explained, person, person_at
from rainbow_exchange.diagnosis.past import past
from tests.house import EPOCH, House, now, until, virtually


def asked_of(house: House, at: datetime) -> dict[str, Any]:
    assert house.daemon is not None
    return person_at(house.daemon.sides, house.people[0].login_email, at)


def screen(answer: Mapping[str, Any]) -> str:
    return "\n".join(explain_screen.lines(answer, lambda instant: instant))


def busy(house: House, start: datetime, minutes: float = 60) -> None:
    mailbox = house.people[0].mailbox
    assert mailbox is not None
    house.appointment(mailbox.address, "Sbj4711", start=start, minutes=minutes)


async def at(instant: datetime) -> None:
    await asyncio.sleep((instant - now()).total_seconds())


def clock(hours: float, minutes: float = 0) -> datetime:
    return EPOCH + timedelta(hours=hours, minutes=minutes)


def test_a_morning_as_it_should_be(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        async with house.at_work():
            busy(house, clock(0, 10), minutes=10)
            await at(clock(0, 30))
            then = asked_of(house, clock(0, 15))
            assert (then["state"], then["verdict"]["right"]) == ("past", True)
            meeting = {"start": "2026-03-02T08:10:00Z", "end": "2026-03-02T08:20:00Z", "show_as": "busy"}
            assert then["known"]["current"] == then["shown"]["current"] == meeting
            assert then["answered"]["detail"]["now"] == meeting
            assert then["connector"]["state"] == "running"
            assert then["exchange"]["state"] == then["rainbow"]["state"] == "connected"
            assert then["outages"] == []
            told = screen(then)
            assert "was shown right" in told.splitlines()[0]
            assert "and was answered busy until 08:20; if the client showed something else, look at the user's" in told
            assert "Sbj4711" not in told + json.dumps(then)
            before, after = asked_of(house, clock(0, 5)), asked_of(house, clock(0, 25))
            for free in (before, after):
                assert (free["verdict"]["right"], free["shown"]) == (True, {"current": None})
            assert before["answered"]["detail"]["next"] == meeting
            assert house.daemon is not None
            shown = person(house.daemon.sides, house.people[0].login_email)
            assert shown["last"]["events"]["detail"]["now"] is None
            assert {"change", "told", "events", "autoreply"} == set(shown["last"])
            assert "Rainbow asks for the calendar, answered free" in screen(shown)

    virtually(test)


def test_exchange_was_away_and_the_connector_was_restarted(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        async with house.at_work():
            await at(clock(0, 5))
            house.exchange.dials.turn({"web_server_status": 503})
            for stream in tuple(house.exchange.streams.open):
                stream.ordered("drop")
            busy(house, clock(0, 8))
            await at(clock(0, 15))
            house.exchange.dials.turn({"web_server_status": 0})
            await until(lambda: house.status()["state"] == "healthy", within=600)
            await at(clock(0, 25))
            await house.stop()
            await at(clock(0, 30))
            house.start()
            await until(lambda: house.status()["state"] == "healthy", within=60)
            await at(clock(0, 33))
            then = asked_of(house, clock(0, 12))
            assert (then["verdict"]["right"], then["verdict"]["broken"]) == (False, "exchange")
            assert then["known"]["current"] is None  # as far as it was known then
            assert then["found_later"]["current"]["show_as"] == "busy"
            assert "a change was noticed late" in " ".join(then["verdict"]["also"])
            (outage,) = then["outages"]
            assert outage["side"] == "exchange"
            assert datetime.fromisoformat(outage["from"]) < clock(0, 7)
            assert datetime.fromisoformat(outage["to"]) > clock(0, 14)
            told = screen(then)
            assert "Exchange could not be used then" in told.splitlines()[0]
            assert "Outage           exchange disconnected from 08:0" in told
            gone = asked_of(house, clock(0, 28))
            assert gone["connector"]["state"] is None
            assert gone["verdict"]["right"] is True  # what Rainbow knew was true all the same
            assert "though the connector was not running" in gone["verdict"]["because"]
            (down,) = [each for each in gone["outages"] if each["side"] == "connector"]
            assert (down["from"][:16], down["to"][:16]) == ("2026-03-02T08:25", "2026-03-02T08:30")
            assert asked_of(house, clock(0, 24))["verdict"]["right"] is True

    virtually(test)


def test_the_link_was_down_and_rainbow_knew_what_was_old(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        async with house.at_work() as daemon:
            sides: Any = daemon.sides
            busy(house, clock(0, 30))
            await at(clock(0, 3))
            house.rainbow.outage.set({"link": "reset"})
            await until(lambda: not sides.rainbow.link.connected, within=60)
            busy(house, clock(0, 4))
            await at(clock(0, 9))
            then = asked_of(house, clock(0, 6))
            assert (then["verdict"]["right"], then["verdict"]["broken"]) == (False, "rainbow")
            assert then["known"]["current"]["start"] == "2026-03-02T08:04:00Z"
            assert then["shown"] == {"current": None}
            assert any("not current any more" in each for each in then["verdict"]["also"])

    virtually(test)


def test_whoever_left_is_forgotten_and_a_login_is_known_before_the_users_are(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 3)
        house.bridge = {"users_refresh_minutes": 5}
        async with house.at_work():
            await asyncio.sleep(60)
            gone, stays = house.people[0], house.people[1]
            assert house.daemon is not None
            sides: Any = house.daemon.sides
            assert sides.history.of(gone.id)
            house.rainbow.people.remove(gone.id)
            await until(lambda: house.status()["users"]["total"] == 2, within=400)
            assert sides.history.of(gone.id) == []
            assert asked_of(house, now())["verdict"]["broken"] == "user"
            await house.stop()
            house.rainbow.outage.set({"rest": "reset"})
            house.start()
            await asyncio.sleep(20)
            then = person_at(house.daemon.sides, stays.login_email.upper(), clock(0, 1))
            assert (then["state"], then["user"]["id"]) == ("past", stays.id)
            nobody = await explained(sides, {"address": "nobody@acme.test", "at": clock(0).isoformat()})
            assert nobody["state"] in {"not-ready", "unknown"}

    virtually(test)


def entry(what: What, first: float, last: float | None = None, **detail: Any) -> Entry:
    begun = clock(first)
    return Entry(what=what, first=begun, last=clock(last) if last else begun, count=1, detail=detail)


def minutes(hours: float) -> int:
    return int(clock(hours).timestamp() // 60)


RUNNING = entry(What.PROCESS, -1, 9, state="running", reason="")
SIDES = [entry(side, -1, 9, state="connected", reason="") for side in (What.EXCHANGE, What.RAINBOW)]
DAY = minutes(-8)


def test_a_change_that_nobody_announced_was_noticed_late() -> None:
    person = [
        entry(What.READ, 0, 1, mode="own", day=DAY, spans=[]),
        entry(What.EVENTS, 0, 1, now=None, next=None),
        entry(What.READ, 3, mode="own", day=DAY, spans=[[minutes(1), minutes(4), "busy"]]),
    ]
    then = past(person, [RUNNING, *SIDES], clock(2))
    assert (then["verdict"]["right"], then["verdict"]["broken"]) == (False, "stream")
    assert then["found_later"] == {
        "current": {"start": "2026-03-02T09:00:00Z", "end": "2026-03-02T12:00:00Z", "show_as": "busy"},
        "read_at": "2026-03-02T11:00:00Z",
    }
    announced = [*person[:2], entry(What.CHANGE, 2.9999, cause="notified"), person[2]]
    then = past(announced, [RUNNING, *SIDES], clock(2))
    assert (then["verdict"]["right"], then["changed_later"]) == (True, True)


def test_of_a_time_before_anything_was_kept_nothing_is_claimed() -> None:
    person = [
        entry(What.READ, 3, mode="own", day=DAY, spans=[]),
        entry(What.EVENTS, 3, now=None, next=None),
    ]
    verdict = past(person, [entry(What.PROCESS, 3, 9, state="running", reason="")], clock(2))["verdict"]
    assert verdict["because"] == "it is not known whether the connector was running: nothing is kept from then."
    assert not any("noticed late" in each for each in verdict["also"])


def test_each_link_that_may_have_been_broken_is_named() -> None:
    read = entry(What.READ, 0, mode="own", day=DAY, spans=[[minutes(1), minutes(4), "oof"]])
    answer = entry(What.EVENTS, 0.5, now=None, next=[minutes(1), minutes(4), "oof"])
    company = [RUNNING, *SIDES]
    cases = {
        "": [read, answer],
        "user": [],
        "mailbox": [entry(What.MAILBOX, 0, none="no-mailbox", tries=[["login", "ErrorNonExistentMailbox"]])],
        "agenda": [entry(What.READ, 0, failed="ErrorAccessDenied"), answer],
        "told": [read, entry(What.TOLD, 0.2, refused="HTTP 400"), answer],
        "answered": [read, entry(What.EVENTS, 0.5, refused="remote-server-timeout", why="timeout")],
        "asked": [read, entry(What.TOLD, 0.1, of="events"), entry(What.EVENTS, 0.05, now=None, next=None)],
    }
    found = {link: past(person, company, clock(2))["verdict"] for link, person in cases.items()}
    assert {link: verdict["broken"] for link, verdict in found.items()} == {link: link for link in cases}
    assert found["asked"]["because"].endswith("it had been told, and had not asked since.")
    never = past([read], company, clock(2))["verdict"]
    assert never["because"] == "Rainbow is not known to have asked for the calendar by then."
    away = [entry(What.ABSENCE, 0, state="enabled", start=None, end=None)]
    away += [entry(What.AUTO_REPLY, 0, state="disabled", start=None, end=None)]
    assert past([read, answer, *away], company, clock(2))["verdict"]["broken"] == "asked"


def test_whether_rainbow_knew_of_the_last_change_and_whether_only_the_reply_was_wrong_is_told() -> None:
    meeting = [minutes(1), minutes(4), "busy"]
    read = entry(What.READ, 0.3, mode="own", day=DAY, spans=[meeting])
    answer = entry(What.EVENTS, 0.05, now=None, next=None)
    change, told = entry(What.CHANGE, 0.2), entry(What.TOLD, 0.1, of="events")
    company = [RUNNING, *SIDES]
    late = past([read, answer, told, change], company, clock(2))["verdict"]
    assert late["because"].endswith("was not current any more: it had not been told of the last change yet.")
    in_time = past([read, answer, entry(What.TOLD, 0.25, of="events"), change], company, clock(2))["verdict"]
    assert in_time["because"].endswith("was not current any more: it had been told, and had not asked since.")
    # an outage is no harm only where the automatic reply was right, too
    away = entry(What.EXCHANGE, 1.5, 2.5, state="disconnected", reason="Gone.")
    company = [RUNNING, SIDES[1], entry(What.EXCHANGE, 0, 1.5, state="connected", reason=""), away]
    read, answer = (
        entry(What.READ, 0, 3, mode="own", day=DAY, spans=[meeting]),
        entry(What.EVENTS, 0, now=None, next=meeting),
    )
    replies = [entry(What.ABSENCE, 0, 3, state="enabled", start=None, end=None)]
    replies += [entry(What.AUTO_REPLY, 0, state="disabled", start=None, end=None)]
    assert past([read, answer], company, clock(2))["verdict"]["right"] is True
    assert past([read, answer, *replies], company, clock(2))["verdict"]["right"] is False


def test_an_outage_in_which_nothing_changed_did_no_harm() -> None:
    meeting = [minutes(1), minutes(4), "busy"]
    read = entry(What.READ, 0, 3, mode="own", day=DAY, spans=[meeting])
    answer = entry(What.EVENTS, 0, now=None, next=meeting)
    away = entry(What.EXCHANGE, 1.5, 2.5, state="disconnected", reason="Gone.")
    company = [RUNNING, SIDES[1], entry(What.EXCHANGE, 0, 1.5, state="connected", reason=""), away]
    then = past([read, answer], company, clock(2))
    assert then["verdict"]["right"] is True
    assert then["verdict"]["because"].endswith("though Exchange could not be used then: Gone.")
    assert (then["known"]["read_at"], then["known"]["again_at"]) == ("2026-03-02T08:00:00Z", "2026-03-02T11:00:00Z")
    unproved = entry(What.READ, 0, mode="own", day=DAY, spans=[meeting])
    assert past([unproved, answer], company, clock(2))["verdict"]["broken"] == "exchange"
    # it was the last known state that was wrong
    other = entry(What.READ, 3, mode="own", day=DAY, spans=[])
    then = past([unproved, answer, other], company, clock(2))
    assert (then["verdict"]["broken"], then["held"]) == ("exchange", {"current": None})
    assert any("noticed late" in each for each in then["verdict"]["also"])
    stopped = [entry(What.PROCESS, 0, 1, state="running"), entry(What.PROCESS, 3, 4, state="running"), *SIDES]
    assert past([unproved, answer], stopped, clock(2))["verdict"]["broken"] == "connector"


def test_what_comes_after_the_next_appointment_is_not_known() -> None:
    read = entry(What.READ, 0, mode="own", day=DAY, spans=[])
    answer = entry(What.EVENTS, 0, now=None, next=[minutes(0.5), minutes(1), "busy"])
    then = past([read, answer], [RUNNING, *SIDES], clock(2))
    assert (then["shown"], then["verdict"]["right"]) == (None, None)
    assert then["kept_since"] == "2026-03-02T08:00:00Z"
    assert past([read, answer], [RUNNING, *SIDES], clock(0.7))["verdict"]["broken"] == "asked"
