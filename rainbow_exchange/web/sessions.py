"""Who has signed in to the local page: codes that let in once, and the sessions that they become. Pure.

A code goes through a terminal and a browser's history, so it is worth nothing after its use, or after ten minutes; the
token of `runtime` never does. Kept are digests only, and both end with the process.
"""

import hashlib
import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable

#: seconds that a code and a session are good for
CODE_LASTS, SESSION_LASTS = 600.0, 12 * 3600.0
#: of each that count at a time; the oldest goes when there are more
_CODES, _SESSIONS = 16, 100
#: refusals a minute that are told from each other; the others are only sent away
_REFUSALS, _MINUTE = 10, 60.0


class Sessions:
    """The codes and sessions of one process; `clock` gives seconds that only go on."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._codes: dict[bytes, float] = {}
        self._sessions: dict[bytes, float] = {}
        self._refused: deque[float] = deque(maxlen=_REFUSALS)

    def mint(self) -> str:
        """Make a code."""
        return self._keep(self._codes, _CODES, CODE_LASTS)

    def redeem(self, code: str) -> str | None:
        """Make a session of a code, which is used up by that; None where it is none, or no more."""
        digest = self._find(self._codes, code)
        if digest is None:
            self._refused.append(self._clock())
            return None
        del self._codes[digest]
        return self._keep(self._sessions, _SESSIONS, SESSION_LASTS)

    def knows(self, session: str) -> bool:
        """Whether this is a session."""
        return self._find(self._sessions, session) is not None

    def too_many_refused(self) -> bool:
        """Whether somebody is trying codes out. Whoever has a good one is let in all the same."""
        return len(self._refused) == _REFUSALS and self._clock() - self._refused[0] < _MINUTE

    def _keep(self, kept: dict[bytes, float], most: int, lasts: float) -> str:
        made = secrets.token_urlsafe(32)
        kept[_digest(made)] = self._clock() + lasts
        if len(kept) > most:
            del kept[next(iter(kept))]
        return made

    def _find(self, kept: dict[bytes, float], given: str) -> bytes | None:
        """Find what was given; how long that takes says nothing of what is kept."""
        for digest in [digest for digest, until in kept.items() if until <= self._clock()]:
            del kept[digest]
        wanted = _digest(given)
        return next(iter([digest for digest in kept if hmac.compare_digest(digest, wanted)]), None)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
