"""The Rainbow side of a whole daemon, whose link is treated by the lab as real servers treat links."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.house import EPOCH, House, now, until, virtually


async def turn(house: House, **dials: Any) -> None:
    """Turn dials of the lab's Rainbow over its own wire."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{house.rainbow.url}/lab/dials", json=dials) as answer,
    ):
        assert answer.status == 200, await answer.text()


def connected(house: House) -> bool:
    return bool(house.status()["rainbow"]["state"] == "connected")


async def settled(house: House) -> None:
    """Wait until Rainbow has been told of everybody and has asked."""
    await until(lambda: {user.id for user in house.people} <= set(house.notified()), within=60)
    await house.rainbow.questions.idle()


def address_of(house: House) -> str:
    """Tell the first person's mailbox."""
    mailbox = house.people[0].mailbox
    assert mailbox is not None
    return mailbox.address


async def answered(house: House) -> dict[str, Any]:
    """Ask about the first person's day; the question's entry."""
    return await house.rainbow.questions.ask("events", house.people[0].login_email)


@pytest.mark.parametrize(
    ("cut", "within"),
    [
        ({"cut_link": True}, 2),
        ({"cut_link": "mid-stanza"}, 2),
        ({"cut_link": "close"}, 2),
        ({"cut_link": "system-shutdown"}, 11),
        ({"cut_link": "not-authorized"}, 2),
        ({"cut_link": "reset"}, 2),
        ({"cut_link": "policy-violation"}, 21),
        ({"cut_link": "see-other-host", "elsewhere": "evil.test"}, 2),
        # no word and no end: found by pings within 25 s, and nobody answers while it is so
        ({"away": {"link": "silent"}}, 40),
    ],
    ids=str,
)
def test_link_that_ends_in_any_way_is_back_soon_and_questions_are_answered(
    tmp_path: Path, cut: dict[str, Any], within: float
) -> None:
    async def test() -> None:
        house = House(tmp_path, 1)
        async with house.at_work():
            assert (await answered(house))["outcome"] == "result"
            logins = len(house.rainbow.record.xmpp_logins)
            await turn(house, **cut)
            await until(lambda: not connected(house), within=26)
            await turn(house, away={"link": ""})
            await until(lambda: connected(house), within=within)
            assert len(house.rainbow.record.xmpp_logins) > logins
            assert (await answered(house))["outcome"] == "result"
            await until(lambda: house.status()["state"] == "healthy", within=60)

    virtually(test)


async def offline_for(folder: Path, seconds: float) -> None:
    """Have the link down for so long, something changed at its end, and see that Rainbow shows everything right."""
    house = House(folder, 5)
    async with house.at_work():
        rainbow = house.rainbow
        await settled(house)
        await turn(house, away={"link": "reset"})
        await until(lambda: not connected(house), within=5)
        await asyncio.sleep(seconds)
        house.appointment(address_of(house), "Board", start=now() - timedelta(minutes=5))
        await asyncio.sleep(60)
        assert house.problems()["rainbow-link-lost"]["severity"] == "error"
        rainbow.record.clear()
        await turn(house, away={"link": ""})
        assert await until(lambda: connected(house), within=61) <= 60.5
        await until(lambda: rainbow.questions.shown(house.people[0]).busy, within=30)
        await settled(house)
        forced = [notify["ids"] for notify in rainbow.record.notifies if notify["force"]]
        assert {user.id for user in house.people} == {user_id for ids in forced for user_id in ids}
        last = {(entry["user_id"], entry["kind"]): entry["outcome"] for entry in rainbow.record.questions}
        assert last == {(user.id, kind): "result" for user in house.people for kind in ("events", "autoreply")}
        await until(lambda: house.status()["state"] == "healthy", within=60)


def test_long_time_without_a_link_ends_with_everybody_told_and_shown(tmp_path: Path) -> None:
    async def test() -> None:
        await offline_for(tmp_path, 400)

    virtually(test)


