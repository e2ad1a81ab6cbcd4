"""What was noted last can be looked at as it happens: bounded, in order, and nothing of whoever has left."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from rainbow_exchange.bridge.history import COMPANY, History, What
from rainbow_exchange.bridge.recent import Recent
from rainbow_exchange.bridge.recorder import Recorder
from rainbow_exchange.bridge.roster import Roster
from rainbow_exchange.bridge.told import Told
from rainbow_exchange.rainbow.types import RainbowUser

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def test_a_flood_of_one_kind_pushes_out_no_other() -> None:
    recent = Recent()
    recent.add(0, "ada", "ada@acme.test", "told", {"of": "events"}, seconds=1.5)
    for number in range(1000):
        recent.add(number, "bob", "bob@acme.test", "read", {})
    recent.add(1000, "ada", "ada@acme.test", "told", {"of": "events"}, seconds=0.5)
    assert recent.number == 1002
    assert [(each.number, each.seconds) for each in recent.after(0, ["told"])] == [(1, 1.5), (1002, 0.5)]
    everything = recent.after(0)
    assert [each.number for each in everything] == [1, *range(802, 1002), 1002]
    assert recent.after(1002) == recent.after(0, ["absence"]) == []


def test_whoever_has_left_is_not_shown() -> None:
    recent = Recent()
    for person in ("ada", "bob", "ada"):
        recent.add(0, person, "", "told", {})
    recent.forget({"ada"})
    assert [each.person for each in recent.after(0)] == ["bob"]
    for number in range(300):
        recent.add(number, "bob", "", "told", {})
    assert len(recent.after(0)) == 200


def test_each_note_is_one_but_a_state_that_lasts(tmp_path: Path) -> None:
    now = [START]
    history = History.open(tmp_path, now=lambda: now[0])
    for state in ("connected", "connected", "disconnected", "disconnected", "connected"):
        history.note(COMPANY, What.EXCHANGE, state=state, reason="")
        history.note("ada", What.CHANGE, login="ada@acme.test", cause="notified")
        now[0] += timedelta(seconds=60)
    assert [each.detail["state"] for each in history.recent.after(0, [What.EXCHANGE])] == [
        "connected",
        "disconnected",
        "connected",
    ]
    changes = history.recent.after(0, [What.CHANGE])
    assert [(each.at - changes[0].at) // 1000 for each in changes] == [0, 60, 120, 180, 240]
    history.forget("ada")
    assert history.recent.after(0, [What.CHANGE]) == []
    history.close()


def test_how_long_telling_took_is_for_those_who_look_and_kept_nowhere(tmp_path: Path) -> None:
    roster = Roster()
    roster.add(RainbowUser(id="ada", login_email="Ada@acme.test"))
    record = Recorder(History.open(tmp_path, now=lambda: START), roster)
    record.told("ada", Told.EVENTS, 1.25)
    (shown,) = record.history.recent.after(0)
    assert (shown.login, shown.kind, shown.detail, shown.seconds) == ("ada@acme.test", "told", {"of": "events"}, 1.25)
    (entry,) = record.history.of("ada")
    assert entry.detail == {"of": "events"}
    record.history.close()
