"""Autodiscover: asks the company's servers where the EWS of a mailbox is, place by place, and follows their redirects.

The order of places, and who may be told the password, are in `discovery/places.py`. Nothing is retried here.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ssl import SSLContext
from typing import Self
from urllib.parse import urljoin

import structlog
from aiohttp.abc import AbstractResolver

from rainbow_exchange.errors import UserError
from rainbow_exchange.ews.autodiscover_servers import LIMIT, Redirected, Servers
from rainbow_exchange.ews.discovery.outcome import Located, NotHere, Outcome, RedirectAddress, RedirectUrl
from rainbow_exchange.ews.discovery.places import (
    Place,
    Ports,
    Trust,
    domain_of,
    host_of,
    place_at,
    place_by_record,
    redirecting,
    standard_places,
)
from rainbow_exchange.ews.discovery.search import Attempt, Search
from rainbow_exchange.ews.endpoint import check_url
from rainbow_exchange.ews.errors import (
    EwsAuthenticationError,
    EwsConnectionError,
    EwsError,
    MalformedResponse,
    ResponseError,
)
from rainbow_exchange.ews.logins import Logins
from rainbow_exchange.ews.operations.get_user_settings import BATCH, GetUserSettings
from rainbow_exchange.ews.operations.pox_autodiscover import PoxAutodiscover
from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.network.shown import shown
from rainbow_exchange.words import _, joined

log = structlog.get_logger()

_MANY_LIMIT = 60.0  # seconds for a batch of mailboxes

Records = Callable[[str], Awaitable[Sequence[tuple[str, int]]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The EWS of a mailbox, and the autodiscover service that told of it."""

    url: str
    autodiscover_url: str
    located: Located


class NotFound(EwsError):
    """No server told where EWS is; `answered` if one at least said something of the mailbox.

    `blocked_hosts` were named by a server and may not be told the password. `refusal` is there where credentials were
    refused: then looking again is an attempt more at the account.
    """

    def __init__(self, address: str, search: Search) -> None:
        super().__init__("; ".join(map(str, search.attempts)))
        self.address = address
        self.attempts: tuple[Attempt, ...] = tuple(search.attempts)
        self.blocked_hosts = tuple(search.blocked_hosts)
        self.answered = search.answered
        self.refused_hosts = tuple(search.refused_hosts)
        self.refusal = search.refusal


