"""Keeps up with what is entered in Rainbow's administration: reads it at once, from time to time, and when told to.

What cannot be read changes nothing. Secrets stay in memory.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import structlog

from rainbow_exchange.backoff import backoff
from rainbow_exchange.pause import Pause
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.company import Document, company_record, exchange_configuration
from rainbow_exchange.rainbow.entered import Check, Entered, Paths, read
from rainbow_exchange.rainbow.errors import RainbowApiError, RainbowError, ids
from rainbow_exchange.words import _

_log = structlog.get_logger()

#: seconds between two looks, jittered by a tenth, and for each document
LOOK_EVERY = 300.0
LOOK_FOR = 20.0
#: seconds after which the first look keeps nobody waiting who can do without it
_FIRST_WITHIN = 5.0
#: seconds between two looks that Rainbow asks for
_AT_MOST_EVERY = 2.0
_WAITS = (10.0, 300.0)

COMPANY, CONFIGURATION = _("the company's record"), _("the connector's configuration")


class Administration:
    """Reads by `paths`, and gives what it found to `took`, at first even where that is nothing new.

    `before` is what was known before, and is given as `pending` where the first look takes long; `check` tells what is
    wrong with a value. `unread`: what could not be read when it was tried last, and why.
    """

    def __init__(
        self,
        *,
        client: RainbowClient,
        paths: Paths,
        check: Check,
        before: Entered,
        took: Callable[[Entered], None],
        random: Callable[[], float],
    ) -> None:
        self._client = client
        self._paths = paths
        self._check = check
        self._took = took
        self._random = random
        self._documents: dict[str, Document] = {}
        self._pause = Pause()
        self._again = False
        self._looked = False
        self.entered = before
        self.unread: Mapping[str, RainbowError] = {}

    def refresh(self) -> None:
        """Read again at once."""
        self._again = True
        self._pause.cut()

    async def run(self) -> None:
        """Keep up until cancelled."""
        waits = backoff(*_WAITS, random=self._random)
        while True:
            self._again = False
            late = None if self._looked else asyncio.get_running_loop().call_later(_FIRST_WITHIN, self._go_ahead)
            try:
                await self._look()
            finally:
                if late is not None:
                    late.cancel()
            if not self.unread:
                waits = backoff(*_WAITS, random=self._random)
            await asyncio.sleep(_AT_MOST_EVERY)
            if not self._again:
                wait = LOOK_EVERY * (0.9 + 0.2 * self._random())
                await self._pause.sleep(min(wait, next(waits)) if self.unread else wait)

    async def _look(self) -> None:
        """Read both documents; one that cannot be read stays as it was."""
        async with asyncio.TaskGroup() as tasks:
            reads = {
                CONFIGURATION: tasks.create_task(self._read(CONFIGURATION, exchange_configuration)),
                COMPANY: tasks.create_task(self._read(COMPANY, company_record)),
            }
        self._note({what: error for what, read in reads.items() if (error := read.result()) is not None})
        if self._documents:
            documents = [self._documents[what] for what in (CONFIGURATION, COMPANY) if what in self._documents]
            entered = read(documents, self._paths, before=self.entered, check=self._check)
            if COMPANY not in self._documents and entered.switch is None:
                entered = _with_switch(entered, self.entered)
            entered = replace(entered, was_read=len(self._documents) == len(reads))
        else:
            entered = replace(self.entered, pending=False)
        if entered != self.entered or not self._looked:
            self._tell(entered)
            self._looked, self.entered = True, entered
            self._took(entered)

    async def _read(
        self, what: str, get: Callable[[RainbowClient, str], Awaitable[Document | None]]
    ) -> RainbowError | None:
        """Read one document; say why where it cannot be."""
        try:
            async with asyncio.timeout(LOOK_FOR):
                self._documents[what] = await get(self._client, await self._company_id()) or {}
        except TimeoutError:
            return RainbowError(_("no answer in time"))
        except RainbowError as error:
            return error
        return None

    def _go_ahead(self) -> None:
        """Let whoever has settings of their own begin with what was known before."""
        self.entered = replace(self.entered, pending=True)
        self._took(self.entered)

    async def _company_id(self) -> str:
        return self._client.company_id or (await self._client.signed_in()).company_id

    def _note(self, unread: Mapping[str, RainbowError]) -> None:
        for what, error in unread.items():
            # a Rainbow that cannot be reached is an outage of more than this
            refused = isinstance(error, RainbowApiError) and what not in self.unread
            log = _log.warning if refused else _log.debug
            log("rainbow_settings_unread", what=what, reason=str(error), **ids(error))
        for what, error in self.unread.items():
            if what not in unread:
                say = _log.info if isinstance(error, RainbowApiError) else _log.debug
                say("rainbow_settings_read_again", what=what)
        self.unread = unread

    def _tell(self, entered: Entered) -> None:
        found = [value.path for value in entered.values.values()]
        _log.info("rainbow_settings_read", switch=_SWITCH[entered.switch], found=found, faults=list(entered.faults))


_SWITCH = {None: "absent, which means on", True: "on", False: "off"}


def _with_switch(entered: Entered, before: Entered) -> Entered:
    """Take over the switch of before: its document was not read."""
    return replace(entered, switch=before.switch, switch_path=before.switch_path)
