"""The check's steps at Rainbow: signing in, what its administration says, users, the link, telling it of changes."""

from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

from rainbow_exchange import config
from rainbow_exchange.bridge.causes import Cause, notify_cause, rainbow_cause
from rainbow_exchange.bridge.link_causes import IDS as LINK_PROBLEMS
from rainbow_exchange.bridge.sso_watch import explained as sso_explained
from rainbow_exchange.config import RainbowFields
from rainbow_exchange.diagnosis.check.case import Case
from rainbow_exchange.diagnosis.check.results import Finding, failed, passed, warned
from rainbow_exchange.diagnosis.check.way import WayTo, late_cause
from rainbow_exchange.diagnosis.check.wording import once
from rainbow_exchange.errors import RainbowExchangeError
from rainbow_exchange.network.shown import shown
from rainbow_exchange.network.trust import client_context
from rainbow_exchange.rainbow import connections
from rainbow_exchange.rainbow.company import company_record, exchange_configuration
from rainbow_exchange.rainbow.entered import read
from rainbow_exchange.rainbow.errors import (
    RainbowApiError,
    RainbowAuthenticationError,
    RainbowConnectionError,
    RainbowError,
    SaslRefused,
    StreamEnded,
    UnexpectedAnswer,
)
from rainbow_exchange.rainbow.link_trial import try_link
from rainbow_exchange.sides import holds
from rainbow_exchange.sides.company import wrong
from rainbow_exchange.words import _, clause, joined, sentences

_MEANT = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})


