"""What is entered in Rainbow's administration takes effect while the connector runs, and nothing leaves by it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.daemon import Daemon
from tests.administrator import Administrator, Stranger
from tests.house import House, now, until, virtually

NOTHING_HERE: dict[str, Any] = {"url": None, "username": None}
UNREAD = ("2026-03-20T00:00:00Z", "2026-03-21T00:00:00Z")


def company(folder: Path, *, secrets: dict[str, str] | None = None, **exchange: Any) -> House:
    """Give one whose Exchange this machine's settings do not know, but for these."""
    house = House(folder, 3, **(NOTHING_HERE | exchange))
    house.password = None
    for name, value in (secrets or {}).items():
        setattr(house, name, value)
    return house


def ids(daemon: Daemon) -> list[str]:
    return [problem["id"] for problem in daemon.status()["problems"]]


def origins(daemon: Daemon) -> dict[str, str]:
    return {entry["name"]: entry["origin"] for entry in daemon.status()["settings"]}


async def becomes(daemon: Daemon, state: str, *, within: float = 120) -> None:
    await until(lambda: daemon.status()["state"] == state, within=within, step=within / 60)


async def asked(house: House) -> str:
    entry = await house.rainbow.questions.ask("events", house.people[0].login_email, window=UNREAD)
    return str(entry.get("condition", entry["outcome"]))


Test = Callable[[House, Administrator], Awaitable[None]]


def played(make: Callable[[], House], test: Test) -> None:
    """Run a test in which both sides of the lab are there, and no connector yet."""

    async def run() -> None:
        house = make()
        async with house.open():
            await test(house, Administrator(house.rainbow))

    virtually(run)


def test_everything_comes_from_rainbow_and_no_secret_is_left_anywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def test(house: House, administrator: Administrator) -> None:
        daemon = house.start()
        await becomes(daemon, "degraded")
        [problem] = daemon.status()["problems"]
        assert problem["id"] == "settings-missing"
        assert "exchange.username" in problem["text"]
        assert "Rainbow's administration" in problem["action"]
        assert "config.toml" in problem["action"]
        assert daemon.status()["rainbow"]["state"] == "connected"

        await administrator.exchange(url=house.exchange.url, login="svc-rainbow", password="Exchange#1")
        await becomes(daemon, "healthy", within=20)
        assert await asked(house) == "result"
        assert daemon.status()["exchange"]["account"] == "svc-rainbow"
        shown = {entry["name"]: entry for entry in daemon.status()["settings"]}
        assert shown["exchange.url"] == {
            "name": "exchange.url",
            "value": house.exchange.url,
            "origin": "Rainbow's administration (settings.company.url)",
        }
        assert shown["exchange.password"] == {
            "name": "exchange.password",
            "value": "set",
            "origin": "Rainbow's administration (settings.company.password)",
        }
        assert shown["switch"] == {"name": "switch", "value": "on", "origin": "default"}
        assert len(house.rainbow.record.xmpp_logins) == 1
        await house.stop()
        assert "Exchange#1" not in json.dumps(shown)

    played(lambda: company(tmp_path), test)
    assert b"Exchange#1" not in b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
    assert "Exchange#1" not in capsys.readouterr().out


def test_what_is_changed_takes_effect_at_once_when_told_and_soon_when_not(tmp_path: Path) -> None:
    async def test(house: House, administrator: Administrator) -> None:
        await administrator.exchange(url=house.exchange.url, login="svc-rainbow", password="wrong")
        daemon = house.start()
        await until(lambda: ids(daemon) == ["exchange-authentication"], within=60)
        assert "was entered in Rainbow's administration: correct it there" in daemon.status()["problems"][0]["action"]
        asked_so_far = sum(house.exchange.record.counts.values())
        await asyncio.sleep(400)
        assert sum(house.exchange.record.counts.values()) == asked_so_far  # it is tried once

        await administrator.exchange(password="Exchange#1")
        await becomes(daemon, "healthy", within=20)
        assert ids(daemon) == []

        sides = daemon._sides
        assert sides is not None
        bridge = sides.exchange
        await administrator.exchange(password="Exchange#1", unknown="field")
        await asyncio.sleep(400)
        assert sides.exchange is bridge  # nothing has changed, and nothing is built anew

        await administrator.record(exchangeCalendarCustomisation="disabled")  # nobody is told of that
        await becomes(daemon, "switched off", within=400)

    played(lambda: company(tmp_path), test)


