"""From an appointment in Exchange to what Rainbow's clients show: the installed command against the lab."""

import asyncio
import signal
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from exchangelib import (  # type: ignore[import-untyped]  # it ships no types
    DELEGATE,
    Account,
    CalendarItem,
    Configuration,
    Credentials,
    EWSDateTime,
    EWSTimeZone,
    OofSettings,
)

from rainbow_exchange.lab.owner import Owner
from rainbow_exchange.lab.rainbow.presence import automatic_reply
from tests.house import House, now, until, virtually

pytestmark = [pytest.mark.e2e]

ADA, BOB = "ada@acme.test", "bob@acme.test"


def outlook(lab: Any, address: str) -> Account:
    """Open a mailbox with its owner's own password, as Outlook does, by an EWS client that is not ours."""
    side = lab.addresses["exchange"]
    credentials = Credentials(username=address, password=side["password"])
    config = Configuration(service_endpoint=side["url"], credentials=credentials, auth_type="basic")
    return Account(primary_smtp_address=address, config=config, autodiscover=False, access_type=DELEGATE)


def at(instant: datetime) -> EWSDateTime:
    return EWSDateTime.from_datetime(instant).astimezone(EWSTimeZone("UTC"))


@pytest.mark.parametrize("flavour", ["exchange", "owner-bound"])
@pytest.mark.parametrize("impersonation", ["true", "false"])
def test_an_appointment_turns_its_owner_busy_and_its_deletion_free(
    world: Any,
    person: Callable[..., dict[str, Any]],
    soon: Callable[[float], datetime],
    eventually: Callable[..., Any],
    flavour: str,
    impersonation: str,
) -> None:
    right = "freebusy" if impersonation == "true" else "reviewer"  # the subject can be seen in one read mode only
    people = [person(name, mailbox={"address": f"{name}@acme.test", "right": right}) for name in ("ada", "bob")]
    lab = world.lab(people, "--flavour", flavour)
    connector = world.connector(lab, EXCHANGE__IMPERSONATION=impersonation)
    connector.healthy(streamed=2)
    colleague = lab.colleague(BOB)
    eventually(lambda: colleague.sees(ADA)["status"] == "free", "Ada free")

    item = CalendarItem(
        account=(account := outlook(lab, ADA)),
        folder=account.calendar,
        subject="Réunion d'équipe 🎉",
        start=at(soon(-10)),
        end=at(soon(30)),
    )
    item.save()
    made = time.monotonic()
    shown = eventually(lambda: (seen := colleague.sees(ADA))["busy"] and seen, "Ada busy", within=5)
    assert time.monotonic() - made < 5
    assert shown["status"] == "busy"
    assert shown["subject"] == "Réunion d'équipe 🎉"
    assert datetime.fromisoformat(shown["until"]) == soon(30)
    item.delete()
    eventually(lambda: colleague.sees(ADA)["status"] == "free", "Ada free again", within=5)
    assert not colleague.sees(BOB)["busy"]
    assert connector.status()["latency"]["told_p50"] < 2
    ours, others = (
        ("FindItem", "GetUserAvailability") if impersonation == "true" else ("GetUserAvailability", "FindItem")
    )
    counts = lab.exchange("GET", "/lab/counts")
    assert counts[ours] >= 3  # before, busy, free again
    assert others not in counts


def test_an_out_of_office_reply_of_outlook_is_known_right_after_a_start_and_so_is_its_end(
    world: Any, person: Callable[..., dict[str, Any]], eventually: Callable[..., Any]
) -> None:
    lab = world.lab([person("ada", id="5f00000000000000000000a1"), person("bob")])
    account = outlook(lab, ADA)
    account.oof_settings = OofSettings(
        state=OofSettings.ENABLED,
        external_audience="All",
        internal_reply="<html><body><p>Back on Monday.</p><p>Bob stands in.</p></body></html>",
        external_reply="Away",
    )
    connector = world.connector(lab)
    colleague = lab.colleague(BOB)
    reply = eventually(lambda: (seen := colleague.reads_reply("5f00000000000000000000a1"))["enabled"] and seen, "on")
    assert reply["message_text"].split() == ["Back", "on", "Monday.", "Bob", "stands", "in."]
    assert connector.stop() == 0
    account.oof_settings = OofSettings(state=OofSettings.DISABLED, internal_reply="x", external_reply="x")
    assert colleague.reads_reply("5f00000000000000000000a1")["enabled"]
    world.connector(lab)
    eventually(lambda: not colleague.reads_reply("5f00000000000000000000a1")["enabled"], "reply off")


