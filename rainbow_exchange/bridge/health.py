"""Whether Exchange and the bridge are well, and if not, why, from the parts' own counters.

What concerns Rainbow is `rainbow_health`'s.
"""

from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from rainbow_exchange.bridge import people, sign_in_causes
from rainbow_exchange.bridge.causes import Cause, exchange_cause
from rainbow_exchange.bridge.certificate_watch import CertificateWatch
from rainbow_exchange.bridge.measures import measures
from rainbow_exchange.bridge.out_of_office import NO_ADDRESS
from rainbow_exchange.bridge.password import PasswordWatch
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.privacy_review import PrivacyReview
from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.bridge.throttling import ThrottlingReview
from rainbow_exchange.bridge.troubles import TROUBLES
from rainbow_exchange.bridge.turns import Turns, in_turns
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.errors import EwsError, ResponseError
from rainbow_exchange.ews.treatment import Treatment, treatment_of
from rainbow_exchange.network.shown import first, mailboxes, users
from rainbow_exchange.outage import Outage
from rainbow_exchange.words import _, sentences

#: seconds for which a stream may be reopened before that is an outage, and where Exchange itself was out before
REOPENED_WITHIN = 5.0
REOPENED_AFTER_OUTAGE = 60.0
#: seconds for which a subscribed mailbox may be without a stream before it is a problem
UNSTREAMED_FOR = 60.0
#: how long a calendar may be unreadable before it is a problem
UNREAD_FOR = timedelta(seconds=60)
#: seconds for which out-of-office states may be refused before it is a problem
ABSENCE_UNREAD_FOR = 120.0

_EXCHANGE = (
    "exchange-authentication",
    "exchange-forbidden",
    "exchange-kerberos",
    "exchange-token",
    "exchange-name-unknown",
    "exchange-unreachable",
    "exchange-certificate",
    "exchange-not-ews",
    "exchange-error",
)


