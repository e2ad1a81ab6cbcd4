"""What the command `resync` has the daemon do: the list of users anew, some people anew, or everybody.

It is begun by one call and looked at by others. One work on the whole company at a time, which whoever else asks for it
joins, and the list at most every few seconds: however often it is asked for, Exchange and Rainbow are not flooded.
The form: `docs/reference/commands.md`, section "resync".
"""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

import structlog

from rainbow_exchange.bridge.anew import one_anew
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.synchronise import NotSynchronised, synchronise
from rainbow_exchange.network.shown import users
from rainbow_exchange.rainbow.errors import RainbowError
from rainbow_exchange.words import _

log = structlog.get_logger()

SCHEMA_VERSION = 1
#: addresses in one call, people at a time, and works of that kind at a time
MOST = 100
_AT_A_TIME = 4
_WORKS = 8
_KEPT = 50
#: how old a list of users may be for people who are named, and for whoever asks for the list itself
_LIST_WILL_DO, _LIST_JUST_READ = timedelta(seconds=60), timedelta(seconds=10)
_NEEDED = '{"addresses": [...]}, {"users": true}, {"all": true} or {"job": "..."} is needed'


@dataclass(slots=True)
class _Job:
    """One work: `state` is "running", "done", "failed"."""

    id: str
    what: str
    state: str = "running"
    phase: str = "beginning"
    says: str = ""
    people: list[dict[str, Any]] = field(default_factory=list)
    count: Callable[[], tuple[int, int] | None] = lambda: None

    def at(self, phase: str, count: Callable[[], tuple[int, int] | None]) -> None:
        """Note what is done now, and how to tell how far it is."""
        self.phase, self.count = phase, count

    def view(self) -> dict[str, Any]:
        """Show it."""
        counted = self.count() if self.state == "running" else None
        done, total = counted or (None, None)
        return {
            "schema_version": SCHEMA_VERSION,
            "job": self.id,
            "what": self.what,
            "state": self.state,
            "phase": self.phase if self.state == "running" else "",
            "done": done,
            "total": total,
            "says": self.says,
            "people": self.people,
        }


class Resyncs:
    """Does what is asked for; `run` must be running. `bridge` gives the pipeline, `why_not` says why there is none."""

    def __init__(self, bridge: Callable[[], Pipeline | None], why_not: Callable[[], str]) -> None:
        self._bridge = bridge
        self._why_not = why_not
        self._tasks = asyncio.TaskGroup()
        self._jobs: OrderedDict[str, _Job] = OrderedDict()
        self._listing = asyncio.Lock()

    async def run(self) -> None:
        """Do the works that are asked for, until cancelled."""
        async with self._tasks:
            await asyncio.get_running_loop().create_future()

    async def answer(self, wanted: object) -> dict[str, Any]:
        """Begin a work, or with `{"job"}` look at one. Raises ValueError."""
        what = wanted if isinstance(wanted, dict) else {}
        if (job := self._jobs.get(str(what.get("job")))) is not None:
            return job.view()
        if "job" in what:
            return _Job("", "", state="failed", says=_("The daemon was started anew meanwhile; ask again.")).view()
        addresses = _addresses(what)
        if self._bridge() is None:
            return _Job(
                "", "", state="failed", says=_("Nothing can be read anew: {why_not}", why_not=self._why_not())
            ).view()
        if addresses is not None:
            if len(self._running("people")) >= _WORKS:
                return _Job("", "", state="failed", says=_("Too much of this is under way; try again later.")).view()
            return self._begin("people", lambda job: self._people(job, addresses)).view()
        kind = "all" if what.get("all") is True else "users"
        running = self._running(kind)
        return (running[0] if running else self._begin(kind, self._all if kind == "all" else self._users)).view()

    def _running(self, what: str) -> list[_Job]:
        return [job for job in self._jobs.values() if job.what == what and job.state == "running"]

    def _begin(self, what: str, work: Callable[[_Job], Coroutine[Any, Any, None]]) -> _Job:
        job = _Job(secrets.token_hex(8), what)
        for old in [each.id for each in self._jobs.values() if each.state != "running"][: len(self._jobs) - _KEPT]:
            del self._jobs[old]
        self._jobs[job.id] = job
        self._tasks.create_task(self._do(job, work), name=f"resync:{what}")
        return job

    async def _do(self, job: _Job, work: Callable[[_Job], Coroutine[Any, Any, None]]) -> None:
        log.info("resync_begun", what=job.what)
        try:
            await work(job)
        except NotSynchronised as error:
            job.state, job.says = "failed", str(error)
        except RainbowError as error:
            job.state, job.says = "failed", _("The users of the company could not be listed: {error}.", error=error)
        else:
            job.state = "done"
        log.info("resync_ended", what=job.what, state=job.state)

    async def _all(self, job: _Job) -> None:
        job.says = await synchronise(self._bridge, progress=job.at)

    async def _users(self, job: _Job) -> None:
        job.says = await self._listed(job, older_than=_LIST_JUST_READ)

    async def _people(self, job: _Job, addresses: list[str]) -> None:
        said = await self._listed(job, older_than=_LIST_WILL_DO)
        pipeline = self._pipeline()
        slots, ended = asyncio.Semaphore(_AT_A_TIME), list[str]()
        job.at(_("reading"), lambda: (len(ended), len(addresses)))

        async def one(address: str) -> dict[str, Any]:
            async with slots:
                anew = await one_anew(pipeline, address)
            ended.append(address)
            return asdict(anew)

        job.people = await asyncio.gather(*map(one, addresses))
        job.says = said
        if self._bridge() is not pipeline:
            raise NotSynchronised(_("The connector was being stopped, or its settings changed."))

    async def _listed(self, job: _Job, *, older_than: timedelta) -> str:
        """Read the list of users anew, unless it has just been read; say what that brought. Raises RainbowError."""
        async with self._listing:
            pipeline = self._pipeline()
            listing, now = pipeline.membership.listing, pipeline.parts.now()
            if listing.listed_at is not None and now - listing.listed_at < older_than:
                seconds = (now - listing.listed_at).total_seconds()
                return _(
                    "The list of users was read {seconds} s ago: {users}.",
                    seconds=f"{seconds:.0f}",
                    users=users(len(pipeline.parts.roster)),
                )
            job.at(_("listing users"), lambda: listing.progress)
            listed = await listing.refresh()
            return _(
                "{users} listed, {added} of them new, {removed} gone.",
                users=users(listed.users),
                added=listed.added,
                removed=listed.removed,
            )

    def _pipeline(self) -> Pipeline:
        pipeline = self._bridge()
        if pipeline is None:
            raise NotSynchronised(self._why_not())
        return pipeline


def _addresses(what: dict[str, Any]) -> list[str] | None:
    """Read who is meant; None: the whole company. Raises ValueError."""
    if what.get("all") is True or what.get("users") is True:
        return None
    addresses = what.get("addresses")
    if not isinstance(addresses, list) or not all(isinstance(each, str) and each.strip() for each in addresses):
        raise ValueError(_NEEDED)
    if not 1 <= len(addresses) <= MOST:
        raise ValueError(f"from 1 to {MOST} addresses are needed")
    return list(dict.fromkeys(addresses))
