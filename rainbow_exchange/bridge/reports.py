"""Failures and recoveries → events at Rainbow: each occurrence once, over restarts too, and never a flood of them.

An occurrence is known by the moment it began, which the state file keeps until it is over: a restart in the middle
neither begins it anew nor ends it. What fails and recovers all the time is told a few times an hour, and then once in
sum.
"""

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import structlog

from rainbow_exchange.bridge.outbox import Outbox
from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.bridge.reported import NAMED, SUBJECTS, Failure, Subject
from rainbow_exchange.json_text import read_json
from rainbow_exchange.network.shown import counted, few
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.events import ConnectorEvent
from rainbow_exchange.state.errors import StateError
from rainbow_exchange.state.store import Store

log = structlog.get_logger()

_KEY = "reports"
#: failures of one subject that are told in an hour
MOST = 3
HOUR = timedelta(hours=1)

#: gives the Rainbow ids of the users whom a problem concerns
Affected = Callable[[str], Iterable[str]]


@dataclass(slots=True, kw_only=True)
class Occurrence:
    """A failure that is not over: since when, and what was told of it and when (None: nothing yet).

    `who` is a digest of the users who are concerned.
    """

    since: datetime
    problem: str
    who: str = ""
    told_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class History:
    """What one subject has been through: failures told in the last hour, and those nobody was told of."""

    told: list[datetime] = field(default_factory=list)
    untold: int = 0
    untold_since: datetime | None = None

    def state(self) -> tuple[object, ...]:
        """Return what tells this history from what it was before."""
        return (*self.told, self.untold, self.untold_since)

    @property
    def room(self) -> bool:
        """Whether one more may be told now."""
        return len(self.told) < MOST