@pytest.mark.parametrize("off", ["disabled", False])
def test_switched_off_everything_is_given_back_and_on_again_begins_anew(tmp_path: Path, off: object) -> None:
    async def test(house: House, administrator: Administrator) -> None:
        daemon = house.start()
        await becomes(daemon, "healthy")
        assert len(house.exchange.subscriptions) == 3
        await administrator.switch(off)
        await administrator.exchange(any="thing")  # which is told
        await becomes(daemon, "switched off", within=20)
        assert len(house.exchange.subscriptions) == 0
        status = daemon.status()
        assert status["exchange"]["state"] == "switched off"
        assert status["rainbow"]["state"] == "connected"
        assert status["mailboxes"]["total"] == 0
        [problem] = status["problems"]
        assert (problem["id"], problem["severity"]) == ("rainbow-switched-off", "notice")
        assert daemon.ready()
        assert await asked(house) == "service-unavailable"

        told, requests = len(house.rainbow.record.notifies), sum(house.exchange.record.counts.values())
        house.appointment(house.people[0].login_email, start=now())
        await asyncio.sleep(900)
        assert len(house.rainbow.record.notifies) == told
        assert sum(house.exchange.record.counts.values()) == requests

        await administrator.switch("enabled")
        await becomes(daemon, "healthy", within=600)
        assert await asked(house) == "result"
        await asyncio.sleep(10)
        again = list(house.rainbow.record.notifies)[told:]
        assert {user for notify in again for user in notify["ids"]} == {person.id for person in house.people}
        assert all(notify["force"] for notify in again)
        assert len(house.rainbow.record.xmpp_logins) == 1

    played(lambda: House(tmp_path, 3), test)


def test_what_cannot_be_read_changes_nothing_not_even_over_a_restart(tmp_path: Path) -> None:
    async def test(house: House, administrator: Administrator) -> None:
        await administrator.switch("disabled")
        daemon = house.start()
        await becomes(daemon, "switched off")
        await house.stop()
        house.rainbow.dials.set({"refuse_next": 100_000, "refuse_status": 403, "refuse_path": "/companies/"})
        daemon = house.start()
        await until(lambda: "rainbow-settings-not-read" in ids(daemon), within=60)
        await asyncio.sleep(400)
        assert daemon.status()["state"] == "switched off"
        assert origins(daemon)["switch"] == "Rainbow's administration, read earlier"
        await administrator.exchange(any="thing")
        assert daemon.status()["state"] == "switched off"
        house.rainbow.dials.set({"refuse_next": 0})
        await administrator.switch(None)
        await becomes(daemon, "healthy", within=900)

    played(lambda: House(tmp_path, 3), test)


def test_a_company_that_may_not_be_read_at_all_counts_as_on(tmp_path: Path) -> None:
    async def test(house: House, _administrator: Administrator) -> None:
        house.rainbow.dials.set({"refuse_next": 100_000, "refuse_status": 403, "refuse_path": "compan"})
        daemon = house.start()
        await becomes(daemon, "healthy")
        assert ids(daemon) == ["rainbow-settings-not-read"]

    played(lambda: House(tmp_path, 3), test)


def test_exchange_is_not_kept_waiting_by_a_rainbow_that_is_slow_to_tell(tmp_path: Path) -> None:
    async def test(house: House, _administrator: Administrator) -> None:
        house.rainbow.dials.set({"rest_late_seconds": 12.0})
        daemon = house.start()
        await until(lambda: daemon.status()["exchange"]["state"] == "connected", within=8)
        assert daemon.status()["rainbow"]["state"] == "starting"
        house.rainbow.dials.set({"rest_late_seconds": 0.0})
        await becomes(daemon, "healthy", within=60)

    played(lambda: House(tmp_path, 3), test)


