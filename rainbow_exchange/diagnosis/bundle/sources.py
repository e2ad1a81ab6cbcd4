"""What a bundle is made of, and who gives each part: the machine, the daemon's folder, the running daemon."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from rainbow_exchange.bridge.member import domain
from rainbow_exchange.diagnosis.bundle import machine, tails, worst
from rainbow_exchange.diagnosis.bundle.collect import NotCollected, Source
from rainbow_exchange.diagnosis.bundle.worst import Ask
from rainbow_exchange.state import facts as state_facts
from rainbow_exchange.state.errors import StateError
from rainbow_exchange.state.snapshot import snapshot
from rainbow_exchange.state.store import Remembered

#: asks the daemon: path and content of a call → its answer; raises NotCollected
_CALL = "/api/bundle"


#: who says who there is
BY_DAEMON, BY_STATE, BY_LOOKS = "the running service", "the state file", "nobody"


@dataclass(slots=True)
class People:
    """Who is known by name, and which domains are the company's; and who said so.

    `names`: those of each person, first what one is called by. `why` where the daemon could not be asked.
    """

    names: list[list[str]] = field(default_factory=list)
    domains: set[str] = field(default_factory=set)
    whence: str = BY_DAEMON
    why: str = ""


def of_machine(now: datetime) -> Iterator[Source]:
    """Give what can be had anywhere."""
    yield Source(
        "versions.json",
        "versions of the program, Python, the system and all packages; time zone and clock",
        lambda: machine.versions(now),
    )


def of_folder(folder: Path) -> Iterator[Source]:
    """Give what can be said of the data folder."""
    yield Source(
        "state.json",
        "files of the data folder with their sizes, and the schema of the state; no content",
        lambda: state_facts.of_folder(folder),
    )


def of_log(log_file: Path, name: str) -> Iterator[Source]:
    """Give the ends of a log file and of those that were rotated before."""
    for number, file in enumerate(tails.files(log_file)):
        yield Source(
            f"{name}.log" if number == 0 else f"{name}-{number}.log",
            f"the end of {file}",
            partial(tails.lines, file),
        )


def of_daemon(ask: Ask, asked_for: Sequence[str], now: datetime) -> Iterator[Source]:
    """Give what the running daemon tells; `asked_for` are people who are explained in any case."""
    yield Source("daemon.json", "the running daemon: version, account, since when", lambda: _part(ask, "facts"))
    yield Source("status.json", "what rainbow-exchange status --json says", lambda: _part(ask, "status"))
    yield Source("metrics.txt", "what /metrics says, in Prometheus' text format", lambda: _part(ask, "metrics"))
    yield Source(
        "daemon.log",
        "the last lines that the running daemon has logged, kept in its memory, wherever its log goes",
        lambda: _part(ask, "log"),
    )
    yield Source(
        "mailboxes.json",
        "everybody counted by state, finding, reason and problem, and whoever is not streamed or not read",
        lambda: worst.mailboxes(ask),
    )
    yield Source(
        "explain.json",
        "what rainbow-exchange explain says of the worst, now and of the last day, and how they were chosen",
        lambda: worst.explained(ask, asked_for, now),
    )


def people(ask: Ask, folder: Path) -> People:
    """Ask the daemon whom it knows; without one, look into the state."""
    known = People()
    after: str | None = ""
    try:
        while after is not None:
            page = _part(ask, "people", after)
            known.names.extend(page["names"])
            known.domains.update(page["domains"])
            after = page["next"]
    except NotCollected as error:
        known.why, known.whence = str(error), BY_LOOKS
        with contextlib.suppress(StateError), snapshot(folder) as store:  # what is wrong with it, state.json shows
            remembered = [_names(each) for each in store.remembered().values()]
            known.names.extend(remembered)
            known.domains.update(shared_domains(remembered))
            known.whence = BY_STATE if remembered else BY_LOOKS
    return known


def _names(remembered: Remembered) -> list[str]:
    names = (remembered.address, remembered.identifier, remembered.user_id, remembered.principal)
    return [name for name in names if name]


def shared_domains(people: Iterable[Iterable[str]]) -> list[str]:
    """Give the domains that several people have addresses in: those are the company's."""
    counted = Counter(name for names in people for name in {domain(each) for each in names} if name)
    return sorted(name for name, count in counted.items() if count > 1)


def _part(ask: Ask, part: str, after: str = "") -> Any:
    return ask(_CALL, {"part": part, "after": after})["content"]
