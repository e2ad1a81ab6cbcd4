"""A company with which everything may go wrong, and what has to hold: all the time, and once it has come to rest."""

import asyncio
import gc
import socket
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rainbow_exchange.bridge.history import What
from rainbow_exchange.bridge.recent import KEPT, Happening
from rainbow_exchange.daemon import Daemon
from rainbow_exchange.lab.exchange.mailbox import Right
from rainbow_exchange.lab.rainbow.presence import Known
from rainbow_exchange.model import Window
from tests.house import EPOCH, now, until
from tests.kept import check_kept
from tests.torture import exchange_faults, oracle
from tests.torture.clock_faults import ClockFaults
from tests.torture.exchange_faults import ExchangeFaults
from tests.torture.people import PLACES
from tests.torture.rainbow_faults import RainbowFaults
from tests.torture.steps import Step
from tests.torture.troubles import Trouble
from tests.torture.truth import Heard, Truth

#: no fault for so long: it has come to rest
AT_REST = 600.0
#: from an attempt to sign in to an account that is locked to the next one
LOCKED_FOR = 65 * 60.0
#: what begins as the last fault ends
STARTED_WITHIN = 90.0
UNAUTHORIZED = 401
#: that arrive in a minute at most: refused for now, or all at once after a long silence
LOGINS = 60
#: objects of one kind that a company of six may need: appointments, for the most part
MANY = 150
#: and of those that are kept on purpose, so many of each kind of event at most
KEEPS = {f"{Happening.__module__}.{Happening.__qualname__}": KEPT * len(What)}
#: the process keeps the windows of the last days, whatever company they were of
CACHED = {f"{Window.__module__}.{Window.__qualname__}": 4}
LOGIN = "/api/rainbow/authentication/v1.0/login"


