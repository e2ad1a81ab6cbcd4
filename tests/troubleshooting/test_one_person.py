"""What has one person shown wrong, brought about by the lab, and what `explain` says of it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from rainbow_exchange.cli import explain_screen, preview_screen, status_screen
from rainbow_exchange.diagnosis.explained import person, person_at
from rainbow_exchange.lab.company import LabUser
from rainbow_exchange.lab.exchange.mailbox import Right
from rainbow_exchange.lab.users_file import user_from_json
from tests.house import EPOCH, House, now, until, virtually
from tests.troubleshooting.symptoms import Symptom

EXPLAIN = "explain ADDRESS"


def shown_wrong(
    symptom: Symptom,
    folder: Path,
    *,
    people: int | Sequence[LabUser] = 2,
    begins: Callable[[House], object] | None = None,
    happens: Callable[[House], object] | None = None,
    who: Callable[[House], str] | None = None,
    after: float = 60,
    **house: Any,
) -> None:
    """Let a company `begin` like this, or something `happen` at work: the commands say of `who` what the page says."""

    async def test() -> None:
        company = House(folder, people, **house)
        if begins:
            begins(company)
        async with company.open():
            daemon = company.start()
            if happens:
                await until(lambda: company.status()["state"] == "healthy", within=120)
                happens(company)
            await asyncio.sleep(after)
            address = (who or first)(company)
            printed = {
                EXPLAIN: explain_screen.lines(person(daemon.sides, address), lambda instant: instant),
                "preview ADDRESS": preview_screen.lines(await daemon.preview(address)),
                "status": status_screen.lines(company.status(), now=now()),
            }
            for command, _ in symptom.quoted:
                symptom.led_to_by(command, printed[command])

    virtually(test)


def first(house: House) -> str:
    return house.people[0].login_email


def test_somebody_is_never_shown_in_an_appointment(tmp_path: Path, symptom: Symptom) -> None:
    shown_wrong(symptom, tmp_path, begins=lambda house: house.exchange.directory.remove(first(house)))


def test_exchange_denies_the_mailbox_of_one_person(tmp_path: Path, symptom: Symptom) -> None:
    def begins(house: House) -> None:
        house.exchange.dials.turn({"mailbox_errors": {first(house): "ErrorAccessDenied"}})

    shown_wrong(symptom, tmp_path, begins=begins)


def user(name: str, **fields: Any) -> LabUser:
    return user_from_json({"id": name, "loginEmail": f"{name}@acme.test"} | fields)


def test_two_people_have_one_mailbox(tmp_path: Path, symptom: Symptom) -> None:
    info = [{"email": "info@acme.test", "type": "work"}]
    people = [
        user("ann", loginEmail="ann@elsewhere.test", emails=info, mailbox="info@acme.test"),
        user("bob", emails=info, mailbox="bob@acme.test"),
    ]
    shown_wrong(symptom, tmp_path, people=people)


def test_the_address_of_one_person_is_not_the_company_s(tmp_path: Path, symptom: Symptom) -> None:
    home = [{"email": "ann@home.test", "type": "home"}]
    people = [user("ann", loginEmail="ann@elsewhere.test", emails=home, mailbox="ann@home.test"), user("bob")]

    def begins(house: House) -> None:
        house.bridge = {"domains": ["acme.test", "elsewhere.test"]}

    shown_wrong(symptom, tmp_path, people=people, begins=begins)


def test_rainbow_does_not_know_the_person_by_that_address(tmp_path: Path, symptom: Symptom) -> None:
    shown_wrong(symptom, tmp_path, who=lambda _: "nobody@acme.test")


def test_somebody_is_shown_free_during_an_appointment(tmp_path: Path, symptom: Symptom) -> None:
    def happens(house: House) -> None:
        item = house.appointment(first(house), start=now() - timedelta(minutes=5))
        item.details = replace(item.details, show_as="Free")

    shown_wrong(symptom, tmp_path, happens=happens)


def test_changes_of_one_person_are_seen_a_minute_late(tmp_path: Path, symptom: Symptom) -> None:
    def who(house: House) -> str:
        return str(house.status()["not_streamed"][0]["user"])

    few = {"subscription_limit": 3}
    shown_wrong(symptom, tmp_path, people=6, who=who, dials=few, impersonation=False, right=Right.REVIEWER)


def test_the_subject_of_an_appointment_is_not_shown(tmp_path: Path, symptom: Symptom) -> None:
    def happens(house: House) -> None:
        house.appointment(first(house), start=now())

    shown_wrong(symptom, tmp_path, begins=lambda house: house.bridge.update(privacy="busy-only"), happens=happens)


def test_a_calendar_cannot_be_read(tmp_path: Path, symptom: Symptom) -> None:
    fault = "ErrorInternalServerError"
    shown_wrong(symptom, tmp_path, dials={"faults": {"FindItem": fault, "GetUserAvailability": fault}})


def test_an_automatic_reply_is_not_shown(tmp_path: Path, symptom: Symptom) -> None:
    off = {"mail_tips_enabled": False}
    shown_wrong(symptom, tmp_path, dials=off, impersonation=False, right=Right.REVIEWER, after=200)


def test_rainbow_was_told_of_a_change_and_shows_the_old_state(tmp_path: Path, symptom: Symptom) -> None:
    def happens(house: House) -> None:
        house.rainbow.dials.set({"ask": False})
        house.appointment(first(house), start=now())

    shown_wrong(symptom, tmp_path, happens=happens)


def test_somebody_was_shown_free_this_morning_and_sat_in_a_meeting(tmp_path: Path, symptom: Symptom) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        async with house.at_work() as daemon:
            await asyncio.sleep(300)
            house.exchange.dials.turn({"web_server_status": 503})
            for stream in tuple(house.exchange.streams.open):
                stream.ordered("drop")
            house.appointment(first(house), start=now() + timedelta(minutes=3))
            await asyncio.sleep(900)
            house.exchange.dials.turn({"web_server_status": 0})
            await until(lambda: house.status()["state"] == "healthy", within=600)
            then = person_at(daemon.sides, first(house), EPOCH + timedelta(minutes=12))
            [(command, _)] = symptom.quoted
            symptom.led_to_by(command, explain_screen.lines(then, lambda instant: instant))

    virtually(test)


def test_all_is_right_here_and_the_client_shows_something_else(tmp_path: Path, symptom: Symptom) -> None:
    shown_wrong(symptom, tmp_path, happens=lambda house: house.appointment(first(house), start=now()))
