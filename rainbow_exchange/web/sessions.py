"""Who has signed in to the local page: codes that let in once, and the sessions that they become. Pure.

A code goes through a terminal and a browser's history, so it is worth nothing after its use, or after ten minutes; the
token of `runtime` never does. Kept are digests only, and both end with the process.
"""

import hashlib
import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rainbow_exchange.web.rates import Allowance

#: seconds that a code is good for, a session at most, and a session that nobody uses
CODE_LASTS, SESSION_LASTS, IDLE_LASTS = 600.0, 12 * 3600.0, 3600.0
#: of each that count at a time; the oldest code goes when there are more, and the session unused for longest
_CODES, _SESSIONS = 16, 100
#: refusals a minute that are told from each other; the others are only sent away
_REFUSALS, _MINUTE = 10, 60.0
#: what a session may look at and change: at once, and then by the second
LOOKS, CHANGES = (200, 20.0), (30, 1.0)
#: the same for all who have not signed in, together
STRANGERS = (60, 5.0)


@dataclass(slots=True, eq=False)
class Session:
    """Of somebody who has signed in: how long it lasts, and how often more may be asked and changed."""

    until: float
    idle_until: float
    looks: Allowance
    changes: Allowance


class Sessions:
    """The codes and sessions of one process; `clock` gives seconds that only go on."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._codes: dict[bytes, float] = {}
        self._sessions: dict[bytes, Session] = {}
        self._refused: deque[float] = deque(maxlen=_REFUSALS)
        #: how often whoever has not signed in may ask
        self.strangers = Allowance(*STRANGERS, clock)

    def mint(self) -> str:
        """Make a code."""
        made = secrets.token_urlsafe(32)
        self._codes[_digest(made)] = self._clock() + CODE_LASTS
        if len(self._codes) > _CODES:
            del self._codes[next(iter(self._codes))]
        return made

    def redeem(self, code: str) -> str | None:
        """Make a session of a code, which is used up by that; None where it is none, or no more."""
        now = self._clock()
        for digest in [digest for digest, until in self._codes.items() if until <= now]:
            del self._codes[digest]
        found = _find(self._codes, code)
        if found is None:
            self._refused.append(now)
            return None
        del self._codes[found]
        made = secrets.token_urlsafe(32)
        self._forget_old(now)
        if len(self._sessions) >= _SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        self._sessions[_digest(made)] = Session(
            now + SESSION_LASTS, now + IDLE_LASTS, Allowance(*LOOKS, self._clock), Allowance(*CHANGES, self._clock)
        )
        return made

    def find(self, session: str) -> Session | None:
        """Give a session, which is in use by that; None where it is none, or no more."""
        now = self._clock()
        self._forget_old(now)
        digest = _find(self._sessions, session)
        if digest is None:
            return None
        found = self._sessions.pop(digest)
        found.idle_until = now + IDLE_LASTS
        self._sessions[digest] = found  # the last now of those that go when there are too many
        return found

    def knows(self, session: str) -> bool:
        """Whether this is a session, which is in use by that."""
        return self.find(session) is not None

    def end(self, session: str) -> None:
        """Have it be none any more."""
        if (digest := _find(self._sessions, session)) is not None:
            del self._sessions[digest]

    def too_many_refused(self) -> bool:
        """Whether somebody is trying codes out. Whoever has a good one is let in all the same."""
        return len(self._refused) == _REFUSALS and self._clock() - self._refused[0] < _MINUTE

    def _forget_old(self, now: float) -> None:
        over = [digest for digest, each in self._sessions.items() if min(each.until, each.idle_until) <= now]
        for digest in over:
            del self._sessions[digest]


def _find(kept: Mapping[bytes, object], given: str) -> bytes | None:
    """Find what was given; how long that takes says nothing of what is kept."""
    wanted = _digest(given)
    return next(iter([digest for digest in kept if hmac.compare_digest(digest, wanted)]), None)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
