"""Wires the parts of the bridge together: who calls whom when something happens."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

import structlog

from rainbow_exchange.bridge.aliases import Aliases
from rainbow_exchange.bridge.answer import Answers, View
from rainbow_exchange.bridge.changes import Changes
from rainbow_exchange.bridge.enrolment import Enrolment
from rainbow_exchange.bridge.history import NO_HISTORY, History
from rainbow_exchange.bridge.listing import Listing
from rainbow_exchange.bridge.membership import Membership
from rainbow_exchange.bridge.notify import Notifier
from rainbow_exchange.bridge.out_of_office import OutOfOfficeWatch
from rainbow_exchange.bridge.parts import Options, Parts
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.polling import Polling
from rainbow_exchange.bridge.privacy import PrivacyOfPeople
from rainbow_exchange.bridge.reader import Reader
from rainbow_exchange.bridge.recorder import Recorder
from rainbow_exchange.bridge.roster import Changes as ListingChanges
from rainbow_exchange.bridge.roster import Roster, addresses
from rainbow_exchange.bridge.timings import TellingTimes, Timings
from rainbow_exchange.bridge.told import Ledger
from rainbow_exchange.bridge.way import OnTheWay
from rainbow_exchange.ews import request_id
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.sites import Ask, Sites
from rainbow_exchange.ews.watcher import Watcher
from rainbow_exchange.model import ChangeSignal, Gap
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.state.store import Store

log = structlog.get_logger()


class Observe(Protocol):
    """Shows progress to whoever watches."""

    def __call__(self, event: str, /, **values: Any) -> None:
        """Take one event."""


def assemble(
    *,
    exchange: EwsClient,
    rainbow: RainbowClient,
    store: Store,
    options: Options,
    timings: Timings,
    ask_sites: Ask | None = None,
    observe: Observe,
    now: Callable[[], datetime],
    random: Callable[[], float],
    history: History = NO_HISTORY,
) -> Pipeline:
    """Return the pipeline between the two sides. It remembers in `store`, tells `observe` what it does, notes the past.

    `ask_sites` asks autodiscover where mailboxes belong, None where there is none.
    """
    # Calls back reach the pipeline, which is built last, from the parts that make them.
    built: list[Pipeline] = []

    def signal(change: ChangeSignal) -> None:
        built[0].signal(change)

    def hidden(addresses: tuple[str, ...]) -> None:
        log.warning("series_not_expanded", consequence="calendars are read by free/busy, subjects may be missing")
        signal(Gap(mailboxes=addresses, reason="series hidden"))

    def absence_changed(address: str) -> None:
        built[0].changes.absence_changed(address, request_id.last())  # it was read in this task

    def told(user_id: str) -> None:
        built[0].changes.told(user_id)

    def user_refused(user_id: str, reason: str) -> None:
        record.refused(user_id, reason)
        built[0].membership.listing.soon()

    def changed(changes: ListingChanges) -> None:
        sites.want(address for member in changes.added for address in addresses(member.user))
        membership.changed(changes)

    def progress(*, done: int, total: int) -> None:
        observe("listing_users", done=done, total=total)

    async def locate(address: str) -> None:
        await aliases.ready()
        await sites.ready(address)

    roster = Roster(domains=options.domains or None)
    record = Recorder(history, roster)
    ledger = Ledger()
    times, way = TellingTimes(timings), OnTheWay()
    privacy = PrivacyOfPeople(options.privacy, roster)
    view = View(privacy=privacy)
    sites = Sites(ask_sites, exchange.prove)
    watcher = Watcher(
        exchange,
        impersonation=options.impersonation,
        emit=signal,
        now=now,
        random=random,
        group_key=sites.group_key,
        find_anew=sites.find_anew,
    )
    reader = Reader(
        exchange,
        impersonation=options.impersonation,
        privacy=privacy.at,
        now=now,
        watched=lambda address: watcher.coverage(address) == "streamed",
        hidden=hidden,
        allowed=lambda: int(exchange.in_flight.limit),
        noted=record.read,
    )
    absences = OutOfOfficeWatch(
        exchange,
        impersonation=options.impersonation,
        sending_as=options.sending_as,
        changed=absence_changed,
        held_back=exchange.held_back_for,
        now=now,
        random=random,
    )
    membership = Membership(store=store, signal=signal, observe=observe)
    aliases = Aliases(exchange, privacy, learnt=membership.review_privacy, random=random)
    notifier = Notifier(client=rainbow, ledger=ledger, told=told, refused=user_refused, random=random)
    answers = Answers(
        who=membership.who,
        known=roster.find,
        reader=reader,
        absences=absences,
        ledger=ledger,
        view=view,
        now=now,
        record=record,
        times=times,
        way=way,
    )
    parts = Parts(
        options=options,
        roster=roster,
        watcher=watcher,
        sites=sites,
        reader=reader,
        absences=absences,
        ledger=ledger,
        notifier=notifier,
        answers=answers,
        times=times,
        way=way,
        now=now,
        random=random,
        record=record,
    )
    listing = Listing(
        client=rainbow,
        roster=roster,
        refresh_seconds=options.users_refresh_seconds,
        changed=changed,
        listed=membership.listed,
        progress=progress,
        now=now,
        random=random,
    )
    enrolment = Enrolment(
        client=exchange,
        watcher=watcher,
        roster=roster,
        impersonation=options.impersonation,
        known=membership.known(),
        enrolled=membership.enrolled,
        evicted=membership.evicted,
        failed=membership.failed,
        postponed=record.without,
        locate=locate,
        whole=lambda: listing.listed,
        now=now,
        random=random,
    )
    membership.join(parts=parts, listing=listing, enrolment=enrolment)
    polling = Polling(
        exchange,
        reader=reader,
        polled=watcher.everybody.polled,
        number=lambda: watcher.everybody.counts().waiting,
        is_polled=lambda address: watcher.coverage(address) == "waiting",
        held_back=exchange.held_back_for,
        now=now,
    )
    built.append(Pipeline(parts, membership, Changes(parts, polling, observe), aliases))
    return built[0]