def test_what_waits_for_rainbow_says_so_and_is_not_called_missing(tmp_path: Path) -> None:
    async def test(house: House, administrator: Administrator) -> None:
        await administrator.exchange(url=house.exchange.url, login="svc-rainbow", password="Exchange#1")
        house.rainbow.dials.set({"rest_late_seconds": 4.0})
        daemon = house.start()
        await asyncio.sleep(10)
        assert ids(daemon) == []
        assert daemon.status()["exchange"]["reason"] == "Rainbow's administration is asked first whether and where."
        house.rainbow.dials.set({"rest_late_seconds": 0.0})
        await becomes(daemon, "healthy", within=60)

    played(lambda: company(tmp_path), test)


def test_a_connector_that_is_no_administrator_reads_what_everybody_may(tmp_path: Path) -> None:
    async def test(house: House, administrator: Administrator) -> None:
        house.rainbow.dials.set({"connector_reads_company": False})
        await administrator.switch("disabled")
        daemon = house.start()
        await becomes(daemon, "switched off")

    played(lambda: House(tmp_path, 3), test)


def test_what_is_not_understood_is_said_and_changes_nothing(tmp_path: Path) -> None:
    async def test(house: House, administrator: Administrator) -> None:
        await administrator.exchange(url=house.exchange.url, login="svc-rainbow", password="Exchange#1")
        daemon = house.start()
        await becomes(daemon, "healthy")
        await administrator.switch("perhaps")
        await administrator.exchange(url="mail.acme.test", login=7)
        await until(lambda: ids(daemon) == ["rainbow-settings-not-understood"], within=60)
        text = daemon.status()["problems"][0]["text"]
        assert "exchangeCalendarCustomisation says neither enabled nor disabled" in text
        assert "settings.company.url is not a web address" in text
        assert "settings.company.login is no text" in text
        assert "mail.acme.test" not in text
        await asyncio.sleep(400)
        assert await asked(house) == "result"
        assert daemon.ready()

    played(lambda: company(tmp_path), test)


@pytest.mark.parametrize("here", [{"username": "svc-rainbow"}, {"client_id": "svc-rainbow"}])
def test_an_endpoint_that_only_rainbow_names_sees_no_secret_of_this_machine(
    tmp_path: Path, here: dict[str, str]
) -> None:
    async def test(house: House, administrator: Administrator) -> None:
        async with Stranger().open() as stranger:
            await administrator.exchange(url=stranger.url)
            daemon = house.start()
            await until(lambda: ids(daemon) == ["exchange-endpoint-not-confirmed"], within=60)
            problem = daemon.status()["problems"][0]
            assert 'exchange.allowed_hosts = ["127.0.0.1"]' in problem["action"]
            assert "Exchange#1" not in json.dumps(daemon.status())
            await asyncio.sleep(400)
            assert stranger.requests == []

            await administrator.exchange(url=house.exchange.url)
            await asyncio.sleep(10)
            house.settings["allowed_hosts"] = ["127.0.0.1"]
            await daemon.reload()
            await becomes(daemon, "healthy", within=60)

            house.settings["allowed_hosts"] = []
            await daemon.reload()
            await administrator.exchange(url=stranger.url, login="")
            await until(lambda: ids(daemon) == ["exchange-endpoint-not-confirmed"], within=60)
            await asyncio.sleep(400)
            assert stranger.requests == []
            assert len(house.exchange.subscriptions) == 0

    secrets = {"password" if "username" in here else "client_secret": "Exchange#1"}
    played(lambda: company(tmp_path, secrets=secrets, **here), test)