@dataclass(slots=True, eq=False)
class CloudSteps:
    """Each method is a step."""

    case: Case
    #: whether Exchange's place and account are settings of this machine
    set_here: bool = False
    _way: WayTo | None = None

    @property
    def url(self) -> str:
        """Rainbow's address."""
        return self.case.given.rainbow.url

    @property
    def way(self) -> WayTo:
        """The way to Rainbow. On the running event loop."""
        if self._way is None:
            self._way = WayTo(
                side="rainbow",
                url=self.url,
                proxy=self.case.proxies.to_rainbow(),
                context=client_context(),
                verified=True,
                now=self.case.now,
            )
        return self._way

    def explained(self, error: RainbowExchangeError) -> Cause:
        """Say what is wrong with Rainbow."""
        if not isinstance(error, RainbowError):
            raise error
        client = self.case.rainbow
        if isinstance(error, SaslRefused | StreamEnded):
            return _link_refused(error)
        company_id = client.company_id if client else self.case.given.rainbow.company_id
        retry_at = client.retry_at if client else None
        return rainbow_cause(error, self.url, company_id=company_id, retry_at=retry_at)

    def late(self, seconds: float) -> Cause:
        """Say that Rainbow has not answered in time."""
        return late_cause("rainbow", self.url)(seconds)

    async def sign_in(self) -> Finding:
        """Sign in."""
        case = self.case
        if missing := config.missing_for_rainbow(case.given, case.secrets):
            hold = holds.rainbow_missing(missing, [], case.given)
            return failed(Cause(hold.problem, hold.text, hold.action))
        client = await case.opened()
        try:
            account = await client.signed_in()
        except RainbowAuthenticationError as error:
            cause = self.explained(error)
            with suppress(RainbowError):
                cause = sso_explained(cause, await client.sign_in_ways())
            return failed(once(cause, sent=client.counters.sign_in.logins > 0), code=error.code)
        company = shown(account.company_name or account.company_id)
        return passed(
            _("As {login}, of {company}.", login=shown(account.login), company=company), company_id=account.company_id
        )

    async def administration(self) -> Finding:
        """Read what was entered in Rainbow's administration."""
        case, client = self.case, self.case.cloud()
        company_id = await client.company()
        unread: dict[str, RainbowError] = {}
        documents = []
        for what, get in (
            (_("the connector's configuration"), exchange_configuration),
            (_("the company"), company_record),
        ):
            try:
                documents.append(await get(client, company_id) or {})
            except RainbowError as error:
                unread[what] = error
        fields = case.given.rainbow_fields
        paths = {name: getattr(fields, name) for name in RainbowFields.model_fields}
        case.entered = read(documents, paths, before=case.entered, check=wrong)
        facts = {"switch": case.entered.switch, "gives": sorted(case.entered.values)}
        if case.entered.switch is False:
            hold = holds.SWITCHED_OFF
            return warned(Cause(hold.problem, hold.text, hold.action), **facts)
        if case.entered.faults:
            text = _(
                "Rainbow's administration holds what is not understood: {faults}.",
                faults=joined("; ", case.entered.faults),
            )
            action = _("Correct it there (Company, Settings, Application), or name another field in rainbow_fields.")
            return warned(Cause("rainbow-settings-not-understood", text, action), **facts)
        if unread:
            said = _(
                "Rainbow's administration cannot be read: {what}.",
                what=joined("; ", (_("{what} ({error})", what=what, error=error) for what, error in unread.items())),
            )
            if self.set_here and all(isinstance(error, RainbowApiError) for error in unread.values()):
                need_not = _("It need not be, since Exchange is set on this machine.")
                return passed(sentences(said, need_not), **facts)
            action = _("Nothing, if Exchange is set on this machine. Else, may the account read its company?")
            return warned(Cause("rainbow-settings-not-read", said, action), **facts)
        gives = ", ".join(f"exchange.{name}" for name in sorted(case.entered.values)) or _("nothing about Exchange")
        return passed(_("The calendars are switched on; it gives {gives}.", gives=gives), **facts)

    async def users(self) -> Finding:
        """List the first users of the company."""
        _first, total = await self.case.people()
        if not total:
            text = _("Rainbow lists no user of the company.")
            action = _("Check rainbow.company_id (leave it out to use the account's own), and the account's rights.")
            return warned(Cause("rainbow-no-users", text, action), total=0)
        return passed(_("1 user.") if total == 1 else _("{total} users.", total=total), total=total)

    async def link(self) -> Finding:
        """See whether questions can arrive: at the running service, else by a sign-in that nobody notices."""
        case = self.case
        if case.daemon is not None:
            return self._of_daemon()
        client = case.cloud()
        if case.given.rainbow.link == "s2s":
            found = await connections.listed(client)
            text = _(
                "The account may have S2S connections (it has {number}); whether Rainbow reaches rainbow.callback_url"
                " is seen once the service runs.",
                number=len(found),
            )
            return passed(text, kind="s2s", connections=len(found))
        account = await client.signed_in()
        app_id, proxy = case.given.rainbow.app_id or "", case.proxies.to_rainbow()
        try:
            domain = await try_link(self.url, account, app_id=app_id, ssl=client_context(), proxy=proxy)
        except (RainbowConnectionError, UnexpectedAnswer) as error:
            text = _("Rainbow answers, but there is no link to its XMPP server: {error}.", error=shown(str(error)))
            action = _("Do proxy and firewall let WebSocket (wss, 443) through?")
            return failed(Cause("rainbow-link-lost", text, action))
        return passed(_("The XMPP server of {domain} lets the connector in.", domain=shown(domain)), kind="xmpp")

    async def notify(self) -> Finding:
        """Tell Rainbow of nobody: an empty list says nothing, and is refused by whoever reads it."""
        client = self.case.cloud()
        try:
            await client.try_notify()
        except RainbowApiError as error:
            if error.status in _MEANT or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                return failed(once(notify_cause(error, self.url, company_id=client.company_id)))
            answered = f"HTTP {error.status}"
        else:
            answered = "2xx"
        return passed(_("Rainbow takes it (it was told of nobody)."), answered=answered)

    def _of_daemon(self) -> Finding:
        daemon = self.case.daemon or {}
        link = daemon.get("link") or {}
        if since := link.get("connected_since"):
            return passed(
                _("The service, which runs, has it since {since}.", since=since), kind=link.get("kind"), since=since
            )
        for problem in daemon.get("problems", ()):
            if problem["id"] in LINK_PROBLEMS:
                return failed(Cause(problem["id"], problem["text"], problem["action"]))
        reason = (daemon.get("rainbow") or {}).get("reason") or _("it has just begun")
        text = _("The service, which runs, has no link: {reason}", reason=reason)
        return failed(Cause("rainbow-link-lost", text, _("See rainbow-exchange status.")))


def _link_refused(error: SaslRefused | StreamEnded) -> Cause:
    text = _("Rainbow's XMPP server does not let the connector in: {error}.", error=clause(str(error)))
    if isinstance(error, SaslRefused) and error.condition == "server-not-proved":
        text = _("What answers as Rainbow's XMPP server has not proved that it knows the password.")
    return Cause(
        "rainbow-link-lost",
        text,
        _(
            "Rainbow's REST API gave us this account: if it stays, ask Rainbow's support, unless something in"
            " between speaks in Rainbow's place."
        ),
    )
