"""Who claims which mailbox, and how strongly: the strongest claim has it, and of two equally strong ones neither. Pure.

Claims last until they are withdrawn, so that in whatever order they come the same user ends up with a mailbox, and
whoever was refused is known to have it once the other is gone.
"""

TAKEN = "taken"
SHARED = "shared"


class Claims:
    """The claims of all users, by mailbox."""

    def __init__(self) -> None:
        self._by_mailbox: dict[str, dict[str, int]] = {}
        self._by_user: dict[str, set[str]] = {}

    def make(self, mailbox: str, user_id: str, strength: int) -> None:
        """Note a claim, in the place of an earlier one of this user for this mailbox."""
        self._by_mailbox.setdefault(mailbox, {})[user_id] = strength
        self._by_user.setdefault(user_id, set()).add(mailbox)

    def verdict(self, mailbox: str, user_id: str, strength: int) -> str:
        """Say how a claim ends: "" where it wins, TAKEN where another is stronger, SHARED where one is its equal."""
        others = [other for who, other in self._by_mailbox.get(mailbox, {}).items() if who != user_id]
        strongest = max(others, default=-1)
        if strongest > strength:
            return TAKEN
        return SHARED if strongest == strength else ""

    def rivals(self, user_id: str) -> dict[str, set[str]]:
        """Return the mailboxes that a user claims and others do, too, with those others."""
        claimed = self._by_user.get(user_id, ())
        return {mailbox: others for mailbox in claimed if (others := set(self._by_mailbox[mailbox]) - {user_id})}

    def withdraw(self, user_id: str, *, but: str = "") -> set[str]:
        """Take back everything that a user claims, `but` one mailbox; return those whom somebody else has it now.

        That is: the users who by this have the strongest claim to a mailbox.
        """
        winners = set()
        for mailbox in self._by_user.pop(user_id, set()) - {but}:
            claims = self._by_mailbox[mailbox]
            del claims[user_id]
            if not claims:
                del self._by_mailbox[mailbox]
                continue
            strongest = max(claims.values())
            first = [who for who, strength in claims.items() if strength == strongest]
            if len(first) == 1:
                winners.add(first[0])
        if but and user_id in self._by_mailbox.get(but, {}):
            self._by_user[user_id] = {but}
        return winners
