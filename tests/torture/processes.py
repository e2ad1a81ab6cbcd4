"""The installed command against the lab, all as processes, killed at random moments: it ends with Rainbow right.

What is to happen is drawn from a seed and the number of the kill, so that any kill can be repeated, or gone on from; at
which instruction it meets the process is the machine's to say.
"""

import contextlib
import shutil
import socket
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from rainbow_exchange.cli import local_api
from rainbow_exchange.web import runtime
from tests.processes import Connector, Lab, World, until
from tests.torture import held

#: how long it may take to come to rest, on a machine that is busy with other things
AT_REST = 180.0
#: a draft of a file that a kill has left is put away with the first one written so much later
DRAFTS_FOR = 60.0
#: of each five kills these come while it starts, and only these: there may be several in a row
STARTING = {1, 3, 4}
#: of each eight kills these take one of the lab's sides along
WITH_RAINBOW, WITH_EXCHANGE = 2, 6
#: seconds over which changes, and a kill among them, are spread
SPREAD = 1.5
KILLED = 1 if sys.platform == "win32" else -9


def person(name: str, **more: Any) -> dict[str, Any]:
    return {"loginEmail": f"{name}@acme.test", "language": "en"} | more


#: some are found by another identifier than their login, which the state remembers
PEOPLE = [
    person("ada"),
    person("bob"),
    person("cleo.login", emails=[{"email": "cleo@acme.test", "type": "work"}], mailbox="cleo@acme.test"),
    person("dan.alias", mailbox={"address": "dan@acme.test", "aliases": ["dan.alias@acme.test"]}),
]
COMER = person("zoe")
MAILBOXES = ["ada@acme.test", "bob@acme.test", "cleo@acme.test", "dan@acme.test", "zoe@acme.test"]


@dataclass
class Side:
    """One side of the lab as a process, always at the same address."""

    world: World
    name: str
    port: int
    lab: Lab | None = None
    starts: int = 0

    def start(self) -> None:
        self.starts += 1
        people = PEOPLE if self.name == "rainbow" else [*PEOPLE, COMER]
        self.lab = self.world.lab(people, "--only", self.name, f"--{self.name}-port", str(self.port))

    def kill(self) -> None:
        if self.lab is not None:
            self.lab.kill()
            self.lab = None

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        assert self.lab is not None
        call = self.lab.rainbow if self.name == "rainbow" else self.lab.exchange
        return call(method, f"/lab/{path}", body)


