"""Says where a level of privacy cannot be guaranteed, and which exception concerns nobody."""

from rainbow_exchange.bridge.people import NAMED, name_of
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.privacy import Privacy
from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.bridge.read_mode import Mode
from rainbow_exchange.bridge.roster import Member
from rainbow_exchange.network.shown import few

#: seconds between two looks at everybody
EVERY = 30.0


class PrivacyReview:
    """Opens and closes these problems when asked, by a look at everybody now and then."""

    def __init__(self, pipeline: Pipeline, problems: Problems) -> None:
        self._pipeline = pipeline
        self._problems = problems
        self._looked_at = float("-inf")

    def review(self) -> None:
        """Look, if it is time and everybody is listed."""
        now = self._pipeline.parts.loop_time()
        if now - self._looked_at >= EVERY and self._pipeline.membership.listing.listed:
            self._looked_at = now
            self._review_sensitivities()
            self._review_patterns()

    def _review_sensitivities(self) -> None:
        """Availability tells private appointments apart, and no other sensitivity."""
        doubtful = [member for member in self._pipeline.parts.roster if self._is_doubtful(member)]
        if not doubtful:
            self._problems.clear("mailboxes-confidential-unknown")
            return
        masks_personal = self._pipeline.parts.answers.view.privacy.rules.mask_personal
        what = "Confidential or Personal" if masks_personal else "Confidential"
        self._problems.report(
            "mailboxes-confidential-unknown",
            severity="notice",
            text=f"The calendars of {len(doubtful)} user(s) are read by free/busy, which tells what is Private, but not"
            f" what is {what}; Rainbow is told the subjects of such appointments: {few(doubtful, NAMED, name_of)}.",
            action=f"{self._remedy()}, so that calendars are read as their owners; or set busy-only for these users in"
            " bridge.privacy_exceptions.",
        )

    def _remedy(self) -> str:
        if self._pipeline.parts.options.impersonation:
            return (
                "Let the account impersonate these users, too (rainbow-exchange throttling-policy print has the lines)"
            )
        return "Give the account ApplicationImpersonation and set exchange.impersonation = true"

    def _is_doubtful(self, member: Member) -> bool:
        parts, mailbox = self._pipeline.parts, member.mailbox
        if mailbox is None or parts.reader.mode(mailbox.address) is not Mode.BATCHED:
            return False
        agenda = parts.reader.last(mailbox.address)
        masked = parts.answers.view.privacy.at(mailbox.address) is Privacy.PRIVATE_MASKED
        return masked and agenda is not None and agenda.detailed is True

    def _review_patterns(self) -> None:
        unmatched = self._pipeline.parts.answers.view.privacy.unmatched()
        if not unmatched or self._pipeline.membership.enrolment.waiting():
            self._problems.clear("settings-privacy-unmatched")
            return
        self._problems.report(
            "settings-privacy-unmatched",
            severity="notice",
            text=f"Nobody who has a mailbox matches in bridge.privacy_exceptions: {few(unmatched, NAMED)}.",
            action="Look for a typing error. A pattern with * matches primary addresses, and those that Rainbow has of"
            " people, but no alias that only Exchange knows. Or take it out.",
        )
