"""Who may ask about people's calendars: an IQ to our full JID can come from anyone the server routes for (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from rainbow_exchange.rainbow.assumed import ASKER_LOCAL_PART_PREFIX


@dataclass(frozen=True, slots=True)
class Jid:
    """An XMPP address in its parts, local part and domain in lower case; "" for a part that is not there."""

    local: str
    domain: str
    resource: str = ""

    @classmethod
    def read(cls, text: str) -> Self:
        """Take apart (RFC 7622 section 3.2): the resource begins at the first slash, the domain after the first @."""
        bare, _, resource = text.partition("/")
        local, at, domain = bare.partition("@")
        if not at:
            local, domain = "", bare
        return cls(local.casefold(), domain.casefold().rstrip("."), resource)

    @property
    def bare(self) -> str:
        """The address without its resource."""
        return f"{self.local}@{self.domain}" if self.local else self.domain


def may_ask(sender: str, account: Jid, trusted: Sequence[str] | None) -> bool:
    """Whether `sender` may ask, when we are `account`.

    Always: a sender without local part on our domain or below it (Rainbow's own servers), and `pcloud_*` on our domain
    itself. Besides, those of `trusted`: a bare JID admits that one, a domain everybody on it.
    No sender at all is our own server (RFC 6120 section 8.1.2.1).
    """
    if not sender:
        return True
    asker = Jid.read(sender)
    admitted = {Jid.read(entry).bare for entry in trusted or ()}
    if asker.bare in admitted or asker.domain in admitted:
        return True
    if asker.local:
        return asker.local.startswith(ASKER_LOCAL_PART_PREFIX) and asker.domain == account.domain
    return asker.domain == account.domain or asker.domain.endswith("." + account.domain)
