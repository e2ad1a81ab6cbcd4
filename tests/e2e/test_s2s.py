"""With Rainbow calling back: the daemon on virtual time, and the installed command, both against the lab."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from rainbow_exchange.lab.company import make_company
from tests.house import House, now, until, virtually
from tests.ports import free_port


def s2s_house(folder: Path) -> House:
    house = House(folder, make_company(4, 1))
    port = free_port()
    house.link = {"link": "s2s", "callback_url": f"http://127.0.0.1:{port}/base", "callback_port": port}
    return house


def shown(house: House, number: int) -> str:
    """What clients see of a person."""
    return house.rainbow.questions.shown(house.people[number]).status


def mailbox(house: House, number: int) -> str:
    return house.people[number].mailbox.address  # type: ignore[union-attr]  # each of them has one


def test_change_is_told_asked_for_and_answered_by_callbacks_alone(tmp_path: Path) -> None:
    async def test() -> None:
        house = s2s_house(tmp_path)
        async with house.at_work() as daemon:
            await until(lambda: shown(house, 1) == "free", within=10)
            house.appointment(mailbox(house, 1), start=now() - timedelta(minutes=5))
            await until(lambda: shown(house, 1) == "busy", within=5)
            assert {entry["link"] for entry in house.rainbow.record.questions} == {"s2s"}
            assert {entry["outcome"] for entry in house.rainbow.record.questions} == {"result"}
            assert not house.rainbow.record.xmpp_logins
            assert daemon.measures()["callbacks"]["calendar-events"] >= 5
            assert daemon.ready()
        assert house.rainbow.connections.of(house.rainbow.people.account.id) == []

    virtually(test)


def test_way_that_rainbow_does_not_find_is_a_problem_from_the_first_day(tmp_path: Path) -> None:
    async def test() -> None:
        house = s2s_house(tmp_path)
        house.rainbow.dials.set({"s2s_callbacks": False})
        async with house.at_work("degraded") as daemon:
            problem = house.problems()["rainbow-callback-missing"]
            assert f"{house.link['callback_url']}/" in problem["text"]
            assert "docs/how-to/s2s-link.md" in problem["action"]
            rainbow = daemon.status()["rainbow"]
            assert rainbow["state"] == "disconnected"
            assert rainbow["reason"] in problem["text"]
            house.rainbow.dials.set({"s2s_callbacks": True})
            await until(lambda: daemon.status()["state"] == "healthy", within=200)
            assert house.problems() == {}

    virtually(test)


def test_port_that_is_taken_is_a_problem_and_taken_up_once_it_is_free(tmp_path: Path) -> None:
    async def test() -> None:
        house = s2s_house(tmp_path)
        other = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", house.link["callback_port"])
        async with house.at_work("degraded") as daemon:
            problem = house.problems()["rainbow-callback-port"]
            assert str(house.link["callback_port"]) in problem["text"]
            other.close()
            await other.wait_closed()
            await until(lambda: daemon.status()["state"] == "healthy", within=200)

    virtually(test)


@pytest.mark.parametrize("how", ["lost", "ended", "unreachable"])
def test_change_while_the_connection_was_away_is_told_again(tmp_path: Path, how: str) -> None:
    async def test() -> None:
        house = s2s_house(tmp_path)
        async with house.at_work() as daemon:
            await until(lambda: shown(house, 2) == "free", within=10)
            await asyncio.sleep(30)
            if how == "lost":
                house.rainbow.connections.lose()
            elif how == "ended":
                house.rainbow.connections.terminate()
            else:
                house.rainbow.dials.set({"s2s_callbacks": False})
            house.appointment(mailbox(house, 2), start=now() - timedelta(minutes=5))
            await asyncio.sleep(20)
            if how == "unreachable":
                await until(lambda: "rainbow-callback-missing" in house.problems(), within=200, step=10)
                assert shown(house, 2) == "free"
                house.rainbow.dials.set({"s2s_callbacks": True})
            await until(lambda: shown(house, 2) == "busy", within=120)
            await until(lambda: daemon.status()["state"] == "healthy", within=60)

    virtually(test)


def test_rainbow_that_has_forgotten_everybody_is_told_of_everybody(tmp_path: Path) -> None:
    async def test() -> None:
        house = s2s_house(tmp_path)
        house.appointment(mailbox(house, 3), start=now() - timedelta(minutes=5))
        async with house.at_work():
            await until(lambda: [shown(house, number) for number in range(4)] == ["free"] * 3 + ["busy"], within=10)
            house.rainbow.forget()  # tokens, too
            assert shown(house, 3) == "not_enabled"
            await until(lambda: [shown(house, number) for number in range(4)] == ["free"] * 3 + ["busy"], within=150)

    virtually(test)


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_becomes_of_rainbow_and_of_the_way_to_us_it_ends_right(tmp_path: Path, seed: int) -> None:
    draw = Random(seed)

    async def test() -> None:
        house = s2s_house(tmp_path)
        rainbow, busy = house.rainbow, [False] * 4
        async with house.at_work():
            port = int(rainbow.url.rpartition(":")[2])
            blows: dict[str, Callable[[], Any]] = {
                "lost": rainbow.connections.lose,
                "ended": rainbow.connections.terminate,
                "forgotten": rainbow.forget,
                "expired": rainbow.sign_in.expire_tokens,
                "unreachable": lambda: rainbow.dials.set({"s2s_callbacks": False}),
                "reachable": lambda: rainbow.dials.set({"s2s_callbacks": True}),
                "refused": lambda: rainbow.dials.set({"refuse_next": 3, "refuse_status": draw.choice([429, 500, 404])}),
                "reset": lambda: rainbow.outage.set({"rest": "reset"}),
                "silent": lambda: rainbow.outage.set({"rest": "silent", "link": "silent"}),
                "back": lambda: rainbow.outage.set({"rest": "", "link": ""}),
            }
            for _ in range(12):
                name = draw.choice([*blows, "killed"])
                if name == "killed":
                    await rainbow.kill()
                    await asyncio.sleep(draw.choice([1, 50]))
                    await rainbow.start(port=port)
                else:
                    blows[name]()
                number = draw.randrange(4)
                if not busy[number] and draw.random() < 0.5:
                    house.appointment(mailbox(house, number), start=now() - timedelta(minutes=5), minutes=10_000)
                    busy[number] = True
                await asyncio.sleep(draw.choice([0.1, 5, 100]))
            rainbow.outage.set({"rest": "", "link": ""})
            rainbow.dials.set({"s2s_callbacks": True, "refuse_next": 0})
            wanted = ["busy" if each else "free" for each in busy]
            await until(lambda: [shown(house, number) for number in range(4)] == wanted, within=300, step=1)
            await until(lambda: house.status()["state"] == "healthy", within=300, step=1)

    virtually(test)


def test_quiet_quarter_of_an_hour_is_no_loss(tmp_path: Path) -> None:
    async def test() -> None:
        house = s2s_house(tmp_path)
        async with house.at_work() as daemon:
            await until(lambda: {shown(house, number) for number in range(4)} == {"free"}, within=10)
            await asyncio.sleep(1000)
            [connection] = house.rainbow.connections.of(house.rainbow.people.account.id)
            assert connection.ready
            assert connection.present
            ready = [call for call in house.rainbow.record.callbacks if call["name"] == "connection"]
            assert len(ready) == 2, "a second one shows that the way is open"
            assert daemon.measures()["links_opened"] == 1
            assert "rainbow-link-lost" not in house.seen

    virtually(test)


def test_link_is_changed_while_the_daemon_runs(tmp_path: Path) -> None:
    async def test() -> None:
        house = s2s_house(tmp_path)
        s2s, house.link = house.link, {}
        async with house.at_work() as daemon:
            await until(lambda: shown(house, 1) == "free", within=10)
            assert {entry["link"] for entry in house.rainbow.record.questions} == {"xmpp"}
            house.link = s2s
            await daemon.reload()
            await until(lambda: house.rainbow.connections.live(house.rainbow.people.account.id), within=30)
            house.appointment(mailbox(house, 1), start=now() - timedelta(minutes=5))
            await until(lambda: shown(house, 1) == "busy", within=30)
            assert house.rainbow.record.questions[-1]["link"] == "s2s"

    virtually(test)


def test_user_of_whom_rainbow_tells_is_subscribed_in_seconds(tmp_path: Path) -> None:
    async def test() -> None:
        house = s2s_house(tmp_path)
        newcomer = house.people[-1]
        house.rainbow.people.remove(newcomer.id)
        async with house.at_work() as daemon:
            await until(lambda: daemon.status()["mailboxes"]["streamed"] == 3, within=10)
            await asyncio.sleep(120)
            house.rainbow.people.add(newcomer)
            house.rainbow.connections.changed(newcomer.id, "created")
            await until(lambda: daemon.status()["mailboxes"]["streamed"] == 4, within=15)

    virtually(test)


@pytest.mark.e2e
def test_installed_command_is_called_back(
    world: Any,
    person: Callable[..., dict[str, Any]],
    soon: Callable[[float], datetime],
    eventually: Callable[..., Any],
) -> None:
    lab = world.lab([person("ada"), person("bob")])
    port = str(free_port())
    url = f"http://127.0.0.1:{port}/rainbow"
    connector = world.connector(lab, RAINBOW__LINK="s2s", RAINBOW__CALLBACK_URL=url, RAINBOW__CALLBACK_PORT=port)
    connector.healthy(streamed=2)
    meeting = {"subject": "Planning", "start": soon(-5).isoformat(), "end": soon(25).isoformat()}
    lab.exchange("POST", "/lab/mailboxes/ada@acme.test/items", meeting)
    eventually(lambda: lab.colleague("bob@acme.test").sees("ada@acme.test")["subject"] == "Planning", "Ada busy")
    lab.rainbow("POST", "/lab/dials", {"end_connections": True})

    def answered() -> bool:
        entry = lab.rainbow("POST", "/lab/ask", {"email": "ada@acme.test"})
        return bool(entry["link"] == "s2s" and entry["outcome"] == "result")

    eventually(answered, "a new connection", within=180)
    assert connector.stop() == 0
    calls = lab.rainbow("GET", "/lab/requests?only=callbacks")["callbacks"]
    assert [call["name"] for call in calls if call["name"] == "connection"] == ["connection"] * 3  # ready, ended, ready
    assert f"{url}/" not in connector.output(), "the path is a secret"
