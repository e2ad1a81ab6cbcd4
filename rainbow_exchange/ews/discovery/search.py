"""One search for the EWS of a mailbox: what was tried with what result, what is not followed, when to stop. Pure."""

from dataclasses import dataclass, field

from rainbow_exchange.ews.errors import EwsAuthenticationError
from rainbow_exchange.words import _

#: redirects that one search follows
MOST_REDIRECTS = 10
#: servers that may refuse the credentials before it is left at that: each refusal counts against the account
MOST_REFUSALS = 2


@dataclass(frozen=True, slots=True)
class Attempt:
    """One place that was asked, and what came of it, for a person to read."""

    place: str
    result: str

    def __str__(self) -> str:
        return _("{place}: {result}", place=self.place, result=self.result)


@dataclass(slots=True)
class Search:
    """What is known while a search goes on."""

    attempts: list[Attempt] = field(default_factory=list)
    blocked_hosts: list[str] = field(default_factory=list)
    answered: bool = False  # some server said something of the mailbox
    refused_hosts: list[str] = field(default_factory=list)
    refusal: EwsAuthenticationError | None = None
    _redirects: int = 0
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def note(self, place: str, result: str) -> None:
        """Take down what came of asking."""
        self.attempts.append(Attempt(place, result))

    def block(self, place: str, host: str, what: str) -> None:
        """Take down that `what` leads to a host that may not be told the password."""
        if host not in self.blocked_hosts:
            self.blocked_hosts.append(host)
        self.note(place, _("{what} the host {host}, which is not allowed", what=what, host=host))

    def refuse(self, host: str, error: EwsAuthenticationError) -> None:
        """Take down that a host refused the credentials."""
        self.refused_hosts.append(host)
        self.refusal = error

    @property
    def exhausted(self) -> bool:
        """Whether so many servers have refused the credentials that no other may be asked."""
        return len(self.refused_hosts) >= MOST_REFUSALS

    def objection(self, target: str, address: str) -> str | None:
        """Say why a redirect to `target` ("" for another address) is not followed; None: it is, and counts."""
        if (target, address) in self._seen:
            return _("which was asked already")
        self._redirects += 1
        if self._redirects > MOST_REDIRECTS:
            return _("which is one redirect too many: {number} were followed already", number=MOST_REDIRECTS)
        self.see(target, address)
        return None

    def see(self, target: str, address: str) -> None:
        """Take down where one is, so that coming back is noticed."""
        self._seen.add((target, address))
