"""What the check says of one person's rights, calendar and automatic reply."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.lab.exchange.mailbox import OutOfOffice, Right
from tests.checking import Bench, bench, check, checked, left, real_time, told

SECRETS = ("Redundancies", "Call me under")


def address(house: Bench, number: int) -> str:
    mailbox = house.people[number].mailbox
    assert mailbox is not None
    return mailbox.address


@pytest.mark.parametrize(
    ("code", "verdict", "cause"),
    [
        ("ErrorImpersonateUserDenied", "pass", ""),
        ("", "fail", "exchange-rights-too-wide"),
        ("ErrorMailboxStoreUnavailable", "warn", "must-refuse-unknown"),
    ],
)
async def test_whom_the_account_must_not_act_for(tmp_path: Path, code: str, verdict: str, cause: str) -> None:
    house = bench(tmp_path)
    boss = address(house, 0)
    house.exchange.dials.turn({"mailbox_errors": {boss: code} if code else {}})

    found = await checked(house, must_refuse=[boss], address=house.people[1].login_email)

    assert (found["must-refuse"].verdict, found["must-refuse"].cause) == (verdict, cause)
    assert found["must-refuse"].facts["codes"] == {boss: code or "NoError"}


async def test_times_only_are_a_warning(tmp_path: Path) -> None:
    house = bench(tmp_path, right=Right.FREEBUSY, impersonation=False)
    async with house.open():
        house.appointment(address(house, 0), SECRETS[0], start=real_time() + timedelta(hours=2))
        found = await check(house, address=house.people[0].login_email)

    assert told(found, "warn") == {
        "impersonation": "exchange-impersonation-off",
        "availability": "exchange-busy-only",
    }
    assert told(found, "fail") == {"subscription": "mailbox-denied"}
    assert found["stream"].because == "subscription"


async def test_nothing_of_a_subject_or_of_a_text_is_told(tmp_path: Path) -> None:
    house = bench(tmp_path)
    async with house.open():
        mailbox = house.exchange.directory.by_address[address(house, 0)]
        house.appointment(mailbox.address, SECRETS[0], start=real_time() + timedelta(hours=2))
        mailbox.oof = OutOfOffice(
            state="Scheduled", audience="All", internal=SECRETS[1], external=SECRETS[1],
            start=real_time() - timedelta(hours=1), end=real_time() + timedelta(days=1),
        )  # fmt: skip
        found = await check(house, address=house.people[0].login_email)

    assert told(found, "fail") == told(found, "warn") == {}
    assert found["availability"].facts["appointments"] == 1
    assert found["out-of-office"].facts == {"state": "scheduled", "source": "settings"}
    said = repr(list(found.values()))
    assert not any(secret in said for secret in SECRETS)


async def test_an_automatic_reply_that_nobody_tells(tmp_path: Path) -> None:
    house = bench(tmp_path)
    house.exchange.dials.turn({"mail_tips_enabled": False, "absence_errors": {address(house, 0): "ErrorAccessDenied"}})

    found = await checked(house, address=house.people[0].login_email)

    assert told(found, "warn") == {"out-of-office": "exchange-out-of-office-unreadable"}
    assert found["out-of-office"].facts == {"code": "ErrorAccessDenied"}


async def test_an_identifier_that_leads_nowhere_is_named_and_the_next_one_tried(tmp_path: Path) -> None:
    house = bench(tmp_path)
    house.exchange.dials.turn({"mailbox_errors": {address(house, 0): "ErrorNonExistentMailbox"}})

    found = await checked(house, address=house.people[0].login_email)

    assert told(found, "fail") == {"mailbox": "mailbox-not-found"}
    tried = found["mailbox"].facts["tried"]
    assert {each["code"] for each in tried} == {"ErrorNonExistentMailbox"}
    assert tried[0]["kind"] == "login"


async def test_whom_rainbow_does_not_list_is_tried_at_exchange_all_the_same(tmp_path: Path) -> None:
    house = bench(tmp_path)
    house.rainbow.dials.set({"refuse_logins": True})

    found = await checked(house, address=address(house, 0))

    assert told(found, "fail") == {"rainbow-sign-in": "rainbow-authentication"}
    assert found["user"].because == "rainbow-sign-in"
    assert found["stream"].verdict == "pass"


async def test_a_stream_is_refused_where_the_service_has_them_all(tmp_path: Path) -> None:
    house = bench(tmp_path)
    house.exchange.dials.turn({"faults": {"GetStreamingEvents": "ErrorExceededConnectionCount"}})
    running: dict[str, Any] = {"link": {"connected_since": "2026-03-02T08:00:00Z", "kind": "xmpp"}}
    async with house.open():
        alone = await check(house)
        beside = await check(house, daemon=running)
        assert left(house) == 0

    assert told(alone, "fail") == {"stream": "exchange-busy"}
    assert told(beside, "warn") == {"stream": "exchange-busy"}
    assert beside["rainbow-link"].text == "The service, which runs, has it since 2026-03-02T08:00:00Z."


@pytest.mark.parametrize(
    ("operation", "code", "step", "cause"),
    [
        ("GetStreamingEvents", "ErrorSubscriptionNotFound", "stream", "exchange-subscription-lost"),
        ("GetStreamingEvents", "ErrorMailboxMoveInProgress", "stream", "mailbox-postponed"),
        ("Subscribe", "ErrorExceededSubscriptionCount", "subscription", "exchange-subscriptions-exceeded"),
        ("Subscribe", "ErrorMailboxStoreUnavailable", "subscription", "mailbox-postponed"),
        ("Subscribe", "ErrorAccessDenied", "subscription", "mailbox-denied"),
    ],
)
async def test_no_right_is_called_missing_where_none_is(
    tmp_path: Path, operation: str, code: str, step: str, cause: str
) -> None:
    house = bench(tmp_path)
    house.exchange.dials.turn({"faults": {operation: code}})

    found = await checked(house)

    assert told(found, "fail") == {step: cause}
    assert ("Grant" in found[step].fix) == (code == "ErrorAccessDenied")
    assert code in found[step].text


async def test_an_address_that_is_another_users_login_is_not_tried(tmp_path: Path) -> None:
    house = bench(tmp_path)
    other = house.people[0]
    person = replace(house.people[1], emails=((other.login_email, "work"), ("ada@acme.test", "home")))
    house.rainbow.people.add(person)

    found = await checked(house, address=person.login_email)

    assert found["user"].facts["not_tried"] == [{"kind": "work", "value": other.login_email, "code": "taken"}]
    assert [each["kind"] for each in found["user"].facts["tried"]] == ["login", "personal"]
    assert found["mailbox"].facts["mailbox"] == address(house, 1)


async def test_rainbow_that_calls_back_is_asked_for_its_connections_only(tmp_path: Path) -> None:
    house = bench(tmp_path)
    house.link = {"link": "s2s", "callback_url": "https://connector.acme.test/rainbow"}

    found = await checked(house, sides=("rainbow",))

    assert found["rainbow-link"].verdict == "pass"
    assert found["rainbow-link"].facts == {"kind": "s2s", "connections": 0}


async def test_where_exchange_is_looked_for_by_users_that_rainbow_does_not_list(tmp_path: Path) -> None:
    house = bench(tmp_path, url=None)
    house.rainbow.dials.set({"refuse_next": 99, "refuse_status": 403, "refuse_path": "admin/v1.0/users"})

    found = await checked(house)

    assert told(found, "fail")["exchange-place"] == "exchange-not-found"
    assert found["exchange-place"].text.startswith("Rainbow's users are needed to look for Exchange. ")


@pytest.mark.parametrize(
    ("privacy", "asks"),
    [
        ({"privacy": "busy-only"}, False),
        ({"privacy": "full", "privacy_exceptions": {"*@acme.test": "busy-only"}}, False),
        ({"privacy": "full"}, True),
    ],
)
async def test_no_subject_is_asked_for_where_none_leaves_the_building(
    tmp_path: Path, privacy: dict[str, Any], asks: bool
) -> None:
    house = bench(tmp_path)
    house.bridge = privacy
    house.exchange.dials.turn({"keep_bodies": True})
    async with house.open():
        house.appointment(address(house, 0), SECRETS[0], start=real_time() + timedelta(hours=2))
        found = await check(house, address=house.people[0].login_email)
        asked = repr(house.exchange.record.read())

    assert "RequestedView" in asked
    assert ("Detailed" in asked) is asks
    assert ("subjects are not asked for, by bridge.privacy" in found["availability"].text) is not asks
