"""Answers that come again, byte for byte, to what is asked again and again: they need not be read again. Pure."""

import hashlib
from typing import Generic, TypeVar

R = TypeVar("R")


class Repeat(Generic[R]):
    """Whether the answer to one request is the one that was `known` by its digest; then `stands_for_it` is returned.

    `digest` and `server_version` are of the answer that came. Whoever asks keeps them beside what was read, once it was
    read: an answer that is refused, or that cannot be read, is never known.
    """

    def __init__(self, stands_for_it: R, *, known: bytes = b"", server_version: str | None = None) -> None:
        self.stands_for_it = stands_for_it
        self.digest = b""
        self.server_version = server_version
        self.unchanged = False
        self._known = known

    def came(self, answer: bytes) -> bool:
        """Take note of a whole answer, and tell whether it is unchanged."""
        self.digest = hashlib.sha256(answer, usedforsecurity=False).digest()
        self.unchanged = self.digest == self._known
        return self.unchanged
