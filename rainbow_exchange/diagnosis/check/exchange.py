"""The check's steps at Exchange itself: where it is, the way there, signing in, its version."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from rainbow_exchange import config
from rainbow_exchange.bridge.causes import Cause, exchange_cause, rainbow_cause
from rainbow_exchange.bridge.discovery import Place
from rainbow_exchange.bridge.password import PasswordWatch
from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.bridge.sign_in_causes import passed_over
from rainbow_exchange.config import Settings
from rainbow_exchange.config.accounts import accounts
from rainbow_exchange.diagnosis.check.case import Case
from rainbow_exchange.diagnosis.check.results import Finding, failed, passed, warned
from rainbow_exchange.diagnosis.check.way import WayTo, late_cause
from rainbow_exchange.diagnosis.check.wording import once
from rainbow_exchange.diagnosis.settings_shown import short
from rainbow_exchange.errors import RainbowExchangeError
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.discovery.places import domain_of
from rainbow_exchange.ews.endpoint import check_url
from rainbow_exchange.ews.errors import (
    ConnectionLimitReached,
    EwsAuthenticationError,
    EwsConnectionError,
    EwsError,
    MalformedResponse,
    ResponseError,
    ServerBusy,
)
from rainbow_exchange.ews.operations.get_user_availability import GetUserAvailability
from rainbow_exchange.ews.operations.resolve_names import ResolveNames
from rainbow_exchange.ews.treatment import is_refusal
from rainbow_exchange.model import Window
from rainbow_exchange.network.shown import shown
from rainbow_exchange.rainbow.errors import RainbowError
from rainbow_exchange.sides import holds
from rainbow_exchange.sides.exchange import exchange_client, exchange_tls
from rainbow_exchange.sides.finder import finder
from rainbow_exchange.words import _, sentences

#: first version with all that is needed, and the first that streams at all
_ENOUGH, _LEAST = (15, 0), (14, 1)
_NAMES = {(14,): "2010", (15, 0): "2013", (15, 1): "2016", (15, 2): _("2019 or SE")}


@dataclass(slots=True, eq=False)
class ExchangeSteps:
    """Each method is a step; `way` is there once Exchange's place is known."""

    case: Case
    _way: WayTo | None = None

    @property
    def way(self) -> WayTo:
        """The way to where Exchange is."""
        if self._way is None:
            raise RuntimeError("Exchange's place is not known")
        return self._way

    def explained(self, error: RainbowExchangeError) -> Cause:
        """Say what is wrong with Exchange as a whole, or with Rainbow where its users are needed to look for it."""
        if isinstance(error, RainbowError):
            rainbow = self.case.rainbow
            cause = rainbow_cause(
                error, self.case.given.rainbow.url, company_id=rainbow.company_id if rainbow else None
            )
            text = sentences(_("Rainbow's users are needed to look for Exchange."), cause.text)
            return Cause("exchange-not-found", text, sentences(cause.action, _("Or set exchange.url.")))
        return exchange_fault(self.case, error)

    def late(self, seconds: float) -> Cause:
        """Say that Exchange has not answered in time."""
        return late_cause("exchange", self.case.url or "autodiscover")(seconds)

    async def place(self) -> Finding:
        """Find out where Exchange is: as the settings say, or as autodiscover does."""
        case, combined = self.case, self.case.combined
        settings = combined.settings
        if combined.unconfirmed:
            return _held(holds.unconfirmed(combined.unconfirmed, case.given.exchange.allowed_hosts))
        url, origin = settings.exchange.url, combined.origins.get("exchange.url") or settings.origin("exchange.url")
        text = _("{url} ({origin}).", url=url, origin=short(origin))
        if url is None:
            if missing := config.missing_for_exchange(settings, combined.secrets):
                return _held(holds.exchange_missing(missing, combined, was_read=case.entered.was_read))
            place = await self._looked_for()
            if isinstance(place, Finding):
                return place
            url, text = place, _("{place} (found by autodiscover).", place=place)
        check_url(url)
        case.url = url
        self._way = WayTo(
            side="exchange",
            url=url,
            proxy=case.proxies.to_exchange(url),
            context=exchange_tls(settings.exchange),
            verified=not settings.exchange.verify_certificates_insecurely_off,
            now=case.now,
        )
        return passed(text, url=url)

    async def authentication(self) -> Finding:
        """Sign in, and see by what; nothing of what is asked for matters."""
        case, combined = self.case, self.case.combined
        settings, secrets = combined.settings, combined.secrets
        if missing := config.missing_for_exchange(settings, secrets):
            return _held(holds.exchange_missing(missing, combined, was_read=case.entered.was_read))
        client = case.exchange = await case.stack.enter_async_context(
            exchange_client(settings, secrets, url=case.url, proxies=case.proxies, store=case.store, now=case.now)
        )
        if case.again:
            client.try_again()
        try:
            answered = await self._answered(client)
        except EwsAuthenticationError as error:
            return failed(once(self.explained(error), sent=bool(client.counters.requests)))
        facts = {"account": client.account, "scheme": client.scheme, "answered": answered}
        if client.passed_over is not None:
            first, refusal = client.passed_over
            text, action = passed_over(refusal, self.way.host)
            text = sentences(
                _(
                    "The account {first} is refused; {account} is used in its place.",
                    first=first,
                    account=client.account,
                ),
                text,
            )
            return warned(once(Cause("exchange-fallback-account", text, action)), **facts)
        given = accounts(settings.exchange, secrets)
        password = PasswordWatch(
            client,
            account=lambda: client.account,
            settings={account.name: account.setting for account in given if account.setting},
            now=case.now,
            random=case.random,
        )
        await password.look()
        if ending := password.ending():
            return warned(Cause("exchange-password-expires", ending.text, ending.action), **facts)
        return passed(_("As {account}, by {scheme}.", account=client.account, scheme=client.scheme), **facts)

    async def version(self) -> Finding:
        """See which Exchange it is."""
        client = self.case.client()
        if client.server_version is None:  # faults need not tell it
            with suppress(EwsError):
                await self._ask_free_busy(client, self.case.address or client.account)
        told = shown(client.server_version or "")
        numbers = tuple(int(part) for part in told.split(".")[:2] if part.isascii() and part.isdecimal())
        name = _NAMES.get(numbers) or _NAMES.get(numbers[:1], "")
        text = _("{told} (Exchange {name})", told=told, name=name) if name else told
        if not numbers:
            said = _("Exchange tells no version ({told}).", told=told) if told else _("Exchange tells no version.")
            action = _("Nothing has to be done if the rest passes: what stands in front of Exchange may leave it out.")
            return warned(Cause("exchange-version-unknown", said, action), version=told)
        old = _("{text} is older than Exchange 2013, which is the oldest that the connector is made for.", text=text)
        if numbers < _LEAST:
            return failed(
                Cause("exchange-too-old", sentences(old, _("It has no streams.")), _("Use Exchange 2013 or newer.")),
                version=told,
            )
        if numbers < _ENOUGH:
            return warned(
                Cause("exchange-too-old", old, _("Use a newer Exchange, if something does not work.")), version=told
            )
        return passed(_("{text}.", text=text), version=told)

    async def _answered(self, client: EwsClient) -> str:
        """Ask the directory, or else free/busy: whatever is answered, it is to somebody who is signed in."""
        who = self.case.address or client.account
        try:
            try:
                await client.call(ResolveNames(entry=who))
            except (EwsConnectionError, MalformedResponse) as error:
                if not is_refusal(error):
                    raise
                with _refused_with(error):  # not every server has a directory
                    await self._ask_free_busy(client, who)
        except ServerBusy:
            raise
        except ResponseError as error:
            return error.code
        return "NoError"

    async def _ask_free_busy(self, client: EwsClient, who: str) -> None:
        window = Window(start=self.case.now(), end=self.case.now() + timedelta(days=1))
        await client.call(GetUserAvailability(addresses=(who,), window=window, subjects=False))

    async def _looked_for(self) -> str | Finding:
        """Ask autodiscover, once."""
        case, combined = self.case, self.case.combined
        client = await case.opened()
        async with finder(
            _confirming(combined.settings, case.find_by),
            combined.secrets,
            rainbow=client,
            proxies=case.proxies,
            store=case.store,
            problems=Problems(now=case.now),
            now=case.now,
            random=case.random,
        ) as discovery:
            place = await discovery.look(case.find_by)
        if isinstance(place, Place):
            return place.url
        return failed(Cause(place.id, sentences(place.text, place.tried), place.action))


