"""Who claims which mailbox, and how strongly: the strongest claim has it, and of two equally strong ones neither. Pure.

Claims last until they are withdrawn, so that in whatever order they come the same user ends up with a mailbox, and
whoever was refused is known to have it once the other is gone.
"""

TAKEN = "taken"
SHARED = "shared"


class Claims:
    """The claims of all users, by mailbox. As a rule each has one, so that a pair is kept of it and no container."""

    def __init__(self) -> None:
        #: who claims it, and how strongly
        self._by_mailbox: dict[str, tuple[tuple[str, int], ...]] = {}
        self._by_user: dict[str, tuple[str, ...]] = {}

    def make(self, mailbox: str, user_id: str, strength: int) -> None:
        """Note a claim, in the place of an earlier one of this user for this mailbox."""
        self._by_mailbox[mailbox] = (*self._others(mailbox, user_id), (user_id, strength))
        claimed = self._by_user.get(user_id, ())
        if mailbox not in claimed:
            self._by_user[user_id] = (*claimed, mailbox)

    def verdict(self, mailbox: str, user_id: str, strength: int) -> str:
        """Say how a claim ends: "" where it wins, TAKEN where another is stronger, SHARED where one is its equal."""
        strongest = max((other for _, other in self._others(mailbox, user_id)), default=-1)
        if strongest > strength:
            return TAKEN
        return SHARED if strongest == strength else ""

    def rivals(self, user_id: str) -> dict[str, set[str]]:
        """Return the mailboxes that a user claims and others do, too, with those others."""
        claimed = self._by_user.get(user_id, ())
        return {
            mailbox: {who for who, _ in others} for mailbox in claimed if (others := self._others(mailbox, user_id))
        }

    def withdraw(self, user_id: str, *, but: str = "") -> set[str]:
        """Take back everything that a user claims, `but` one mailbox; return those whom somebody else has it now.

        That is: the users who by this have the strongest claim to a mailbox.
        """
        winners = set()
        claimed = self._by_user.pop(user_id, ())
        for mailbox in claimed:
            if mailbox == but:
                self._by_user[user_id] = (but,)
                continue
            claims = self._others(mailbox, user_id)
            if not claims:
                del self._by_mailbox[mailbox]
                continue
            self._by_mailbox[mailbox] = claims
            strongest = max(strength for _, strength in claims)
            first = [who for who, strength in claims if strength == strongest]
            if len(first) == 1:
                winners.add(first[0])
        return winners

    def _others(self, mailbox: str, user_id: str) -> tuple[tuple[str, int], ...]:
        return tuple(claim for claim in self._by_mailbox.get(mailbox, ()) if claim[0] != user_id)