class Health:
    """Reviews the parts when asked: opens and closes problems, and tells the state of Exchange.

    `account_from` is a sentence on where the account was entered, for whoever has to correct it.
    """

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        exchange: EwsClient,
        exchange_url: str,
        problems: Problems,
        password: PasswordWatch | None = None,
        certificate: CertificateWatch | None = None,
        account_from: str = "",
    ) -> None:
        self._pipeline = pipeline
        self._exchange = exchange
        self._exchange_url = exchange_url
        self._problems = problems
        self._password = password
        self._certificate = certificate
        self._account_from = account_from
        self._interrupted_until_told: float | None = None
        self._streams = Outage("streams_interrupted", "streams_restored")
        self._unstreamed_since: float | None = None
        self._unreadable_since: float | None = None
        self._throttling = ThrottlingReview(pipeline, problems)
        self._privacy = PrivacyReview(pipeline, problems)
        self._elsewhere = Turns(self._look_elsewhere, dict[str, int]())

    def review(self) -> None:
        """Open and close problems by what the parts say now."""
        exchange, cause, boxes = self._exchange_error(), self.cause(), self.mailboxes()
        for problem_id in _EXCHANGE:
            if cause is None or problem_id != cause.id:
                self._problems.clear(problem_id)
        if cause is not None:
            self._problems.report(cause.id, severity="error", text=cause.text, action=cause.action, logged=True)
        self._review_interruptions(away=exchange is not None)
        self._review_streams(boxes, away=exchange is not None)
        self._review_owner_bound()
        self._review_absences(away=exchange is not None)
        self._review_read_modes()
        self._pipeline.parts.reader.modes()  # goes on with the count of them, which metrics show
        self._throttling.review(boxes["polled"])
        self._privacy.review()
        self._review_people()
        self._review_sites()
        self._review_account()
        self._review_fallback()

    @property
    def host(self) -> str:
        """The host of the Exchange server."""
        return urlsplit(self._exchange_url).hostname or ""

    def certificate_ends(self) -> datetime | None:
        """When the certificate of the Exchange server is valid no more; None while that is not known."""
        return self._certificate.ends() if self._certificate else None

    def exchange(self) -> dict[str, str]:
        """Return state, reason and account of the Exchange side: "starting", "connected", "disconnected"."""
        state, reason = "connected", ""
        if error := self._exchange_error():
            state, reason = "disconnected", self._exchange_cause(error).text
        elif self._exchange.last_ok is None:
            asked = sum(self._exchange.counters.requests.values())
            reason = _("Exchange was asked, without an answer so far.") if asked else _("Exchange was not asked yet.")
            state = "starting"
        return {"state": state, "reason": reason, "account": self._exchange.account}

    def cause(self) -> Cause | None:
        """Say why Exchange cannot be used; None while it can."""
        error = self._exchange_error()
        return self._exchange_cause(error) if error else None

    def _exchange_cause(self, error: EwsError) -> Cause:
        cause = exchange_cause(error, self._exchange_url, retried=self._exchange.seconds_to_next_try() is not None)
        if cause.id != "exchange-authentication" or not self._account_from:
            return cause
        return replace(cause, action=sentences(cause.action, self._account_from))

    def _review_fallback(self) -> None:
        """Report that the second account is in use because the first one is refused."""
        if self._exchange.passed_over is None:
            self._problems.clear("exchange-fallback-account")
            return
        first, error = self._exchange.passed_over
        text, action = sign_in_causes.passed_over(error, self.host)
        self._problems.report(
            "exchange-fallback-account",
            severity="warning",
            text=sentences(
                _(
                    "The account {first} is refused; {account} is used in its place.",
                    first=first,
                    account=self._exchange.account,
                ),
                text,
            ),
            action=action,
        )

    def mailboxes(self) -> dict[str, int]:
        """Count the users by how changes of their mailboxes are noticed."""
        parts = self._pipeline.parts
        counts, total = parts.watcher.everybody.counts(), len(parts.roster)
        uncovered = total - counts.streamed - counts.waiting
        return {"total": total, "streamed": counts.streamed, "polled": counts.waiting, "uncovered": uncovered}

    def settled(self) -> bool:
        """Whether the users are listed and each was tried, with an outcome that is not "later"."""
        membership = self._pipeline.membership
        waiting = membership.enrolment.waiting() or self._pipeline.parts.roster.standings.failing
        return membership.listing.listed and not waiting

    def measures(self) -> dict[str, Any]:
        """Return what `metrics.render` shows of the parts: numbers only, no address."""
        ends, boxes = self.certificate_ends(), self.mailboxes()
        del boxes["total"]
        return measures(self._pipeline, self._exchange, boxes) | {
            "exchange_connected": self.exchange()["state"] == "connected",
            "exchange_certificate_end_timestamp_seconds": ends.timestamp() if ends else None,
        }

    def _exchange_error(self) -> EwsError | None:
        """Return why Exchange as a whole cannot be used; what concerns one mailbox or one stream is no outage."""
        if self._exchange.refused is not None:
            return self._exchange.refused
        if self._exchange.outage and not self._pipeline.parts.watcher.everybody.streaming:
            return self._exchange.outage
        if outage := self._pipeline.membership.enrolment.outage:
            return outage
        roster = self._pipeline.parts.roster
        code = roster.standings.refused_to_all(len(roster))
        return ResponseError(code) if code else None

    def _review_interruptions(self, *, away: bool) -> None:
        """Log where streams stay away while Exchange itself does not."""
        now, found = self._pipeline.parts.loop_time(), self._pipeline.parts.watcher.interruptions()
        if away:
            self._interrupted_until_told = now + REOPENED_AFTER_OUTAGE
        elif found is None:
            self._interrupted_until_told = None
            self._streams.went_well()
        else:
            self._interrupted_until_told = self._interrupted_until_told or now + REOPENED_WITHIN
            if now >= self._interrupted_until_told:
                self._streams.failed(streams=found.streams, mailboxes=found.members, reason=found.reason)

    def _review_streams(self, counts: Mapping[str, int], *, away: bool) -> None:
        """Report subscribed mailboxes that no stream carries, once that has lasted longer than a reopening takes."""
        parts, now = self._pipeline.parts, self._pipeline.parts.loop_time()
        missing = parts.roster.covered - counts["streamed"] - counts["polled"]
        if missing <= 0 or away:
            self._unstreamed_since = None
            self._problems.clear("mailboxes-not-streamed")
            return
        self._unstreamed_since = self._unstreamed_since or now
        if now - self._unstreamed_since > UNSTREAMED_FOR:
            self._problems.report(
                "mailboxes-not-streamed",
                severity="warning",
                text=_(
                    "Changes of {mailboxes} are not noticed, though subscribed: no stream carries them at present.",
                    mailboxes=mailboxes(missing),
                ),
                action=_("Streams are reopened by themselves. If it stays: does a load balancer cut idle connections?"),
                logged=self._streams.open,
            )

    def _review_owner_bound(self) -> None:
        """Say that there are as many streams as mailboxes, and why."""
        alone = self._pipeline.parts.watcher.owner_bound
        if not alone.mailboxes:
            self._problems.clear("exchange-owner-bound")
            return
        self._problems.report(
            "exchange-owner-bound",
            severity="notice",
            text=_(
                "Exchange lets a subscription be read by the mailbox's owner only, so each mailbox has a stream of"
                " its own."
            )
            if alone.server
            else _(
                "Exchange lets a subscription be read by the mailbox's owner only, so {who} has a stream of its own.",
                who=", ".join(sorted(alone.mailboxes)),
            ),
            action=_(
                "Nothing has to be done while they are streamed; such servers are none of Microsoft's. If"
                " yours is, restart: it is then found out anew."
            ),
        )

    def _review_read_modes(self) -> None:
        """Say that meetings of series can be read by free/busy only."""
        if not self._pipeline.parts.reader.unexpanded():
            self._problems.clear("exchange-series-not-expanded")
            return
        self._problems.report(
            "exchange-series-not-expanded",
            severity="notice",
            text=_(
                "Exchange does not show the meetings of series in a calendar that is read by itself"
                " (FindItem), so all calendars are read by free/busy (GetUserAvailability)."
            ),
            action=_(
                "Nothing has to be done; where subjects are missing, give the account the right Reviewer on"
                " the calendars. The other way is tried again daily."
            ),
        )

    def _review_absences(self, *, away: bool) -> None:
        """Report states that Exchange does not tell, once that has lasted longer than it takes to find out."""
        parts, now = self._pipeline.parts, self._pipeline.parts.loop_time()
        unreadable = None if away else parts.absences.unreadable()
        self._unreadable_since = None if unreadable is None else self._unreadable_since or now
        if unreadable is None or self._unreadable_since is None or now - self._unreadable_since <= ABSENCE_UNREAD_FOR:
            self._problems.clear("exchange-out-of-office-unreadable")
            return
        what = _("gives no mail tips") if unreadable.none else _("gives no mail tip of them")
        also, action = "", _("Allow MailTips on Exchange, or give the account ApplicationImpersonation.")
        if parts.options.impersonation:
            also = _(" and refuses their settings")
            action = _("Check that the account may act for these users (ApplicationImpersonation).")
        if unreadable.failing:
            what, also = _("does not tell their settings"), ""
            action = _("If Exchange is not busy and no mailboxes are being moved, check these mailboxes there.")
        if unreadable.reason == NO_ADDRESS:
            also, action = "", _("They are known by UPN or SID only: give them their work e-mail address in Rainbow.")
        self._problems.report(
            "exchange-out-of-office-unreadable",
            severity="warning",
            text=_(
                "The out-of-office of {mailboxes} cannot be read: Exchange {what}{also}"
                " ({reason}). Rainbow is answered that it is not known.",
                mailboxes=mailboxes(unreadable.mailboxes),
                what=what,
                also=also,
                reason=unreadable.reason,
            ),
            action=sentences(action, _("It is tried again at least hourly.")),
        )

    def _review_people(self) -> None:
        roster = self._pipeline.parts.roster
        found = {problem: [*members.values()] for problem, members in roster.standings.troubled.items()}
        notifier = self._pipeline.parts.notifier
        if notifier.last_error is None and (refused := [*filter(None, map(roster.get, notifier.held_back))]):
            found["rainbow-user-refused"] = refused
        for problem_id, trouble in TROUBLES.items():
            if members := found.get(problem_id):
                told = _(trouble.text, names=people.names(members), users=users(len(members)))
                self._problems.report(problem_id, severity=trouble.severity, text=told, action=trouble.action)
            else:
                self._problems.clear(problem_id)
        if sharing := people.sharing(roster.shared):
            severity, text, action = sharing.severity, sharing.text, sharing.action
            self._problems.report("user-address-shared", severity=severity, text=text, action=action)
        else:
            self._problems.clear("user-address-shared")
        self._review_reading()

    def _review_reading(self) -> None:
        """Report calendars that cannot be read, once that has lasted longer than a mishap."""
        parts, now = self._pipeline.parts, self._pipeline.parts.now()
        unread = parts.reader.unread
        number = 0 if self._exchange_error() else unread.since(now - UNREAD_FOR)
        if not number:
            self._problems.clear("mailboxes-not-read")
            return
        shown = first(unread, people.NAMED, number, lambda each: f"{each[0]} ({each[1]})")
        denied = any(treatment_of(reason) is Treatment.DENIED for reason in unread.reasons)
        right = _("Grant the service account Reviewer on these calendars, or ApplicationImpersonation.")
        self._problems.report(
            "mailboxes-not-read",
            severity="warning",
            text=_("The calendars of {mailboxes} cannot be read: {shown}.", mailboxes=mailboxes(number), shown=shown),
            action=sentences(
                right if denied else "",
                _(
                    "Rainbow is answered from what was read last, for at most 12 hours. It is tried again by itself,"
                    " or by rainbow-exchange retry."
                ),
            ),
        )

    def _review_account(self) -> None:
        password, certificate = self._password, self._certificate
        for problem_id, found in (
            ("exchange-password-expires", password.ending() if password else None),
            ("exchange-certificate-expires", certificate.ending() if certificate else None),
            ("exchange-certificate-intercepted", certificate.intercepted() if certificate else None),
            ("exchange-certificate-unverified", certificate.unverified() if certificate else None),
        ):
            if found is None:
                self._problems.clear(problem_id)
            else:
                self._problems.report(problem_id, severity=found.severity, text=found.text, action=found.action)

    def _look_elsewhere(self) -> Generator[None, None, dict[str, int]]:
        """Count those whom autodiscover places at another address than most."""
        sites, hosts = self._pipeline.parts.sites, Counter[str]()
        for some, more in in_turns(self._pipeline.parts.roster):
            hosts.update(filter(None, (sites.host(each.mailbox.address) for each in some if each.mailbox)))
            if more:
                yield
        return dict(hosts.most_common()[1:])

    def _review_sites(self) -> None:
        elsewhere = self._elsewhere.turn() if self._pipeline.parts.sites.asked else {}
        if not elsewhere:
            self._problems.clear("mailboxes-at-another-address")
            return
        self._problems.report(
            "mailboxes-at-another-address",
            severity="notice",
            text=_(
                "Autodiscover says that {mailboxes} should be asked at {elsewhere}, unlike most.",
                mailboxes=mailboxes(sum(elsewhere.values())),
                elsewhere=", ".join(sorted(elsewhere)),
            ),
            action=_(
                "They have streams of their own and are asked at {host}, which passes requests on within one"
                " organisation. If these users are not streamed, see how the sites' virtual directories are"
                " set up.",
                host=self.host,
            ),
        )