def _confirming(settings: Settings, address: str) -> Settings:
    """Have the settings confirm the domain of an address, since somebody at this machine has typed it for that."""
    domain = domain_of(address)
    if not domain or domain in settings.bridge.domains:
        return settings
    bridge = settings.bridge.model_copy(update={"domains": (*settings.bridge.domains, domain)})
    return settings.model_copy(update={"bridge": bridge})


@contextmanager
def _refused_with(first: EwsError) -> Iterator[None]:
    """Raise the first refusal where there is another one."""
    try:
        yield
    except (EwsConnectionError, MalformedResponse) as error:
        raise first from error


def exchange_fault(case: Case, error: RainbowExchangeError) -> Cause:
    """Say why Exchange as a whole does not do what was asked."""
    if isinstance(error, ServerBusy | ConnectionLimitReached):
        return _busy(error)
    if isinstance(error, EwsError):
        again = case.exchange is not None and case.exchange.seconds_to_next_try() is not None
        return exchange_cause(error, case.url, retried=again)
    raise error


def _busy(error: ServerBusy | ConnectionLimitReached) -> Cause:
    wait = error.back_off if isinstance(error, ServerBusy) else None
    asks = _(" and asks to be left alone for {wait} s", wait=f"{wait:.0f}") if wait else ""
    return Cause(
        "exchange-busy",
        _("Exchange refuses more requests of this account for now ({code}){asks}.", code=error.code, asks=asks),
        _(
            "Run this again in some minutes. If it stays, does something else use the account? More is"
            " allowed by a throttling policy of its own: rainbow-exchange throttling-policy print."
        ),
    )


def _held(hold: holds.Hold) -> Finding:
    return failed(Cause(hold.problem or "settings-missing", hold.text, hold.action))