class Autodiscover:
    """Looks for EWS on behalf of one account; an async context manager that closes its connections.

    `logins` makes what signs in at one server, given its https address. `url`, if there is one, is the only place to
    be asked at first. `records` looks up SRV records, None: they are not looked at. `proxy_url` says which proxy leads
    to a URL.
    """

    def __init__(
        self,
        *,
        logins: Callable[[str], Logins],
        trust: Trust,
        url: str | None,
        records: Records | None,
        ssl: SSLContext | None = None,
        proxy_url: Callable[[str], str | Proxy | None] = lambda _: None,
        resolver: AbstractResolver | None = None,
        ports: Ports | None = None,
    ) -> None:
        self._servers = Servers(logins=logins, ssl=ssl, proxy_url=proxy_url, resolver=resolver)
        self._url = url
        self._trust = trust
        self._records = records
        self._ports = ports or Ports()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._servers.close()

    def try_again(self) -> None:
        """Let credentials that were refused be tried once more, because somebody says so."""
        self._servers.try_again()

    async def find(self, address: str) -> Found:
        """Find the EWS of the mailbox `address`.

        Raises NotFound, at the latest once two servers have refused the credentials.
        """
        search = Search()
        search.see("", address.lower())
        if self._url is not None:
            place = place_at(self._url)
            search.see(place.pox, address.lower())
            found = await self._at(place, address, search)
        else:
            found = await self._of_domain(address, search)
        if found is None:
            raise NotFound(address, search)
        log.info("exchange_found", url=found.url, autodiscover=found.autodiscover_url)
        return found

    async def settings(self, url: str, addresses: Sequence[str]) -> dict[str, Outcome]:
        """Ask the SOAP service at `url`, which `find` has found, of many mailboxes. Raises EwsError."""
        said: dict[str, Outcome] = {}
        for begin in range(0, len(addresses), BATCH):
            request = GetUserSettings(addresses=addresses[begin : begin + BATCH], url=url)
            try:
                said |= request.read(await self._servers.post(url, request.write(), limit=_MANY_LIMIT))
            except Redirected as redirect:
                raise EwsConnectionError(
                    "http-302", _("redirects to {shown}", shown=_shown(redirect.target))
                ) from redirect
        return said

    async def _of_domain(self, address: str, search: Search) -> Found | None:
        """Ask where the standard says that a domain's autodiscover may be, in turn."""
        domain = domain_of(address)
        if not domain:
            search.note(address, _("is no mail address"))
            return None
        places = [place for place in standard_places(domain, self._ports) if self._trust.asks(host_of(place.soap))]
        if not places:
            search.block(address, f"autodiscover.{domain}", _("leads to"))
            return None
        for place in places:
            search.see(place.pox, address.lower())
            found = await self._at(place, address, search)
            if found is not None:
                return found
        where = redirecting(domain, self._ports)
        target = await self._redirect_of(where, search)
        found = await self._follow(where, target, address, search, unasked=True) if target else None
        if found is not None or self._records is None:
            return found
        record = f"SRV record _autodiscover._tcp.{domain}"
        named = await self._records(domain)
        if not named:
            search.note(record, _("there is none"))
        for host, port in named:
            found = await self._follow(record, place_by_record(host, port).pox, address, search)
            if found is not None:
                return found
        return None

    async def _at(self, place: Place, address: str, search: Search) -> Found | None:
        """Ask one service, in SOAP and then in plain XML; act on what it says."""
        for url, soap in ((place.soap, True), (place.pox, False)):
            if search.exhausted or host_of(url) in search.refused_hosts:
                return None
            outcome = await self._outcome(url, address, search, soap=soap)
            search.answered |= outcome is not None and not isinstance(outcome, Redirected)
            match outcome:
                case Redirected(target=target):  # the web server's own word: the other form may be somewhere else
                    if found := await self._follow(url, target, address, search, unasked=True):
                        return found
                case Located():
                    return await self._usable(place, outcome, search)
                case RedirectUrl(url=target):
                    return await self._follow(url, target, address, search)
                case RedirectAddress(address=other):
                    objection = search.objection("", other.lower())
                    instead = _("asks to look for {other} instead", other=shown(other))
                    search.note(url, joined(", ", (instead, objection or "")))
                    return None if objection else await self._of_domain(other, search)
                case NotHere(code=code):
                    search.note(url, _("knows no such mailbox ({code})", code=shown(code)))
                case None:
                    pass
        return None

    async def _follow(
        self, where: str, target: str, address: str, search: Search, *, unasked: bool = False
    ) -> Found | None:
        """Go where a redirect leads, if that is allowed; `unasked`: whoever sent it did not answer as autodiscover."""
        try:
            target = urljoin(where, target) if "://" in where else target
            check_url(target)
        except (ValueError, UserError):
            if not target.lower().startswith("http://"):
                search.note(where, _("redirects to {shown}, which is no web address to go to", shown=_shown(target)))
                return None
        host = host_of(target)
        if not target.lower().startswith("https://"):
            search.note(
                where, _("redirects to {shown}, which is not https and so is not followed", shown=_shown(target))
            )
            return None
        if not self._trust.asks(host):
            if unasked and host == f"www.{domain_of(address)}":
                search.note(where, _("redirects to {host}, the company's web site", host=host))
            else:
                search.block(where, host, _("redirects to"))
            return None
        place = place_at(target)
        objection = search.objection(place.pox, address.lower())
        search.note(where, joined(", ", (_("redirects to {shown}", shown=_shown(target)), objection or "")))
        return None if objection else await self._at(place, address, search)

    async def _usable(self, place: Place, located: Located, search: Search) -> Found | None:
        """Choose the first address of EWS at which somebody answers and that may be told the password."""
        where = place.soap
        if not located.urls:
            search.note(where, _("names no address of EWS"))
        for url in located.urls:
            host = host_of(url)
            if not host:
                search.note(where, _("says that EWS is at {shown}, where there can be no server", shown=_shown(url)))
                continue
            if not self._trust.serves(host):
                search.block(where, host, _("says that EWS is at"))
                continue
            try:
                check_url(url)
            except UserError as error:
                search.note(
                    where,
                    _("says that EWS is at {shown}: {problem}", shown=_shown(url), problem=error.problems[0]),
                )
                continue
            try:
                await self._servers.reach(url)
            except EwsConnectionError as error:
                search.note(url, error.detail or error.kind)
            else:
                return Found(url=url, autodiscover_url=place.soap, located=located)
        return None

    async def _outcome(self, url: str, address: str, search: Search, *, soap: bool) -> Outcome | Redirected | None:
        """Ask one address in one form; None where there is no answer of autodiscover, which is then taken down."""
        try:
            if soap:
                request = GetUserSettings(addresses=[address], url=url)
                return request.read(await self._servers.post(url, request.write(), limit=LIMIT))[address]
            pox = PoxAutodiscover(address=address)
            return pox.read(await self._servers.post(url, pox.write(), limit=LIMIT))
        except Redirected as redirect:
            return redirect
        except EwsAuthenticationError as error:
            search.refuse(host_of(url), error)
            search.note(url, _("refuses the user name or password (HTTP {status})", status=error.status))
        except EwsConnectionError as error:
            search.note(url, error.detail or error.kind)
        except ResponseError as error:
            search.note(url, _("refuses to answer ({code})", code=error.code))
        except MalformedResponse:
            search.note(url, _("does not answer as autodiscover does"))
        return None

    async def _redirect_of(self, url: str, search: Search) -> str | None:
        try:
            target = await self._servers.redirect_of(url)
        except EwsConnectionError as error:
            search.note(url, error.detail or error.kind)
            return None
        if target is None:
            search.note(url, _("does not redirect"))
        return target


def _shown(url: str) -> str:
    """Show a server's web address without its query."""
    return shown(url.partition("?")[0]) or _("nowhere")