def test_an_out_of_office_reply_is_seen_with_its_text_and_goes_when_it_is_switched_off(tmp_path: Path) -> None:
    """On virtual time: nothing announces it, so that it takes a round of polling each time."""

    async def test() -> None:
        house = House(tmp_path, 2)
        async with house.at_work(), aiohttp.ClientSession() as session:
            await asyncio.sleep(90)
            ada, colleague = house.people[0], house.rainbow.questions
            assert ada.mailbox is not None
            owner = Owner(session, url=house.exchange.url, address=ada.mailbox.address, password="Exchange#1")

            def reply() -> dict[str, Any]:
                return automatic_reply(colleague.known[ada.id], now())

            assert reply()["enabled"] is False
            await owner.be_out("<html><body><p>Back on Monday.</p><p>Bob stands in.</p></body></html>", now=now())
            await until(lambda: reply()["enabled"], within=65)
            assert reply()["message_text"].split() == ["Back", "on", "Monday.", "Bob", "stands", "in."]
            await owner.be_out(None, now=now())
            await until(lambda: not reply()["enabled"], within=65)

    virtually(test)


def test_a_user_added_at_rainbow_is_answered_for_when_asked_without_a_restart(
    world: Any,
    person: Callable[..., dict[str, Any]],
    soon: Callable[[float], datetime],
    eventually: Callable[..., Any],
) -> None:
    lab = world.lab([person("ada")])
    connector = world.connector(lab)
    connector.healthy(streamed=1)
    lab.exchange("POST", "/lab/mailboxes", {"address": "zoe@acme.test"})
    lab.exchange(
        "POST",
        "/lab/mailboxes/zoe@acme.test/items",
        {"subject": "First day", "start": soon(-5).isoformat(), "end": soon(25).isoformat()},
    )
    lab.rainbow("POST", "/lab/users", person("zoe"))
    answer = lab.rainbow("POST", "/lab/ask", {"kind": "events", "email": "zoe@acme.test"})
    assert "First day" in str(answer), answer
    connector.healthy(streamed=2)
    eventually(lambda: lab.colleague(ADA).sees("zoe@acme.test")["busy"], "Zoe busy")


def test_exchange_killed_and_restarted_while_an_appointment_changes_ends_right_without_help(
    world: Any,
    person: Callable[..., dict[str, Any]],
    soon: Callable[[float], datetime],
    eventually: Callable[..., Any],
) -> None:
    company = [person("ada"), person("bob")]
    rainbow = world.lab(company, "--only", "rainbow")
    exchange = world.lab(company, "--only", "exchange")
    port = exchange.addresses["exchange"]["url"].split(":")[2].split("/")[0]
    connector = world.connector(rainbow, exchange)
    connector.healthy(streamed=2)
    colleague = rainbow.colleague(BOB)
    appointment = {"subject": "Before", "start": soon(-5).isoformat(), "end": soon(25).isoformat()}
    exchange.exchange("POST", f"/lab/mailboxes/{ADA}/items", appointment)
    eventually(lambda: colleague.sees(ADA)["subject"] == "Before", "Ada busy before")

    exchange.kill()
    connector.problem("exchange-unreachable")
    assert colleague.sees(ADA)["subject"] == "Before", "nobody is shown free because Exchange cannot be read"
    again = world.lab(company, "--only", "exchange", "--exchange-port", port)
    again.exchange("POST", f"/lab/mailboxes/{ADA}/items", appointment | {"subject": "After"})
    eventually(lambda: colleague.sees(ADA)["subject"] == "After", "Ada right again", within=60)
    connector.healthy(streamed=2)


def test_a_stranger_who_asks_is_refused_and_status_says_how_to_allow_it(
    world: Any, person: Callable[..., dict[str, Any]]
) -> None:
    lab = world.lab([person("ada")])
    connector = world.connector(lab)
    connector.healthy(streamed=1)
    answer = lab.rainbow("POST", "/lab/ask", {"kind": "events", "email": ADA, "from": "mallory@evil.test/x"})
    assert "forbidden" in str(answer), answer
    problem = connector.problem("rainbow-stranger-asked")
    assert 'rainbow.trusted_askers = ["evil.test"]' in problem["action"]
    assert "mallory" not in str(problem)


def test_interrupted_it_ends_with_0_within_ten_seconds_and_leaves_no_subscription(
    world: Any, person: Callable[..., dict[str, Any]]
) -> None:
    lab = world.lab([person(name) for name in ("ada", "bob", "cleo")])
    connector = world.connector(lab)
    connector.healthy(streamed=3)
    assert len(lab.exchange("GET", "/lab/subscriptions")["subscriptions"]) == 3
    assert connector.stop(signal.SIGINT) == 0
    left = lab.exchange("GET", "/lab/subscriptions")
    assert left == {"subscriptions": [], "streams": []}
    assert "Traceback" not in connector.output()
