"""Who has trouble, and which: kept as members come to stand where they stand, so that nobody goes over everybody. Pure.

`note` is to be called whenever a member's coverage, reason or failures are others than before.
"""

from collections import Counter
from typing import NamedTuple

from rainbow_exchange.bridge.claims import SHARED, TAKEN
from rainbow_exchange.bridge.member import Coverage, Member

#: how often in a row a mailbox is refused for a reason that may pass until people should know
POSTPONED_OFTEN = 3

#: two users claim the same mailbox
CONTESTED = frozenset({TAKEN, SHARED})
_WITHOUT = frozenset({"no-address", "no-mailbox"})
_IMPERSONATION = frozenset({"ErrorImpersonateUserDenied", "ErrorImpersonationDenied", "ErrorImpersonationFailed"})
_DISABLED = frozenset({"ErrorAccountDisabled", "ErrorPasswordExpired", "ErrorMailboxConfiguration"})
_NOBODY = frozenset({"ErrorNonExistentMailbox", "ErrorInvalidSmtpAddress", "ErrorMailRecipientNotFound"})
_REFUSED = frozenset(
    {
        "ErrorMissingEmailAddress",
        "ErrorInvalidExchangeImpersonationHeaderData",
        "ErrorSchemaValidation",
        "ErrorInvalidRequest",
        "ErrorInvalidServerVersion",
        "ErrorInvalidSubscriptionRequest",
    }
)
_BY_CODE = {
    "no-address": "user-without-address",
    "no-mailbox": "mailbox-not-found",
    **dict.fromkeys(CONTESTED, "mailbox-shared"),
    **dict.fromkeys(_IMPERSONATION, "mailbox-impersonation-denied"),
    **dict.fromkeys(_DISABLED, "mailbox-disabled"),
    **dict.fromkeys(_NOBODY, "mailbox-not-found"),
    **dict.fromkeys(_REFUSED, "mailbox-refused"),
}


def problem_of(reason: str) -> str:
    """Give the id of the problem of whoever has no mailbox for this reason."""
    return _BY_CODE.get(reason, "mailbox-denied")


def trouble_of(member: Member) -> str:
    """Give the id of the problem that somebody has, "" for none."""
    if member.coverage is Coverage.FAILED:
        return problem_of(member.reason)
    return "mailbox-postponed" if is_postponed(member) else ""


def is_postponed(member: Member) -> bool:
    """Whether a mailbox was refused again and again for a reason that may pass."""
    return member.coverage is Coverage.PENDING and member.failures >= POSTPONED_OFTEN


class _Standing(NamedTuple):
    problem: str
    postponed: str | None  # why
    without: bool
    failing: bool


class Standings:
    """Those who are to be found without a look at everybody.

    `uncovered` are those without a mailbox, `troubled` those with a problem, by its id; `failing` is how many were
    refused for a reason that may pass when they were tried last.
    """

    def __init__(self) -> None:
        self.uncovered: dict[str, Member] = {}
        self.troubled: dict[str, dict[str, Member]] = {}
        self.failing = 0
        self._stood: dict[str, _Standing] = {}  # of those who are uncovered
        self._postponed: Counter[str] = Counter()
        self._without = 0

    def note(self, member: Member) -> None:
        """Take account of where a member stands now."""
        self.forget(member)
        if member.coverage is Coverage.COVERED:
            return
        user_id, problem = member.user.id, trouble_of(member)
        postponed = member.reason if is_postponed(member) else None
        without = member.coverage is Coverage.FAILED and member.reason in _WITHOUT
        self._stood[user_id] = _Standing(problem, postponed, without, member.failures > 0)
        self.uncovered[user_id] = member
        if problem:
            self.troubled.setdefault(problem, {})[user_id] = member
        if postponed is not None:
            self._postponed[postponed] += 1
        self._without += without
        self.failing += member.failures > 0

    def forget(self, member: Member) -> None:
        """Drop a member."""
        user_id = member.user.id
        stood = self._stood.pop(user_id, None)
        if stood is None:
            return
        del self.uncovered[user_id]
        if stood.problem:
            del self.troubled[stood.problem][user_id]
            if not self.troubled[stood.problem]:
                del self.troubled[stood.problem]
        if stood.postponed is not None:
            self._postponed[stood.postponed] -= 1
            if not self._postponed[stood.postponed]:
                del self._postponed[stood.postponed]
        self._without -= stood.without
        self.failing -= stood.failing

    def refused_to_all(self, people: int) -> str | None:
        """Give the ResponseCode with which Exchange refuses all of so many `people` who have a mailbox.

        None while it serves anyone.
        """
        if len(self._postponed) != 1 or self._postponed.total() + self._without != people:
            return None
        return next(iter(self._postponed))
