"""What an autodiscover server can say about one mailbox, whichever of its two protocols it said it in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Where the mailbox's EWS is. `grouping` is GroupingInformation: only mailboxes of one value may share a stream."""

    internal_url: str | None = None
    external_url: str | None = None
    grouping: str | None = None

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses of EWS, the one for the company's own network first: that is where we are."""
        return tuple(dict.fromkeys(url for url in (self.internal_url, self.external_url) if url))

    @property
    def group_key(self) -> str:
        """What mailboxes that may share a stream have in common (protocols page on EWS §3)."""
        return f"{(self.external_url or self.internal_url or '').lower()}|{self.grouping or ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectAddress:
    """Ask again with this mail address instead."""

    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectUrl:
    """Ask again at this web address instead."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotHere:
    """This server knows nothing of the mailbox; `code` is its ErrorCode."""

    code: str


Outcome = Located | RedirectAddress | RedirectUrl | NotHere
