"""Whether Rainbow is well, and if not, why: with a bridge to Exchange and without one."""

from collections.abc import Mapping
from typing import Any

from rainbow_exchange.bridge import link_causes, telling
from rainbow_exchange.bridge.causes import Cause, notify_cause, rainbow_cause
from rainbow_exchange.bridge.link_causes import link_cause
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.bridge.sso_watch import SsoWatch
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.errors import RainbowError, ids
from rainbow_exchange.rainbow.link import RainbowLink
from rainbow_exchange.rainbow.s2s import S2sLink
from rainbow_exchange.words import _

#: seconds for which a stranger's question stays a problem
STRANGER_FOR = 3600.0

_CAUSES = (
    "rainbow-authentication",
    "rainbow-unreachable",
    "rainbow-rate-limited",
    "rainbow-company-unknown",
    "rainbow-notify-refused",
    "rainbow-unexpected-answer",
    "rainbow-error",
)


class RainbowHealth:
    """Reviews the Rainbow side when asked; `pipeline` is the bridge while there is one."""

    pipeline: Pipeline | None = None

    def __init__(
        self, *, rainbow: RainbowClient, rainbow_url: str, link: RainbowLink, sso: SsoWatch, problems: Problems
    ) -> None:
        self._rainbow = rainbow
        self._sso = sso
        self._rainbow_url = rainbow_url
        self._link = link
        self._problems = problems
        self._strangers = (0, 0.0)

    def review(self, loop_time: float) -> None:
        """Open and close problems by what the parts say now; `loop_time` is the loop's."""
        why = self._cause()
        for problem_id in _CAUSES:
            if why is None or problem_id != why.id:
                self._problems.clear(problem_id)
        if why is not None:
            self._problems.report(why.id, severity="error", text=why.text, action=why.action, logged=True)
        self._review_link(signed_in=why is None)
        self._review_strangers(loop_time)
        telling.review(self.pipeline, self._problems, away=self.state()["state"] != "connected")
        self._review_company()

    def state(self) -> dict[str, str]:
        """Return state and reason of the Rainbow side: "starting", "connected", "disconnected"."""
        if cause := self._cause():
            return {"state": "disconnected", "reason": cause.text}
        if not self._link.connected:
            starting = self._link.counters.connects == 0 and self._link.error is None
            return {"state": "starting" if starting else "disconnected", "reason": self._link.reason}
        return {"state": "connected", "reason": ""}

    def cause(self) -> Cause | None:
        """Say why Rainbow, or its link, cannot be used; None while both can."""
        return self._cause() or link_cause(self._link)

    def ids(self) -> dict[str, str]:
        """Give the ids of the call that failed, by which Rainbow's support finds it; none where it was the link."""
        error = self._error()
        return {} if error is None else ids(error)

    def measures(self) -> Mapping[str, Any]:
        """Return what `metrics.render` shows of this side: numbers only, no address."""
        requests, link = self._rainbow.counters.transport, self._link
        return {
            "rainbow_connected": link.connected,
            "links_opened": link.counters.connects,
            "questions_from_strangers": link.counters.strangers,
            "questions_without_room": link.counters.overflowed,
            "questions_malformed": link.counters.malformed,
            "replies_too_long": link.counters.too_long,
            "questions_in_unknown_zones": link.counters.zones_unknown,
            "rainbow_requests": requests.requests,
            "rainbow_errors": requests.errors,
            "callbacks": link.callbacks if isinstance(link, S2sLink) else {},
        }

    @property
    def back_offs(self) -> Mapping[str, int]:
        """How often Rainbow asked to wait, by how it said so."""
        return self._rainbow.counters.transport.back_offs

    def cause_of(self, error: RainbowError) -> Cause:
        """Say what an error of this side means."""
        company_id, retry_at = self._rainbow.company_id, self._rainbow.retry_at
        return rainbow_cause(error, self._rainbow_url, company_id=company_id, retry_at=retry_at)

    def _cause(self) -> Cause | None:
        """Say why Rainbow as a whole cannot be used, by what failed first on the way to it."""
        if error := self._rainbow.refused or self._unlisted():
            return self._sso.explained(self.cause_of(error))
        if self.pipeline and (error := telling.failure(self.pipeline)):
            return notify_cause(error, self._rainbow_url, company_id=self._rainbow.company_id)
        error = self._error()
        return self.cause_of(error) if error else None

    def _unlisted(self) -> RainbowError | None:
        return self.pipeline.membership.listing.last_error if self.pipeline else None

    def _error(self) -> RainbowError | None:
        """Return what failed first on the way to it."""
        untold = telling.failure(self.pipeline) if self.pipeline else None
        not_signed_in = self._rainbow.last_error if self._rainbow.account is None else None
        return self._rainbow.refused or self._unlisted() or untold or not_signed_in

    def _review_link(self, *, signed_in: bool) -> None:
        why = link_cause(self._link) if signed_in else None
        for problem_id in link_causes.IDS:
            if why is None or problem_id != why.id:
                self._problems.clear(problem_id)
        if why is not None:
            self._problems.report(why.id, severity="error", text=why.text, action=why.action, logged=True)

        if self._link.connected and self._link.others:
            self._problems.report(
                "rainbow-second-connector",
                severity="warning",
                text=_(
                    "Other connectors are signed in to Rainbow with this connector's account: {others}.",
                    others=self._link.others,
                ),
                action=_("Stop what is not to run: Rainbow asks one of them, and this one may not be asked any more."),
            )
        else:
            self._problems.clear("rainbow-second-connector")

    def _review_strangers(self, now: float) -> None:
        link = self._link
        if link.counters.strangers != self._strangers[0]:
            self._strangers = (link.counters.strangers, now)
        if link.stranger is None or now - self._strangers[1] > STRANGER_FOR:
            self._problems.clear("rainbow-stranger-asked")
            return
        self._problems.report(
            "rainbow-stranger-asked",
            severity="warning",
            text=_(
                "Somebody at {stranger} asked for a calendar, or ordered something, and was refused: not a"
                " server of Rainbow's.",
                stranger=link.stranger,
            ),
            action=_(
                'If that is Rainbow itself, allow it: rainbow.trusted_askers = ["{stranger}"]. Everybody'
                " there may ask then.",
                stranger=link.stranger,
            ),
        )

    def _review_company(self) -> None:
        if self.pipeline and self.pipeline.membership.listing.listed and not len(self.pipeline.parts.roster):
            self._problems.report(
                "rainbow-company-empty",
                severity="warning",
                text=_(
                    "The Rainbow company {company_id} has no active users.", company_id=self._rainbow.company_id or ""
                ),
                action=_("Check rainbow.company_id, and that users are activated in Rainbow's administration."),
            )
        else:
            self._problems.clear("rainbow-company-empty")
        missing = self.pipeline.membership.listing.doubted if self.pipeline else 0
        if missing:
            self._problems.report(
                "rainbow-users-missing",
                severity="warning",
                text=_(
                    "Rainbow's list lacks {missing} users whom it had before: most of them, all at once.",
                    missing=missing,
                ),
                action=_(
                    "If they were removed, nothing has to be done: they are let go 15 minutes after it was"
                    " noticed. If not, look at the rights of the connector's account and at"
                    " rainbow.company_id."
                ),
            )
        else:
            self._problems.clear("rainbow-users-missing")
