"""The check of everything: what each step says where all is well, and that nothing is left behind."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from rainbow_exchange.diagnosis.check import TITLES
from tests.checking import bench, check, left, real_time, told

WITHOUT_ADDRESS = [
    "settings",
    "secrets",
    "exchange-place",
    "exchange-proxy",
    "exchange-name",
    "exchange-tcp",
    "exchange-tls",
    "exchange-clock",
    "exchange-authentication",
    "exchange-version",
    "mailbox",
    "impersonation",
    "must-refuse",
    "subscription",
    "stream",
    "availability",
    "out-of-office",
    "rainbow-proxy",
    "rainbow-name",
    "rainbow-tcp",
    "rainbow-tls",
    "rainbow-clock",
    "rainbow-sign-in",
    "rainbow-settings",
    "rainbow-users",
    "rainbow-link",
    "rainbow-notify",
]


def looked_into(folder: Path) -> list[Path]:
    return list(folder.glob("*"))


async def test_all_is_well_and_nothing_is_left(tmp_path: Path) -> None:
    house = bench(tmp_path)
    async with house.open():
        first = min(house.people, key=lambda user: user.login_email)
        assert first.mailbox is not None
        house.appointment(first.mailbox.address, start=real_time() + timedelta(hours=1))

        found = await check(house, must_refuse=["nobody@acme.test"])

        assert list(found) == WITHOUT_ADDRESS
        assert {step for step, each in found.items() if each.verdict == "skip"} == {
            "exchange-proxy",
            "exchange-tls",
            "rainbow-proxy",
            "rainbow-tls",
        }
        assert told(found, "fail") == {}
        assert told(found, "warn") == {"must-refuse": "must-refuse-unknown"}
        assert found["exchange-authentication"].text == "As svc-rainbow, by Basic."
        assert found["mailbox"].facts["mailbox"] == first.mailbox.address
        assert found["availability"].text == "It can be read, with subjects, by acting for the owner (1 in a week)."
        assert left(house) == 0
        assert list(house.rainbow.record.notifies) == []
    assert not looked_into(tmp_path)  # no state, not even an empty one


async def test_one_person_is_looked_up_and_rainbow_comes_first(tmp_path: Path) -> None:
    house = bench(tmp_path)
    person = replace(house.people[1], emails=(("ada@home.test", "home"),))
    house.rainbow.people.add(person)
    async with house.open():
        found = await check(house, address=person.login_email)

    steps = list(found)
    assert set(steps) <= set(TITLES)
    assert steps.index("rainbow-sign-in") < steps.index("exchange-place") < steps.index("user") < steps.index("mailbox")
    assert "rainbow-notify" not in steps
    assert found["user"].facts["not_tried"] == [{"kind": "personal", "value": "ada@home.test", "code": "domain"}]
    assert found["mailbox"].facts["by"] == "login"
    assert told(found, "fail") == {}


async def test_somebody_nobody_knows_fails_at_rainbow_and_at_exchange(tmp_path: Path) -> None:
    house = bench(tmp_path)
    async with house.open():
        found = await check(house, address="nobody@acme.test")

    assert told(found, "fail") == {"user": "user-unknown", "mailbox": "mailbox-not-found"}
    assert found["mailbox"].text == "Exchange knows no mailbox by login nobody@acme.test (ErrorNonExistentMailbox)."
    assert {step for step, each in found.items() if each.because == "mailbox"} == {
        "impersonation",
        "subscription",
        "stream",
        "availability",
        "out-of-office",
    }
