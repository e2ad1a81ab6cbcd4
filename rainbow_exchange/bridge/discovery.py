"""Where Exchange is when nobody has said it: asked of autodiscover, remembered, and looked for anew when it has moved.

The password goes where autodiscover leads, so only domains that something on this machine confirms are asked: those
of `bridge.domains`, of the Exchange user name, or of the Rainbow login.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from rainbow_exchange.backoff import backoff
from rainbow_exchange.bridge.causes import exchange_cause, rainbow_cause
from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.ews.autodiscover import Autodiscover, Found, NotFound
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.discovery.places import Trust, domain_of, host_of, place_at
from rainbow_exchange.ews.sites import Ask
from rainbow_exchange.json_text import read_json
from rainbow_exchange.pause import Pause
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.company_users import users as users_of
from rainbow_exchange.rainbow.errors import RainbowError
from rainbow_exchange.rainbow.types import RainbowUser
from rainbow_exchange.state.errors import StateError
from rainbow_exchange.state.store import Store
from rainbow_exchange.words import _, joined, sentences

log = structlog.get_logger()

_VALUE = "exchange_found"
_ADDRESSES = 3  # of users that are asked about in one round
_USERS_LOOKED_AT = 1000
_WAITS = (30.0, 900.0)  # back-off between rounds: first at most, longest
#: how long nobody must have answered before Exchange is looked for anew, and how often that may be
_AWAY_FOR = timedelta(minutes=5)
_LOOK_EVERY = 300.0
_CHECK_EVERY = 15.0
#: ResponseCodes that may mean that the mailboxes are served elsewhere now
_MOVED = (
    "ErrorProxyRequestNotAllowed",
    "ErrorMailboxMoveInProgress",
    "ErrorNoRespondingCASInDestinationSite",
    "ErrorNoApplicableProxyCASServersAvailable",
    "ErrorCrossSiteRequest",
    "ErrorProxyServiceDiscoveryFailed",
)
_IDS = (
    "exchange-not-found",
    "exchange-host-not-allowed",
    "exchange-domain-not-confirmed",
    "exchange-authentication",
    "exchange-forbidden",
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why Exchange was not found: a problem's id, what is wrong in a sentence, what was tried, what to do."""

    id: str
    text: str
    tried: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where Exchange is, and which autodiscover said so of whose mailbox."""

    url: str
    autodiscover_url: str
    address: str


def found_before(store: Store) -> str:
    """Give the address of EWS that was found on this machine, "" for none."""
    try:
        return str(read_json(store.value(_VALUE) or "null")["place"]["url"])
    except (ValueError, TypeError, KeyError):
        return ""


class Discovery:
    """Finds Exchange, and says in status and problems what it has tried.

    `username` signs in to Exchange; if it is a mail address it is looked for by it, else by addresses of the users that
    `rainbow` lists. `only_at` is the one autodiscover that the settings name, None: the standard places are asked.
    """

    def __init__(
        self,
        *,
        autodiscover: Autodiscover,
        trust: Trust,
        allowed_hosts: Sequence[str],
        only_at: str | None,
        username: str,
        rainbow: RainbowClient,
        rainbow_url: str,
        store: Store,
        problems: Problems,
        now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self._autodiscover = autodiscover
        self._trust = trust
        self._allowed_hosts = tuple(allowed_hosts)
        self._only_at = only_at
        self._username = username
        self._rainbow = rainbow
        self._rainbow_url = rainbow_url
        self._store = store
        self._problems = problems
        self._now = now
        self._random = random
        self._pause = Pause()
        self.tried = False
        self.reason = _("Exchange is being looked for.")

    def remembered(self) -> Place | None:
        """Give where it was found before, if that may still be told the password."""
        try:
            kept = read_json(self._store.value(_VALUE) or "null")
            place = Place(**kept["place"])
            same = kept["asked_at"] == self._only_at
        except (ValueError, TypeError, KeyError):
            return None
        return place if same and self._trust.serves(host_of(place.url)) else None

    def ask_at(self, autodiscover_url: str) -> Ask:
        """Give what asks that autodiscover about many mailboxes."""
        return partial(self._autodiscover.settings, place_at(autodiscover_url).soap)

    async def find(self) -> Place:
        """Look until it is found."""
        waits = backoff(*_WAITS, random=self._random)
        while True:
            try:
                place = await self._look(await self._addresses(self._rainbow))
            except RainbowError as error:
                rainbow = self._rainbow
                cause = rainbow_cause(
                    error, self._rainbow_url, company_id=rainbow.company_id, retry_at=rainbow.retry_at
                )
                text = sentences(_("Rainbow's users are needed to look for Exchange."), cause.text)
                place = Trouble("exchange-not-found", text, "", cause.action)
            if isinstance(place, Place):
                self._found(place)
                return place
            wait = next(waits)
            self._say(place, self._now() + timedelta(seconds=wait))
            await self._pause.sleep(wait)

    async def look(self, address: str = "") -> Place | Trouble:
        """Look once, by `address` where there is one; what is found is not kept.

        Raises RainbowError where users are needed for it and not to be had.
        """
        return await self._look([address] if address else await self._addresses(self._rainbow))

    async def moved(self, exchange: EwsClient, place: Place) -> Place:
        """Watch `exchange`, which was found at `place`; return once it is found elsewhere."""
        loop = asyncio.get_running_loop()
        started, looked, known = self._now(), loop.time(), self._moves(exchange)
        while True:
            await asyncio.sleep(_CHECK_EVERY * (0.9 + 0.2 * self._random()))
            silent_since = max(exchange.last_ok or started, started)
            away = exchange.outage is not None and self._now() - silent_since >= _AWAY_FOR
            if not away:
                self._problems.clear("exchange-host-not-allowed")
            if not (away or self._moves(exchange) > known) or loop.time() - looked < _LOOK_EVERY:
                continue
            looked, known = loop.time(), self._moves(exchange)
            log.info("exchange_looked_for_anew", reason=str(exchange.outage) if away else "a mailbox was moved")
            elsewhere = await self._look([place.address])
            if isinstance(elsewhere, Place) and elsewhere.url != place.url:
                self._found(elsewhere)
                return elsewhere
            if isinstance(elsewhere, Trouble) and elsewhere.id == "exchange-host-not-allowed" and away:
                self._say(elsewhere, self._now() + timedelta(seconds=_LOOK_EVERY))

    def _moves(self, exchange: EwsClient) -> int:
        return sum(exchange.counters.errors[code] for code in _MOVED)

    def try_again(self) -> None:
        """Look at once, with credentials that were refused as well, because somebody says so."""
        self._autodiscover.try_again()
        self._pause.cut()

    async def _look(self, addresses: list[str] | Trouble) -> Place | Trouble:
        """Ask of each address in turn; say where Exchange is, or what is wrong."""
        if isinstance(addresses, Trouble):
            return addresses
        failures: list[NotFound] = []
        silent: set[str] = set()  # domains in which nobody answers
        for address in addresses:
            if domain_of(address) in silent:
                continue
            try:
                found: Found = await self._autodiscover.find(address)
            except NotFound as error:
                failures.append(error)
                log.debug("exchange_not_found", attempts=[str(attempt) for attempt in error.attempts])
                if error.refusal is not None:  # another address is another attempt at the same account
                    break
                if not error.answered:
                    silent.add(domain_of(address))
            else:
                return Place(url=found.url, autodiscover_url=found.autodiscover_url, address=address)
        return _trouble(failures, self._allowed_hosts)

    async def _addresses(self, rainbow: RainbowClient) -> list[str] | Trouble:
        """Choose whose mailboxes to ask about; or say why there is nobody. Raises RainbowError."""
        if "@" in self._username:
            return [self._username]
        found: list[str] = []
        others: dict[str, None] = {}
        async with aclosing(_first(users_of(rainbow), _USERS_LOOKED_AT)) as users:
            async for user in users:
                for address in (user.login_email, *user.work_emails):
                    domain = domain_of(address)
                    if self._only_at is not None or domain in self._trust.domains:
                        found.append(address.lower())
                    elif domain:
                        others[domain] = None
                found = list(dict.fromkeys(found))[:_ADDRESSES]
                if len(found) == _ADDRESSES:
                    break
        if found:
            return found
        return _unconfirmed(list(others))

    def _found(self, place: Place) -> None:
        try:
            self._store.set_value(_VALUE, json.dumps({"place": asdict(place), "asked_at": self._only_at}))
        except StateError as error:  # the next start has to look for it again, and no more than that
            self._store.unwritten.failed(reason=str(error))
        self.reason = _("Exchange was found at {url}.", url=place.url)
        for problem_id in _IDS:
            self._problems.clear(problem_id)

    def _say(self, trouble: Trouble, again: datetime) -> None:
        self.tried = True
        next_try = _("Next try {again:%H:%M:%S} UTC.", again=again)
        self.reason = sentences(trouble.text, next_try)
        for problem_id in _IDS:
            if problem_id != trouble.id:
                self._problems.clear(problem_id)
        text = sentences(trouble.text, trouble.tried, next_try)
        self._problems.report(trouble.id, severity="error", text=text, action=trouble.action)


async def _first(users: AsyncIterator[RainbowUser], most: int) -> AsyncGenerator[RainbowUser, None]:
    """Give no more than `most` of them."""
    count = 0
    async for user in users:
        yield user
        count += 1
        if count == most:
            return


def _unconfirmed(domains: Iterable[str]) -> Trouble:
    named = sorted(domains)[:5]
    if not named:
        return Trouble(
            "exchange-not-found",
            _("Exchange is looked for by the address of a user, and Rainbow lists no user with an address."),
            "",
            _("Set exchange.url, or give the users of the Rainbow company their addresses."),
        )
    quoted = ", ".join(f'"{domain}"' for domain in named)
    return Trouble(
        "exchange-domain-not-confirmed",
        _(
            "Exchange could be looked for at {named}, where Rainbow's users have their addresses. But the"
            " Exchange password would be sent there, and nothing on this machine says that it is the"
            " company's own.",
            named=", ".join(named),
        ),
        "",
        _("Confirm the one that is: bridge.domains = [{quoted}]; or set exchange.url. Then restart.", quoted=quoted),
    )


def _trouble(failures: list[NotFound], allowed_hosts: Sequence[str]) -> Trouble:
    """Say why it was not found, all addresses together, and what to do."""
    tried = sentences(
        *(
            _("For {address}: {attempts}.", address=error.address, attempts=joined("; ", map(str, error.attempts)))
            for error in failures
        )
    )
    refusal = next((error.refusal for error in failures if error.refusal is not None), None)
    if refusal is not None:
        where = next(
            attempt.place
            for error in failures
            for attempt in error.attempts
            if attempt.result.startswith("refuses the")
        )
        cause = exchange_cause(refusal, where)
        return Trouble(cause.id, sentences(cause.text, _("Exchange was not found.")), tried, cause.action)
    blocked = list(dict.fromkeys(host for error in failures for host in error.blocked_hosts))
    if blocked:
        allowed = ", ".join(f'"{host}"' for host in [*allowed_hosts, *blocked])
        return Trouble(
            "exchange-host-not-allowed",
            _(
                "Looking for Exchange leads to {blocked}, and nothing says that this may be told the Exchange"
                " password.",
                blocked=", ".join(blocked),
            ),
            tried,
            _(
                "If that is your Exchange, allow it: exchange.allowed_hosts = [{allowed}]. Then restart.",
                allowed=allowed,
            ),
        )
    return Trouble(
        "exchange-not-found",
        _("Exchange was not found."),
        tried,
        _(
            "Set exchange.url (usually https://<server>/EWS/Exchange.asmx), or exchange.autodiscover_url; or"
            " have the name autodiscover.<your domain> lead to Exchange."
        ),
    )
