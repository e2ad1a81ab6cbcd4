"""Many questions over the connector's link, at once or at a steady pace, each answer timed where it comes in.

While it lasts the answers are only kept; they are read, as strictly as others, once the last one is there or overdue.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import ceil
from random import Random
from typing import Any

from rainbow_exchange.lab.dial_values import check_number
from rainbow_exchange.lab.rainbow import xmpp_words as words
from rainbow_exchange.lab.rainbow.answers import BadAnswer, read_auto_reply, read_events
from rainbow_exchange.lab.rainbow.questions import KINDS, Questions
from rainbow_exchange.lab.rainbow.streams import NoLink, Streams
from rainbow_exchange.lab.user import LabUser

#: seconds in which an answer too many would come after the last one that was awaited
_AFTERWARDS = 0.25
_MOST = 1_000_000
_ID = re.compile(r"""<iq\b[^>]*?\sid=["']burst([0-9]+)-([0-9]+)["']""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to ask: so many questions of a kind, `rate` of them a second (0: all at once), `seconds` for the last."""

    kind: str = "events"
    count: int
    rate: float = 0.0
    seconds: float = 10.0
    seed: int = 1

    def check(self) -> None:
        """Raise ValueError for what cannot be asked."""
        if self.kind not in KINDS:
            raise ValueError(f"kind takes {', '.join(KINDS)}")
        if type(self.count) is not int or not 1 <= self.count <= _MOST:
            raise ValueError(f"count takes 1 to {_MOST}")
        if type(self.seed) is not int:
            raise ValueError("seed takes a whole number")
        check_number("rate", self.rate)
        check_number("seconds", self.seconds)


@dataclass(slots=True, kw_only=True)
class _Asked:
    number: int
    expected: int
    sent: list[float] = field(default_factory=list)
    came: list[tuple[int, float, str]] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    all_here: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, frame: str) -> bool:
        """Keep a frame that answers one of these questions; False for any other."""
        found = _ID.match(frame)
        if found is None or int(found[1]) != self.number:
            return False
        which = int(found[2])
        self.came.append((which, time.perf_counter(), frame))
        self.seen.add(which)
        if len(self.seen) == self.expected:
            self.all_here.set()
        return True


class Bursts:
    """Asks them, one burst at a time."""

    def __init__(self, *, streams: Streams, questions: Questions) -> None:
        self._streams = streams
        self._questions = questions
        self._one = asyncio.Lock()
        self._number = 0

    async def ask(self, wanted: Wanted, users: Sequence[LabUser]) -> dict[str, Any]:
        """Ask about people whom the seed picks out of `users`, nobody twice before all were; sum up the answers.

        Raise NoLink where no connector is there.
        """
        async with self._one:
            to = self._questions.asked_at()
            stream = self._streams.bound(to or "")
            if to is None or stream is None:
                raise NoLink
            self._number += 1
            asked = _Asked(number=self._number, expected=wanted.count)
            random = Random(wanted.seed)
            emails = [self._questions.email(each) for each in islice(_in_turn(users, random), wanted.count)]
            frames = [
                words.iq(
                    "get",
                    f"burst{self._number}-{which}",
                    sender=self._questions.sender,
                    to=to,
                    payload=self._questions.question(wanted.kind, email)[0],
                )
                for which, email in enumerate(emails)
            ]
            stream.taps.append(asked.take)
            try:
                spent = time.process_time()
                for frame, ahead in zip(frames, _paces(wanted), strict=True):
                    if (wait := ahead - time.perf_counter()) > 0:
                        await asyncio.sleep(wait)
                    asked.sent.append(time.perf_counter())
                    if not await stream.send(frame):
                        raise NoLink
                await _until(asked.all_here, wanted.seconds)
                spent = time.process_time() - spent
                await asyncio.sleep(_AFTERWARDS)
            finally:
                stream.taps.remove(asked.take)
        return await asyncio.to_thread(_summed_up, wanted, asked, emails) | {"cpu_seconds": round(spent, 6)}


async def _until(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


def _paces(wanted: Wanted) -> list[float]:
    begin = time.perf_counter()
    return [begin + which / wanted.rate if wanted.rate else begin for which in range(wanted.count)]


def _in_turn(users: Sequence[LabUser], random: Random) -> Iterator[LabUser]:
    while True:
        yield from random.sample(users, len(users))


def _summed_up(wanted: Wanted, asked: _Asked, emails: Sequence[str]) -> dict[str, Any]:
    outcomes: Counter[str] = Counter()
    conditions: Counter[str] = Counter()
    events = 0
    first: dict[int, float] = {}
    for which, at, frame in asked.came:
        if which in first:
            outcomes["twice"] += 1
            continue
        first[which] = at
        try:
            stanza = words.parse(frame)
            if stanza.get("type") == "error":
                conditions[words.error_of(stanza)[0]] += 1
            elif wanted.kind == "events":
                events += len(read_events(stanza, emails[which]))
            else:
                read_auto_reply(stanza, emails[which])
        except (words.NotXml, BadAnswer):
            outcomes["malformed"] += 1
    took = sorted(at - asked.sent[which] for which, at in first.items())
    lasted = max(first.values()) - asked.sent[0] if first else 0.0
    return {
        "asked": len(asked.sent),
        "answered": len(first),
        "missing": len(asked.sent) - len(first),
        "twice": outcomes["twice"],
        "malformed": outcomes["malformed"],
        "errors": dict(conditions),
        "events": events,
        "bytes": sum(len(frame.encode()) for _, _, frame in asked.came),
        "seconds": round(lasted, 6),
        "rate": round(len(first) / lasted, 3) if lasted else 0.0,
        "p50": _rank(took, 0.50),
        "p99": _rank(took, 0.99),
        "longest": _rank(took, 1.0),
    }


def _rank(values: Sequence[float], share: float) -> float | None:
    """Give the nearest rank: the least value that so great a share of all does not exceed."""
    return round(values[ceil(share * len(values)) - 1], 6) if values else None