class Tortured(RainbowFaults, ExchangeFaults, ClockFaults):
    """Begins, lives through one step after the other, comes to rest, and ends."""

    def __init__(self, folder: Path, *, impersonation: bool, uses: Counter[str], luck: int = 1) -> None:
        super().__init__(folder, impersonation=impersonation, uses=uses, luck=luck)
        self.loose: list[str] = []
        self.starts: Counter[str] = Counter()
        self.held: list[socket.socket] = []
        self.truth = Truth(time=_time, now=now)
        self.heard = Heard(lambda entry: self.truth.judge(entry, self.exchange.directory.by_proxy.get(entry["email"])))
        self.rainbow.record.questions = self.heard
        for place in range(PLACES):
            self.truth.watch(self.mailbox(place))
        self.note_absence = self.note_rights = self.truth.note  # type: ignore[method-assign] # both are versions

    def start(self, **keywords: Any) -> Daemon:
        self.begun()
        return super().start(**keywords)

    def begun(self) -> None:
        self.starts[f"{now():%Y-%m-%dT%H:%M}"] += 1

    async def set_up(self) -> None:
        """Start both sides and the connector, and wait until all is well."""
        self.before = _sockets(), _tasks(), _objects()
        self.port, self.exchange_port = self.hold(), self.hold()
        asyncio.get_running_loop().set_exception_handler(self.note)
        await self.exchange.start(port=self.exchange_port)
        await self.rainbow.start(port=self.port)
        self.start()
        await until(lambda: self.status()["state"] == "healthy", within=120)
        await asyncio.sleep(30)
        self.at_first = _sockets(), _tasks()

    def hold(self) -> int:
        """Find a port and let nobody else take it while nobody listens there."""
        held = socket.socket()
        self.held.append(held)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port

    async def live(self, step: Step) -> None:
        """Take one step."""
        await asyncio.sleep(step.pause)
        if self.daemon is not None:
            check_kept(self.daemon)
        self.do(step)

    def check_so_far(self) -> None:
        """Raise AssertionError for what does not hold that holds at any time."""
        if self.running is not None and self.running.done():
            raise AssertionError(f"the connector has ended by itself: {self.running.exception()!r}")
        assert not self.broken, "\n".join(self.broken)
        assert not self.heard.wrong, "\n".join(self.heard.wrong)

    async def rest(self) -> None:
        """Come to rest; raise AssertionError for whatever does not hold then."""
        await self.come_to_rest()
        self.check_so_far()
        assert not (wrong := self.wrong()), "\n".join(wrong)
        # mailboxes that were moved apart share no stream: to each belong its task, a connection and two of the server's
        apart = len({self.exchange.back_ends.home(mailbox) for mailbox in self.covered().values()}) - 1
        allowed = self.at_first[0] + 2 * apart, self.at_first[1] + Counter({"stream": apart, "": 2 * apart})
        for _ in range(24):  # connections are kept for the next request for a while
            if not self.more_than(allowed):
                break
            await asyncio.sleep(5)
        assert not (left := self.more_than(allowed)), left
        if self.in_memory():
            gc.collect()
        assert not (kept := self.in_memory()), f"in memory have piled up: {kept}"

    def in_memory(self) -> dict[str, int]:
        """Give the kinds of objects of which there are more than a small company needs."""
        return {name: more for name, more in (_objects() - self.before[2]).items() if more > KEEPS.get(name, MANY)}

    async def end(self) -> None:
        """Stop everything, whatever has happened."""
        self.over.set()
        await asyncio.gather(*self.faults, return_exceptions=True)
        try:
            if self.running is not None and not self.running.done():
                await self.stop()
        finally:
            await self.rainbow.stop()
            await self.exchange.stop()
            for held in self.held:
                held.close()

    async def nothing_left(self) -> None:
        """Raise AssertionError for what is left of a company that has ended."""
        self.daemon = self.running = None
        await asyncio.sleep(60)
        assert not (besides := self.more_than(self.before[:2])), besides
        gc.collect()
        assert not self.loose, self.loose
        more = (_objects() - self.before[2]).items()
        left = {name: number for name, number in more if number > CACHED.get(name, 0)}
        assert not left, f"in memory are left: {left}"

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
        await asyncio.sleep(max([0.0, *(wait.ended - _time() for wait in self.waits)]))
        if self.granted:  # the administrator who gave the rights has them tried, once the connector is there again
            await asyncio.sleep(STARTED_WITHIN)
            self.retry(None)
        await asyncio.sleep(AT_REST)
        refused = [_seconds(entry) for entry in self.logins() if entry["status"] == UNAUTHORIZED]
        if self.locks and refused:
            self.waits.append(Trouble("account locked", min(refused), max(refused) + LOCKED_FOR))
            await asyncio.sleep(max(max(refused) + LOCKED_FOR + AT_REST - _time(), 0.0))
        # nothing begins or ends by itself just now
        await until(self.nothing_begins_or_ends, within=3600, step=5)

    def nothing_begins_or_ends(self) -> bool:
        # without impersonation an absence that begins or ends is known by the next poll
        at, before, after = now(), timedelta(seconds=20 if self.impersonation else 130), timedelta(seconds=20)
        return not any(
            at - before < instant < at + after
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
            end = max(self.asked_until(user.id), at + oracle.INSTANT)
            expected, seen = oracle.appointments(mailbox, at, end), oracle.shown(known, at, end)
            if not self.readable(mailbox):
                # nothing, or what was so when it was answered; where times may be read, they are right
                times_only = mailbox.right is Right.FREEBUSY
                if times_only and seen is not None and oracle.times(seen) != oracle.times(expected):
                    found.append(f"{user.login_email} shows times {oracle.told(seen)}, has {oracle.told(expected)}")
                continue
            if user.id not in told:
                found.append(f"Rainbow was not told of {user.login_email}")
            if seen != expected:
                found.append(
                    f"{user.login_email} shows {oracle.told(seen)} until {end:%d %H:%M}, has {oracle.told(expected)}"
                )
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
        # whatever befalls Exchange, each question has its answer, in time
        troubles = [each for each in self.troubles if each.what not in exchange_faults.FAULTS]
        waits = [each for each in self.waits if each.what not in exchange_faults.FAULTS]
        if record.counts["answers_twice"]:
            found.append(f"{record.counts['answers_twice']} question(s) were answered twice")
        for entry in record.questions:
            at = _seconds(entry)
            unmet = entry["outcome"] in ("timeout", "no-link") and not self.troubled(
                at, at + entry["seconds"], [*troubles, *waits]
            )
            if unmet or entry["outcome"] == "malformed":
                found.append(f"a question {entry['kind']} at {at} ended with {entry['outcome']}")
        logins = self.logins()
        refused = [_seconds(entry) for entry in logins if entry["status"] == UNAUTHORIZED]
        refused = [at for at in refused if not self.troubled(at, at, troubles)]
        if len(refused) > self.locks + (self.retries if self.locks else 0):
            found.append(f"logins were refused at {refused}, and the account was locked {self.locks} time(s)")
        # whoever has just been started tries more often
        minutes = Counter(entry["at"][:16] for entry in logins)
        minutes.subtract({minute: LOGINS * starts for minute, starts in self.starts.items()})
        if minutes and (most := max(minutes.values())) > LOGINS:
            found.append(f"{most} logins in a minute, without those of starts")
        return found

    def logins(self) -> list[dict[str, Any]]:
        return [entry for entry in self.rainbow.record.requests if entry["path"] == LOGIN]

    @staticmethod
    def troubled(start: float, end: float, troubles: list[Trouble]) -> bool:
        """Whether something was wrong then, or so shortly before that the link may have been down still."""
        return any(began - 1 <= end and start <= ended + 70 for _, began, ended in troubles)

    def unwell(self) -> list[str]:
        """List what the connector itself has left undone, or says of itself that is not so."""
        assert self.daemon is not None
        found, status = [], self.status()
        covered = {mailbox.address for mailbox in self.covered().values()}
        readable = {mailbox.address for mailbox in self.covered().values() if self.readable(mailbox)}
        without = any(user.is_active and not self.mailbox_of(user) for user in self.users)
        expected = {"mailbox-not-found"} if without else set()
        problems = {name for name, each in self.problems().items() if each["severity"] != "notice" or name in expected}
        if readable != covered:
            problems = {each for each in problems if each in expected or not each.startswith("mailbox")}
        elif status["state"] != "healthy":
            found.append(f"it is {status['state']}")
        if problems != expected:
            found.append(f"its problems are {problems}, not {expected}")
        due = self.daemon.measures()["due_users"]
        if due:
            found.append(f"{due} user(s) are due")
        streamed = {each.mailbox.address for each in self.exchange.subscriptions if each.stream is not None}
        if not readable <= streamed <= covered:
            found.append(f"streamed are {sorted(streamed)}, not {sorted(covered)}")
        bound = len(self.rainbow._streams._open)
        if bound != 1:
            found.append(f"{bound} links")
        return found


def _seconds(entry: dict[str, Any]) -> float:
    """Return the loop's time of an entry in the record."""
    return (datetime.fromisoformat(entry["at"]) - EPOCH).total_seconds()


def _time() -> float:
    """Return the seconds since it began; the loop's clock may have stood still."""
    return (now() - EPOCH).total_seconds()


def _objects() -> Counter[str]:
    """Count the product's own objects by their type."""
    kinds = Counter(type(each) for each in gc.get_objects())
    return Counter(
        {
            f"{kind.__module__}.{kind.__qualname__}": number
            for kind, number in kinds.items()
            if str(kind.__module__).startswith("rainbow_exchange.") and ".lab." not in kind.__module__
        }
    )


def _sockets() -> int:
    """Count the open files, where the system tells them."""
    files = Path("/proc/self/fd")
    return sum(1 for _ in files.iterdir()) if files.is_dir() else 0


def _tasks() -> Counter[str]:
    """Count the tasks by name; those that have none of their own count as one kind."""
    names = (task.get_name() for task in asyncio.all_tasks())
    return Counter("" if name.startswith("Task-") else name.partition(":")[0] for name in names)
