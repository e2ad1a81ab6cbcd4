"""Whose mailbox is whose: identifiers, restarts, people who come and go, mailboxes without rights."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e]


def subscribes(lab: Any) -> list[str]:
    """Return whom each Subscribe was for, in order."""
    return [
        (entry["impersonated"] or entry["mailboxes"][0]).lower()
        for entry in lab.exchange("GET", "/lab/requests?operation=Subscribe")
    ]


def test_each_identifier_leads_to_its_mailbox_and_is_tried_first_after_a_restart(
    world: Any, person: Callable[..., dict[str, Any]]
) -> None:
    def four(name: str, mailbox: str) -> dict[str, Any]:
        return person(
            name,
            emails=[
                {"email": f"{name}.work@acme.test", "type": "work"},
                {"email": f"{name}.home@acme.test", "type": "home"},
            ],
            authenticationExternalUid=f"{name}.uid@acme.test",
            mailbox=mailbox,
        )

    reachable = {
        "ann": "ann@acme.test",
        "ben": "ben.work@acme.test",
        "cat": "cat.home@acme.test",
        "dan": "dan.uid@acme.test",
    }
    lab = world.lab([four(name, mailbox) for name, mailbox in reachable.items()])
    first = world.connector(lab)
    first.healthy(streamed=4)
    tried = {name: [one for one in subscribes(lab) if one.startswith(name)] for name in reachable}
    assert tried == {
        "ann": ["ann@acme.test"],
        "ben": ["ben@acme.test", "ben.work@acme.test"],
        "cat": ["cat@acme.test", "cat.work@acme.test", "cat.home@acme.test"],
        "dan": ["dan@acme.test", "dan.work@acme.test", "dan.home@acme.test", "dan.uid@acme.test"],
    }
    assert first.stop() == 0
    lab.exchange("DELETE", "/lab/requests")
    second = world.connector(lab)
    second.healthy(streamed=4)
    assert sorted(subscribes(lab)) == sorted(reachable.values())


def test_who_came_left_or_was_renamed_while_it_was_down_is_known_right_after_the_start(
    world: Any, person: Callable[..., dict[str, Any]]
) -> None:
    lab = world.lab([person("ada"), person("bob"), person("cleo")])
    first = world.connector(lab)
    first.healthy(streamed=3)
    assert first.stop() == 0
    lab.exchange("POST", "/lab/mailboxes", {"address": "zoe@acme.test"})
    lab.exchange("POST", "/lab/mailboxes", {"address": "cleopatra@acme.test"})
    lab.rainbow("POST", "/lab/users", person("zoe"))
    lab.rainbow("DELETE", "/lab/users/bob@acme.test")
    lab.rainbow(
        "PATCH",
        "/lab/users/cleo@acme.test",
        {"loginEmail": "cleopatra@acme.test", "emails": [{"email": "cleopatra@acme.test", "type": "work"}]},
    )
    lab.rainbow("DELETE", "/lab/requests")
    world.connector(lab).healthy(streamed=3)
    streamed = {one["mailbox"] for one in lab.exchange("GET", "/lab/subscriptions")["subscriptions"]}
    assert streamed == {"ada@acme.test", "zoe@acme.test", "cleopatra@acme.test"}
    assert lab.rainbow("GET", "/lab/requests?only=notifies")["full_listings"] == 1


def test_whoever_s_mailbox_gives_no_right_stands_in_no_notify(
    world: Any, person: Callable[..., dict[str, Any]], eventually: Callable[..., Any]
) -> None:
    closed = person("eve", id="5f00000000000000000000e1", mailbox={"address": "eve@acme.test", "right": "none"})
    opened = person("ada", id="5f00000000000000000000a1", mailbox={"address": "ada@acme.test", "right": "reviewer"})
    lab = world.lab([opened, closed])
    connector = world.connector(lab, EXCHANGE__IMPERSONATION="false")
    problem = connector.problem("mailbox-denied")
    assert "eve@acme.test" in problem["text"]

    def notified() -> set[str]:
        notifies = lab.rainbow("GET", "/lab/requests?only=notifies")["notifies"]
        return {user_id for notify in notifies for user_id in notify["ids"]}

    eventually(lambda: "5f00000000000000000000a1" in notified(), "Ada notified")
    status = connector.status()
    assert status["mailboxes"] == {"total": 2, "streamed": 1, "polled": 0, "uncovered": 1}
    assert notified() == {"5f00000000000000000000a1"}
    assert "item-not-found" in str(lab.rainbow("POST", "/lab/ask", {"kind": "events", "email": "eve@acme.test"}))
    [waiting] = status["not_streamed"]
    next_try = datetime.fromisoformat(waiting.pop("next_try")) - datetime.now(UTC)
    assert timedelta(minutes=50) < next_try <= timedelta(hours=1)
    assert waiting == {
        "user": "eve@acme.test",
        "mailbox": None,
        "coverage": "uncovered",
        "reason": "ErrorFolderNotFound",
    }
    lab.exchange("PATCH", "/lab/mailboxes/eve@acme.test", {"right": "reviewer"})
    connector.retry()
    assert connector.healthy(streamed=2)["not_streamed"] == []
    eventually(lambda: "5f00000000000000000000e1" in notified(), "Eve notified")
