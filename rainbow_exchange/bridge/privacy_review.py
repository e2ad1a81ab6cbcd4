"""Says where a level of privacy cannot be guaranteed, and which exception concerns nobody."""

from collections.abc import Generator
from dataclasses import dataclass

from rainbow_exchange.bridge.people import NAMED, name_of
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.privacy import Privacy
from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.bridge.read_mode import Mode
from rainbow_exchange.bridge.roster import Member
from rainbow_exchange.bridge.turns import Turns, in_turns
from rainbow_exchange.network.shown import few, users
from rainbow_exchange.words import _

#: seconds from the beginning of a look at everybody to that of the next, which of many is made a part at a time
EVERY = 30.0


@dataclass(frozen=True, slots=True)
class _Found:
    doubtful: list[Member]
    unmatched: list[str]


class PrivacyReview:
    """Opens and closes these problems when asked, by a look at everybody now and then."""

    def __init__(self, pipeline: Pipeline, problems: Problems) -> None:
        self._pipeline = pipeline
        self._problems = problems
        self._looked_at = float("-inf")
        self._looks = Turns(self._look, _Found([], []))

    def review(self) -> None:
        """Look, if it is time and everybody is listed."""
        now = self._pipeline.parts.loop_time()
        due = now - self._looked_at >= EVERY and self._pipeline.membership.listing.listed
        if not (due or self._looks.under_way):
            return
        if not self._looks.under_way:
            self._looked_at = now
        found = self._looks.turn()
        if not self._looks.under_way:
            self._review_sensitivities(found.doubtful)
            self._review_patterns(found.unmatched)

    def _look(self) -> Generator[None, None, "_Found"]:
        """Find those whose level cannot be guaranteed, and the patterns that match nobody."""
        privacy = self._pipeline.parts.answers.view.privacy
        doubtful: list[Member] = []
        unmatched = dict.fromkeys(privacy.rules.patterns)
        for some, more in in_turns(self._pipeline.parts.roster):
            doubtful += filter(self._is_doubtful, some)
            privacy.strike_matched(unmatched, some)
            if more:
                yield
        return _Found(doubtful, list(unmatched))

    def _review_sensitivities(self, doubtful: list[Member]) -> None:
        """Availability tells private appointments apart, and no other sensitivity."""
        if not doubtful:
            self._problems.clear("mailboxes-confidential-unknown")
            return
        masks_personal = self._pipeline.parts.answers.view.privacy.rules.mask_personal
        what = _("Confidential or Personal") if masks_personal else "Confidential"
        self._problems.report(
            "mailboxes-confidential-unknown",
            severity="notice",
            text=_(
                "The calendars of {users} are read by free/busy, which tells what is Private, but"
                " not what is {what}; Rainbow is told the subjects of such appointments: {doubtful}.",
                users=users(len(doubtful)),
                what=what,
                doubtful=few(doubtful, NAMED, name_of),
            ),
            action=_(
                "{remedy}, so that calendars are read as their owners; or set busy-only for these users in"
                " bridge.privacy_exceptions.",
                remedy=self._remedy(),
            ),
        )

    def _remedy(self) -> str:
        if self._pipeline.parts.options.impersonation:
            return _(
                "Let the account impersonate these users, too (rainbow-exchange throttling-policy print has the lines)"
            )
        return _("Give the account ApplicationImpersonation and set exchange.impersonation = true")

    def _is_doubtful(self, member: Member) -> bool:
        parts, mailbox = self._pipeline.parts, member.mailbox
        entry = None if mailbox is None else parts.reader.entry(mailbox.address)
        if entry is None or entry.agenda is None or entry.agenda.detailed is not True:
            return False
        masked = parts.answers.view.privacy.at(entry.mailbox.address) is Privacy.PRIVATE_MASKED
        return masked and entry.mode.current is Mode.BATCHED

    def _review_patterns(self, unmatched: list[str]) -> None:
        if not unmatched or self._pipeline.membership.enrolment.waiting():
            self._problems.clear("settings-privacy-unmatched")
            return
        self._problems.report(
            "settings-privacy-unmatched",
            severity="notice",
            text=_(
                "Nobody who has a mailbox matches in bridge.privacy_exceptions: {unmatched}.",
                unmatched=few(unmatched, NAMED),
            ),
            action=_(
                "Look for a typing error. A pattern with * matches primary addresses, and those that Rainbow"
                " has of people, but no alias that only Exchange knows. Or take it out."
            ),
        )
