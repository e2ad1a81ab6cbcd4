"""When something visible was made in a mailbox, so that it can be told how long it took to be seen. Pure."""


class Made:
    """The newest visible change not seen yet, by mailbox. Times are in seconds of one clock, the caller's.

    A change that nobody saw within `keep` seconds is given up: privacy rules may hide it.
    """

    def __init__(self, keep: float = 120.0) -> None:
        self._at: dict[str, float] = {}
        self._keep = keep

    def note(self, mailbox: str, at: float) -> None:
        """Note that something was made at `at` that clients should come to see."""
        self._at[mailbox.lower()] = at

    def drop(self, mailbox: str) -> None:
        """Take a note back: it was not made after all."""
        self._at.pop(mailbox.lower(), None)

    def waiting(self) -> list[str]:
        """List the mailboxes, lower case, with a change that nobody has seen yet."""
        return list(self._at)

    def seen(self, mailbox: str, at: float) -> float | None:
        """Tell how long ago the change was made that was seen at `at`; None if none was waiting."""
        made = self._at.pop(mailbox.lower(), None)
        return None if made is None or at - made > self._keep else at - made