class Reports:
    """Reviews the open problems when asked."""

    def __init__(
        self,
        client: RainbowClient,
        *,
        problems: Problems,
        store: Store,
        now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self._problems = problems
        self._store = store
        self._now = now
        self._open: dict[str, Occurrence] = {}
        self._histories: dict[str, History] = {}
        self._reached = False
        self._written = store.value(_KEY)
        self._seen: tuple[object, ...] = ()
        self.outbox = Outbox(client, waiting=self._recall(), changed=self._write, random=random)

    async def run(self) -> None:
        """Send what is reported, until cancelled."""
        await self.outbox.run()

    def review(self, *, working: Collection[str], affected: Affected) -> None:
        """Report what has begun to fail since the last review, and what has recovered.

        `working` names what is known to work now: "exchange", "rainbow", "link", "mailboxes" (everybody was tried).
        """
        if "rainbow" in working and not self._reached:
            self.outbox.try_again()
        self._reached = "rainbow" in working
        began = {problem.id: problem.since for problem in self._problems}
        for subject in SUBJECTS:
            failing = next((each.problem for each in subject.failures if each.problem in began), None)
            if failing is None:
                self._works(subject, known=subject.needs in working)
            elif subject.name in self._open or not subject.counted or subject.needs in working:
                self._fails(subject, subject.failure(failing), began[failing], affected)
        self._write()

    def told(self, category: str, operation: str, description: str, *, id_: str, level: str = "INFO") -> None:
        """Report something that happened now; `id_` is its own for ever."""
        self._add(id_, level=level, category=category, operation=operation, description=description, at=self._now())

    def _fails(self, subject: Subject, failure: Failure, since: datetime, affected: Affected) -> None:
        occurrence, now = self._open.get(subject.name), self._now()
        if occurrence is None:
            occurrence = self._open[subject.name] = Occurrence(since=since, problem=failure.problem)
        told_at = occurrence.told_at
        if (
            told_at is not None
            and occurrence.problem == failure.problem
            and (not subject.counted or now - told_at < HOUR)
        ):
            return
        who = sorted(affected(failure.problem)) if subject.counted else []
        history = self._history(subject)
        digest = sha256("\n".join(who).encode()).hexdigest()
        same = told_at is not None and (occurrence.problem, occurrence.who) == (failure.problem, digest)
        if same or not history.room:
            return
        history.told.append(now)
        occurrence.problem, occurrence.who, occurrence.told_at = failure.problem, digest, now
        what = failure.problem if told_at is None else f"{failure.problem}:{_stamp(now)}"
        self._add(
            f"{subject.name}:{_stamp(occurrence.since)}:{what}",
            level=failure.level,
            category=subject.category,
            operation=failure.operation,
            description=failure.text.format(len(who)) + _named(who),
            at=occurrence.since if told_at is None else now,
        )

    def _works(self, subject: Subject, *, known: bool) -> None:
        occurrence, history = self._open.get(subject.name), self._history(subject)
        if not known:
            return
        now = self._now()
        if occurrence is not None:
            del self._open[subject.name]
            if occurrence.told_at is None:
                history.untold += 1
                history.untold_since = history.untold_since or occurrence.since
            else:
                self._recovered(subject, occurrence.problem, occurrence.since, history)
        elif history.untold and history.room:
            history.told.append(now)
            self._recovered(subject, subject.failures[0].problem, history.untold_since or now, history)

    def _recovered(self, subject: Subject, problem: str, since: datetime, history: History) -> None:
        failure = subject.failure(problem)
        untold, history.untold, history.untold_since = history.untold, 0, None
        more = f" It failed and recovered {counted(untold, 'more time')}, not reported one by one." if untold else ""
        id_ = f"{subject.name}:{_stamp(since)}:over"
        self.told(subject.category, failure.operation, failure.over + more, id_=id_)

    def _add(self, id_: str, *, level: str, category: str, operation: str, description: str, at: datetime) -> None:
        log.debug("event_reported", id=id_, level=level)
        self.outbox.add(
            ConnectorEvent(id=id_, level=level, category=category, operation=operation, description=description, at=at)
        )

    def _history(self, subject: Subject) -> History:
        history = self._histories.setdefault(subject.name, History())
        history.told = [at for at in history.told if self._now() - at < HOUR]
        return history

    # -- over restarts -------------------------------------------------------------------------------------------

    def _recall(self) -> list[ConnectorEvent]:
        """Take up what an earlier run left open; a record that cannot be read is none, nor is what is not told now."""
        told = {subject.name: {failure.problem for failure in subject.failures} for subject in SUBJECTS}
        try:
            kept = read_json(self._written or "{}")
            waiting = [ConnectorEvent.from_json(event) for event in kept.get("waiting", [])]
            self._open = {name: Occurrence(**_dated(entry)) for name, entry in kept.get("open", {}).items()}
            self._open = {name: each for name, each in self._open.items() if each.problem in told.get(name, ())}
            self._histories = {name: History(**_dated(entry)) for name, entry in kept.get("histories", {}).items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            log.debug("reports_not_recalled", reason=type(error).__name__)
            self._open, self._histories = {}, {}
            return []
        return waiting

    def _write(self) -> None:
        """Keep what is open and what waits. Where that cannot be written, a restart may report the same once more."""
        # this is asked each second, and hardly ever is there anything new
        seen = (
            *self.outbox.waiting(),
            *((name, each.since, each.problem, each.who, each.told_at) for name, each in self._open.items()),
            *((name, each.state()) for name, each in self._histories.items()),
        )
        if seen == self._seen:
            return
        histories = {name: asdict(each) for name, each in self._histories.items() if each.told or each.untold}
        kept = {
            "waiting": [event.as_json() for event in self.outbox.waiting()],
            "open": {name: asdict(occurrence) for name, occurrence in self._open.items()},
            "histories": histories,
        }
        text = json.dumps(kept, default=datetime.isoformat)
        if text == self._written:
            self._seen = seen
            return
        try:
            self._store.set_value(_KEY, text)
        except StateError as error:
            log.debug("reports_not_written", reason=str(error))
        else:
            self._written, self._seen = text, seen


def _dated(entry: dict[str, Any]) -> dict[str, Any]:
    """Read the instants of an entry. Raises ValueError for one that is in no time zone."""
    dates = {name: _instant(entry[name]) for name in ("since", "told_at", "untold_since") if entry.get(name)}
    told = {"told": [_instant(at) for at in entry["told"]]} if "told" in entry else {}
    return {**entry, **dates, **told}


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant in no time zone")
    return instant


def _stamp(instant: datetime) -> str:
    return f"{instant:%Y%m%dT%H%M%S}.{instant.microsecond // 1000:03d}Z"


def _named(who: list[str]) -> str:
    return f" Users: {few(who, NAMED)}." if who else ""
