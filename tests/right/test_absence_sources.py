"""An absence is told rightly by whichever of its two sources can be read, and kept while neither can.

The sources are the tips, for many at once, and each person's own settings, by impersonation.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.lab.company import LabUser, make_company
from rainbow_exchange.lab.exchange.calendar import details_from
from rainbow_exchange.lab.exchange.mailbox import Right
from tests.house import House, until, virtually
from tests.right.absences import answer, change, mailbox_of, shown

MINUTE = 60.0
BY_TIPS: dict[str, Any] = {"right": Right.REVIEWER, "impersonation": False}
PLANNED = {"state": "Scheduled", "start": "2026-03-02T08:05:00Z", "end": "2026-03-02T08:10:00Z", "internal": "On leave"}
TOLD = {"startDate": "2026-03-02T08:05:00+00:00", "endDate": "2026-03-02T08:10:00+00:00"}
ON_LEAVE = {"state": "scheduled", "internalReplyMessage": "On leave"} | TOLD
OFF = {"state": "disabled", "internalReplyMessage": ""}
UNKNOWN = {"error": "remote-server-timeout"}
OPERATIONS = ("GetMailTips", "GetUserOofSettings", "GetServiceConfiguration")


def on(text: str) -> dict[str, Any]:
    return {"state": "enabled", "internalReplyMessage": text}


def live(folder: Path, play: Callable[[House, list[LabUser]], Awaitable[None]], people: int = 1, **more: Any) -> None:
    """Let a play be played in a house that its people have not set anything in yet."""

    async def run() -> None:
        house = House(folder, make_company(people, 1), **more)
        async with house.open():
            await play(house, list(house.people))

    virtually(run)


async def at(minute: float) -> None:
    """Wait until so many minutes after eight."""
    await asyncio.sleep(max(0.0, minute * MINUTE - asyncio.get_running_loop().time()))


async def settled(house: House) -> None:
    house.start()
    await until(lambda: house.status()["state"] == "healthy", within=120)


@pytest.mark.parametrize("form", ["utc", "offset", "bare"])
def test_times_are_instants_however_they_are_written(tmp_path: Path, form: str) -> None:
    async def play(house: House, people: list[LabUser]) -> None:
        change(mailbox_of(house, people[0]), PLANNED)
        await settled(house)
        for minute, state in ((4.95, "free"), (5.05, "out_of_office"), (9.95, "out_of_office"), (10.05, "free")):
            await at(minute)
            assert shown(house, people[0]) == state
            assert await answer(house, people[0]) == (ON_LEAVE if minute < 10 else OFF)

    live(tmp_path, play, dials={"absence_times": form})


@pytest.mark.parametrize("form", ["offset", "bare"])
def test_the_end_that_a_tip_names_is_when_it_is_asked_for_again(tmp_path: Path, form: str) -> None:
    async def play(house: House, people: list[LabUser]) -> None:
        change(mailbox_of(house, people[0]), PLANNED)
        await settled(house)
        await at(9.95)
        assert await answer(house, people[0]) == on("On leave")
        await at(10.05)
        assert await answer(house, people[0]) == OFF
        assert shown(house, people[0]) == "free"

    live(tmp_path, play, dials={"absence_times": form}, **BY_TIPS)


@pytest.mark.parametrize(
    ("allowed", "told"),
    [
        ("All", {"externalReplyMessage": "Closed", "audience": "all"}),
        ("Known", {"externalReplyMessage": "Closed", "audience": "known"}),
        ("None", {}),
    ],
)
def test_nobody_outside_is_told_of_whom_the_company_tells_nothing(
    tmp_path: Path, allowed: str, told: dict[str, str]
) -> None:
    async def play(house: House, people: list[LabUser]) -> None:
        change(
            mailbox_of(house, people[0]), {"state": "Enabled", "audience": "All", "internal": "A", "external": "Closed"}
        )
        await settled(house)
        await at(1)
        assert await answer(house, people[0]) == on("A") | told

    live(tmp_path, play, dials={"external_replies": allowed})


def test_a_pending_tip_keeps_what_was_known(tmp_path: Path) -> None:
    async def play(house: House, people: list[LabUser]) -> None:
        mailbox = mailbox_of(house, people[0])
        change(mailbox, {"state": "Enabled", "internal": "Away"})
        await settled(house)
        await at(2)
        house.exchange.dials.turn({"pending_mail_tips": [mailbox.address]})
        change(mailbox, {"state": "Disabled"})
        await at(14)
        assert (await answer(house, people[0]), shown(house, people[0])) == (on("Away"), "out_of_office")
        house.exchange.dials.turn({"pending_mail_tips": []})
        await at(15.2)
        assert (await answer(house, people[0]), shown(house, people[0])) == (OFF, "free")

    live(tmp_path, play, **BY_TIPS)


def test_settings_tell_where_tips_stay_pending(tmp_path: Path) -> None:
    async def play(house: House, people: list[LabUser]) -> None:
        mailbox = mailbox_of(house, people[0])
        change(mailbox, {"state": "Enabled", "internal": "Away"})
        await settled(house)
        await at(2)
        house.exchange.dials.turn({"pending_mail_tips": [mailbox.address]})
        change(mailbox, {"state": "Disabled"})
        await at(6)
        assert (await answer(house, people[0]), shown(house, people[0])) == (on("Away"), "out_of_office")
        await at(9)
        assert (await answer(house, people[0]), shown(house, people[0])) == (OFF, "free")
        asked = house.exchange.record.read()
        assert sum(each["operation"] == "GetUserOofSettings" for each in asked) <= 4

    live(tmp_path, play)


@pytest.mark.parametrize("impersonation", [True, False])
def test_a_tip_that_is_refused_for_one_leaves_the_others(tmp_path: Path, *, impersonation: bool) -> None:
    async def play(house: House, people: list[LabUser]) -> None:
        ann, bob = people
        for person in people:
            change(mailbox_of(house, person), {"state": "Enabled", "internal": "Away"})
        house.exchange.dials.turn({"mail_tip_errors": {mailbox_of(house, bob).address: "ErrorMailRecipientNotFound"}})
        await settled(house)
        await at(2)
        assert await answer(house, ann) == on("Away")
        assert await answer(house, bob) == (on("Away") if impersonation else UNKNOWN)
        for person in people:
            change(mailbox_of(house, person), {"state": "Disabled"})
        await at(4.2)
        assert await answer(house, ann) == OFF
        assert await answer(house, bob) == (OFF if impersonation else UNKNOWN)
        assert shown(house, bob) == "free"

    live(tmp_path, play, 2, **({} if impersonation else BY_TIPS))


@pytest.mark.parametrize("impersonation", [True, False])
def test_a_server_without_tips_is_told_by_settings_or_not_at_all(tmp_path: Path, *, impersonation: bool) -> None:
    async def play(house: House, people: list[LabUser]) -> None:
        change(mailbox_of(house, people[0]), {"state": "Enabled", "internal": "Away"})
        await settled(house)
        await at(2)
        assert await answer(house, people[0]) == (on("Away") if impersonation else UNKNOWN)
        change(mailbox_of(house, people[0]), {"state": "Disabled"})
        await at(3.2)
        assert await answer(house, people[0]) == (OFF if impersonation else UNKNOWN)
        assert shown(house, people[0]) == "free"

    live(tmp_path, play, dials={"mail_tips_enabled": False}, **({} if impersonation else BY_TIPS))


def test_a_plan_outlives_the_denial_of_its_settings_and_takes_the_tips_new_text(tmp_path: Path) -> None:
    async def play(house: House, people: list[LabUser]) -> None:
        mailbox = mailbox_of(house, people[0])
        change(mailbox, PLANNED | {"audience": "All", "external": "Closed"})
        outside = {"externalReplyMessage": "Closed", "audience": "all"}
        await settled(house)
        await at(1)
        house.exchange.dials.turn({"absence_errors": {mailbox.address: "ErrorAccessDenied"}})
        for minute, state in ((4.95, "free"), (5.05, "out_of_office"), (6.5, "out_of_office")):
            await at(minute)
            assert (await answer(house, people[0]), shown(house, people[0])) == (ON_LEAVE | outside, state)
        change(mailbox, {"internal": "Ask Bob"})
        await at(8)
        assert await answer(house, people[0]) == ON_LEAVE | outside | {"internalReplyMessage": "Ask Bob"}
        await at(10.05)
        assert (await answer(house, people[0]), shown(house, people[0])) == (OFF, "free")

    live(tmp_path, play)


def test_a_plan_that_was_ended_early_ends_though_its_settings_are_denied(tmp_path: Path) -> None:
    async def play(house: House, people: list[LabUser]) -> None:
        mailbox = mailbox_of(house, people[0])
        change(mailbox, PLANNED | {"end": "2026-03-02T18:00:00Z"})
        await settled(house)
        await at(1)
        house.exchange.dials.turn({"absence_errors": {mailbox.address: "ErrorAccessDenied"}})
        await at(7)
        assert shown(house, people[0]) == "out_of_office"
        change(mailbox, {"state": "Disabled"})
        await at(8.2)
        assert (await answer(house, people[0]), shown(house, people[0])) == (OFF, "free")

    live(tmp_path, play)


def test_a_plan_is_prolonged_though_its_tip_names_no_end(tmp_path: Path) -> None:
    async def play(house: House, people: list[LabUser]) -> None:
        ann, bob = people
        for person in people:
            change(mailbox_of(house, person), PLANNED)
        await settled(house)
        await at(6)
        change(mailbox_of(house, ann), {"end": "2026-03-02T08:15:00Z"})
        await at(9.7)  # too late to be confirmed
        change(mailbox_of(house, bob), {"end": "2026-03-02T08:15:00Z"})
        prolonged = ON_LEAVE | {"endDate": "2026-03-02T08:15:00+00:00"}
        for minute, person in ((10.05, ann), (11.2, bob)):
            await at(minute)
            assert (await answer(house, person), shown(house, person)) == (prolonged, "out_of_office")
        await at(15.05)
        for person in people:
            assert (await answer(house, person), shown(house, person)) == (OFF, "free")

    live(tmp_path, play, 2, dials={"mail_tip_durations": False})


def test_a_text_for_outside_alone_is_found_in_turn(tmp_path: Path) -> None:
    async def play(house: House, people: list[LabUser]) -> None:
        mailbox = mailbox_of(house, people[0])
        change(mailbox, {"state": "Enabled", "audience": "Known", "internal": "A", "external": "Closed"})
        await settled(house)
        await at(2)
        change(mailbox, {"audience": "All", "external": "Moved"})
        await at(16)
        assert await answer(house, people[0]) == on("A") | {"externalReplyMessage": "Moved", "audience": "all"}

    live(tmp_path, play)


def test_the_tip_tells_of_whoever_denies_the_settings(tmp_path: Path) -> None:
    async def play(house: House, people: list[LabUser]) -> None:
        mailbox = mailbox_of(house, people[0])
        change(mailbox, PLANNED | {"audience": "All", "external": "Closed"})
        house.exchange.dials.turn({"absence_errors": {mailbox.address: "ErrorAccessDenied"}})
        await settled(house)
        await at(4.95)
        assert (await answer(house, people[0]), shown(house, people[0])) == (OFF, "free")
        await at(6.2)
        assert (await answer(house, people[0]), shown(house, people[0])) == (on("On leave"), "out_of_office")
        await at(11.2)
        assert (await answer(house, people[0]), shown(house, people[0])) == (OFF, "free")

    live(tmp_path, play)


@pytest.mark.parametrize("impersonation", [True, False])
def test_what_was_shown_stays_over_a_restart_while_nothing_can_be_read(tmp_path: Path, *, impersonation: bool) -> None:
    async def play(house: House, people: list[LabUser]) -> None:
        change(mailbox_of(house, people[0]), {"state": "Enabled", "internal": "Away"})
        await settled(house)
        await at(2)
        assert shown(house, people[0]) == "out_of_office"
        await house.stop()
        house.exchange.dials.turn({"faults": dict.fromkeys(OPERATIONS, "ErrorMailboxStoreUnavailable")})
        await settled(house)
        await at(6)
        assert (await answer(house, people[0]), shown(house, people[0])) == (UNKNOWN, "out_of_office")
        assert {each["outcome"] for each in list(house.rainbow.record.questions)[-3:]} == {"error", "result"}
        house.exchange.dials.turn({"faults": {}})
        change(mailbox_of(house, people[0]), {"internal": "Back on Friday"})
        await at(8)
        assert await answer(house, people[0]) == on("Back on Friday")

    live(tmp_path, play, **({} if impersonation else BY_TIPS))


def test_who_was_away_before_a_restart_and_came_back_meanwhile_is_shown_so_at_once(tmp_path: Path) -> None:
    async def play(house: House, people: list[LabUser]) -> None:
        change(mailbox_of(house, people[0]), {"state": "Enabled", "internal": "Away"})
        await settled(house)
        await at(2)
        assert shown(house, people[0]) == "out_of_office"
        await house.stop()
        change(mailbox_of(house, people[0]), {"state": "Disabled"})
        await settled(house)
        await until(lambda: shown(house, people[0]) == "free", within=5)

    live(tmp_path, play)


@pytest.mark.parametrize("state", ["Enabled", "Scheduled"])
def test_who_is_away_without_a_text_never_seems_to_be_back_over_a_restart(tmp_path: Path, state: str) -> None:
    async def play(house: House, people: list[LabUser]) -> None:
        away = PLANNED | {
            "state": state,
            "internal": "",
            "start": "2026-03-02T07:00:00Z",
            "end": "2026-03-02T18:00:00Z",
        }
        for person in people:
            change(mailbox_of(house, person), away)
        await settled(house)
        await at(2)
        await house.stop()
        house.rainbow.record.clear()
        # the tips, which show nothing, come long before the settings, and before anything is asked
        house.exchange.dials.turn({"delay_seconds": 3.0, "delay_operations": ["GetUserOofSettings", "FindItem"]})
        await settled(house)
        await at(6)
        published = [each["status"] for each in house.rainbow.record.published]
        assert set(published) == {"out_of_office"}
        assert {shown(house, person) for person in people} == {"out_of_office"}

    live(tmp_path, play, 3)


@pytest.mark.parametrize(
    "trouble",
    [
        {"faults": {"GetUserOofSettings": "ErrorInternalServerTransientError"}},
        {"delay_seconds": 60.0, "delay_operations": ["GetUserOofSettings"]},
    ],
    ids=["ErrorInternalServerTransientError", "TimeoutError"],
)
def test_who_is_away_without_a_text_is_not_back_because_the_settings_cannot_be_read(
    tmp_path: Path, trouble: dict[str, Any]
) -> None:
    async def play(house: House, people: list[LabUser]) -> None:
        away, there = people
        change(mailbox_of(house, away), {"state": "Enabled", "internal": ""})
        await settled(house)
        await at(2)
        assert [shown(house, person) for person in people] == ["out_of_office", "free"]
        await house.stop()
        house.exchange.dials.turn(trouble)
        await settled(house)
        await at(12)
        assert await answer(house, away) == UNKNOWN
        assert await answer(house, there) == UNKNOWN
        (problem,) = (each for each in house.status()["problems"] if each["id"].startswith("exchange-out-of"))
        reason = next(iter(trouble.get("faults", {}).values()), "TimeoutError")
        assert problem["text"] == (
            "The out-of-office of 2 mailboxes cannot be read: Exchange does not tell their settings"
            f" ({reason}). Rainbow is answered that it is not known."
        )
        assert [shown(house, person) for person in people] == ["out_of_office", "free"]
        house.exchange.dials.turn({"faults": {}, "delay_seconds": 0.0, "delay_operations": []})
        change(mailbox_of(house, away), {"state": "Disabled"})
        change(mailbox_of(house, there), {"state": "Enabled"})
        await at(20)  # they are tried every five minutes
        assert [shown(house, person) for person in people] == ["free", "out_of_office"]
        assert await answer(house, there) == on("")
        assert house.status()["problems"] == []

    live(tmp_path, play, 2)


def test_a_plan_for_later_is_looked_for_where_an_appointment_says_out_of_office(tmp_path: Path) -> None:
    async def play(house: House, people: list[LabUser]) -> None:
        ann, bob = people
        await settled(house)
        await at(6)
        planned = {
            "state": "Scheduled",
            "start": "2026-03-02T18:00:00Z",
            "end": "2026-03-03T18:00:00Z",
            "internal": "A",
        }
        for person in people:
            change(mailbox_of(house, person), planned)
        for person, show_as in ((ann, "OOF"), (bob, "Busy")):
            times = {"start": "2026-03-02T18:00:00Z", "end": "2026-03-03T18:00:00Z"}
            mailbox_of(house, person).calendar.create(details_from({"show_as": show_as} | times))
        await at(7.2)
        assert await answer(house, ann) == {
            "state": "scheduled",
            "startDate": "2026-03-02T18:00:00+00:00",
            "endDate": "2026-03-03T18:00:00+00:00",
            "internalReplyMessage": "A",
        }
        assert await answer(house, bob) == OFF
        await at(17)  # by then it was his turn
        assert (await answer(house, bob))["state"] == "scheduled"

    live(tmp_path, play, 2)


def test_nothing_is_known_of_whoever_has_no_mailbox(tmp_path: Path) -> None:
    async def run() -> None:
        ann, bob = make_company(2, 1)
        house = House(tmp_path, [ann, replace(bob, mailbox=None)])
        async with house.open():
            house.start()
            await at(1)
            assert await answer(house, ann) == OFF
            assert await answer(house, bob) == {"error": "item-not-found"}

    virtually(run)


@pytest.mark.parametrize(("impersonation", "text"), [(True, "Back on Thursday, ask Bob"), (False, "Back on Thur")])
def test_a_tip_that_is_cut_is_completed_by_the_settings(tmp_path: Path, text: str, *, impersonation: bool) -> None:
    async def play(house: House, people: list[LabUser]) -> None:
        change(mailbox_of(house, people[0]), {"state": "Enabled", "internal": "Back on Thursday, ask Bob"})
        await settled(house)
        await at(2)
        assert await answer(house, people[0]) == on(text)

    live(tmp_path, play, dials={"mail_tip_characters": 12}, **({} if impersonation else BY_TIPS))


#: fifty thousand bytes in UTF-8: words of 12 bytes, and one that has no end
WORDS, WORD = "gr\u00fc\u00dfe 😀 " * 3600, "😀" * 12500


@pytest.mark.parametrize("form", ["{}", "<p>{}</p>"])
def test_a_long_text_is_cut_at_a_word_and_never_inside_a_character(tmp_path: Path, form: str) -> None:
    async def play(house: House, people: list[LabUser]) -> None:
        ann, bob, cyd = people
        change(mailbox_of(house, ann), {"state": "Enabled", "internal": form.format(WORDS)})
        change(mailbox_of(house, bob), {"state": "Enabled", "internal": form.format(WORD)})
        change(
            mailbox_of(house, cyd),
            {
                "state": "Enabled",
                "audience": "All",
                "internal": form.format(WORDS),
                "external": form.format("out " * 12500),
            },
        )
        await settled(house)
        await at(2)
        words = (await answer(house, ann))["internalReplyMessage"]
        assert words[:7] == "gr\u00fc\u00dfe 😀"
        assert words.endswith(("gr\u00fc\u00dfe…", "😀…"))
        assert WORDS.startswith(words[:-1])
        # 18,380 bytes at most with what stands around it, of which this is all but a few hundred
        assert 17_800 < len(words.encode()) < 18_200
        word = (await answer(house, bob))["internalReplyMessage"]
        assert set(word) == {"😀", "…"}
        assert 17_800 < len(word.encode()) < 18_200
        both = await answer(house, cyd)
        assert both["internalReplyMessage"].endswith(("gr\u00fc\u00dfe…", "😀…"))
        assert both["externalReplyMessage"].endswith(" out…")
        assert 8_900 < len(both["internalReplyMessage"].encode()) < 9_150
        assert 8_900 < len(both["externalReplyMessage"].encode()) < 9_150

    live(tmp_path, play, 3)


def test_absences_that_begin_together_are_told_within_a_minute_and_ends_within_seconds(tmp_path: Path) -> None:
    async def play(house: House, people: list[LabUser]) -> None:
        for person in people:
            change(mailbox_of(house, person), PLANNED)
        await settled(house)

        def asked(since: str) -> int:
            questions = house.rainbow.record.questions
            return len({each["user_id"] for each in questions if each["kind"] == "autoreply" and each["at"] >= since})

        await at(5.03)
        begun = asked("2026-03-02T08:05:00.000Z")
        assert 0 < begun < 50  # spread, so that a full hour's meetings do not all begin in one call
        await at(5.2)
        assert asked("2026-03-02T08:05:00.000Z") == 50
        assert {shown(house, person) for person in people} == {"out_of_office"}
        await at(10.05)
        assert asked("2026-03-02T08:10:00.000Z") == 50
        assert {shown(house, person) for person in people} == {"free"}

    live(tmp_path, play, 50)
