"""The check's steps that find a mailbox as the connector does: by its user's identifiers, and by subscribing to it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from itertools import islice

from rainbow_exchange.bridge.causes import Cause
from rainbow_exchange.bridge.finding import Finding as MailboxFinding
from rainbow_exchange.bridge.member import SPOKEN, addresses, values_of
from rainbow_exchange.bridge.people import trouble_by
from rainbow_exchange.bridge.privacy import Privacy
from rainbow_exchange.bridge.read_mode import Mode
from rainbow_exchange.bridge.roster import Identifier, Member, Roster, Try
from rainbow_exchange.diagnosis.check.case import Case
from rainbow_exchange.diagnosis.check.exchange import exchange_fault
from rainbow_exchange.diagnosis.check.results import Finding, failed, nothing, passed
from rainbow_exchange.errors import RainbowExchangeError
from rainbow_exchange.ews.directory import resolve
from rainbow_exchange.ews.errors import ConnectionLimitReached, EwsError, ResponseError, ServerBusy, reason_of
from rainbow_exchange.ews.grouping import Affinity
from rainbow_exchange.ews.operations.subscribe import Subscribe
from rainbow_exchange.ews.operations.unsubscribe import Unsubscribe
from rainbow_exchange.ews.treatment import Treatment, treatment, treatment_of
from rainbow_exchange.ews.types import ConnectingSid, connecting_sid
from rainbow_exchange.model import Mailbox
from rainbow_exchange.network.shown import few, shown
from rainbow_exchange.rainbow.company_users import users_by_address
from rainbow_exchange.rainbow.errors import RainbowError
from rainbow_exchange.rainbow.types import RainbowUser
from rainbow_exchange.sides.exchange import bridge_options
from rainbow_exchange.words import _, joined, sentences

#: users who are tried until one has a mailbox
_MOST_USERS = 10
#: seconds in which Rainbow lists users for that
_LISTED_WITHIN = 15.0
#: addresses of one user that are looked up
_MOST_VALUES = 8
#: seconds in which a subscription is given back, whatever happens
_GIVE_BACK_WITHIN = 5.0
#: which command has the lines for the missing right
PRINTS = _("rainbow-exchange throttling-policy print --group NAME has the lines.")
_MORE = _(
    "Raise EwsMaxSubscriptions (rainbow-exchange throttling-policy print), or let the account"
    " impersonate: then each mailbox has a limit of its own. With impersonation another program takes"
    " them."
)
_AFFINITY = _(
    "Run this again. If it stays, something in between spreads the requests over several servers: let it"
    " pass the cookies and the headers X-AnchorMailbox and X-PreferServerAffinity, or keep this machine"
    " on one server."
)
_LATER = _("Run this again in some minutes. If it stays, look up the code in Microsoft's list of response codes.")


@dataclass(slots=True, eq=False)
class MailboxSteps:
    """`user` and `mailbox` are steps. `box` is whose mailbox it is; `id` the subscription, "" while there is none.

    `refusal` is why there is none.
    """

    case: Case
    box: Mailbox | None = None
    id: str = ""
    refusal: EwsError | None = None
    affinity: Affinity | None = None
    member: Member | None = None
    _known: tuple[Member, list[Identifier]] | None = None
    _tries: list[Try] = field(default_factory=list)
    _unlisted: str = ""

    def explained(self, error: RainbowExchangeError) -> Cause:
        """Say what is wrong, of the one mailbox or of Exchange as a whole."""
        if not isinstance(error, ResponseError) or isinstance(error, ServerBusy | ConnectionLimitReached):
            return exchange_fault(self.case, error)
        return refused(error, self.name())

    def late(self, seconds: float) -> Cause:
        """Say that Exchange has not answered in time."""
        return Cause(
            "exchange-unreachable",
            _("Exchange has not answered about {name} within {seconds} s.", name=self.name(), seconds=f"{seconds:.0f}"),
            _("Run it again, and for another user: if only this one is slow, look at the mailbox; else at the server."),
        )

    async def user(self) -> Finding:
        """Look the address up at Rainbow, and say by what the mailbox is looked for."""
        address = self.case.address
        client = self.case.cloud()
        with suppress(RainbowError):
            await self.case.people()
        found = await users_by_address(client, address)
        for value in _values(found):  # whoever else has one of the addresses counts, too
            if value != address.strip().lower():
                found += await users_by_address(client, value)
        roster = self._roster(found)
        member = roster.find(address)
        if member is None:
            several = roster.knows(address)
            text = (
                _("Several users have the address {address}.", address=address)
                if several
                else _("No user has the address {address}.", address=address)
            )
            action = (
                _("Write the login of the one who is meant.") if several else _("Check it in Rainbow's administration.")
            )
            if any(not user.is_active for user in found):
                text = _(
                    "The user with the address {address} is a guest, or has left: such are not watched.",
                    address=address,
                )
            return failed(Cause("user-unknown", text, action))
        wanted, refused = roster.identifiers(member)
        self._known = member, wanted
        tried, left_out = joined(", ", map(_called, wanted)), joined(", ", map(_refusal, refused))
        who = member.user.login_email
        text = _("{who}. A mailbox is looked for by {tried}.", who=who, tried=tried or _("nothing"))
        if left_out:
            text = _(
                "{who}. A mailbox is looked for by {tried}; not by {left_out}.",
                who=who,
                tried=tried or _("nothing"),
                left_out=left_out,
            )
        facts = {"login": member.user.login_email, "tried": _listed(wanted), "not_tried": _tried(refused)}
        if not wanted:
            text = _("{who} has no address that a mailbox could have: {left_out}.", who=who, left_out=left_out)
            action = _("Give the user a work e-mail address in Rainbow's administration.")
            return failed(Cause("user-without-address", text, action), **facts)
        return passed(text, **facts)

    async def mailbox(self) -> Finding:
        """Find the mailbox as the connector does: by subscribing to its calendar."""
        finding = MailboxFinding(self.case.client(), self._take, impersonation=self.impersonates)
        asked: list[str] = []
        async with aclosing(self._members()) as members:
            async for member, identifiers in members:
                asked.append(member.user.login_email)
                found = await self._of_one(finding, member, identifiers)
                if found is not None:
                    return found
        if not asked:
            text, action = (
                _("Nobody is known whose mailbox could be tried."),
                _("Name somebody: rainbow-exchange check ADDRESS."),
            )
            if why := shown(self._unlisted):
                text = _(
                    "Nobody is known whose mailbox could be tried, since Rainbow's users are not to be had ({why}).",
                    why=why,
                )
                action = _("See the steps of Rainbow below, or name somebody: rainbow-exchange check ADDRESS.")
            return failed(Cause("user-unknown", text, action), unlisted=why)
        said = few(self._tries, 5, _refusal)
        text = (
            _("Exchange knows no mailbox by {said}.", said=said)
            if said
            else _("{asked} has no address to look for.", asked=few(asked, 3))
        )
        action = _("Compare login and work address in Rainbow with the primary address of the mailbox in Exchange.")
        return failed(Cause("mailbox-not-found", text, action), tried=_tried(self._tries))

    @property
    def impersonates(self) -> bool:
        """Whether the account is meant to act for the owners of mailboxes."""
        return self.case.combined.settings.exchange.impersonation

    @property
    def sid(self) -> ConnectingSid | None:
        """Whom requests about the mailbox impersonate."""
        return connecting_sid(self.found()) if self.impersonates else None

    def found(self) -> Mailbox:
        """Give the mailbox; whoever needs it runs after the step that finds it."""
        if self.box is None:
            raise RuntimeError("no mailbox was found")
        return self.box

    def name(self) -> str:
        """Say whose it is, for a person to read."""
        return self.box.address if self.box else self.case.address or _("the mailbox")

    def _roster(self, people: Sequence[RainbowUser]) -> Roster:
        roster = Roster(domains=self.case.given.bridge.domains or None)
        roster.expect(self.case.colleagues)  # in whose domains personal addresses count
        roster.take({user.id: user for user in people if user.is_active}.values())
        return roster

    async def _members(self) -> AsyncGenerator[tuple[Member, list[Identifier]], None]:
        """Give whoever may be tried: the one who was asked for, else users of the company, else the account itself."""
        if self._known is not None or self.case.address:
            yield self._known or self._tried_as(RainbowUser(id="", login_email=self.case.address))
            return
        listed = 0
        if self.case.rainbow is not None:
            people: list[RainbowUser] = []
            try:
                async with asyncio.timeout(_LISTED_WITHIN):
                    people, _total = await self.case.people()
            except (RainbowError, TimeoutError) as error:
                self._unlisted = str(error) or _("no answer in time")
            for user in islice((user for user in people if user.is_active), _MOST_USERS):
                listed += 1
                yield self._tried_as(user)
        for known in islice(self.case.store.remembered().values(), 0 if listed else _MOST_USERS):
            yield self._tried_as(RainbowUser(id=known.user_id, login_email=known.identifier))
            listed += 1
        account = self.case.client().account
        if not listed and "@" in account:
            yield self._tried_as(RainbowUser(id="", login_email=account))

    def _tried_as(self, user: RainbowUser) -> tuple[Member, list[Identifier]]:
        roster = self._roster([user])
        member = next(iter(roster))
        return member, roster.identifiers(member)[0]

    async def _of_one(
        self, finding: MailboxFinding, member: Member, identifiers: Sequence[Identifier]
    ) -> Finding | None:
        """Try the identifiers of one user; None where none leads to a mailbox."""
        denied: EwsError | None = None
        for identifier in identifiers:
            try:
                await finding.subscribe(member, identifier, None)
            except ResponseError as error:
                if isinstance(error, ServerBusy | ConnectionLimitReached):
                    raise
                self._tries.append(Try(identifier, error.code))
                if treatment(error) is not Treatment.NEXT_IDENTIFIER:
                    denied, self.member = denied or error, member
                    self.box = self.box or Mailbox(address=await self._primary(identifier.value.strip().lower()))
            else:
                self.refusal = None
                how = _(
                    "{address}, by the {kind} {value}.",
                    address=self.found().address,
                    kind=SPOKEN[identifier.kind],
                    value=identifier.value,
                )
                return passed(how, mailbox=self.found().address, by=identifier.kind.value, tried=_tried(self._tries))
        if denied is None:
            return None
        self.refusal = denied
        text = _("Whether {name} has a mailbox is not told ({denied}).", name=self.name(), denied=reason_of(denied))
        return nothing(text, mailbox=self.name(), tried=_tried(self._tries))

    async def _primary(self, address: str) -> str:
        """Give the primary address that the directory knows this one by, else the same."""
        with suppress(EwsError):
            return (await resolve(self.case.client(), address)) or address
        return address

    def hides_subjects(self) -> bool:
        """Whether no subject of this calendar leaves the building, so that none may be asked for."""
        settings = self.case.given
        rules = bridge_options(settings.bridge, settings.exchange, "").privacy
        others = addresses(self.member.user) if self.member is not None else ()
        return rules.of(self.found().address, others).level is Privacy.BUSY_ONLY

    async def _take(self, member: Member, _identifier: Identifier, box: Mailbox, _mode: Mode | None = None) -> None:
        """Subscribe as the connector does, and see to it that the subscription is given back."""
        affinity = Affinity.to(box)
        sid = connecting_sid(box) if self.impersonates else None
        operation = Subscribe(mailbox_address=None if self.impersonates else box.address)
        response = await self.case.client().call(operation, impersonate=sid, affinity=affinity)
        self.member, self.box, self.affinity, self.id = member, box, affinity, response.subscription_id
        self.case.stack.push_async_callback(self._give_back, response.subscription_id, sid, affinity)

    async def _give_back(self, subscription: str, sid: ConnectingSid | None, affinity: Affinity) -> None:
        # what cannot be given back expires by itself
        with suppress(EwsError, TimeoutError):
            async with asyncio.timeout(_GIVE_BACK_WITHIN):
                await self.case.client().call(
                    Unsubscribe(subscription_id=subscription), impersonate=sid, affinity=affinity
                )


def _values(people: Sequence[RainbowUser]) -> list[str]:
    """Give the identifiers of these users, a few at most."""
    values = dict.fromkeys(value for user in people for value in values_of(user) if "@" in value)
    return list(values)[:_MOST_VALUES]


def names_nobody(code: str) -> bool:
    """Whether Exchange says by this code that there is no such mailbox."""
    return treatment_of(code) is Treatment.NEXT_IDENTIFIER


def refused(error: EwsError, who: str) -> Cause:
    """Say why one mailbox cannot be had."""
    code = reason_of(error)
    if code == "ErrorExceededSubscriptionCount":
        text = _("Exchange allows the account no further subscription ({code}).", code=code)
        return Cause("exchange-subscriptions-exceeded", text, _MORE)
    match treatment(error):
        case Treatment.SUBSCRIPTION_LOST:
            text = _(
                "Exchange does not know the subscription to {who} that it gave a moment ago ({code}).",
                who=who,
                code=code,
            )
            return Cause("exchange-subscription-lost", text, _AFFINITY)
        case Treatment.TRANSIENT:
            text = _("Exchange cannot serve the mailbox of {who} for now ({code}).", who=who, code=code)
            return Cause("mailbox-postponed", text, _LATER)
        case _:
            cause = trouble_by(code, who)
    if treatment(error) is Treatment.DENIED and "ApplicationImpersonation" in cause.action:
        return replace(cause, action=sentences(cause.action, PRINTS))
    return cause


def _called(identifier: Identifier) -> str:
    return _("{kind} {value}", kind=SPOKEN[identifier.kind], value=identifier.value)


def _refusal(attempt: Try) -> str:
    return _("{called} ({code})", called=_called(attempt.identifier), code=attempt.code)


def _listed(identifiers: Sequence[Identifier]) -> list[dict[str, str]]:
    return [{"kind": each.kind.value, "value": shown(each.value)} for each in identifiers]


def _tried(tries: Sequence[Try]) -> list[dict[str, str]]:
    return [
        {"kind": each.identifier.kind.value, "value": shown(each.identifier.value), "code": each.code} for each in tries
    ]
