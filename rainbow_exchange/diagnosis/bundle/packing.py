"""What goes into a bundle, whoever packs it: the command beside the daemon, or the daemon for its page.

The daemon's is made in a thread, which has the loop answer what the command asks over the local API.
"""

import asyncio
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from rainbow_exchange import config
from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.diagnosis.bundle import archive, daemon_parts, service_parts, sources
from rainbow_exchange.diagnosis.bundle.collect import NotCollected, Read, Source, read
from rainbow_exchange.diagnosis.bundle.making import Bundle, make
from rainbow_exchange.diagnosis.bundle.worst import Ask
from rainbow_exchange.diagnosis.settings_shown import of_daemon, with_lines
from rainbow_exchange.errors import RainbowExchangeError, UserError
from rainbow_exchange.web.calls import Call
from rainbow_exchange.words import _

log = structlog.get_logger()

SERVICE = "rainbow-exchange"
#: seconds for one answer of the loop, and between two looks whether it is to stop
_PATIENCE, _LOOK_EVERY = 20.0, 0.2
#: seconds that a bundle is kept for whoever had it made
KEPT_FOR = 1800.0


def wanted(
    own: Iterable[Source],
    *,
    folder: Path,
    settings: Settings,
    service: str,
    ask: Ask,
    people: Sequence[str],
    now: datetime,
) -> list[Source]:
    """Give all parts: `own` of whoever packs, those of the machine, of the service of that name, and of the daemon."""
    log_file = settings.log.file and settings.log.file.expanduser()
    return [
        *own,
        *sources.of_machine(now),
        *sources.of_folder(folder),
        *(sources.of_log(log_file, "log-file") if log_file else ()),
        *service_parts.of_service(service, folder),
        *sources.of_daemon(ask, people, now),
    ]


@dataclass(slots=True, eq=False, kw_only=True)
class Packing:
    """One bundle of the daemon's. `part` is what is being collected; `bundle` is there when it is made."""

    began: datetime
    people: tuple[str, ...]
    include_addresses: bool
    part: str = ""
    bundle: Bundle | None = field(default=None, repr=False)
    failed: bool = False

    @property
    def running(self) -> bool:
        """Whether it is being made."""
        return self.bundle is None and not self.failed

    @property
    def name(self) -> str:
        """The name of its file."""
        return archive.name(self.began)


class Packings:
    """Has one bundle made at a time, and keeps the last for half an hour. `run` must be running.

    `calls` are those of the local API by their names; `listed` gives the settings as the status has them.
    """

    def __init__(
        self,
        calls: Mapping[str, Call],
        *,
        settings: Callable[[], Settings],
        secrets: Callable[[], Secrets],
        listed: Callable[[], list[dict[str, Any]]],
        now: Callable[[], datetime],
    ) -> None:
        self._calls = calls
        self._settings = settings
        self._secrets = secrets
        self._listed = listed
        self._now = now
        self._begun = asyncio.Event()
        #: the one that is being made, or was made last
        self.last: Packing | None = None

    def begin(self, people: Sequence[str] = (), *, include_addresses: bool) -> None:
        """Have a bundle made, in which these are explained. Raises UserError while one is being made."""
        if self.last is not None and self.last.running:
            raise UserError([_("Support data are being packed already.")])
        self.last = Packing(began=self._now(), people=tuple(people), include_addresses=include_addresses)
        self._begun.set()

    async def run(self) -> None:
        """Make what was begun, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(None if self.last is None else KEPT_FOR):
                    await self._begun.wait()
            except TimeoutError:
                self.last = None
                continue
            self._begun.clear()
            if self.last is not None:
                await self._make(self.last)

    async def _make(self, packing: Packing) -> None:
        stop = threading.Event()
        ask = _asking(self._calls, asyncio.get_running_loop(), stop)
        settings, secrets, listed = self._settings(), self._secrets(), self._listed()
        try:
            packing.bundle = await asyncio.to_thread(_pack, packing, settings, secrets, listed, ask=ask, stop=stop)
        except Exception:
            log.exception("bundle_failed", part=packing.part)
            packing.failed = True
        finally:
            stop.set()


class _StoppedError(RainbowExchangeError):
    """Nobody wants it any more."""


def _asking(calls: Mapping[str, Call], loop: asyncio.AbstractEventLoop, stop: threading.Event) -> Ask:
    """Give what asks the loop from a thread; what it answers is as the command would read it."""

    def ask(path: str, content: object) -> Any:
        asked = asyncio.run_coroutine_threadsafe(_called(calls[path.removeprefix("/api/")], content), loop)
        for _round in range(round(_PATIENCE / _LOOK_EVERY)):
            if stop.is_set():
                asked.cancel()
                raise _StoppedError
            try:
                return json.loads(asked.result(_LOOK_EVERY))
            except CancelledError:
                raise _StoppedError from None
            except TimeoutError:
                continue
            except ValueError as error:
                raise NotCollected(str(error)) from error
        asked.cancel()
        raise NotCollected(_("no answer within {patience:g} s: the connector is busy", patience=_PATIENCE))

    return ask


async def _called(call: Call, content: object) -> str:
    return json.dumps(await call(content))


def _pack(
    packing: Packing,
    settings: Settings,
    secrets: Secrets,
    listed: list[dict[str, Any]],
    *,
    ask: Ask,
    stop: threading.Event,
) -> Bundle:
    """Make a bundle, in a thread."""
    folder, now = config.data_folder(settings), packing.began
    packing.part = "people"
    known = sources.people(ask, folder)

    def given(wanted: Iterable[Source]) -> Iterator[Read]:
        for source in wanted:
            if stop.is_set():
                raise _StoppedError
            packing.part = source.name
            yield read(source)

    own = _own(settings, listed)
    parts = wanted(own, folder=folder, settings=settings, service=SERVICE, ask=ask, people=packing.people, now=now)
    return make(
        given(parts),
        settings=settings,
        folder=folder,
        known=known,
        include_addresses=packing.include_addresses,
        now=now,
        secrets=daemon_parts.values(secrets),
    )


def _own(settings: Settings, listed: list[dict[str, Any]]) -> Iterator[Source]:
    """Give what the command gives of its own, as far as the daemon does."""

    def viewed() -> dict[str, Any]:
        shown = [asdict(each) for each in with_lines(of_daemon(listed), settings.file)]
        return {"by_daemon": True, "file": str(settings.file or ""), "settings": shown, "remarks": []}

    def checked() -> Any:
        raise NotCollected(
            _("the page leaves it out: rainbow-exchange support-bundle has it, and rainbow-exchange check")
        )

    yield Source("settings.json", _("each setting, redacted, and where it comes from"), viewed)
    yield Source("check.json", _("what rainbow-exchange check --json says"), checked)
