"""Asking for mail tips in the largest requests that the server answers, and finding out whether it gives any.

Exchange tells by tips who is out, for a hundred mailboxes at once. Other servers refuse GetServiceConfiguration, or
GetMailTips, or a whole request for the sake of one recipient, or leave the out-of-office part out of their tips. A
server whose answers told nothing, twice, a minute apart, gives no tips; it is asked again hourly.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from rainbow_exchange.bridge.gathering import Gathering
from rainbow_exchange.ews.bisect import find_bad
from rainbow_exchange.ews.errors import EwsError, ResponseError, reason_of
from rainbow_exchange.ews.out_of_office import MOST_MAIL_TIPS, Tip, TipsRead, mail_tips_limit, read_mail_tips
from rainbow_exchange.ews.treatment import is_refusal
from rainbow_exchange.ews.types import Caller, ResponseCode
from rainbow_exchange.model import Mailbox, OutOfOffice

#: how long answers have told nothing when the server counts as one without tips
USELESS_FOR = timedelta(seconds=50)
AGAIN = timedelta(hours=1)
#: when it is asked again where its answers were such that the trouble may be with the server as a whole
SOON = timedelta(minutes=5)
TIME_LIMIT = 30.0
#: ours: the server gave neither a tip nor a refusal that says why
NOT_KNOWN = "MailTipNotKnown"


@dataclass(slots=True, eq=False)
class Entry:
    """What is known of one mailbox's absence.

    `seen_at`: when `absence` was last confirmed. `tip_at`, `out_at`: when `tip`, and one that shows a reply, was seen
    last. `pending_since`: since when the server has had no time for its tip. `alone_at`: a request was refused for its
    sake, and from then on it is asked for by itself. `tipless`: why there is no tip of it. `settings_at`, `asked_at`
    (loop time), `doubted_at` (read because the tip differs), `suspected_at` (loop time) and `refused` belong to the
    settings. `placed`: it is in one of the batches of `tip_batches`.
    """

    mailbox: Mailbox
    absence: OutOfOffice | None = None
    seen_at: datetime | None = None
    tip: Tip | None = None
    tip_at: datetime | None = None
    out_at: datetime | None = None
    pending_since: datetime | None = None
    tipless: str = ""
    alone_at: datetime | None = None
    settings_at: datetime | None = None
    asked_at: float = 0.0
    doubted_at: datetime | None = None
    suspected_at: float = 0.0
    refused: str = ""
    failed: str = ""
    gone: bool = False
    placed: bool = False

    @property
    def is_out(self) -> bool:
        """Whether its tip shows a reply."""
        return self.tip is not None and self.tip.out


@dataclass(slots=True, eq=False)
class Batch:
    """Some who are asked about together, and what was read of them last."""

    entries: list[Entry] = field(default_factory=list)
    read: TipsRead = field(default_factory=TipsRead)


class MailTips:
    """Asks for tips; `took(entry, before)` is called for each tip that came, and when one turns out not to be there.

    `before` is the tip that the entry had, which it keeps while the server has no time for another: `pending(entry)`.

    `within_budget` carries one request out, notes its error and returns it; `note` is for that of a single recipient.
    `none` says that the server gives no tips, `reason` why; `given_up(for_good)` is called when that is found out:
    for good where the server has said so itself, and not merely sent what is no answer. `company(most)` names
    newcomers, who may as well be asked about with others.
    """

    def __init__(
        self,
        client: Caller,
        *,
        impersonation: bool,
        sending_as: str | None,
        within_budget: Callable[[Coroutine[Any, Any, None]], Awaitable[Exception | None]],
        took: Callable[[Entry, Tip | None], None],
        pending: Callable[[Entry], None],
        note: Callable[[Exception], None],
        given_up: Callable[[bool], None],
        company: Callable[[int], list[Entry]],
        now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self._client = client
        self._impersonation = impersonation
        self._sending_as = sending_as
        self._within_budget = within_budget
        self._took = took
        self._pending = pending
        self._note = note
        self._given_up = given_up
        self._company = company
        self._now = now
        self._random = random
        self._limit = 0
        self._learning = asyncio.Lock()
        self._questions = Gathering(self._together, self._alone)
        self._again_at: datetime | None = None
        self._useless_since: datetime | None = None
        self._for_good = False
        self._told = self._useless = self._away = self._said = False  # of the answers in this round
        self.none = False
        self.reason = ""

    async def poll(self, batches: Sequence[Batch]) -> None:
        """Ask about all of `batches`, in their order and as many at once as may be; those that ride alone come last."""
        if not batches or (self._again_at is not None and self._now() < self._again_at):
            return
        if not self._limit and await self._within_budget(self._learn_limit()) is not None:
            return
        self._told = self._useless = self._away = self._said = False
        began = self._now()
        for batch, some in self._parts(batches, began):
            if await self._ask(some, batch.read) is False:
                await self._search(some)
            if self.none:
                break  # one request is enough to see whether it gives any now
        for entry in chain.from_iterable(batch.entries for batch in batches):
            if entry.alone_at is not None and entry.alone_at <= self._now() and self._limit and not entry.gone:
                await self._ask([entry])
        if not self._told:  # nobody is to blame while nobody is told
            for entry in chain.from_iterable(batch.entries for batch in batches):
                entry.alone_at = None
        self._judge()

    def _parts(self, batches: Sequence[Batch], began: datetime) -> Iterator[tuple[Batch, list[Entry]]]:
        """Cut them into what may be asked about at once; without those who ride alone or were asked about meanwhile."""
        for batch in batches:
            end = 0
            while self._limit and end < len(batch.entries):
                start, end = end, end + self._limit
                some = [entry for entry in batch.entries[start:end] if entry.alone_at is None and not entry.gone]
                if some := [entry for entry in some if entry.tip_at is None or entry.tip_at <= began]:
                    yield batch, some

    async def one(self, entry: Entry) -> None:
        """Ask about one, for a question, together with others that are asked about now.

        Raises EwsError, also where the server gives no tips.
        """
        if not self._limit and not self.none:
            await self._learn_limit_once()
        if self.none:
            raise ResponseError(self.reason or NOT_KNOWN)
        if entry.alone_at is None:
            await self._questions.ask(entry, most=self._limit)
        else:
            await self._alone(entry)

    @property
    def most(self) -> int:
        """How many may be asked about at once, as far as is known."""
        return self._limit or MOST_MAIL_TIPS

    async def close(self) -> None:
        """End what is asked for questions."""
        await self._questions.close()

    async def _learn_limit_once(self) -> None:
        async with self._learning:
            if not (self._limit or self.none):
                await self._learn_limit()

    async def _learn_limit(self) -> None:
        self._limit = await mail_tips_limit(self._client)
        if not self._limit:
            self._give_up(ResponseCode.MAIL_TIPS_DISABLED, for_good=True)

    async def _ask(self, batch: list[Entry], before: TipsRead | None = None) -> bool | None:
        """Ask within the budget; False where the request was refused, None where nothing can be told from its end."""
        error = await self._within_budget(self._request(batch, before))
        if error is None:
            return True
        if not is_refusal(error):
            self._away = True
            return None
        code = reason_of(error)
        if code == ResponseCode.MAIL_TIPS_DISABLED:
            self._give_up(code, for_good=True)
            return None
        self._useless, self.reason = True, code
        self._said = self._said or _is_said(error)
        if len(batch) == 1:
            batch[0].alone_at = self._now() + AGAIN
            self._have(batch[0], None, code, self._now())
        return False

    async def _search(self, batch: list[Entry]) -> None:
        """Find for whose sake a request was refused: three are asked about alone, then halves."""
        if len(batch) == 1:
            return
        apart = dict.fromkeys((batch[0], batch[len(batch) // 2], batch[-1]))
        if not any([await self._ask([entry]) for entry in apart]):
            return
        bad = await find_bad([entry for entry in batch if entry.alone_at is None], self._ask)
        for entry in bad:
            entry.alone_at = entry.alone_at or self._now()
        if not any(entry.alone_at for entry in batch):
            self._limit = max(1, len(batch) // 2)  # nobody was to blame: there were too many

    async def _together(self, asked: list[Entry]) -> bool:
        """Ask about these, and about newcomers as well, who are to be polled anyway; False where there is but one."""
        company = (entry for entry in self._company(self._limit) if entry.alone_at is None and not entry.gone)
        batch = list(dict.fromkeys((*asked, *company)))[: max(self._limit, len(asked))]
        if len(batch) > 1:
            await self._request(batch)
        return len(batch) > 1

    async def _alone(self, entry: Entry) -> None:
        await self._request([entry])

    async def _request(self, batch: list[Entry], before: TipsRead | None = None) -> None:
        # Whoever asks about himself need not be shown his own reply: better somebody who sends none.
        askers = [entry for entry in batch if entry.tip is None or not entry.tip.out] or batch
        asker = askers[int(self._random() * len(askers))].mailbox
        async with asyncio.timeout(TIME_LIMIT):
            tips = await read_mail_tips(
                self._client,
                [entry.mailbox.address for entry in batch],
                sending_as=asker.address if self._impersonation else self._sending_as or asker.address,
                impersonate=asker if self._impersonation else None,
                before=before,
            )
        at = self._now()
        for entry in batch:
            entry.alone_at = None
            self._take(entry, tips[entry.mailbox.address], at)

    def _take(self, entry: Entry, tip: Tip | EwsError, at: datetime) -> None:
        if isinstance(tip, EwsError):
            self._note(tip)
        if isinstance(tip, EwsError) or tip.missing:
            away = isinstance(tip, EwsError) and not is_refusal(tip)
            self._away, self._useless = self._away or away, self._useless or not away
            self._said = self._said or not isinstance(tip, EwsError) or _is_said(tip)
            self.reason = reason_of(tip) if isinstance(tip, EwsError) else NOT_KNOWN
            self._have(entry, None, self.reason, at)
            return
        self._told = True
        if tip.pending:
            entry.pending_since = entry.pending_since or at
            self._pending(entry)
        else:
            self._have(entry, tip, "", at)

    def _have(self, entry: Entry, tip: Tip | None, tipless: str, at: datetime) -> None:
        before, lacked = entry.tip, entry.tipless
        entry.tip, entry.tipless, entry.pending_since = tip, tipless, None
        if tip is not None:
            entry.tip_at = at
            entry.out_at = at if tip.out else entry.out_at
        if not (lacked and tipless) and not entry.gone:  # while it was asked about: its address may be a newcomer's
            self._took(entry, before)

    def _judge(self) -> None:
        """Draw the consequences of a round."""
        if self._told:
            self._useless_since = None
            self.none, self._again_at = False, None
        elif self._useless and not self._away:
            now = self._now()
            self._useless_since = self._useless_since or now
            if self.none or now - self._useless_since >= USELESS_FOR:
                self._give_up(self.reason, for_good=self._said)

    def _give_up(self, reason: str, *, for_good: bool) -> None:
        self._again_at = self._now() + (AGAIN if for_good else SOON)
        self._useless_since, self._limit = None, 0
        self.reason = reason
        if not self.none or (for_good and not self._for_good):
            self.none = True
            self._given_up(for_good)
        self._for_good = for_good


def _is_said(error: Exception) -> bool:
    """Whether the server itself says that it will not, by a code that stands for that."""
    return isinstance(error, ResponseError) and error.code != ResponseCode.INTERNAL_SERVER_ERROR
