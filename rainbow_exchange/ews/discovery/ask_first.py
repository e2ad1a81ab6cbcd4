"""Signing in only where somebody asks for it. No I/O."""

from rainbow_exchange.ews.auth import Authenticator, Flow, opened


class AskFirst:
    """Another scheme, by which nothing is said before the server has asked for credentials.

    Autodiscover begins at the company's own domain, where usually a web site is, often with somebody else: it answers
    without asking, and so it never sees a password.
    """

    def __init__(self, scheme: Authenticator) -> None:
        self._scheme = scheme

    @property
    def connection_bound(self) -> bool:
        """As the scheme."""
        return self._scheme.connection_bound

    @property
    def blocks(self) -> bool:
        """As the scheme."""
        return self._scheme.blocks

    def flow(self) -> Flow:
        """Ask without credentials; then as the scheme."""
        yield from opened()
        return (yield from self._scheme.flow())
