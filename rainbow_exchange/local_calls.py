"""What commands on this machine may ask of the daemon, and who does it: POST to `/api/<name>` of the local page.

`Known` is what the daemon hands to whoever answers a command or shows something on the page.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from rainbow_exchange.condition import Condition
from rainbow_exchange.config import Settings
from rainbow_exchange.diagnosis import log_level
from rainbow_exchange.diagnosis.bundle import daemon_parts
from rainbow_exchange.diagnosis.explained import explained
from rainbow_exchange.diagnosis.mailboxes import Mailboxes
from rainbow_exchange.diagnosis.resync import Resyncs
from rainbow_exchange.diagnosis.set_up import SetUp
from rainbow_exchange.json_text import iso
from rainbow_exchange.rainbow.entered import Entered
from rainbow_exchange.secret_desk import Desk
from rainbow_exchange.sides.both import Sides
from rainbow_exchange.sides.wanted import Wanted
from rainbow_exchange.sign_up import keeping_wire
from rainbow_exchange.sign_up.keeping import Keeping
from rainbow_exchange.state.store import Store
from rainbow_exchange.web.calls import Call, by_address, by_addresses


class Answering(Protocol):
    """Of the daemon, what it answers itself. `docs/reference/commands.md` has the form of each answer."""

    def status(self) -> dict[str, Any]:
        """Return the status."""

    def metrics(self) -> bytes:
        """Return what `/metrics` shows."""

    def retry(self, addresses: list[str] | None) -> dict[str, Any]:
        """Try at once what was to be tried later."""

    async def preview(self, address: str) -> dict[str, Any]:
        """Return what Rainbow would be told of somebody."""

    async def reload(self) -> None:
        """Read settings and secrets anew, and use them. Raises UserError."""

    async def use_login(self) -> str:
        """Use what `login` has kept, or has forgotten; say what is still missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The running daemon and its parts. `given` gives the settings above what was made on this machine."""

    daemon: Answering
    given: Callable[[], Settings]
    wanted: Wanted
    store: Store
    sides: Sides
    resyncs: Resyncs
    condition: Condition
    now: Callable[[], datetime]
    random: Callable[[], float]

    async def stopping(self) -> None:
        """Return once the daemon is to stop."""
        await self.wanted.until(lambda: self.wanted.stopping)


def set_up_of(known: Known) -> SetUp:
    """Make what tries and keeps settings that are entered on this machine."""
    return SetUp(
        known.given,
        known.store,
        now=known.now,
        random=known.random,
        use=known.daemon.reload,
        of_rainbow=lambda: known.wanted.entered or Entered(),
    )


def local_calls(known: Known) -> Mapping[str, Call]:
    """Give each call by its name."""
    daemon, given, store, wanted, sides = known.daemon, known.given, known.store, known.wanted, known.sides

    def members() -> Any:
        bridge = sides.bridge()
        return bridge.parts.roster if bridge else ()

    return {
        "retry": by_addresses(daemon.retry),
        "preview": by_address(daemon.preview),
        "explain": partial(explained, sides),
        "bundle": daemon_parts.serve(
            status=daemon.status,
            metrics=daemon.metrics,
            members=members,
            secrets=lambda: wanted.secrets,
            started=iso(known.condition.started),
        ),
        "log-level": lambda wanted: log_level.answer(wanted, now=known.now()),
        "login": partial(keeping_wire.answer, Keeping(given, store, now=known.now, use=daemon.use_login)),
        "mailboxes": Mailboxes(sides.bridge, sides.why_no_bridge).answer,
        "resync": known.resyncs.answer,
        "secrets": Desk(given, daemon.reload, entered=lambda: wanted.combined().origins).answer,
        "setup": set_up_of(known).answer,
    }