def test_user_of_whom_rainbow_could_not_ask_is_told_again_once_the_link_is_back(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        async with house.at_work():
            await settled(house)
            await turn(house, away={"link": "reset"})
            await until(lambda: not connected(house), within=5)
            house.appointment(address_of(house), "Board", start=now() - timedelta(minutes=5))
            await until(lambda: house.notified().count(house.people[0].id) >= 2, within=30)
            await house.rainbow.questions.idle()
            assert house.rainbow.record.questions[-1]["outcome"] == "no-link"
            assert not house.rainbow.questions.shown(house.people[0]).busy
            await turn(house, away={"link": ""})
            await until(lambda: connected(house), within=61)
            await until(lambda: house.rainbow.questions.shown(house.people[0]).busy, within=10)

    virtually(test)


def test_resource_is_kept_over_restarts(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 1)
        async with house.open():
            for _ in range(2):
                house.start()
                await until(lambda: house.status()["state"] == "healthy", within=60)
                await house.stop()
        jids = [entry["jid"] for entry in house.rainbow.record.xmpp_logins]
        assert len(jids) == 2
        assert len(set(jids)) == 1
        assert jids[0].partition("/")[2].startswith("node_")
        present = house.rainbow.record.presences[0]
        assert (present["priority"], present["status"], present["xrbclient"]) == ("5", "mode=auto", "sdk_node")
        assert (present["appid"], present["userid"]) == ("app1", house.rainbow.people.account.id)
        assert present["companyid"] == house.rainbow.company_id
        assert present["xrbversion"]

    virtually(test)


def test_rival_that_takes_the_place_is_shown_and_given_time(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 1)
        async with house.at_work() as daemon:
            await turn(house, rival="same")
            await until(lambda: not connected(house), within=5)
            problem = house.problems()["rainbow-link-lost"]
            assert "conflict: another connector" in problem["text"]
            assert "rainbow-exchange retry --all" in problem["action"]
            assert house.status()["state"] == "degraded"
            logins = len(house.rainbow.record.xmpp_logins)
            await asyncio.sleep(290)
            assert len(house.rainbow.record.xmpp_logins) == logins
            assert await until(lambda: connected(house), within=20) <= 15
            await turn(house, rival="same")
            await until(lambda: not connected(house), within=5)
            await turn(house, rival="gone")
            await asyncio.sleep(60)
            daemon.retry(None)
            await until(lambda: connected(house), within=3)
            await until(lambda: house.status()["state"] == "healthy", within=60)

    virtually(test)


def test_second_connector_beside_ours_is_shown_as_long_as_it_is_there(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 1)
        async with house.at_work():
            await turn(house, rival="other")
            await until(lambda: "rainbow-second-connector" in house.problems(), within=5)
            assert connected(house)
            assert house.status()["state"] == "degraded"
            assert house.status()["link"]["other_connectors"] == 1
            await turn(house, rival="gone")
            await until(lambda: house.status()["state"] == "healthy", within=60)

    virtually(test)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"])
def test_link_signs_in_by_whatever_is_offered(tmp_path: Path, mechanism: str) -> None:
    async def test() -> None:
        house = House(tmp_path, 1, rainbow={"dials": {"sasl_mechanisms": [mechanism]}})
        async with house.at_work():
            assert (await answered(house))["outcome"] == "result"

    virtually(test)


def test_texts_are_escaped_once_and_twice_where_the_setting_says_so(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 1)
        for twice, subject in ((None, "R&D <x>"), (True, "R&amp;D &lt;x&gt;")):
            house.link = {} if twice is None else {"escape_texts_twice": twice}
            async with house.at_work():
                house.appointment(address_of(house), "R&D <x>", start=EPOCH + timedelta(hours=1))
                await asyncio.sleep(5)
                assert {event["subject"] for event in (await answered(house))["answer"]} == {subject}

    virtually(test)


def test_questions_about_one_mailbox_share_one_read_and_a_slow_one_holds_nobody_up(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        async with house.at_work():
            await settled(house)
            loop, ask = asyncio.get_running_loop(), house.rainbow.questions.ask
            slow, quick = (user.login_email for user in house.people)
            first, second = (
                ("2026-09-01T00:00:00Z", "2026-09-02T00:00:00Z"),
                ("2026-10-01T00:00:00Z", "2026-10-02T00:00:00Z"),
            )
            house.exchange.record.clear()
            await ask("events", slow, window=first)
            one_read = reads(house)
            house.exchange.record.clear()
            house.exchange.dials.turn({"delay_seconds": 3, "delay_operations": ["GetUserAvailability", "FindItem"]})
            began = loop.time()
            many = [asyncio.create_task(ask("events", slow, window=second)) for _ in range(50)]
            await asyncio.sleep(0.5)
            assert (await ask("events", quick))["outcome"] == "result"
            assert loop.time() - began < 1
            assert {entry["outcome"] for entry in await asyncio.gather(*many)} == {"result"}
            assert 3 <= loop.time() - began < 10
            assert 1 <= reads(house) == one_read

    virtually(test)


def reads(house: House) -> int:
    record = house.exchange.record
    return sum(len(record.read(operation=operation)) for operation in ("GetUserAvailability", "FindItem"))


def test_stranger_is_refused_shown_with_the_setting_and_heard_once_that_is_set(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 1)
        async with house.at_work():
            entry = await house.rainbow.questions.ask("events", house.people[0].login_email, sender="m@evil.test/1")
            assert (entry["outcome"], entry["condition"], entry["error_type"]) == ("error", "forbidden", "auth")
            await asyncio.sleep(2)
            problem = house.problems()["rainbow-stranger-asked"]
            assert 'rainbow.trusted_askers = ["evil.test"]' in problem["action"]
            assert "m@" not in problem["text"] + problem["action"]
            seen = house.status()["link"]
            assert (seen["kind"], seen["connections"], seen["strangers"], seen["failed"]) == ("xmpp", 1, 1, 0)
            assert seen["questions"] == seen["answered"] + seen["refused"]
            assert seen["connected_since"].startswith("2026-03-02T08:00:")
            await house.stop()
            house.link = {"trusted_askers": ["evil.test"]}
            house.start()
            await until(lambda: house.status()["state"] == "healthy", within=60)
            entry = await house.rainbow.questions.ask("events", house.people[0].login_email, sender="m@evil.test/1")
            assert entry["outcome"] == "result"

    virtually(test)


def test_questions_that_an_ordered_stop_interrupts_are_refused_not_forgotten(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 1)
        async with house.at_work():
            await settled(house)
            house.exchange.dials.turn({"delay_seconds": 5, "delay_operations": ["GetUserAvailability", "FindItem"]})
            window = ("2026-10-01T00:00:00Z", "2026-10-02T00:00:00Z")
            ask = house.rainbow.questions.ask
            login = house.people[0].login_email
            many = [asyncio.create_task(ask("events", login, window=window)) for _ in range(200)]
            await asyncio.sleep(1)
            await house.stop()
            outcomes = {(entry["outcome"], entry.get("condition")) for entry in await asyncio.gather(*many)}
            assert outcomes == {("error", "service-unavailable")}

    virtually(test)
