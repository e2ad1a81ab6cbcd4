"""A company whose Rainbow side fails in every way, and what has to hold once it has come to rest."""

import asyncio
import gc
import math
import socket
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rainbow_exchange.lab.rainbow.presence import Known
from tests.house import EPOCH, now, until
from tests.torture import oracle
from tests.torture.faults import Troubled
from tests.torture.people import PLACES
from tests.torture.steps import Step

#: no fault for so long: it has come to rest
AT_REST = 600.0
#: from an attempt to sign in to an account that is locked to the next one
LOCKED_FOR = 65 * 60.0
UNAUTHORIZED = 401
LOGIN = "/api/rainbow/authentication/v1.0/login"


class Tortured(Troubled):
    """Lives through a history."""

    def __init__(self, folder: Path, *, impersonation: bool, uses: Counter[str]) -> None:
        super().__init__(folder, impersonation=impersonation, uses=uses)
        self.loose: list[str] = []

    async def live(self, history: list[Step]) -> None:
        """Run through a history and come to rest; raise AssertionError for whatever does not hold then."""
        with socket.socket() as held:  # so that nobody takes the port while Rainbow is down
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind(("127.0.0.1", 0))
            self.port = held.getsockname()[1]
            before = _sockets(), _tasks()
            asyncio.get_running_loop().set_exception_handler(self.note)
            await self.exchange.start()
            await self.rainbow.start(port=self.port)
            try:
                self.start()
                await until(lambda: self.status()["state"] == "healthy", within=120)
                await asyncio.sleep(60)
                at_first = _sockets(), _tasks()
                for step in history:
                    await asyncio.sleep(step.pause)
                    self.do(step)
                await self.come_to_rest()
                assert not (wrong := self.wrong()), "\n".join(wrong)
                for _ in range(24):  # connections are kept for the next request for a while
                    if not self.more_than(at_first):
                        break
                    await asyncio.sleep(5)
                assert not (left := self.more_than(at_first)), left
            finally:
                await self.stop()
                await self.rainbow.stop()
                await self.exchange.stop()
            await asyncio.sleep(60)
            assert not (left := self.more_than(before)), left
            gc.collect()
            assert not self.loose, self.loose

    def note(self, _: object, context: dict[str, Any]) -> None:
        """Take note of an error that nobody has looked at."""
        self.loose.append(f"{context['message']}: {context.get('exception')!r}")

    @staticmethod
    def more_than(before: tuple[int, Counter[str]]) -> str:
        """Say which sockets and tasks there are besides those that there were."""
        sockets, tasks = _sockets() - before[0], _tasks() - before[1]
        return f"{sockets} sockets more, {dict(tasks)}" if sockets > 0 or tasks else ""

    async def come_to_rest(self) -> None:
        """End every fault, wait for what is promised to take longer, then ten minutes."""
        self.over.set()
        while self.faults:
            await asyncio.gather(*self.faults)
        self.over.clear()
        self.rainbow.outage.on_break = lambda: None
        self.rainbow.dials.set({"break_next": 0})
        await asyncio.sleep(max([0.0, *(end - _time() for _, end in self.waits)]) + AT_REST)
        refused = max(
            (_seconds(entry) for entry in self.logins() if entry["status"] == UNAUTHORIZED), default=-math.inf
        )
        if self.locks and refused + LOCKED_FOR + AT_REST > _time():
            self.waits.append((refused, refused + LOCKED_FOR))
            await asyncio.sleep(refused + LOCKED_FOR + AT_REST - _time())
        # nothing begins or ends by itself just now
        await until(self.nothing_begins_or_ends, within=3600, step=5)

    def nothing_begins_or_ends(self) -> bool:
        at, quiet = now(), timedelta(seconds=20)
        return not any(
            at - quiet < instant < at + quiet
            for place in range(PLACES)
            for instant in oracle.boundaries(self.mailbox(place), at)
        )

    def wrong(self) -> list[str]:
        """List what does not hold; nothing at rest."""
        return [*self.wrongly_shown(), *self.badly_met(), *self.unwell()]

    def wrongly_shown(self) -> list[str]:
        found, at, covered = [], now(), self.covered()
        told = set(self.notified())
        for user in self.users:
            known = self.rainbow.questions.known.get(user.id, Known())
            mailbox = covered.get(user.id)
            if mailbox is None:
                if user.is_active and (known.events is not None or known.auto_reply is not None):
                    found.append(f"{user.login_email} has no mailbox, and something is shown")
                continue
            if user.id not in told:
                found.append(f"Rainbow was not told of {user.login_email}")
            end = max(self.asked_until(user.id), at + oracle.INSTANT)
            expected, seen = oracle.appointments(mailbox, at, end), oracle.shown(known, at, end)
            if seen != expected:
                found.append(f"{user.login_email} shows {seen}, has {expected}")
            if (out := oracle.absence_shown(known, at)) != oracle.absence(mailbox, at):
                found.append(f"{user.login_email} shows absence {out}, has {oracle.absence(mailbox, at)}")
        return found

    def asked_until(self, user_id: str) -> datetime:
        """Return the end of the window of the last question about this user's calendar that was answered."""
        for entry in reversed(self.rainbow.record.questions):
            if (entry["user_id"], entry["kind"], entry["outcome"]) == (user_id, "events", "result"):
                return datetime.fromisoformat(entry["window"][1])
        return EPOCH

    def badly_met(self) -> list[str]:
        found, record = [], self.rainbow.record
        if record.counts["answers_twice"]:
            found.append(f"{record.counts['answers_twice']} question(s) were answered twice")
        for entry in record.questions:
            at = _seconds(entry)
            unmet = entry["outcome"] in ("timeout", "no-link") and not self.troubled(
                at, at + entry["seconds"], self.troubles + self.waits
            )
            if unmet or entry["outcome"] == "malformed":
                found.append(f"a question {entry['kind']} at {at} ended with {entry['outcome']}")
        logins = self.logins()
        refused = [_seconds(entry) for entry in logins if entry["status"] == UNAUTHORIZED]
        refused = [at for at in refused if not self.troubled(at, at, self.troubles)]
        if len(refused) > self.locks:
            found.append(f"logins were refused at {refused}, and the account was locked {self.locks} time(s)")
        minutes = Counter(entry["at"][:16] for entry in logins)
        if minutes and max(minutes.values()) > 40:
            found.append(f"{max(minutes.values())} logins in a minute")
        return found

    def logins(self) -> list[dict[str, Any]]:
        return [entry for entry in self.rainbow.record.requests if entry["path"] == LOGIN]

    @staticmethod
    def troubled(start: float, end: float, troubles: list[tuple[float, float]]) -> bool:
        """Whether something was wrong then, or so shortly before that the link may have been down still."""
        return any(began - 1 <= end and start <= ended + 70 for began, ended in troubles)

    def unwell(self) -> list[str]:
        found, status = [], self.status()
        without = any(user.is_active and not self.mailbox_of(user) for user in self.users)
        problems, expected = {*self.problems()}, {"mailbox-not-found"} if without else set()
        if status["state"] != "healthy" or problems != expected:
            found.append(f"{status['state']} with {problems}, not with {expected}")
        assert self.daemon is not None
        due = self.daemon.measures()["due_users"]
        if due:
            found.append(f"{due} user(s) are due")
        streamed = {each.mailbox.address for each in self.exchange.subscriptions if each.stream is not None}
        if streamed != {mailbox.address for mailbox in self.covered().values()}:
            found.append(f"streamed are {streamed}")
        bound = len(self.rainbow._streams._open)
        if bound != 1:
            found.append(f"{bound} links")
        return found


def _seconds(entry: dict[str, Any]) -> float:
    """Return the loop's time of an entry in the record."""
    return (datetime.fromisoformat(entry["at"]) - EPOCH).total_seconds()


def _time() -> float:
    return asyncio.get_running_loop().time()


def _sockets() -> int:
    """Count the open files, where the system tells them."""
    files = Path("/proc/self/fd")
    return sum(1 for _ in files.iterdir()) if files.is_dir() else 0


def _tasks() -> Counter[str]:
    """Count the tasks by name; those that have none of their own count as one kind."""
    names = (task.get_name() for task in asyncio.all_tasks())
    return Counter("" if name.startswith("Task-") else name.partition(":")[0] for name in names)
