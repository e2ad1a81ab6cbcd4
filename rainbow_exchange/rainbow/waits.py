"""How long to wait before the next try to connect, by what went wrong (pure)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rainbow_exchange.backoff import backoff
from rainbow_exchange.rainbow.errors import ConnectionEnded, RainbowError, RateLimited, SaslRefused, StreamEnded

#: A stream that lived this long has earned a quick first try again; after one that did not, each wait is longer.
_GOOD_LIFE = 10.0
#: A server that shuts down loses all its clients at once: they come back one after the other within so many seconds.
_SHUTDOWN_SPREAD = 10.0
#: Waits after somebody else took our resource (seconds): tried again at once, two connectors would throw each other
#: out for ever.
_CONFLICT_FIRST, _CONFLICT_CAP = 300.0, 3600.0
#: Waits after the server refused our password, which the next login may have changed.
_REFUSED_FIRST, _REFUSED_CAP = 60.0, 3600.0
#: Waits after the server found us to break its rules: whatever it was, the same again at once would do it again.
_POLICY_FIRST, _POLICY_CAP = 20.0, 600.0


@dataclass(slots=True)
class Waits:
    """Waits in seconds, each kind growing on its own."""

    random: Callable[[], float]
    _usual: Iterator[float] = field(init=False)
    _conflict: Iterator[float] = field(init=False)
    _refused: Iterator[float] = field(init=False)
    _policy: Iterator[float] = field(init=False)

    def __post_init__(self) -> None:
        self._usual = backoff(1, 60, random=self.random)
        self._refused = backoff(_REFUSED_FIRST, _REFUSED_CAP, random=self.random)
        self._policy = backoff(_POLICY_FIRST, _POLICY_CAP, random=self.random)
        # Never shorter than said: the jitter of `backoff` takes away, so the first wait would be half of it.
        self._conflict = _doubled(_CONFLICT_FIRST, _CONFLICT_CAP)

    def after(self, error: RainbowError, lived: float) -> float:
        """Return how long to wait after a connection that lived so many seconds (0 for none) and ended so."""
        if lived >= _GOOD_LIFE:
            self._usual = backoff(1, 60, random=self.random)
            self._refused = backoff(_REFUSED_FIRST, _REFUSED_CAP, random=self.random)
        if lived >= _POLICY_CAP:
            self._policy = backoff(_POLICY_FIRST, _POLICY_CAP, random=self.random)
        if lived >= _CONFLICT_CAP:
            self._conflict = _doubled(_CONFLICT_FIRST, _CONFLICT_CAP)
        match error:
            case StreamEnded(condition="conflict") | ConnectionEnded(condition="conflict"):
                return next(self._conflict)
            case StreamEnded(condition="system-shutdown"):
                return max(next(self._usual), 1.0 + (_SHUTDOWN_SPREAD - 1.0) * self.random())
            case StreamEnded(condition="policy-violation"):
                return next(self._policy)
            case SaslRefused(condition=condition) if condition != "temporary-auth-failure":
                return next(self._refused)
            case RateLimited(retry_after=seconds):
                return max(seconds, next(self._usual))
            case _:
                return next(self._usual)


def _doubled(first: float, cap: float) -> Iterator[float]:
    wait = first
    while True:
        yield wait
        wait = min(wait * 2, cap)
