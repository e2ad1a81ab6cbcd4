"""What subscribing takes of the processor by itself: the product's own parts for it, on the lab's Exchange.

From members of the roster to open streams: their identifiers, the Subscribe of each, the groups and their streams.
Nothing is read and nobody is told. The lab is a process of its own, and this process does nothing else meanwhile.
"""

import asyncio
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from random import random

from rainbow_exchange import logs
from rainbow_exchange.bridge.enrolment import Enrolment
from rainbow_exchange.bridge.roster import Roster
from rainbow_exchange.ews.auth import BasicAuth
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.sites import Sites
from rainbow_exchange.ews.watcher import Watcher
from rainbow_exchange.model import ChangeSignal, Gap
from rainbow_exchange.rainbow.types import RainbowUser
from tests.benchmarks.rig import ANSWER_TIME
from tests.processes import Lab
from tests.soak.people import company

_WITHIN = 300.0


async def subscribed(folder: Path, people: int, *, impersonation: bool) -> float:
    """Return the milliseconds of processor time for each of so many mailboxes."""
    logs.configure("info")  # as by default
    users = await asyncio.to_thread(_users_file, folder, people)
    right = "freebusy" if impersonation else "reviewer"
    dials = [f"--dial=delay_seconds={ANSWER_TIME}", *(f"--dial={each}_limit=0" for each in ("stream", "subscription"))]
    lab = Lab(["lab", "--json", "--only", "exchange", "--right", right, "--users-file", str(users), *dials], folder)
    try:
        await asyncio.to_thread(lab.start)
        return 1000 * await _subscribe(lab, people, impersonation=impersonation) / people
    finally:
        lab.kill()


async def _subscribe(lab: Lab, people: int, *, impersonation: bool) -> float:
    side, streamed, done = lab.addresses["exchange"], set[str](), asyncio.Event()

    def emit(signal: ChangeSignal) -> None:
        if isinstance(signal, Gap):
            streamed.update(signal.mailboxes)
            if len(streamed) == people:
                done.set()

    auth = BasicAuth(side["username"], side["password"])
    async with EwsClient(url=side["url"], auth=auth, ssl=None, now=_now) as client:
        watcher = Watcher(client, impersonation=impersonation, emit=emit, now=_now, random=random)
        roster = Roster()
        enrolment = Enrolment(
            client=client,
            watcher=watcher,
            roster=roster,
            impersonation=impersonation,
            known={},
            enrolled=lambda *_: None,
            evicted=lambda *_: None,
            failed=lambda _: None,
            locate=Sites(None, client.prove).ready,
            now=_now,
            random=random,
        )
        came = roster.take(RainbowUser(id=each["id"], login_email=each["loginEmail"]) for each in company(people))
        began = time.process_time()
        for member in came.added:
            enrolment.want(member)
        async with asyncio.TaskGroup() as tasks:
            works = [tasks.create_task(work) for work in (watcher.run(), enrolment.run())]
            async with asyncio.timeout(_WITHIN):
                await done.wait()
            took = time.process_time() - began
            for work in works:
                work.cancel()
    return took


def _users_file(folder: Path, people: int) -> Path:
    folder.mkdir(parents=True)
    file = folder / "users.json"
    file.write_text(json.dumps(company(people)), encoding="utf-8")
    return file


def _now() -> datetime:
    return datetime.now(UTC)