class Killed:
    """A connector and both sides of the lab, which live through `kills` kills from the number `first` on."""

    def __init__(self, folder: Path, stack: ExitStack, seed: int, say: Callable[[str], object]) -> None:
        self.seed = seed
        self.say = say
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.world = World(folder, stack)
        self.state = folder / "état"
        self.rainbow, self.exchange = (self.side(stack, name) for name in ("rainbow", "exchange"))
        self.connector: Connector | None = None
        self.starts = 0
        self.started_at = 0.0
        self.start_takes = 2.0
        self.logins = 0
        self.texts = 0
        self.random = Random(seed)

    def side(self, stack: ExitStack, name: str) -> Side:
        """Make one, whose port nobody takes while it is down."""
        kept = stack.enter_context(socket.socket())
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        return Side(self.world, name, kept.getsockname()[1])

    def live(self, kills: int, first: int = 0) -> None:
        """Be killed so often, come to rest, and stop; raise AssertionError for whatever does not hold then."""
        self.rainbow.start()
        self.exchange.start()
        self.start()
        for number in range(first, first + kills):
            self.random = Random(f"{self.seed} {number}")
            try:
                self.kill(number)
            except BaseException:
                self.say(
                    f"kill {number} of seed {self.seed}: RAINBOW_EXCHANGE_SEED={self.seed} and "
                    f"RAINBOW_EXCHANGE_KILLS_FROM={number} go on from there"
                )
                raise
        self.come_to_rest()
        self.stop()

    # -- one kill ----------------------------------------------------------------------------------------------------

    def kill(self, number: int) -> None:
        """Let changes be made, kill the connector at some moment in between, and start it again."""
        if starting := number % 5 in STARTING:
            spread = self.random.uniform(0, 1.2) * self.start_takes
        else:
            self.come_to_rest()
            spread = SPREAD
        with_side = {WITH_RAINBOW: self.rainbow, WITH_EXCHANGE: self.exchange}.get(number % 8)
        deeds = [(self.random.uniform(0, spread), self.change) for _ in range(self.random.randint(1, 4))]
        if with_side is not None:
            deeds.append((self.random.uniform(0, spread), with_side.kill))
        late = self.random.choice((-1, 0, 2)) if with_side is not None else 0
        moment = spread if starting else self.random.uniform(0, spread)
        self.in_their_time([*deeds, (moment, self.end)], self.started_at if starting else time.monotonic())
        self.say(
            f"kill {number}: {'while it starts, ' if starting else ''}after {moment:.3f} s"
            + (f", and {with_side.name} with it" if with_side is not None else "")
        )
        self.look_at_the_state()
        self.count_logins()
        if with_side is not None and late <= 0:
            with_side.start()
        self.start()
        if with_side is not None and late > 0:
            self.in_their_time([(self.random.uniform(0, late), with_side.start)], self.started_at)

    @staticmethod
    def in_their_time(deeds: list[tuple[float, Callable[[], object]]], since: float) -> None:
        """Do each so many seconds after `since`, or at once where that has passed."""
        for at, deed in sorted(deeds, key=lambda each: each[0]):
            time.sleep(max(0.0, since + at - time.monotonic()))
            deed()

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.starts += 1
        labs = [each.lab for each in (self.rainbow, self.exchange) if each.lab is not None]
        if self.connector is None:
            self.connector = self.world.connector(*labs, LOG__LEVEL="debug")
            self.connector.environment |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(self.temporary))
        else:
            self.connector.start()

    def end(self) -> None:
        """Kill the connector, without a chance to put anything in order."""
        assert self.connector is not None
        assert self.connector.process.poll() is None, self.connector.output()[-4000:]
        self.connector.kill()
        assert self.connector.process.returncode == KILLED
        with contextlib.suppress(local_api.NoAnswerError):
            local_api.ask(self.state, "/api/status")
            raise AssertionError("somebody answers for a daemon that was killed")

    # -- what people do ----------------------------------------------------------------------------------------------

    def change(self) -> None:
        """Change something that a start alone has to find: with the connector up or down, while the side is there."""
        if self.exchange.lab is None:
            return
        deeds = (self.make, self.alter, self.delete, self.absent, self.come_or_go)
        [deed] = self.random.choices(deeds, (5, 3, 2, 3, 1))
        deed(self.random.choice(MAILBOXES))

    def make(self, address: str) -> None:
        self.exchange.ask("POST", f"mailboxes/{address}/items", self.details())

    def alter(self, address: str) -> None:
        for item in held.items(self.exchange.ask, address)[:1]:
            self.exchange.ask("PATCH", f"mailboxes/{address}/items/{item['number']}", self.details())

    def delete(self, address: str) -> None:
        for item in held.items(self.exchange.ask, address)[:1]:
            self.exchange.ask("DELETE", f"mailboxes/{address}/items/{item['number']}")

    def details(self) -> dict[str, Any]:
        self.texts += 1
        start = datetime.now(UTC).replace(second=0, microsecond=0)
        start += timedelta(minutes=self.random.choice((-600, -20, 30, 180, 600, 1300)))
        return {
            "subject": f"Meeting {self.texts}",
            "start": start.isoformat(),
            "end": (start + timedelta(minutes=self.random.choice((90, 660)))).isoformat(),
            "show_as": self.random.choice(list(held.SHOW_AS)),
            "sensitivity": self.random.choice(("Normal", "Normal", "Private")),
        }

    def absent(self, address: str) -> None:
        self.texts += 1
        state = self.random.choice(("Enabled", "Disabled"))
        wanted = {"state": state, "audience": "All", "internal": f"Away {self.texts}", "external": ""}
        self.exchange.ask("PUT", f"mailboxes/{address}/out-of-office", wanted)

    def come_or_go(self, _: str) -> None:
        if self.rainbow.lab is not None:
            there = {user["loginEmail"] for user in self.rainbow.ask("GET", "users")}
            if COMER["loginEmail"] in there:
                self.rainbow.ask("DELETE", f"users/{COMER['loginEmail']}")
            else:
                self.rainbow.ask("POST", "users", COMER)

    # -- what has to hold --------------------------------------------------------------------------------------------

    def come_to_rest(self) -> None:
        """Wait until it is well and Rainbow holds of everybody what Exchange has; then nothing else is left over."""
        assert self.connector is not None
        wrong = ["not looked yet"]

        def at_rest() -> bool:
            assert self.connector is not None
            assert self.connector.process.poll() is None, self.connector.output()[-4000:]
            status = self.connector.asked()
            mailboxes = self.mailboxes()
            wrong[:] = [f"{status.get('state')} {status.get('problems')}"]
            if status.get("state") == "healthy" and status["mailboxes"]["streamed"] == len(mailboxes):
                wrong[:] = held.wrong(self.rainbow.ask, self.exchange.ask, mailboxes)
            return not wrong

        try:
            until(at_rest, "at rest", within=AT_REST)
        except BaseException:
            self.say(f"not at rest: {wrong}")
            raise
        self.start_takes = min(30.0, time.monotonic() - self.started_at)
        self.count_logins()
        found = runtime.read(self.state)
        assert found is not None
        assert found.pid == self.connector.process.pid
        files = {"state.db", "state.db-wal", "history.db", "history.db-wal", "runtime.json", "web-token"}
        self.look_for_litter(files)

    def mailboxes(self) -> dict[str, str]:
        """Give the address of each user that Rainbow has, by user id."""
        names = ((user["id"], user["loginEmail"].partition("@")[0]) for user in self.rainbow.ask("GET", "users"))
        return {user_id: f"{name.partition('.')[0]}@acme.test" for user_id, name in names}

    def count_logins(self) -> None:
        """Nobody signs in to Rainbow more often than once for each start of either; nobody is refused anywhere."""
        if self.rainbow.lab is not None:
            requests = self.rainbow.ask("GET", "requests?only=requests")["requests"]
            logins = [each["status"] for each in requests if each["path"].endswith("/authentication/v1.0/login")]
            self.rainbow.ask("DELETE", "requests")
            self.logins += len(logins)
            assert set(logins) <= {200}
            assert self.logins <= self.starts + self.rainbow.starts - 1, f"{self.logins} logins, {self.starts} starts"
        if self.exchange.lab is not None:
            outcomes = {each["outcome"] for each in self.exchange.ask("GET", "attempts")}
            assert outcomes <= {"accepted"}

    def look_at_the_state(self) -> None:
        """The files are intact as the kill left them; copies are looked at, since opening one would mend it."""
        with tempfile.TemporaryDirectory() as folder:
            for file in self.state.glob("*.db*"):
                shutil.copy(file, folder)
            for copy in Path(folder).glob("*.db"):
                with contextlib.closing(sqlite3.connect(copy)) as database:
                    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

    def look_for_litter(self, expected: set[str]) -> None:
        drafts = [file for file in self.state.glob("*.new") if time.time() - file.stat().st_mtime < DRAFTS_FOR * 2]
        assert {file.name for file in self.state.iterdir()} - {file.name for file in drafts} == expected
        assert list(self.temporary.iterdir()) == []

    def stop(self) -> None:
        """Stop everything in order: nothing is left of it but the state."""
        assert self.connector is not None
        assert self.connector.stop() == 0
        self.look_for_litter({"state.db", "history.db"})
        self.look_at_the_state()
        assert self.exchange.ask("GET", "subscriptions")["streams"] == []
        self.make("ada@acme.test")
        assert held.wrong(self.rainbow.ask, self.exchange.ask, self.mailboxes()), "a change nobody told of is not seen"
        for side in (self.rainbow, self.exchange):
            assert side.lab is not None
            assert side.lab.stop() == 0
        said = self.connector.output()
        assert "Traceback" not in said, said[said.index("Traceback") :][:4000]
        assert "Meeting" not in said
        assert "Away" not in said
        events = {each["event"] for each in self.connector.events()}
        assert "starting" in events
        assert not events & {"state_file_corrupt", "history_file_corrupt", "history_in_memory", "made_copy_unreadable"}