def test_what_rainbow_gives_goes_where_rainbow_says_and_nothing_of_this_machine_with_it(tmp_path: Path) -> None:
    async def test(house: House, administrator: Administrator) -> None:
        async with Stranger().open() as stranger:
            await administrator.exchange(url=stranger.url, login="theirs", password="theirs")
            daemon = house.start()
            await until(lambda: ids(daemon) == ["exchange-authentication"], within=60)
            assert stranger.requests
            sent = json.dumps(stranger.requests)
            assert "bG9jYWw" not in sent  # "local", as Basic has it
            assert daemon.status()["exchange"]["account"] == "theirs"

    secrets = {"fallback_password": "local"}
    played(lambda: company(tmp_path, secrets=secrets, fallback_username="local", auth="basic"), test)


def test_an_account_from_rainbow_at_the_endpoint_of_this_machine(tmp_path: Path) -> None:
    async def test(house: House, administrator: Administrator) -> None:
        async with Stranger().open() as stranger:
            await administrator.exchange(url=stranger.url, clientId="svc-rainbow", clientSecret="Exchange#1")
            house.settings["url"] = house.exchange.url
            daemon = house.start()
            await becomes(daemon, "healthy")
            assert daemon.status()["exchange"]["account"] == "svc-rainbow (client id, taken as user name)"
            found = origins(daemon)
            assert found["exchange.client_id"] == "Rainbow's administration (settings.company.clientId)"
            assert found["exchange.client_secret"] == "Rainbow's administration (settings.company.clientSecret)"
            assert stranger.requests == []

    played(lambda: company(tmp_path), test)


def test_what_is_set_on_this_machine_wins(tmp_path: Path) -> None:
    async def test(house: House, administrator: Administrator) -> None:
        async with Stranger().open() as stranger:
            await administrator.exchange(url=stranger.url, login="theirs", password="theirs")
            daemon = house.start()
            await becomes(daemon, "healthy")
            assert daemon.status()["exchange"]["account"] == "svc-rainbow"
            assert not any("Rainbow" in origin for origin in origins(daemon).values())
            assert stranger.requests == []

    played(lambda: House(tmp_path, 3), test)


def test_the_fields_can_be_others_and_the_directory_s_are_never_taken(tmp_path: Path) -> None:
    async def test(house: House, administrator: Administrator) -> None:
        await administrator.directory(url="ldaps://dc.acme.test", login="ldap", password="ldap")
        await administrator.record(
            customData={"ews": house.exchange.url, "who": "svc-rainbow"}, ours={"deep": {"secret": "Exchange#1"}}
        )
        house.fields = {
            "url": ["nothing", "customData.ews"],
            "username": "customData.who",
            "password": "ours.deep.secret",
        }
        daemon = house.start()
        await becomes(daemon, "healthy")
        assert origins(daemon)["exchange.url"] == "Rainbow's administration (customData.ews)"
        house.fields = {}
        await daemon.reload()
        await until(lambda: ids(daemon) == ["settings-missing"], within=60)

    played(lambda: company(tmp_path), test)


def test_whatever_is_switched_while_rainbow_asks_each_question_gets_one_answer(tmp_path: Path) -> None:
    async def test(house: House, administrator: Administrator) -> None:
        daemon = house.start()
        await becomes(daemon, "healthy")
        house.exchange.dials.turn({"delay_seconds": 1.0})
        outcomes: list[str] = []

        async def ask() -> None:
            outcomes.append(await asked(house))

        async with asyncio.TaskGroup() as tasks:
            for turn in range(8):
                await administrator.switch("disabled" if turn % 2 == 0 else "enabled")
                await administrator.exchange(turn=turn)
                for _ in range(12):
                    tasks.create_task(ask())
                    await asyncio.sleep(0.7)
        assert len(outcomes) == 96
        assert {"result", "service-unavailable"} <= set(outcomes)
        assert not {"timeout", "no-link", "malformed", "internal-server-error"} & set(outcomes)
        assert house.rainbow.record.counts["unexpected_answers"] == 0
        house.exchange.dials.turn({"delay_seconds": 0.0})
        await becomes(daemon, "healthy", within=300)

    played(lambda: House(tmp_path, 3), test)
