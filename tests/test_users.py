"""Users who come, go and change at Rainbow's administration while the daemon runs, over the wires of both labs."""

from pathlib import Path
from typing import Any

from rainbow_exchange.lab.user import LabUser
from rainbow_exchange.lab.users_file import user_from_json
from tests.administrator import Administrator
from tests.house import House, until, virtually

USERS = "/api/rainbow/admin/v1.0/users"


def person(name: str, **fields: Any) -> LabUser:
    return user_from_json({"id": name, "loginEmail": f"{name}@acme.test"} | fields)


def notified(house: House, user_id: str) -> int:
    return sum(user_id in entry["ids"] for entry in house.rainbow.record.notifies)


async def outcome(house: House, email: str, kind: str = "events") -> str:
    entry = await house.rainbow.questions.ask(kind, email)
    return str(entry.get("condition") or entry["outcome"])


def subscribed(house: House, address: str) -> bool:
    return bool(list(house.exchange.subscriptions.of(address)))


async def let_go(house: House, name: str) -> None:
    """Wait until somebody who has left is told of once more and unsubscribed; Rainbow is answered so."""
    address = f"{name}@acme.test"
    await until(lambda: notified(house, name) == 1, within=10)
    await until(lambda: not subscribed(house, address), within=10)
    for kind in ("events", "autoreply"):
        assert await outcome(house, address, kind) == "item-not-found"


def test_people_added_changed_deactivated_and_deleted_at_rainbow_are_followed(tmp_path: Path) -> None:
    async def test() -> None:
        people = [person(name) for name in ("ann", "bob", "eve", "zoe")]
        boxes = [*people, person("max"), person("ann2", mailbox="ann.b@acme.test")]
        house = House(tmp_path, boxes)
        for name in ("max", "ann2"):
            house.rainbow.people.remove(name)
        house.bridge = {"users_refresh_minutes": 1}
        async with house.at_work() as daemon:
            administrator = Administrator(house.rainbow)
            await until(lambda: all(notified(house, user.id) for user in people), within=30)
            users = daemon.status()["users"]
            assert (users["total"], users["missing"]) == (4, 0)
            assert (users["being_listed"], users["last_failure"]) == (None, None)
            assert users["listed_at"] < users["next_listing"]
            house.rainbow.record.clear()

            new = await administrator.add_user(loginEmail="max@acme.test")
            await administrator.change_user("ann", loginEmail="ann.b@acme.test")
            await administrator.change_user("bob", isActive=False)
            await administrator.delete_user("eve")
            await administrator.change_user("zoe", guestMode=True)
            await until(lambda: daemon.status()["users"]["total"] == 2, within=80, step=1)
            await until(lambda: notified(house, new) and notified(house, "ann"), within=30)
            for gone in ("bob", "eve", "zoe"):
                await let_go(house, gone)
            assert subscribed(house, "ann.b@acme.test")
            assert not subscribed(house, "ann@acme.test")
            assert await outcome(house, "ann.b@acme.test") == "result"
            assert await outcome(house, "max@acme.test") == "result"
            assert house.rainbow.record.counts["full_listings"] == 1

            await administrator.change_user("bob", isActive=True)
            await until(lambda: subscribed(house, "bob@acme.test"), within=80, step=1)
            await until(lambda: notified(house, "bob") == 2, within=10)
            assert await outcome(house, "bob@acme.test") == "result"
            assert daemon.status()["state"] == "healthy"

    virtually(test)


def test_a_list_that_moves_while_it_is_read_removes_nobody_and_finds_everybody(tmp_path: Path) -> None:
    async def test() -> None:
        people = [person(f"u{number:03}") for number in range(110)]
        house = House(tmp_path, people)
        house.bridge = {"users_refresh_minutes": 1}
        async with house.at_work() as daemon:
            gone = []
            for _ in range(2):  # each listing has somebody go from the first page and somebody come behind the last
                house.rainbow.dials.set({"paging": "swaps", "paging_moves": 1})
                await until(lambda: house.rainbow.dials.paging_moves == 0, within=90, step=1)
                await until(lambda: daemon.status()["users"]["being_listed"] is None, within=30)
                gone = [user.id for user in people if house.rainbow.people.by_id(user.id) is None]
                kept = [user.id for user in people if notified(house, user.id) == 2]
                assert set(kept) <= set(gone)
                assert daemon.status()["users"]["total"] == 110
            assert len(gone) == 2
            await until(lambda: all(notified(house, each) == 2 for each in gone), within=30)

    virtually(test)


def test_a_list_that_cannot_be_had_removes_nobody_and_is_shown(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, [person("ann"), person("bob")])
        house.bridge = {"users_refresh_minutes": 1}
        async with house.at_work() as daemon:
            house.rainbow.people.remove("ann")
            house.rainbow.dials.set({"refuse_next": 3, "refuse_status": 403, "refuse_path": USERS})
            await until(lambda: daemon.status()["users"]["last_failure"], within=90, step=1)
            status = daemon.status()
            assert status["users"]["total"] == 2
            assert status["users"]["last_failure"]["reason"] == status["rainbow"]["reason"]
            assert "rainbow-company-unknown" in house.problems()
            assert await outcome(house, "ann@acme.test") == "result"
            await until(lambda: daemon.status()["users"]["total"] == 1, within=60)
            status = daemon.status()
            assert status["problems"] == []
            assert status["users"]["last_failure"]["at"] < status["users"]["listed_at"]

    virtually(test)


def test_an_address_that_two_users_share_is_reported_and_nobody_s(tmp_path: Path) -> None:
    async def test() -> None:
        info = [{"email": "info@acme.test", "type": "work"}]
        people = [
            person("ann", loginEmail="ann@elsewhere.test", emails=info, mailbox="info@acme.test"),
            person("bob", emails=info, mailbox="bob@acme.test"),
        ]
        house = House(tmp_path, people)
        house.bridge = {"users_refresh_minutes": 1}
        async with house.at_work("degraded") as daemon:
            problems = {problem["id"]: problem["text"] for problem in daemon.status()["problems"]}
            assert problems == {
                "mailbox-shared": "The only address or mailbox of 1 user is another user's, too:"
                " ann@elsewhere.test (shared: info@acme.test).",
                "user-address-shared": "The same address stands in the profiles of several users: info@acme.test"
                " (ann@elsewhere.test, bob@acme.test).",
            }
            assert not subscribed(house, "info@acme.test")
            assert notified(house, "ann") == 0
            assert await outcome(house, "info@acme.test") == "item-not-found"
            assert await outcome(house, "bob@acme.test") == "result"
            house.rainbow.people.add(person("bob"))
            await until(lambda: daemon.status()["state"] == "healthy", within=90, step=1)
            assert daemon.status()["problems"] == []
            assert await outcome(house, "info@acme.test") == "result"

    virtually(test)
